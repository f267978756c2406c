//! Commands and flags, as types.

mod service;
mod setup;
mod simulator;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use self::service::{InstallService, RunService, Service, ServiceAction, ServiceFlags};
pub use self::setup::{Init, Secret, SecretCommand, SecretOf, SecretPlace};
pub use self::simulator::{SimulatorArgs, ThrottleShape, TimeLimitShape};

/// A local OData server that makes Citrix Cloud monitoring data easy for Power BI, Excel and scripts.
///
/// Try it first without an account: run `citrix-odata-proxy demo` and paste the address it prints into
/// Power BI (Get data > OData feed) or Excel. Then let `citrix-odata-proxy init` ask for your account and
/// write the settings file, and run `citrix-odata-proxy serve`.
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
    /// Set the proxy up: ask for the account, try it out, and write the settings file
    Init(Init),
    /// Keep the client secret in the system's credential store
    Secret(Secret),
    /// Run the simulated Citrix Cloud alone
    Simulate(Simulate),
    /// Try out the settings step by step, down to one row of data, and say what to do when a step fails
    Check(Check),
    /// Ask the proxy that runs on this machine whether it is well: exit code 0, or 1 with the reason
    Health(Health),
    /// Show the settings in force and where each comes from, with secrets masked
    Config(Config),
    /// Make an access key for clients, and the section of the settings file for it
    Key(Key),
    /// Install, remove or look at the service of Windows
    Service(Service),
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
    /// Folder for temporary files [default: one of its own in the system's temporary folder, removed at the end]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
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

/// Flags of `health`.
#[derive(Debug, Args)]
pub struct Health {
    /// The settings file.
    #[command(flatten)]
    pub settings: SettingsFile,
    /// Address of the proxy [default: where it listens by its settings]
    #[arg(long, value_name = "URL", conflicts_with = "file")]
    pub url: Option<String>,
}

/// Flags of `config`.
#[derive(Debug, Args)]
pub struct Config {
    /// The settings file.
    #[command(flatten)]
    pub settings: SettingsFile,
}

/// Flags of `key`.
#[derive(Debug, Args)]
pub struct Key {
    /// What to call the key in the log [default: one that is made up]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// A site that the key is for; may be repeated [default: all sites, and the pages for operators]
    #[arg(long = "site", value_name = "SITE")]
    pub sites: Vec<String>,
}

/// Where the settings are.
#[derive(Debug, Args)]
pub struct SettingsFile {
    /// Settings file [default: citrix-odata-proxy.toml in the working directory, else in the platform's
    /// settings folder]
    #[arg(long = "config", value_name = "FILE")]
    pub file: Option<PathBuf>,
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
        Power BI (Get data > OData feed) or Excel. Then let `citrix-odata-proxy init` ask for your account
        and write the settings file, and run `citrix-odata-proxy serve`.

        Usage: citrix-odata-proxy <COMMAND>

        Commands:
          serve     Run the proxy
          demo      Run the proxy in front of a simulated Citrix Cloud: no account, no settings file, no
                    internet
          init      Set the proxy up: ask for the account, try it out, and write the settings file
          secret    Keep the client secret in the system's credential store
          simulate  Run the simulated Citrix Cloud alone
          check     Try out the settings step by step, down to one row of data, and say what to do when a
                    step fails
          health    Ask the proxy that runs on this machine whether it is well: exit code 0, or 1 with the
                    reason
          config    Show the settings in force and where each comes from, with secrets masked
          key       Make an access key for clients, and the section of the settings file for it
          service   Install, remove or look at the service of Windows
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
    fn knobs_of_the_simulator_are_checked() {
        for (flags, fits) in [
            (
                "--time-limit 900 --time-limit-shape cut --row-cost 80",
                true,
            ),
            ("--time-limit-shape 502", false),
            ("--shown-digits 7 --round-dates", true),
            ("--shown-digits 8", false),
            ("--round-dates", false),
            ("--null-dates 40 --tied-dates 60 --arrivals 3", true),
            ("--null-dates 0", false),
            ("--stranger 5 --stranger-time 250", true),
            ("--stranger 0", false),
        ] {
            let args = ["citrix-odata-proxy", "simulate"];
            let parsed = Cli::try_parse_from(args.into_iter().chain(flags.split(' ')));
            assert_eq!(parsed.is_ok(), fits, "{flags}");
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
