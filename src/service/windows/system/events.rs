//! The event log of Windows.

use std::io;
use std::sync::{Mutex, PoisonError};

use tracing::Level;
use windows_registry::LOCAL_MACHINE;
use winsafe::guard::DeregisterEventSourceGuard;
use winsafe::{HEVENTLOG, SysResult, co};

use crate::service::{NAME, ServiceError};
use crate::telemetry::Notices;

/// Our place in the log "Application", for one thread at a time.
pub(super) struct Events(Mutex<DeregisterEventSourceGuard>);

impl Events {
    /// Opens it. A source that is not in the registry works, too: its events say less nicely what they say.
    pub(super) fn open() -> SysResult<Self> {
        HEVENTLOG::RegisterEventSource(None, NAME)
            .map(Mutex::new)
            .map(Self)
    }
}

impl Notices for Events {
    fn take(&self, level: Level, text: &str) {
        let (kind, event) = match level {
            Level::ERROR => (co::EVENTLOG::ERROR_TYPE, 3),
            Level::WARN => (co::EVENTLOG::WARNING_TYPE, 2),
            _ => (co::EVENTLOG::INFORMATION_TYPE, 1),
        };
        let text = beginning(text);
        // When it fails there is nowhere else: the same line is in the log files.
        let place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = place.ReportEvent(kind, 0, event, None, &[text], &[]);
        taken.unwrap_or_default();
    }
}

/// As much of `text` as an event takes.
fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_BYTES_MAX))
        .unwrap_or_default()
}

/// Enters our source of events in the registry, so that the event viewer shows the text as it is.
pub(super) fn register() -> Result<(), ServiceError> {
    let enter = || {
        let source = LOCAL_MACHINE.create(format!(r"{SOURCES}\{NAME}"))?;
        source.set_expand_string("EventMessageFile", MESSAGES)?;
        // Errors, warnings and information.
        source.set_u32("TypesSupported", 7)
    };
    enter().map_err(|error| ServiceError::Events(error.into()))
}

/// Takes it out again. One that is not there is no error.
pub(super) fn deregister() -> Result<(), ServiceError> {
    let remove = || LOCAL_MACHINE.create(SOURCES)?.remove_tree(NAME);
    match remove().map_err(io::Error::from) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ServiceError::Events(error)),
        _ => Ok(()),
    }
}

const SOURCES: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application";

/// A program of Windows whose messages 1 to 1000 are the text that they are given.
const MESSAGES: &str = r"%SystemRoot%\System32\EventCreate.exe";

/// Windows takes 31,839 characters.
const TEXT_BYTES_MAX: usize = 30_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_not_too_long() {
        assert_eq!(beginning("short"), "short");
        let long = "é".repeat(TEXT_BYTES_MAX);
        assert_eq!(beginning(&long).len(), TEXT_BYTES_MAX);
        assert_eq!(beginning(&format!("a{long}")).len(), TEXT_BYTES_MAX - 1);
    }
}
