//! The whole program in one process: `app` behind an in-process transport, against the simulator, under paused
//! time. No sockets and no waiting, but for the modules that say so.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "test code"
)]

mod collections;
mod deny;
mod faults;
mod keys;
mod world;
