//! Where there are no services of Windows.

use super::{Installation, Job, ServiceError, Status};

pub(super) fn install(_: &Installation) -> Result<(), ServiceError> {
    Err(ServiceError::Elsewhere)
}

pub(super) fn uninstall() -> Result<(), ServiceError> {
    Err(ServiceError::Elsewhere)
}

pub(super) fn status() -> Result<Status, ServiceError> {
    Err(ServiceError::Elsewhere)
}

pub(super) fn run(_: Job) -> Result<(), ServiceError> {
    Err(ServiceError::Elsewhere)
}
