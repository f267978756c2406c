//! Asking the service manager to install, remove and show the service.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;

use windows_service::Error;
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl,
    ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo, ServiceSidType,
    ServiceStartType, ServiceState, ServiceType,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

use super::{events, folders, refused};
use crate::service::{FAILURES_FORGOTTEN, Installation, NAME, RESTARTS, ServiceError, Status};

/// Installs the service, or leaves nothing of it behind.
pub(crate) fn install(installation: &Installation) -> Result<(), ServiceError> {
    let program = env::current_exe().map_err(ServiceError::Path)?;
    let info = ServiceInfo {
        name: NAME.into(),
        display_name: DISPLAY_NAME.into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: program,
        launch_arguments: installation.arguments(),
        // For localhost alone the network need not be up; Citrix Cloud is asked again and again.
        dependencies: Vec::new(),
        account_name: Some(installation.account.name().into()),
        account_password: None,
    };
    let access = ServiceAccess::CHANGE_CONFIG | ServiceAccess::START | ServiceAccess::DELETE;
    let service = manager(ServiceManagerAccess::CREATE_SERVICE)?
        .create_service(&info, access)
        .map_err(refused("install the service"))?;
    let equipped = equip(&service, installation);
    if equipped.is_err() {
        // What went wrong before is worth more than what goes wrong now.
        drop(events::deregister());
        drop(service.delete());
    }
    equipped
}

/// What a service has beside its command line. Its folders come last, because its name must be known for them.
fn equip(service: &Service, installation: &Installation) -> Result<(), ServiceError> {
    let restarts = RESTARTS.map(|delay| ServiceAction {
        action_type: ServiceActionType::Restart,
        delay,
    });
    let configured = [
        service.set_description(DESCRIPTION),
        service.set_delayed_auto_start(true),
        service.set_config_service_sid_info(ServiceSidType::Unrestricted),
        service.update_failure_actions(ServiceFailureActions {
            reset_period: ServiceFailureResetPeriod::After(FAILURES_FORGOTTEN),
            reboot_msg: None,
            command: None,
            actions: Some(restarts.to_vec()),
        }),
        // An exit code is a failure, too: settings that cannot be read are read again once they are put right.
        service.set_failure_actions_on_non_crash_failures(true),
    ];
    for set in configured {
        if !matches!(&set, Err(Error::Winapi(error)) if is_unknown(error)) {
            set.map_err(refused("configure the service"))?;
        }
    }
    events::register()?;
    folders::make(installation)
}

/// Whether the service manager has never heard of a property: Windows knows all of ours, Wine does not.
fn is_unknown(error: &io::Error) -> bool {
    error.raw_os_error() == Some(124)
}

pub(crate) fn uninstall() -> Result<(), ServiceError> {
    let access = ServiceAccess::STOP | ServiceAccess::QUERY_STATUS | ServiceAccess::DELETE;
    let service = open(access)?;
    let status = service
        .query_status()
        .map_err(refused("show the service"))?;
    if status.current_state != ServiceState::Stopped {
        // One that is starting or stopping cannot be told; it is removed when it has ended.
        drop(service.stop());
    }
    service.delete().map_err(refused("remove the service"))?;
    events::deregister()
}

pub(crate) fn status() -> Result<Status, ServiceError> {
    let service = open(ServiceAccess::QUERY_STATUS | ServiceAccess::QUERY_CONFIG)?;
    let status = service
        .query_status()
        .map_err(refused("show the service"))?;
    let config = service
        .query_config()
        .map_err(refused("show the service"))?;
    let account = config.account_name.unwrap_or_default();
    Ok(Status {
        runs: status.current_state == ServiceState::Running,
        state: state(status.current_state),
        process: status.process_id.filter(|id| *id != 0),
        command: text(config.executable_path.as_os_str()),
        account: text(&account),
    })
}

fn state(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Stopped => "stopped",
        ServiceState::StartPending => "starting",
        ServiceState::StopPending => "stopping",
        ServiceState::Running => "running",
        ServiceState::ContinuePending | ServiceState::PausePending | ServiceState::Paused => {
            "paused"
        }
    }
}

fn text(text: &OsStr) -> String {
    text.to_string_lossy().into_owned()
}

fn open(access: ServiceAccess) -> Result<Service, ServiceError> {
    manager(ServiceManagerAccess::CONNECT)?
        .open_service(NAME, access)
        .map_err(refused("open the service"))
}

fn manager(access: ServiceManagerAccess) -> Result<ServiceManager, ServiceError> {
    let access = ServiceManagerAccess::CONNECT | access;
    ServiceManager::local_computer(None::<OsString>, access).map_err(refused("answer"))
}

const DISPLAY_NAME: &str = "Citrix OData proxy";
const DESCRIPTION: &str = "Serves the monitoring data of Citrix Cloud as OData to Power BI, Excel and scripts. \
     Without it, reports that load from this computer fail.";
