//! What has to be settled before other machines can reach the server.

use super::make_key;
use crate::process::{Program, addresses, eventually};

const ANYONE: &str = "answers anyone who can reach it";
const UNENCRYPTED: &str = "would travel unencrypted";

#[tokio::test]
async fn other_machines_are_let_in_only_when_access_and_encryption_are_settled() {
    let (_, section) = make_key(&[]).await;
    let (anonymous, plain) = ("anonymous = true\n", "plain_http = true\n");
    for (settings, expected) in [
        (String::new(), vec![ANYONE, UNENCRYPTED]),
        (anonymous.to_owned(), vec![UNENCRYPTED]),
        (plain.to_owned(), vec![ANYONE]),
        (section.clone(), vec![UNENCRYPTED]),
        (
            format!("{anonymous}{section}"),
            vec!["there are keys to ask for", UNENCRYPTED],
        ),
        (format!("{anonymous}{plain}"), vec![]),
        (format!("{plain}{section}"), vec![]),
    ] {
        let program = Program::serve("http://127.0.0.1:9")
            .settings(&format!("[server]\n{settings}"))
            .set("server.listen", "127.0.0.1:0");
        // The flag of the helper is the loopback address; this one is for others, too.
        let program = program.arguments(&["--listen", "0.0.0.0:0"]);
        if expected.is_empty() {
            let proxy = program.start().await;
            eventually("both addresses", async || {
                (addresses(&proxy.stdout()).len() == 2).then_some(())
            })
            .await;
            // What is done without is in the log.
            proxy.says("(server.plain_http)").await;
            let anybody = proxy.stderr().contains("(server.anonymous)");
            assert_eq!(anybody, settings.contains("anonymous"), "{settings}");
            continue;
        }
        let ended = program.run().await;
        assert_eq!(ended.code, Some(2), "{settings}");
        for text in [ANYONE, UNENCRYPTED, "there are keys to ask for"] {
            let said = ended.stderr.contains(text);
            assert_eq!(
                said,
                expected.contains(&text),
                "{settings}: {}",
                ended.stderr
            );
        }
        assert_eq!(ended.stdout, "", "{settings}");
    }
}

#[tokio::test]
async fn a_public_address_elsewhere_needs_a_key_or_the_operators_word() {
    let (_, section) = make_key(&[]).await;
    let program = |more: &str| {
        Program::serve("http://127.0.0.1:9").settings(&format!(
            "[server]\npublic_url = 'https://bi.example.com/'\n{more}"
        ))
    };
    let ended = program("").run().await;
    assert_eq!(ended.code, Some(2));
    let expected =
        format!("`https://bi.example.com/` is for other machines, and this server {ANYONE}");
    assert!(ended.stderr.contains(&expected), "{}", ended.stderr);
    assert!(!ended.stderr.contains(UNENCRYPTED), "{}", ended.stderr);
    let keyed = program(&section).start().await;
    let anonymous = program("anonymous = true").start().await;
    anonymous.says("(server.anonymous)").await;
    assert!(!keyed.killed().await.stderr.contains("(server.anonymous)"));
}

#[tokio::test]
async fn everything_that_is_wrong_with_access_is_told_at_once() {
    let (key, section) = make_key(&["--name", "a"]).await;
    let text = format!(
        "[server]\ncors_origins = [\"https://*.example.com\", \"https://a.example/x\"]\n\
         {section}\n{section}sites = [\"mian\"]\n[[server.keys]]\nname = \"b\"\nsha256 = \"{key}\"\nsites = []\n\
         [server.tls]\ncertificate_file = \"x.pem\"\n[server.limits]\nheader_bytes = \"1KiB\"\n"
    );
    let program = Program::serve("http://127.0.0.1:9").settings(&text);
    let ended = program.run().await;
    assert_eq!(ended.code, Some(2));
    for expected in [
        "`https://*.example.com` is not an origin",
        "`https://a.example/x` is not an origin",
        "another key has this name",
        "another name has the same key",
        "there is no site `mian`",
        "not a SHA-256",
        "the key is for no site",
        "the certificate has no key",
        "from \"8KiB\" to \"1MiB\"",
        "the settings have 9 problems",
    ] {
        assert!(
            ended.stderr.contains(expected),
            "{expected}: {}",
            ended.stderr
        );
    }
    assert!(!ended.everything().contains(&key));
}

#[tokio::test]
async fn the_demo_and_a_certificate_that_is_not_there_end_at_the_start() {
    let ended = Program::new(&["demo", "--listen", "0.0.0.0:0"]).run().await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("can be reached from other machines"));
    let ended = Program::serve("http://127.0.0.1:9")
        .settings("[server.tls]\ncertificate_file = 'no.pem'\nkey_file = 'no.key'\n")
        .run()
        .await;
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("no.pem` cannot be read"),
        "{}",
        ended.stderr
    );
}
