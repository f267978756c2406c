//! Log files of the real program.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::{CLIENT_SECRET, Program, Running};
use crate::wire;

fn proxy(simulator: &Running, folder: &str) -> Program {
    Program::serve(&simulator.endpoint())
        .set("log.folder", folder)
        .set("log.keep", "3")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn lines_go_to_a_file_and_not_to_standard_error_and_hold_no_secret() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let proxy = proxy(&simulator, "logs");
    let folder = proxy.folder().join("logs");
    fs::create_dir(&folder).unwrap();
    for day in 1..6 {
        let name = format!("citrix-odata-proxy.2001-02-0{day}.log");
        fs::write(folder.join(name), "old\n").unwrap();
    }
    let proxy = proxy.variable("RUST_LOG", "trace").start().await;
    let reply = wire::get(proxy.address, "/monitorodata/Machines?$top=1").await;
    assert_eq!(reply.rows().len(), 1);
    let files = files(&folder);
    assert_eq!(files.len(), 3, "{files:?}");
    let new = files.iter().max().unwrap();
    let text = fs::read_to_string(new).unwrap();
    assert!(text.contains("Machines"), "{text}");
    assert!(!text.contains('\u{1b}'), "it is not coloured");
    // Tokens of the simulator begin like this.
    for hidden in [CLIENT_SECRET, "ey."] {
        let found = text.lines().find(|line| line.contains(hidden));
        assert_eq!(found, None, "{hidden}");
    }
    assert_eq!(proxy.killed().await.stderr, "");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_told_and_lines_go_to_standard_error() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let proxy = proxy(&simulator, "occupied").file("occupied", "");
    let proxy = proxy.start().await;
    let reply = wire::get(proxy.address, "/monitorodata/Machines?$top=1").await;
    assert_eq!(reply.rows().len(), 1);
    proxy.says("no log files can be written").await;
    proxy.says("occupied").await;
    proxy.says("`log.folder`").await;
    proxy.says("Machines").await;
}

#[cfg(not(windows))]
#[tokio::test]
async fn a_service_of_windows_is_for_windows() {
    let actions = [
        &["install"][..],
        &["uninstall"],
        &["status"],
        &["run", "--home", "."],
    ];
    for action in actions {
        let program = Program::new(&["service"]).arguments(action);
        let ended = program.run().await;
        assert_eq!(ended.code, Some(2), "{action:?}");
        assert!(ended.stderr.contains("deploy/systemd"), "{}", ended.stderr);
        assert_eq!(ended.stdout, "", "{action:?}");
    }
    let account = ["service", "install", "--account", "EXAMPLE\\ada"];
    let ended = Program::new(&account).run().await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("needs a password"),
        "{}",
        ended.stderr
    );
}
