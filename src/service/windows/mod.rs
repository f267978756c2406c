//! The program as a service of Windows: installed, removed, asked how it is, run by the service manager.
//!
//! What is decided is here and in `install` and `stage`, and is the same on every platform, so that it can be tested on every
//! platform; `system` carries it out, and `elsewhere` says that there is no such thing. What the service does is the
//! caller's: here is known a [`Job`] that it starts and tells to stop.

#[cfg(not(windows))]
mod elsewhere;
mod error;
mod install;
mod stage;
#[cfg(windows)]
mod system;

#[cfg(not(windows))]
use self::elsewhere as platform;
#[cfg(windows)]
use self::system as platform;

pub use self::error::ServiceError;
pub use self::install::{Access, Account, FAILURES_FORGOTTEN, Installation, RESTARTS};
pub use self::stage::{Job, Manager, Report, Stage};

/// What there is to know of the installed service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Whether it runs, and does not only start or stop.
    pub runs: bool,
    /// Its state, in a word or two.
    pub state: &'static str,
    /// Its process, if there is one.
    pub process: Option<u32>,
    /// The command line that the service manager starts.
    pub command: String,
    /// The account that it runs under.
    pub account: String,
}

/// Installs the service. It is not started.
pub fn install(installation: &Installation) -> Result<(), ServiceError> {
    platform::install(installation)
}

/// Stops the service and removes it; settings, data and logs stay. When it still runs, it is gone once it has stopped.
pub fn uninstall() -> Result<(), ServiceError> {
    platform::uninstall()
}

/// How the installed service is.
pub fn status() -> Result<Status, ServiceError> {
    platform::status()
}

/// Runs `job` as the service: only the service manager can start a process for which this works. Returns when the
/// service has stopped.
pub fn run(job: Job) -> Result<(), ServiceError> {
    platform::run(job)
}

/// The service's name, which is also the name of its virtual account and of its source of events.
pub const NAME: &str = "citrix-odata-proxy";
