//! Being a service: what the system's service manager is told of the program, and what it orders.
//!
//! There are two ways to be started. systemd starts a plain `serve` and only wants to hear how it does, so [`tell`] and
//! [`keep_alive`] may be called wherever the program runs. Windows has a service installed first, and calls it back, so
//! [`run`] is given a [`Job`]. Both are there on every platform: without systemd nobody is told anything, without Windows
//! there is a [`ServiceError`], so that no caller asks which platform it is.

mod systemd;
mod windows;

pub use self::systemd::{News, keep_alive, tell};
pub use self::windows::{
    Access, Account, FAILURES_FORGOTTEN, Installation, Job, Manager, NAME, RESTARTS, Report,
    ServiceError, Stage, Status, install, run, status, uninstall,
};
