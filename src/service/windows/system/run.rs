//! The service's process, from its start by the service manager to its end.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use windows_service::define_windows_service;
use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{
    self, ServiceControlHandlerResult, ServiceStatusHandle,
};
use windows_service::service_dispatcher;

use super::events::Events;
use super::refused;
use crate::service::{Job, Manager, NAME, Report, ServiceError, Stage};
use crate::telemetry::Notices;

/// What the service does, for the function that the service manager calls, which takes nothing of ours.
static JOB: Mutex<Option<Job>> = Mutex::new(None);

pub(crate) fn run(job: Job) -> Result<(), ServiceError> {
    *JOB.lock().unwrap_or_else(PoisonError::into_inner) = Some(job);
    service_dispatcher::start(NAME, service_main).map_err(refused("run the service"))
}

define_windows_service!(service_main, serve);

/// Called by the service manager on a thread of its own. The arguments are those of the command that started the service
/// by hand; ours are the process's.
fn serve(_: Vec<OsString>) {
    let Some(job) = JOB.lock().unwrap_or_else(PoisonError::into_inner).take() else {
        return;
    };
    let line = Arc::new(Line::default());
    let events = Events::open().ok();
    let notices = events.map(|events| Arc::new(events) as Arc<dyn Notices>);
    let (manager, signals) = {
        // The manager needs the line, and the line's other end the manager.
        let heard: Arc<OnceLock<Manager>> = Arc::default();
        let told = Arc::clone(&heard);
        let handler = move |control| hear(control, told.get());
        let Ok(handle) = service_control_handler::register(NAME, handler) else {
            return;
        };
        line.0.get_or_init(|| handle);
        let (manager, signals) = Manager::new(line, notices);
        heard.get_or_init(|| manager.clone());
        (manager, signals)
    };
    let code = job(manager.clone(), signals);
    manager.stopped(code);
}

/// What the service manager says while the service runs.
fn hear(control: ServiceControl, manager: Option<&Manager>) -> ServiceControlHandlerResult {
    let from = match control {
        ServiceControl::Interrogate => return ServiceControlHandlerResult::NoError,
        ServiceControl::Stop => "the service manager",
        // Windows waits for a few seconds at most, however long draining would take.
        ServiceControl::Shutdown => "Windows is shutting down",
        _ => return ServiceControlHandlerResult::NotImplemented,
    };
    if let Some(manager) = manager {
        manager.stop(from);
    }
    ServiceControlHandlerResult::NoError
}

/// The line to the service manager.
#[derive(Default)]
struct Line(OnceLock<ServiceStatusHandle>);

impl Report for Line {
    fn report(&self, stage: Stage) {
        if let Some(handle) = self.0.get() {
            // It knows that the process is there, and finds out by itself when it is gone.
            drop(handle.set_service_status(status(stage)));
        }
    }
}

/// A stage in the service manager's words.
fn status(stage: Stage) -> ServiceStatus {
    let stoppable = ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN;
    let (current_state, wait_hint) = match stage {
        Stage::Starting => (ServiceState::StartPending, START_PATIENCE),
        Stage::Running => (ServiceState::Running, Duration::ZERO),
        Stage::Stopping(patience) => (ServiceState::StopPending, patience),
        Stage::Stopped(_) => (ServiceState::Stopped, Duration::ZERO),
    };
    let pending = matches!(stage, Stage::Starting | Stage::Stopping(_));
    ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state,
        controls_accepted: match stage {
            Stage::Running => stoppable,
            _ => ServiceControlAccept::empty(),
        },
        exit_code: match stage {
            Stage::Stopped(code) if code != 0 => ServiceExitCode::ServiceSpecific(code),
            _ => ServiceExitCode::NO_ERROR,
        },
        checkpoint: u32::from(pending),
        wait_hint,
        process_id: None,
    }
}

/// Settings, sockets and certificates on a busy machine.
const START_PATIENCE: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_manager_hears_what_it_waits_for() {
        let second = Duration::from_secs(1);
        let cases = [
            (Stage::Starting, ServiceState::StartPending, 60, 1, false, 0),
            (Stage::Running, ServiceState::Running, 0, 0, true, 0),
            (
                Stage::Stopping(second * 45),
                ServiceState::StopPending,
                45,
                1,
                false,
                0,
            ),
            (Stage::Stopped(0), ServiceState::Stopped, 0, 0, false, 0),
            (Stage::Stopped(2), ServiceState::Stopped, 0, 0, false, 2),
        ];
        for (stage, state, hint, checkpoint, stoppable, code) in cases {
            let status = status(stage);
            assert_eq!(status.current_state, state);
            assert_eq!(status.wait_hint, second * hint);
            assert_eq!(status.checkpoint, checkpoint);
            let stop = ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN;
            assert_eq!(status.controls_accepted == stop, stoppable);
            assert_eq!(status.controls_accepted.is_empty(), !stoppable);
            let expected = match code {
                0 => ServiceExitCode::NO_ERROR,
                code => ServiceExitCode::ServiceSpecific(code),
            };
            assert_eq!(status.exit_code, expected);
        }
    }
}
