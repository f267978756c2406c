//! `service`: the proxy as a service of Windows.

use std::panic;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use super::{Failure, begin_log, in_runtime, load, print, serve};
use crate::cli::{InstallService, RunService, Service, ServiceAction, ServiceFlags, SettingsFile};
use crate::config::{self, Flags, Surroundings};
use crate::service::{self, Account, Installation, Manager};
use crate::signals::Signals;
use crate::telemetry::{self, NOTICE};

/// Does what the command line names.
pub(super) fn service(command: Service, here: &Surroundings) -> Result<ExitCode, Failure> {
    match command.action {
        ServiceAction::Install(command) => install(command, here),
        ServiceAction::Uninstall => {
            service::uninstall()?;
            print(
                "The service is removed; if it still stops, it is gone when it has stopped. Settings, data and logs \
                 are where they were.",
            )?;
            Ok(ExitCode::SUCCESS)
        }
        ServiceAction::Status => status(),
        ServiceAction::Run(command) => {
            service::run(Box::new(|manager, signals| run(command, &manager, signals)))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn install(command: InstallService, here: &Surroundings) -> Result<ExitCode, Failure> {
    let there = Surroundings::of_service(here.service_home());
    let absolute = |path: &Path| here.directory.join(path);
    let installation = Installation {
        settings: command.flags.file.as_deref().map(absolute),
        listen: command.flags.listen,
        data_dir: command
            .flags
            .data_dir
            .map(|folder| absolute(Path::new(&folder))),
        account: Account::named(command.account.as_deref())?,
        home: there.directory.clone(),
    };
    service::install(&installation)?;
    let file = installation.settings.or_else(|| there.places().pop());
    for line in installed(&installation.account, file) {
        print(&line)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What an administrator does next.
fn installed(account: &Account, settings: Option<PathBuf>) -> Vec<String> {
    let mut lines = vec![format!(
        "The service is installed, and starts with Windows under the account `{}`.",
        account.name()
    )];
    if let Some(file) = settings {
        let file = file.display();
        lines.extend([
            format!("Its settings are in `{file}`; try them out with"),
            format!("    citrix-odata-proxy check --config \"{file}\""),
        ]);
    }
    lines.push("Start it with".to_owned());
    lines.push(format!("    sc start {}", service::NAME));
    lines
}

fn status() -> Result<ExitCode, Failure> {
    let status = service::status()?;
    let process = status.process.map(|id| format!(", process {id}"));
    print(&format!(
        "The service is {}{}.",
        status.state,
        process.unwrap_or_default()
    ))?;
    print(&format!("account: {}", status.account))?;
    print(&format!("command: {}", status.command))?;
    Ok(if status.runs {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The service itself; returns its exit code. It has no console: what goes wrong is in its log and in the event log.
fn run(command: RunService, manager: &Manager, signals: Signals) -> u32 {
    // Nobody sees standard error.
    panic::set_hook(Box::new(|defect| tracing::error!("{defect}")));
    let surroundings = Surroundings::of_service(command.home);
    match try_to_run(command.flags, &surroundings, manager, signals) {
        Ok(()) => 0,
        Err(failure) => {
            if !tracing::dispatcher::has_been_set() {
                // The settings do not say where the log is, so it is where it would be without them. When that fails,
                // there is no other place.
                let log = config::log(&surroundings).map_err(Failure::from);
                drop(log.and_then(|log| begin_log(&log, manager.notices())));
            }
            tracing::error!("the service has failed: {}", telemetry::chain(&failure));
            failure.code().into()
        }
    }
}

fn try_to_run(
    command: ServiceFlags,
    surroundings: &Surroundings,
    manager: &Manager,
    signals: Signals,
) -> Result<(), Failure> {
    let flags = Flags {
        listen: command.listen,
        data_dir: command.data_dir,
        ..Flags::default()
    };
    let settings = SettingsFile { file: command.file };
    let loaded = load(surroundings, settings, flags)?;
    let _traces = begin_log(&loaded.config.log, manager.notices())?;
    let patience = loaded.config.server.drain.saturating_add(END_PATIENCE);
    let ready = || {
        tracing::info!(target: NOTICE, "the service runs");
        manager.running(patience);
    };
    in_runtime(serve::serve(&loaded, signals, ready))?;
    tracing::info!(target: NOTICE, "the service has stopped");
    Ok(())
}

/// How long it may take, once requests are done or cut, to write answers to disk and to end.
const END_PATIENCE: Duration = Duration::from_secs(30);
