//! A server as a process of its own, in a folder of its own.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

/// A running server, stopped when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Goes with it.
    _folder: TempDir,
}

impl Process {
    /// Starts `command` with nothing of this environment, and waits until something listens at `address`. The error is what it
    /// said instead.
    pub(crate) fn start(
        mut command: Command,
        address: SocketAddr,
        folder: TempDir,
    ) -> Result<Self, String> {
        let log = folder.path().join("output.log");
        let output = File::create(&log).unwrap();
        let mut child = command
            .env_clear()
            .env("PATH", FOLDERS.join(":"))
            .env("HOME", folder.path())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        for _ in 0..STARTING_TRIES {
            if TcpStream::connect(address).is_ok() {
                return Ok(Self {
                    child,
                    address,
                    _folder: folder,
                });
            }
            if child.try_wait().unwrap().is_some() {
                break;
            }
            sleep(STARTING_PAUSE);
        }
        drop(child.kill());
        let output = fs::read_to_string(log).unwrap();
        Err(format!("{command:?} did not start:\n{output}"))
    }

    /// The process's number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Asked and not forced, so that it ends its own children first.
        drop(Command::new("kill").arg(self.id().to_string()).status());
        drop(self.child.wait());
    }
}

/// An address of this machine that nothing listens at.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// Where programs are; Debian's accounts do not look for servers by themselves.
pub(crate) const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/// Ten seconds: Varnish compiles its rules first.
const STARTING_TRIES: u32 = 200;
const STARTING_PAUSE: Duration = Duration::from_millis(50);
