//! The program as a process: started in clean surroundings, watched while it runs, killed when a test lets go.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::wire;

/// A call of the program that has not been made yet. It gets a folder of its own, as home and as working
/// directory, and no variable of this environment that could change what it does.
#[derive(Debug)]
pub(crate) struct Program {
    command: Command,
    folder: TempDir,
}

/// A program that runs; killed when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    /// The first address that it listens on.
    pub(crate) address: SocketAddr,
    child: Child,
    output: Output,
    log: Output,
    readers: JoinSet<()>,
    folder: TempDir,
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Its standard output.
    pub(crate) stdout: String,
    /// Its standard error.
    pub(crate) stderr: String,
}

/// Everything written to a pipe so far.
type Output = Arc<Mutex<String>>;

impl Program {
    /// The program with these arguments.
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_citrix-odata-proxy"));
        command
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for (name, _) in std::env::vars_os() {
            let upper = name.to_string_lossy().to_uppercase();
            let proxy = upper.ends_with("_PROXY");
            if proxy || FOREIGN.iter().any(|prefix| upper.starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        // Where nobody is: a developer's own credentials are no matter of tests.
        let bus = folder.path().join("no-bus");
        command.env(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}", bus.display()),
        );
        for home in ["HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"] {
            command.env(home, folder.path());
        }
        Self { command, folder }
    }

    /// `serve` on a free port, for one site at `endpoint` whose credentials are the simulator's.
    pub(crate) fn serve(endpoint: &str) -> Self {
        let site = |name: &str| format!("sites.main.{name}");
        Self::new(&["serve", "--listen", "127.0.0.1:0"])
            .set(&site("customer_id"), CUSTOMER_ID)
            .set(&site("client_id"), CLIENT_ID)
            .set(&site("client_secret"), CLIENT_SECRET)
            .set(&site("upstream.endpoint"), endpoint)
    }

    /// `simulate` on a free port.
    pub(crate) fn simulate(arguments: &[&str]) -> Self {
        Self::new(&["simulate", "--listen", "127.0.0.1:0"]).arguments(arguments)
    }

