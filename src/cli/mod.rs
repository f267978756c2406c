//! Commands and flags, as types.

use std::net::SocketAddr;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

/// A local OData server that makes Citrix Cloud monitoring data easy for Power BI, Excel and scripts.
///
/// Try it first without an account: run `citrix-odata-proxy demo` and paste the address it prints into
/// Power BI (Get data > OData feed) or Excel. Then write a settings file, try it out with
/// `citrix-odata-proxy check`, and run `citrix-odata-proxy serve`.
#[derive(Debug, Parser)]
#[command(name = "citrix-odata-proxy", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the proxy
    Serve(Serve),
    /// Run the proxy in front of a simulated Citrix Cloud: no account, no settings file, no internet
    Demo(Demo),
    /// Run the simulated Citrix Cloud alone
    Simulate(Simulate),
    /// Try out the settings step by step, down to one row of data, and say what to do when a step fails
    Check(Check),
    /// Show the settings in force and where each comes from, with secrets masked
    Config(Config),
}

/// Flags of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// The settings file.
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Addresses to listen on instead of those in the settings, separated by commas
    #[arg(long, value_name = "ADDR", value_delimiter = ',')]
    pub listen: Vec<String>,
    /// Folder for files of our own instead of the one in the settings
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
}

/// Flags of `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Addresses for the proxy to listen on, separated by commas [default: port 8484 on this
    /// machine only]
    #[arg(long, value_name = "ADDR", value_delimiter = ',')]
    pub listen: Vec<String>,
    /// The simulator's knobs.
    #[command(flatten)]
    pub simulator: SimulatorArgs,
}

/// Flags of `simulate`.
#[derive(Debug, Args)]
pub struct Simulate {
    /// Addresses to listen on; port 0 takes any free port
    #[arg(
        long,
        value_name = "ADDR",
        value_delimiter = ',',
        default_value = "127.0.0.1:8485"
    )]
    pub listen: Vec<SocketAddr>,
    /// File to write the port to once it is open, for scripts that let the system choose it
    #[arg(long, value_name = "FILE")]
    pub port_file: Option<PathBuf>,
    /// The simulator's knobs.
    #[command(flatten)]
    pub simulator: SimulatorArgs,
}

/// Flags of `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The settings file.
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Print one JSON document instead of lines
    #[arg(long)]
    pub json: bool,
}

/// Flags of `config`.
#[derive(Debug, Args)]
pub struct Config {
    /// The settings file.
    #[command(flatten)]
    pub settings: SettingsFile,
}

