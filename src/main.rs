//! The program: picks a command, runs it, turns the result into an exit code.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use citrix_odata_proxy::cli::{Cli, Command, SettingsFile};
use citrix_odata_proxy::config::{self, ConfigError, Flags, Loaded, Surroundings};
use clap::Parser;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let printed = error.print();
            let code = if error.exit_code() == 0 {
                OK
            } else {
                BAD_SETTINGS
            };
            return ExitCode::from(if printed.is_ok() { code } else { FAILED });
        }
    };
    match cli.command {
        Command::Config(command) => show_config(command.settings),
        Command::Serve(_) => not_wired("serve"),
        Command::Demo(_) => not_wired("demo"),
        Command::Simulate(_) => not_wired("simulate"),
        Command::Check(_) => not_wired("check"),
    }
}

fn show_config(settings: SettingsFile) -> ExitCode {
    match load(settings, Flags::default()) {
        Ok(loaded) => match writeln!(io::stdout().lock(), "{}", loaded.report) {
            Ok(()) => ExitCode::from(OK),
            Err(_) => ExitCode::from(FAILED),
        },
        Err(error) => complain(&error, BAD_SETTINGS),
    }
}

fn load(settings: SettingsFile, flags: Flags) -> Result<Loaded, ConfigError> {
    let flags = Flags {
        file: settings.file,
        ..flags
    };
    config::load(&Surroundings::of_process(), &flags)
}

fn not_wired(command: &str) -> ExitCode {
    complain(&format!("`{command}` is not wired yet"), FAILED)
}

/// Says what is wrong; when even that fails, the exit code has to do.
fn complain(error: &dyn Display, code: u8) -> ExitCode {
    let _ = writeln!(io::stderr().lock(), "citrix-odata-proxy: {error}");
    ExitCode::from(code)
}

const OK: u8 = 0;
/// Something failed while running.
const FAILED: u8 = 1;
/// The command line or the settings are wrong.
const BAD_SETTINGS: u8 = 2;
