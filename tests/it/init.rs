//! `init` without a terminal, as a process: from flags to a proxy that serves.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::process::{CLIENT_ID, CLIENT_SECRET, CUSTOMER_ID, Ended, Program};
use crate::wire;

/// A set-up for the simulator's account, which stands in for the service.
fn init(file: &Path, endpoint: &str, more: &[&str]) -> Program {
    Program::new(&["init", "--customer-id", CUSTOMER_ID])
        .arguments(&["--client-id", CLIENT_ID, "--region", "us"])
        .arguments(&["--endpoint", endpoint])
        .arguments(&["--config", file.to_str().unwrap()])
        .arguments(more)
        .variable("RUST_LOG", "trace")
}

fn no_secret_in(ended: &Ended) {
    let everything = ended.everything();
    assert!(!everything.contains(CLIENT_SECRET), "{everything}");
}

#[tokio::test]
async fn what_flags_set_up_is_served() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("new folder").join("proxy.toml");
    let program = init(&file, &simulator.endpoint(), &["--secret-store", "file"]);
    let ended = program.input(&format!("{CLIENT_SECRET}\r\n")).run().await;
    assert_eq!(ended.code, Some(0), "{}", ended.everything());
    no_secret_in(&ended);
    for words in [
        "main: ok      token",
        "main: ok      one row",
        "as you answered",
        &*format!("Written: {}", file.display()),
        &*format!("citrix-odata-proxy serve --config \"{}\"", file.display()),
        "http://localhost:8484/monitorodata",
        "http://localhost:8484/connect",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains(CLIENT_SECRET), "{text}");
    let secret = file.with_file_name("main.client_secret");
    assert_eq!(fs::read_to_string(&secret).unwrap().trim(), CLIENT_SECRET);
    let written = fs::read_dir(file.parent().unwrap()).unwrap().count();
    assert_eq!(written, 2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&secret), 0o600);
        assert_eq!(mode(&file) & 0o133, 0);
    }

    let proxy = Program::new(&["serve", "--listen", "127.0.0.1:0"])
        .arguments(&["--config", file.to_str().unwrap()])
        .variable("RUST_LOG", "trace")
        .start()
        .await;
    let reply = wire::get(proxy.address, "/monitorodata/Machines?$top=1").await;
    assert_eq!(reply.rows().len(), 1);
    let ended = proxy.killed().await;
    no_secret_in(&ended);
    assert!(!ended.stderr.contains("every account"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_secret_that_is_there_is_named_where_it_is() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let folder = TempDir::new().unwrap();
    let (file, secret) = (folder.path().join("a.toml"), folder.path().join("s.txt"));
    fs::write(&secret, CLIENT_SECRET).unwrap();
    let named = ["--client-secret-file", secret.to_str().unwrap()];
    let ended = init(&file, &simulator.endpoint(), &named).run().await;
    assert_eq!(ended.code, Some(0), "{}", ended.everything());
    no_secret_in(&ended);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    let check = Program::new(&["check", "--config", file.to_str().unwrap()]);
    let ended = check.run().await;
    assert_eq!(ended.code, Some(0), "{}", ended.everything());
}

#[tokio::test]
async fn what_does_not_work_is_not_written_unless_nobody_looks() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.toml");
    let store = ["--secret-store", "file"];
    let wrong = |more: &[&str]| {
        let more = [&store[..], more].concat();
        init(&file, &simulator.endpoint(), &more).input("wr0ng\n")
    };
    let ended = wrong(&[]).run().await;
    assert_eq!(ended.code, Some(1), "{}", ended.everything());
    assert!(
        ended.stdout.contains("main: failed  token"),
        "{}",
        ended.stdout
    );
    assert!(ended.stderr.contains("--no-check"), "{}", ended.stderr);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let ended = wrong(&["--no-check"]).run().await;
    assert_eq!(ended.code, Some(0), "{}", ended.everything());
    assert!(!ended.stdout.contains("token"), "{}", ended.stdout);

    // What is there now stays until somebody says so.
    let before = fs::read_to_string(&file).unwrap();
    let program = init(&file, &simulator.endpoint(), &store);
    let ended = program.input(CLIENT_SECRET).run().await;
    assert_eq!(ended.code, Some(2), "{}", ended.everything());
    for words in ["a.toml", "main.client_secret", "--force"] {
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
    let secret = file.with_file_name("main.client_secret");
    assert_eq!(fs::read_to_string(&secret).unwrap(), "wr0ng\n");
    let force = ["--secret-store", "file", "--force"];
    let program = init(&file, &simulator.endpoint(), &force);
    let ended = program.input(CLIENT_SECRET).run().await;
    assert_eq!(ended.code, Some(0), "{}", ended.everything());
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    assert_eq!(fs::read_to_string(&secret).unwrap().trim(), CLIENT_SECRET);
}

#[tokio::test]
async fn a_command_line_that_is_wrong_is_code_2_and_told_whole() {
    for (arguments, words) in [
        (
            &[][..],
            &[
                "--customer-id is missing",
                "--client-id is missing",
                "--region is missing",
            ][..],
        ),
        (
            &["--region", "mars", "--customer-id", "a b"],
            &["`mars`", "--customer-id: an id", "--client-id is missing"],
        ),
        (
            &["--secret-store", "paper"],
            &["keyring", "file", "environment"],
        ),
        (&["--client-secret", "x"], &["unexpected argument"]),
    ] {
        let program = Program::new(&["init"]).arguments(arguments);
        let ended = program.run().await;
        assert_eq!(ended.code, Some(2), "{}", ended.everything());
        for words in words {
            assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
        }
        assert_eq!(ended.stdout, "");
    }
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.toml");
    let ended = init(&file, "http://127.0.0.1:9", &[]).run().await;
    assert_eq!(ended.code, Some(2), "{}", ended.everything());
    assert!(ended.stderr.contains("is empty"), "{}", ended.stderr);
}