/// Where the settings are.
#[derive(Debug, Args)]
pub struct SettingsFile {
    /// Settings file [default: citrix-odata-proxy.toml in the working directory, else in the platform's
    /// settings folder]
    #[arg(long = "config", value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// The knobs of the simulated Citrix Cloud.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Simulated Citrix Cloud")]
pub struct SimulatorArgs {
    /// Sessions of the last 90 days; all other entity sets grow along
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub sessions: u64,
    /// Rows in one page
    #[arg(long, value_name = "N", default_value = "1000")]
    pub page_size: NonZeroUsize,
    /// Milliseconds that each query takes [default: 0, in the demo 150]
    #[arg(long, value_name = "MS")]
    pub latency: Option<u64>,
    /// Microseconds more for each row that $skip passes over: later pages are slower
    #[arg(long, value_name = "MICROS", default_value_t = 0)]
    pub skip_cost: u64,
    /// Seed of the invented data: the same seed gives the same data
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub seed: u64,
    /// Queries that may be in flight at once; one more is refused with status 429
    #[arg(long, value_name = "N", default_value = "1")]
    pub lanes: NonZeroUsize,
    /// Seconds until an access token expires
    #[arg(long, value_name = "SECONDS", default_value = "3600")]
    pub token_lifetime: NonZeroU64,
    /// Customer id to be accepted
    #[arg(long, value_name = "ID", default_value = "nordhafen")]
    pub customer_id: String,
    /// Client id to be accepted
    #[arg(long, value_name = "ID", default_value = "demo-client")]
    pub client_id: String,
    /// Client secret to be accepted: the simulator's own, never one of Citrix Cloud
    #[arg(long, value_name = "SECRET", default_value = "demo-secret")]
    pub client_secret: String,
    /// Body of a refusal with status 429
    #[arg(long, value_enum, value_name = "SHAPE", default_value_t = ThrottleShape::Problem)]
    pub throttle_shape: ThrottleShape,
    /// Rows in an expanded collection before the rest goes behind a link [default: all]
    #[arg(long, value_name = "N")]
    pub expand_page_size: Option<NonZeroUsize>,
    /// Compress answers for clients that accept it; --gzip=false turns it off
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = true,
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    pub gzip: bool,
    /// Something that goes wrong, like set=Sessions,kind=status,status=503; may be given several times
    #[arg(long = "fault", value_name = "TEXT")]
    pub faults: Vec<String>,
}

/// The shape of a refusal with status 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ThrottleShape {
    /// The Monitor Service's problem form
    Problem,
    /// A gateway's short JSON, with Retry-After
    Gateway,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_is_for_newcomers() {
        let help = Cli::command().term_width(100).render_long_help();
        insta::assert_snapshot!(help, @"
        A local OData server that makes Citrix Cloud monitoring data easy for Power BI, Excel and scripts.

        Try it first without an account: run `citrix-odata-proxy demo` and paste the address it prints into
        Power BI (Get data > OData feed) or Excel. Then write a settings file, try it out with
        `citrix-odata-proxy check`, and run `citrix-odata-proxy serve`.

        Usage: citrix-odata-proxy <COMMAND>

        Commands:
          serve     Run the proxy
          demo      Run the proxy in front of a simulated Citrix Cloud: no account, no settings file, no
                    internet
          simulate  Run the simulated Citrix Cloud alone
          check     Try out the settings step by step, down to one row of data, and say what to do when a
                    step fails
          config    Show the settings in force and where each comes from, with secrets masked
          help      Print this message or the help of the given subcommand(s)

        Options:
          -h, --help
                  Print help (see a summary with '-h')

          -V, --version
                  Print version
        ");
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let args = [
            "citrix-odata-proxy",
            "serve",
            "--listen",
            "127.0.0.1:1,[::1]:1",
        ];
        let Command::Serve(serve) = Cli::try_parse_from(args).unwrap().command else {
            panic!("another command")
        };
        assert_eq!(serve.listen, ["127.0.0.1:1", "[::1]:1"]);
    }

    #[test]
    fn faults_may_be_repeated() {
        let args = [
            "citrix-odata-proxy",
            "simulate",
            "--fault",
            "a",
            "--fault",
            "b,c",
        ];
        let Command::Simulate(simulate) = Cli::try_parse_from(args).unwrap().command else {
            panic!("another command")
        };
        assert_eq!(simulate.simulator.faults, ["a", "b,c"]);
    }

    #[test]
    fn gzip_is_a_switch_that_can_be_turned_off() {
        for (flag, expected) in [
            (None, true),
            (Some("--gzip"), true),
            (Some("--gzip=false"), false),
        ] {
            let args = ["citrix-odata-proxy", "demo"].into_iter().chain(flag);
            let Command::Demo(demo) = Cli::try_parse_from(args).unwrap().command else {
                panic!("another command")
            };
            assert_eq!(demo.simulator.gzip, expected, "{flag:?}");
        }
    }

    #[test]
    fn nothing_at_all_is_a_bad_command_line() {
        for args in [&["citrix-odata-proxy"][..], &["citrix-odata-proxy", "fly"]] {
            let error = Cli::try_parse_from(args).unwrap_err();
            assert_eq!(error.exit_code(), 2);
        }
    }
}
