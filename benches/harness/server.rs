//! The simulator and the proxy as processes of their own, on ports that the system chooses.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// A running program of ours, stopped when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    /// Host and port.
    pub(crate) address: String,
    /// Its folder for files, which goes with it.
    _data: TempDir,
}

/// What the simulator has to be like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    pub(crate) sessions: u64,
    pub(crate) page_size: u64,
    /// The least time for a query.
    pub(crate) latency: Duration,
    /// Time more for each row that `$skip` passes over.
    pub(crate) skip_cost: Duration,
}

impl Service {
    /// The least number of pages for all sessions.
    pub(crate) fn pages(&self) -> u64 {
        self.sessions.div_ceil(self.page_size)
    }

    /// The least time for all sessions, one page after the other.
    pub(crate) fn floor(&self) -> Duration {
        self.latency * u32::try_from(self.pages()).unwrap()
    }
}

impl Server {
    /// The simulator. It sends pages as they are, because compressing takes it longer than the rest of a page.
    pub(crate) fn simulator(service: &Service) -> Self {
        Self::simulator_with(service, &[])
    }

    /// The same with more flags.
    pub(crate) fn simulator_with(service: &Service, flags: &[&str]) -> Self {
        let mut command = Self::command("simulate");
        let mut flag = |name: &str, value: u128| {
            command.arg(format!("--{name}")).arg(value.to_string());
        };
        flag("sessions", service.sessions.into());
        flag("page-size", service.page_size.into());
        flag("latency", service.latency.as_millis());
        flag("skip-cost", service.skip_cost.as_micros());
        Self::start(command.arg("--gzip=false").args(flags))
    }

    /// The proxy in front of `simulator`, with `settings` as variables of the environment.
    pub(crate) fn proxy(simulator: &Self, settings: &[(&str, &str)]) -> Self {
        let mut command = Self::command("serve");
        command
            .env("CITRIX_ENDPOINT", format!("http://{}", simulator.address))
            .env("CITRIX_CUSTOMER_ID", "nordhafen")
            .env("CITRIX_CLIENT_ID", "demo-client")
            .env("CITRIX_CLIENT_SECRET", "demo-secret")
            .envs(settings.iter().copied());
        Self::start(&mut command)
    }

    /// A command of the program, away from settings files of whoever runs the bench.
    fn command(name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_citrix-odata-proxy"));
        command
            .args([name, "--listen", "127.0.0.1:0"])
            .env("RUST_LOG", "warn");
        command
    }

    fn start(command: &mut Command) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut process = command
            .current_dir(data.path())
            .env("CITRIX_ODATA_PROXY__DATA_DIR", data.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.contains("//"), "it does not listen");
        let address = line.trim().rsplit("//").next().unwrap().to_owned();
        Self {
            process,
            address,
            _data: data,
        }
    }

    /// The process's number, for what the system tells of it.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// A figure of the process's memory in bytes, where the system tells it (Linux): `VmRSS` is what is resident now,
    /// `VmHWM` the most that ever was.
    pub(crate) fn memory(&self, name: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with(name))?;
        let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kibibytes * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
