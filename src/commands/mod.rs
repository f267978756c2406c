//! What each command does: the outermost layer, between the command line and the composed program.

mod check;
mod data_dir;
mod demo;
mod failure;
mod key;
mod progress;
mod serve;
mod simulate;
mod simulator;

use std::io::{self, Write};
use std::process::ExitCode;

use self::demo::Prepared;
use self::progress::Live;
use crate::cli::{Cli, Command, SettingsFile};
use crate::config::{self, Flags, Loaded, Log, Surroundings};
use crate::server::Ending;
use crate::telemetry;

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
            begin_log(&loaded.config.log)?;
            in_runtime(serve::serve(&loaded))
        }
        Command::Demo(command) => {
            let Prepared {
                loaded,
                knobs,
                folder,
            } = demo::prepare(&surroundings, command)?;
            let live = Live::on_terminal();
            match &live {
                Some(live) => live.begin_log(&loaded.config.log)?,
                None => begin_log(&loaded.config.log)?,
            }
            let result = in_runtime(demo::demo(&loaded, knobs, live));
            drop(folder);
            result
        }
        Command::Simulate(command) => {
            begin_log(&config::log(&surroundings)?)?;
            in_runtime(simulate::simulate(command))
        }
        Command::Check(command) => {
            let loaded = load(&surroundings, command.settings, Flags::default())?;
            in_runtime(check::check(&loaded, command.json))
        }
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

fn begin_log(log: &Log) -> Result<(), Failure> {
    Ok(telemetry::init(
        &log.filter,
        log.format,
        log.color,
        io::stderr,
    )?)
}

fn in_runtime(work: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    let result = runtime.block_on(work);
    // Whatever still runs was asked to stop and given its time.
    runtime.shutdown_background();
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
