//! Client secrets at rest, as a process: systemd's credentials, and credential stores that are not there.

use crate::process::{CLIENT_ID, CLIENT_SECRET, CUSTOMER_ID, Program};
use crate::wire;

/// Settings of a site at `endpoint` that say nothing of a secret.
fn site(endpoint: &str) -> String {
    format!(
        "[sites.main]\ncustomer_id = \"{CUSTOMER_ID}\"\nclient_id = \"{CLIENT_ID}\"\n\
         [sites.main.upstream]\nendpoint = \"{endpoint}\"\n"
    )
}

#[tokio::test]
async fn what_systemd_hands_over_is_used() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let endpoint = simulator.endpoint();
    for name in ["main.client_secret", "client_secret"] {
        let handed_over = |command: &[&str]| {
            let program = Program::new(command)
                .settings(&site(&endpoint))
                .variable("RUST_LOG", "trace");
            let folder = program.folder().join("credentials");
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join(name), format!("{CLIENT_SECRET}\n")).unwrap();
            program.variable("CREDENTIALS_DIRECTORY", folder.to_str().unwrap())
        };
        let shown = handed_over(&["config"]).run().await;
        assert_eq!(shown.code, Some(0), "{}", shown.everything());
        let line = shown
            .stdout
            .lines()
            .find(|line| line.starts_with("sites.main.client_secret = "));
        let line = line.unwrap();
        assert!(line.contains("\"***\""), "{line}");
        assert!(
            line.contains("systemd credential") && line.ends_with(name),
            "{line}"
        );
        let proxy = handed_over(&["serve", "--listen", "127.0.0.1:0"])
            .start()
            .await;
        let reply = wire::get(proxy.address, "/monitorodata/Machines?$top=1").await;
        assert_eq!(reply.rows().len(), 1, "{name}");
        let everything = proxy.killed().await.everything() + &shown.everything();
        assert!(!everything.contains(CLIENT_SECRET), "{everything}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_secret_that_everybody_can_read_is_logged() {
    use std::os::unix::fs::PermissionsExt;
    for (mode, warned) in [(0o644, true), (0o600, false)] {
        let text = site("http://127.0.0.1:9").replace(
            "[sites.main.upstream]",
            "client_secret_file = \"secret.txt\"\n[sites.main.upstream]",
        );
        let program = Program::new(&["serve", "--listen", "127.0.0.1:0"])
            .settings(&text)
            .file("secret.txt", CLIENT_SECRET);
        let file = program.folder().join("secret.txt");
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
        let proxy = program.start().await;
        // What is logged before the first address is told is there now.
        let log = proxy.killed().await.stderr;
        assert_eq!(
            log.contains("every account of this machine can read"),
            warned,
            "{log}"
        );
    }
}

#[tokio::test]
async fn no_flag_takes_a_secret() {
    for arguments in [
        &["secret", "set", "hunter2-hunter2"][..],
        &["secret", "set", "--secret", "hunter2-hunter2"],
        &["secret"],
        &["secret", "show"],
    ] {
        let ended = Program::new(arguments).settings(&site("")).run().await;
        assert_eq!(ended.code, Some(2), "{arguments:?}");
    }
    let ended = Program::new(&["secret", "set", "--site", "lab"])
        .settings(&site(""))
        .input("hunter2\n")
        .run()
        .await;
    assert_eq!(ended.code, Some(2), "{}", ended.everything());
    assert!(
        ended.stderr.contains("the settings have main"),
        "{}",
        ended.stderr
    );
    let ended = Program::new(&["secret", "set"])
        .settings(&site(""))
        .run()
        .await;
    assert_eq!(ended.code, Some(2), "{}", ended.everything());
    assert!(ended.stderr.contains("is empty"), "{}", ended.stderr);
}

/// Elsewhere the platform's own store is always there.
#[cfg(all(unix, not(target_os = "macos")))]
mod without_a_store {
    use std::os::unix::net::UnixListener;

    use super::*;

    const HINTS: [&str; 4] = [
        "client_secret_file",
        "client_secret_env",
        "citrix-odata-proxy secret set",
        "Secret Service",
    ];

    #[tokio::test]
    async fn settings_without_a_secret_name_every_way() {
        let ended = Program::new(&["serve"]).settings(&site("")).run().await;
        assert_eq!(ended.code, Some(2), "{}", ended.everything());
        assert!(
            ended.stderr.contains("credential store cannot be reached"),
            "{}",
            ended.stderr
        );
        for words in HINTS {
            assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
        }
    }

    #[tokio::test]
    async fn secrets_are_not_stored_and_nothing_pretends_so() {
        for command in ["set", "forget", "status"] {
            let program = Program::new(&["secret", command]).settings(&site(""));
            let ended = program.input("hunter2-hunter2\n").run().await;
            assert_eq!(ended.code, Some(1), "{}", ended.everything());
            assert!(
                ended.stderr.contains("cannot be reached"),
                "{}",
                ended.stderr
            );
            assert!(
                ended.stderr.contains("client_secret_file"),
                "{}",
                ended.stderr
            );
            assert_eq!(ended.stdout, "");
            assert!(!ended.everything().contains("hunter2"));
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        let program = Program::new(&["init", "--customer-id", "a", "--client-id", "b"])
            .arguments(&["--region", "us", "--secret-store", "keyring", "--no-check"])
            .arguments(&["--config", file.to_str().unwrap()]);
        let ended = program.input("hunter2-hunter2\n").run().await;
        assert_eq!(ended.code, Some(1), "{}", ended.everything());
        assert!(!file.exists());
    }

    #[tokio::test]
    async fn a_store_that_never_answers_is_not_waited_for() {
        let program = Program::new(&["config"]).settings(&site(""));
        // Connections are taken by the system, and nobody reads them.
        let _listener = UnixListener::bind(program.folder().join("no-bus")).unwrap();
        let ended = program.run().await;
        assert_eq!(ended.code, Some(2), "{}", ended.everything());
        assert!(
            ended.stderr.contains("gave no answer within 5s"),
            "{}",
            ended.stderr
        );
    }
}
