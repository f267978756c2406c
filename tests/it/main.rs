//! The whole program in one process: `app` behind an in-process transport, against the simulator, under paused
//! time. No sockets and no waiting, but for the modules that say so.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "test code"
)]

mod cache;
mod collections;
mod deny;
mod faults;
mod havoc;
mod keys;
mod lane;
mod tidy;
mod tokens;
mod world;
