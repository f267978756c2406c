//! The program: picks a command, runs it, turns the result into an exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use citrix_odata_proxy::cli::Cli;
use citrix_odata_proxy::{commands, telemetry};
use clap::Parser;
use mimalloc::MiMalloc;

/// For what a cache does: small and large pieces that come and go at any time, on any thread.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for this way, too: they print and are no failure.
            let code = error.exit_code();
            return match error.print() {
                Ok(()) => ExitCode::from(u8::try_from(code).unwrap_or(2)),
                Err(_) => ExitCode::FAILURE,
            };
        }
    };
    match commands::run(cli) {
        Ok(code) => code,
        Err(failure) => {
            let text = telemetry::chain(&failure);
            // When even this cannot be said, the exit code has to do.
            drop(writeln!(io::stderr().lock(), "citrix-odata-proxy: {text}"));
            failure.exit_code()
        }
    }
}
