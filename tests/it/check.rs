//! `check`, as a process: what it finds, what it advises, and what it leaves to scripts.

use serde_json::Value;

use crate::process::{CLIENT_ID, CLIENT_SECRET, CUSTOMER_ID, Ended, Program};
use crate::upstream::{Act, Upstream, nobody};

#[tokio::test]
async fn all_is_well_with_the_simulator() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let ended = check(&simulator.endpoint(), &[]).run().await;
    assert_eq!(ended.code, Some(0), "{}", ended.everything());
    assert_eq!(
        ended.stdout.lines().count(),
        STEPS.len(),
        "{}",
        ended.stdout
    );
    for (line, step) in ended.stdout.lines().zip(STEPS) {
        assert!(line.starts_with(&format!("main: ok      {step}")), "{line}");
    }
    let ended = check(&simulator.endpoint(), &["--json"]).run().await;
    assert_eq!(ended.code, Some(0));
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["ok"], true);
    assert_eq!(outcomes(&report), STEPS.map(|step| format!("{step}: ok")));
}

#[tokio::test]
async fn what_fails_is_told_with_a_remedy_and_code_1() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let endpoint = simulator.endpoint();
    let (_kept, nowhere) = nobody();
    let page = b"<!doctype html><html><body>It works!</body></html>";
    let pages =
        Upstream::start(|_, _| Act::reply("200 OK", "Content-Type: text/html\r\n", page)).await;
    let every =
        Upstream::bare(|_, _| Act::reply("200 OK", "Content-Type: text/html\r\n", page)).await;
    for (program, failed, words) in [
        (
            check(&endpoint, &[]).variable("CITRIX_CLIENT_SECRET", "wrong"),
            "token",
            "Check the client id and the client secret",
        ),
        (
            check(&endpoint, &[]).variable("CITRIX_CUSTOMER_ID", "somebody"),
            "token",
            "customer id",
        ),
        (
            check(&format!("http://{nowhere}"), &[]),
            "connection",
            "Check the firewall and the proxy settings",
        ),
        (
            check(&every.endpoint(), &[]),
            "token",
            "check the proxy settings and the endpoint",
        ),
        (
            check(&pages.endpoint(), &[]),
            "service document",
            "check the proxy settings and the endpoint",
        ),
        (
            check("http://no-such-host.localhost.invalid", &[]),
            "",
            "https://",
        ),
    ] {
        let ended = program.run().await;
        if failed.is_empty() {
            // Not a matter of the network: the settings refuse what would carry the secret in the open.
            assert_eq!(ended.code, Some(2), "{}", ended.everything());
            assert!(ended.stderr.contains(words), "{}", ended.stderr);
            continue;
        }
        assert_eq!(ended.code, Some(1), "{failed}: {}", ended.everything());
        let line = line(&ended, failed);
        assert!(line.starts_with("main: failed"), "{line}");
        assert!(line.contains(words), "{line}");
        let skipped = ended.stdout.matches("main: skipped").count();
        assert!(skipped > 0, "{}", ended.stdout);
    }
}

#[tokio::test]
async fn scripts_get_the_same_as_json() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let program = check(&simulator.endpoint(), &["--json"]);
    let ended = program
        .variable("CITRIX_CLIENT_SECRET", "wrong")
        .run()
        .await;
    assert_eq!(ended.code, Some(1));
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["ok"], false);
    let expected = [
        "settings: ok",
        "proxy: ok",
        "dns: ok",
        "connection: ok",
        "clock: ok",
        "token: failed",
        "service document: skipped",
        "$metadata: skipped",
        "one row: skipped",
    ];
    assert_eq!(outcomes(&report), expected);
    let remedy = report["sites"][0]["steps"][5]["remedy"].as_str().unwrap();
    assert!(remedy.contains("client secret"), "{remedy}");
}

#[tokio::test]
async fn every_site_is_checked_though_one_fails() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let site = |name: &str, secret: &str| {
        format!(
            "[sites.{name}]\ncustomer_id = \"{CUSTOMER_ID}\"\nclient_id = \"{CLIENT_ID}\"\n\
             client_secret = \"{secret}\"\nupstream = {{ endpoint = \"{}\" }}\n",
            simulator.endpoint()
        )
    };
    let text = [site("a", "wrong"), site("b", CLIENT_SECRET)].concat();
    let program = Program::new(&["check"]).settings(&text);
    let file = program.folder().join("citrix-odata-proxy.toml");
    let ended = program.run().await;
    assert_eq!(ended.code, Some(1), "{}", ended.everything());
    for site in ["a", "b"] {
        let line = format!(
            "{site}: ok      settings         read from {}",
            file.display()
        );
        assert!(ended.stdout.contains(&line), "{}", ended.stdout);
    }
    assert!(
        ended.stdout.contains("a: failed  token"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("b: ok      one row"),
        "{}",
        ended.stdout
    );
}

fn check(endpoint: &str, arguments: &[&str]) -> Program {
    Program::new(&["check"])
        .arguments(arguments)
        .variable("CITRIX_CUSTOMER_ID", CUSTOMER_ID)
        .variable("CITRIX_CLIENT_ID", CLIENT_ID)
        .variable("CITRIX_CLIENT_SECRET", CLIENT_SECRET)
        .variable("CITRIX_ENDPOINT", endpoint)
}

/// The line of a step.
fn line<'a>(ended: &'a Ended, step: &str) -> &'a str {
    let mut lines = ended.stdout.lines();
    let named = lines.find(|line| line.get(14..).is_some_and(|rest| rest.starts_with(step)));
    named.unwrap_or_else(|| panic!("{step} in {}", ended.stdout))
}

/// `token: failed` for each step.
fn outcomes(report: &Value) -> Vec<String> {
    let steps = report["sites"][0]["steps"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    steps
        .map(|step| format!("{}: {}", text(&step["name"]), text(&step["outcome"])))
        .collect()
}

const STEPS: [&str; 9] = [
    "settings",
    "proxy",
    "dns",
    "connection",
    "clock",
    "token",
    "service document",
    "$metadata",
    "one row",
];
