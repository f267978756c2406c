//! The whole program, in two ways.
//!
//! In one process, `app` behind an in-process transport, against the simulator, under paused time: no sockets and
//! no waiting, but for the modules that say so. And as a process of its own, driven over real sockets.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "test code"
)]

mod world;

mod ahead;
mod batch;
mod cache;
mod collections;
mod connect;
mod contained;
mod crowd;
mod dashboards;
mod deny;
mod encoded;
mod explore;
mod faults;
mod forms;
mod havoc;
mod heavy;
mod home;
mod keys;
mod lane;
mod large;
mod long;
mod metrics;
mod moving;
mod operator;
mod patience;
mod progress;
mod promise;
mod rules;
mod stale;
mod stored;
mod tokens;
mod validators;
mod warm;

mod process;
mod upstream;
mod wire;

mod background;
mod batch_wire;
mod binary;
mod check;
mod failing;
mod giant;
mod health;
mod init;
mod links;
mod logs;
mod proxies;
mod restart;
mod secrets;
mod security;
mod silent;
mod socket;
#[cfg(unix)]
mod stop;
#[cfg(target_os = "linux")]
mod supervised;
mod tls;
#[cfg(feature = "otel")]
mod traces;

mod tidy;
