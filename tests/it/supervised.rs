//! Under a service manager: what the program tells it, over a real socket.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use crate::process::{PATIENCE, Program, Running};
use crate::wire;

/// A service manager that hears one program.
struct Manager {
    socket: tokio::net::UnixDatagram,
    folder: tempfile::TempDir,
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(Self::path(&folder)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let socket = tokio::net::UnixDatagram::from_std(socket).unwrap();
        Self { socket, folder }
    }

    fn path(folder: &tempfile::TempDir) -> std::path::PathBuf {
        Path::join(folder.path(), "notify")
    }

    fn of(&self, program: Program) -> Program {
        let path = Self::path(&self.folder);
        program.variable("NOTIFY_SOCKET", path.to_str().unwrap())
    }

    /// The next message.
    async fn hears(&self) -> String {
        let mut bytes = vec![0; 4096];
        let heard = timeout(PATIENCE, self.socket.recv(&mut bytes)).await;
        let len = heard.expect("a message").unwrap();
        String::from_utf8(bytes[..len].to_vec()).unwrap()
    }

    /// The next message that has such a line; those before it are dropped.
    async fn hears_line(&self, start: &str) -> String {
        loop {
            let message = self.hears().await;
            if message.lines().any(|line| line.starts_with(start)) {
                return message;
            }
        }
    }

    /// Whether nothing came that was not heard.
    fn hears_nothing(&self) -> bool {
        self.socket.try_recv(&mut [0; 1]).is_err()
    }
}

async fn simulator() -> Running {
    Program::simulate(&["--sessions", "10"]).start().await
}

#[tokio::test]
async fn it_tells_when_it_is_ready_and_when_it_stops() {
    let manager = Manager::new();
    let proxy = manager.of(Program::serve("http://127.0.0.1:1"));
    let proxy = proxy.start().await;
    let ready = manager.hears().await;
    let expected = format!(
        "READY=1\nSTATUS=listening on {}; main ready\n",
        proxy.address
    );
    assert_eq!(ready, expected);
    // Whoever is told so may call.
    assert_eq!(wire::get(proxy.address, "/healthz").await.status(), 200);
    assert!(manager.hears_nothing(), "no sign of life was asked for");
    proxy.signal("TERM").await;
    let stopping = manager.hears().await;
    assert_eq!(
        stopping,
        "STOPPING=1\nSTATUS=finishing the requests under way\n"
    );
    let ended = proxy.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.everything());
    assert!(manager.hears_nothing());
}

#[tokio::test]
async fn it_gives_signs_of_life_and_tells_what_changes() {
    let (manager, simulator) = (Manager::new(), simulator().await);
    let proxy = manager
        .of(Program::serve(&simulator.endpoint()))
        .set("sites.main.client_secret", "wrong-secret")
        .variable("WATCHDOG_USEC", "100000")
        .start()
        .await;
    assert!(manager.hears().await.starts_with("READY=1\n"));
    for _ in 0..3 {
        assert_eq!(manager.hears().await, "WATCHDOG=1\n");
    }
    let refused = wire::get(proxy.address, "/monitorodata/Users").await;
    assert_eq!(refused.status(), 502);
    let told = manager.hears_line("STATUS=").await;
    assert!(told.starts_with("WATCHDOG=1\n"), "{told}");
    assert!(told.contains("; main not ready: "), "{told}");
    assert!(!told.contains("wrong-secret"), "{told}");
    assert_eq!(manager.hears().await, "WATCHDOG=1\n");
}

#[tokio::test]
async fn a_service_manager_that_is_gone_keeps_it_from_nothing() {
    let manager = Manager::new();
    let program = manager.of(Program::serve("http://127.0.0.1:1"));
    drop(manager);
    let proxy = program.start().await;
    proxy.says("the service manager cannot be told").await;
    assert_eq!(wire::get(proxy.address, "/healthz").await.status(), 200);
    proxy.signal("TERM").await;
    assert_eq!(proxy.ended().await.code, Some(0));
}

#[tokio::test]
async fn signs_of_life_for_another_process_are_none_of_its_business() {
    let manager = Manager::new();
    let proxy = manager
        .of(Program::serve("http://127.0.0.1:1"))
        .variable("WATCHDOG_USEC", "20000")
        .variable("WATCHDOG_PID", "1")
        .start()
        .await;
    assert!(manager.hears().await.starts_with("READY=1\n"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(manager.hears_nothing());
    proxy.signal("TERM").await;
    assert!(manager.hears().await.starts_with("STOPPING=1\n"));
}