    /// With more arguments.
    pub(crate) fn arguments(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// With a variable.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// With a setting, by the variable for it.
    pub(crate) fn set(self, setting: &str, value: &str) -> Self {
        let name = setting.to_uppercase().replace('.', "__");
        self.variable(&format!("CITRIX_ODATA_PROXY__{name}"), value)
    }

    /// With this on its standard input.
    pub(crate) fn input(mut self, text: &str) -> Self {
        let path = self.folder.path().join("standard-input");
        fs::write(&path, text).unwrap();
        self.command.stdin(fs::File::open(path).unwrap());
        self
    }

    /// With a file in its folder.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    /// With the settings file that it finds by itself.
    pub(crate) fn settings(self, text: &str) -> Self {
        self.file("citrix-odata-proxy.toml", text)
    }

    /// With no file longer than so many kibibytes: writes beyond that fail, as on a disk that is full.
    #[cfg(unix)]
    pub(crate) fn files_of_at_most(mut self, kibibytes: u32) -> Self {
        let program = self.command.as_std();
        // `ulimit` counts in blocks of 512 bytes in some shells and of 1024 in others.
        let script = format!("trap '' XFSZ; ulimit -f {kibibytes}; exec \"$@\"");
        let mut limited = std::process::Command::new("sh");
        limited
            .args(["-c", &script, "sh"])
            .arg(program.get_program())
            .args(program.get_args())
            .current_dir(self.folder.path());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => limited.env(name, value),
                None => limited.env_remove(name),
            };
        }
        let mut limited = Command::from(limited);
        limited
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        self.command = limited;
        self
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs it to its end.
    pub(crate) async fn run(mut self) -> Ended {
        let output = timeout(PATIENCE, self.command.output()).await;
        let output = output.expect("it ends by itself").unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Starts it and waits until it listens.
    pub(crate) async fn start(mut self) -> Running {
        let mut child = self.command.spawn().unwrap();
        let (output, log) = (Output::default(), Output::default());
        let mut readers = JoinSet::new();
        readers.spawn(read(child.stdout.take().unwrap(), Arc::clone(&output)));
        readers.spawn(read(child.stderr.take().unwrap(), Arc::clone(&log)));
        let address = eventually("a line with an address", async || {
            let text = output.lock().unwrap().clone();
            if let Some(status) = child.try_wait().unwrap() {
                panic!("ended with {status}: {}", log.lock().unwrap());
            }
            addresses(&text).first().copied()
        })
        .await;
        Running {
            address,
            child,
            output,
            log,
            readers,
            folder: self.folder,
        }
    }
}

impl Running {
    /// Where it is, as an endpoint.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its standard output so far.
    pub(crate) fn stdout(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// Its standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// A file in its folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Waits until its standard error says this.
    pub(crate) async fn says(&self, text: &str) {
        let said = timeout(PATIENCE, async {
            while !self.stderr().contains(text) {
                sleep(GLANCE).await;
            }
        });
        assert!(said.await.is_ok(), "no `{text}` in {}", self.stderr());
    }

    /// Sends it a signal: `TERM`, `INT`.
    #[cfg(unix)]
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it still runs").to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status()
            .await;
        assert!(sent.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> Ended {
        let status = timeout(PATIENCE, self.child.wait()).await;
        let status: ExitStatus = status.expect("it ends").unwrap();
        while self.readers.join_next().await.is_some() {}
        Ended {
            code: status.code(),
            stdout: self.stdout(),
            stderr: self.stderr(),
        }
    }

    /// Kills it, for what it has written.
    pub(crate) async fn killed(mut self) -> Ended {
        self.child.start_kill().unwrap();
        self.ended().await
    }

    /// What a simulator has seen.
    pub(crate) async fn stats(&self) -> Value {
        wire::get(self.address, "/simulator/stats").await.json()
    }

    /// One number of that.
    pub(crate) async fn stat(&self, name: &str) -> u64 {
        self.stats().await[name].as_u64().unwrap()
    }

    /// Gives a simulator faults in place of those that are left, one a line.
    pub(crate) async fn faults(&self, lines: &str) {
        let reply = wire::post(self.address, "/simulator/faults", lines).await;
        assert_eq!(reply.status(), 200, "{}", reply.text());
    }

    /// Waits until a number of a simulator's has not changed for a while.
    pub(crate) async fn settled(&self, name: &str) -> u64 {
        let mut last = (self.stat(name).await, Instant::now());
        eventually("a number that stays", async || {
            let now = self.stat(name).await;
            if now != last.0 {
                last = (now, Instant::now());
            }
            (last.1.elapsed() > QUIET).then_some(now)
        })
        .await
    }
}

impl Ended {
    /// Both outputs, for whoever looks for what should be in neither.
    pub(crate) fn everything(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }
}

/// The addresses that a program says it listens on.
pub(crate) fn addresses(stdout: &str) -> Vec<SocketAddr> {
    // A line that is still being written has no end yet.
    let whole = stdout.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .filter_map(|line| line.strip_prefix("listening on "))
        .filter_map(|url| url.split_once("://"))
        .map(|(_, address)| address.parse().unwrap())
        .collect()
}

/// Looks again and again until there is something to see.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < deadline, "no {what} within {PATIENCE:?}");
        sleep(GLANCE).await;
    }
}

async fn read(mut pipe: impl AsyncRead + Unpin, into: Output) {
    let mut bytes = vec![0; 64 * 1024];
    let mut rest = Vec::new();
    while let Ok(length @ 1..) = pipe.read(&mut bytes).await {
        rest.extend_from_slice(&bytes[..length]);
        // Whole lines, so that no character is torn.
        let end = rest
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let lines: Vec<u8> = rest.drain(..end).collect();
        into.lock()
            .unwrap()
            .push_str(&String::from_utf8(lines).unwrap());
    }
    into.lock()
        .unwrap()
        .push_str(&String::from_utf8_lossy(&rest));
}

/// The simulator's customer and API client.
pub(crate) const CUSTOMER_ID: &str = "nordhafen";
pub(crate) const CLIENT_ID: &str = "demo-client";
pub(crate) const CLIENT_SECRET: &str = "demo-secret";

/// Far beyond what anything here takes, on a machine that has much else to do.
pub(crate) const PATIENCE: Duration = Duration::from_mins(5);

const GLANCE: Duration = Duration::from_millis(10);

const QUIET: Duration = Duration::from_secs(1);

/// Beginnings of variables that the program, or what it is made of, takes notice of.
const FOREIGN: [&str; 11] = [
    "CREDENTIALS_DIRECTORY",
    "CITRIX_",
    "RUST_LOG",
    "RUST_BACKTRACE",
    "SSL_CERT_",
    "NO_COLOR",
    "XDG_",
    "REQUEST_METHOD",
    "NOTIFY_SOCKET",
    "WATCHDOG_",
    "OTEL_",
];
