//! Services of Windows, carried out: the service manager, the event log, the registry, access rights.

mod events;
mod folders;
mod manage;
mod run;

pub(super) use self::manage::{install, status, uninstall};
pub(super) use self::run::run;

use std::io;

use windows_service::Error;

use super::ServiceError;

/// What the service manager said when it was asked to do `what`.
fn refused(what: &'static str) -> impl FnOnce(Error) -> ServiceError {
    move |error| {
        let source = match error {
            Error::Winapi(source) => source,
            other => io::Error::other(other),
        };
        ServiceError::Manager { what, source }
    }
}
