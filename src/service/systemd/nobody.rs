//! A platform without a service manager that wants to be told anything.

use std::io;
use std::time::Duration;

use super::News;

/// Nobody hears it.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
pub(super) fn tell(_news: &[News]) -> io::Result<()> {
    Ok(())
}

/// Nobody waits for a sign of life.
pub(super) fn watchdog() -> Option<Duration> {
    None
}
