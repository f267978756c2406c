//! What each command does: the outermost layer, between the command line and the composed program.

mod check;
mod data_dir;
mod demo;
mod failure;
mod health;
mod init;
mod key;
mod progress;
#[cfg(test)]
mod scripted;
mod secret;
mod serve;
mod service;
mod simulate;
mod simulator;
mod supervision;
mod terminal;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use self::demo::Prepared;
use self::progress::Live;
use crate::app;
use crate::cli::{Cli, Command, SettingsFile};
use crate::config::{self, Flags, Loaded, Log, Surroundings};
use crate::server::Ending;
use crate::signals::Signals;
use crate::telemetry::{self, Collector, Color, Notices, Traces};

pub use failure::Failure;

/// Runs the command that the command line names.
pub fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let surroundings = Surroundings::of_process();
    match cli.command {
        Command::Config(command) => {
            let loaded = load(&surroundings, command.settings, Flags::default())?;
            print(&loaded.report.to_string())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Key(command) => key::key(&command),
        Command::Serve(command) => {
            let flags = Flags {
                listen: command.listen,
                data_dir: command.data_dir,
                ..Flags::default()
            };
            let loaded = load(&surroundings, command.settings, flags)?;
            let _traces = begin_log(&loaded.config.log, None)?;
            in_runtime(async {
                let signals = Signals::listen().map_err(Failure::Runtime)?;
                serve::serve(&loaded, signals, || {}).await
            })
        }
        Command::Demo(command) => {
            let Prepared {
                loaded,
                knobs,
                folder,
            } = demo::prepare(&surroundings, command)?;
            let live = Live::on_terminal();
            let _traces = match &live {
                Some(live) => live.begin_log(&loaded.config.log)?,
                None => begin_log(&loaded.config.log, None)?,
            };
            let result = in_runtime(demo::demo(&loaded, knobs, live));
            drop(folder);
            result
        }
        Command::Simulate(command) => {
            let _traces = begin_log(&config::log(&surroundings)?, None)?;
            in_runtime(simulate::simulate(command))
        }
        Command::Check(command) => {
            let loaded = load(&surroundings, command.settings, Flags::default())?;
            in_runtime(check::check(&loaded, command.json))
        }
        Command::Init(command) => init::init(&surroundings, command),
        Command::Secret(command) => secret::secret(&surroundings, command.command),
        Command::Health(command) => {
            let places = if let Some(url) = &command.url {
                vec![health::at(url)?]
            } else {
                let flags = Flags {
                    file: command.settings.file,
                    ..Flags::default()
                };
                health::places(&config::server(&surroundings, &flags)?)
            };
            in_runtime(health::health(places))
        }
        Command::Service(command) => service::service(command, &surroundings),
    }
}

fn load(
    surroundings: &Surroundings,
    settings: SettingsFile,
    flags: Flags,
) -> Result<Loaded, Failure> {
    let flags = Flags {
        file: settings.file,
        ..flags
    };
    Ok(config::load(surroundings, &flags)?)
}

/// Begins the log in files or on standard error, as the settings say. Files that cannot be written are no reason to
/// serve nobody. Traces are sent until what is returned is dropped, which is after all work is done.
fn begin_log(log: &Log, notices: Option<Arc<dyn Notices>>) -> Result<Traces, Failure> {
    let files = log
        .files
        .as_ref()
        .map(|files| (&files.folder, files.open()));
    let (filter, format, traces) = (&log.filter, log.format, collector(log)?);
    let lines_elsewhere = match files {
        None => None,
        Some((_, Ok(files))) => {
            let color = Color::Never;
            return Ok(telemetry::init(
                filter, format, color, files, notices, traces,
            )?);
        }
        Some((folder, Err(error))) => Some((folder, error)),
    };
    let traces = telemetry::init(filter, format, log.color, io::stderr, notices, traces)?;
    if let Some((folder, error)) = lines_elsewhere {
        tracing::warn!(
            error = telemetry::chain(&error),
            folder = %folder.display(),
            "no log files can be written; log lines go to standard error. Let the account that runs this program \
             write to `log.folder`"
        );
    }
    Ok(traces)
}

/// Where traces go, as the settings say, and a way there that is used for nothing else.
fn collector(log: &Log) -> Result<Option<Collector>, Failure> {
    let Some(url) = log.traces.clone() else {
        return Ok(None);
    };
    let transport = app::network()?;
    Ok(Some(Collector { url, transport }))
}

fn in_runtime<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    let result = runtime.block_on(work);
    // Whatever still runs was asked to stop and given its time. It is waited for until it is dropped: requests that are cut
    // say so then, in the log and in traces, which end next.
    runtime.shutdown_timeout(DROP_PATIENCE);
    result
}

/// A line for scripts and people on standard output. When nobody reads it any more, that is no failure.
fn print(line: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    match writeln!(output, "{line}").and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Output(error)),
        _ => Ok(()),
    }
}

/// The exit code of a server that was told to stop.
fn exit_code(ending: Ending) -> ExitCode {
    match ending {
        Ending::Drained => {
            tracing::info!("stopped; every request was finished");
            ExitCode::SUCCESS
        }
        Ending::Cut => {
            tracing::warn!("stopped; time was up, and requests under way were cut");
            ExitCode::SUCCESS
        }
        Ending::Hurried => {
            tracing::warn!("stopped at once by a second signal; requests under way were cut");
            ExitCode::FAILURE
        }
    }
}

/// How long the end of the program waits for what it cuts. That takes no longer than dropping it, unless a thread is held up
/// outside, by a disk or by the search for a name.
const DROP_PATIENCE: Duration = Duration::from_secs(1);
