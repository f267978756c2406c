//! Company proxies, as the environment names them.

use serde_json::json;

use crate::process::{CLIENT_ID, CLIENT_SECRET, CUSTOMER_ID, Program};
use crate::upstream::{Act, Sent, Upstream};
use crate::wire;

#[tokio::test]
async fn requests_go_through_the_proxy_that_the_environment_names() {
    let proxy = Upstream::bare(|request, _| answer(request)).await;
    let serve = client(Program::new(&["serve", "--listen", "127.0.0.1:0"]))
        .variable(
            "HTTP_PROXY",
            &format!("http://someone:p4ssw0rd@{}", proxy.address),
        )
        .variable("RUST_LOG", "trace");
    let running = serve.start().await;
    let reply = wire::get(running.address, "/monitorodata/Machines").await;
    assert_eq!(reply.rows(), [json!({"Id": 1})]);
    let requests = proxy.requests();
    let [sent] = &*requests else {
        panic!("{requests:?}");
    };
    let expected = format!("GET {ENDPOINT}/monitorodata/Machines HTTP/1.1");
    assert_eq!(sent.line, expected);
    assert_eq!(sent.all("proxy-authorization").len(), 1, "{sent:?}");
    // The way to the proxy is nobody's business but the proxy's.
    let status = wire::get(running.address, "/api/status").await;
    let everything = running.killed().await.everything() + status.text();
    let found = everything.lines().find(|line| line.contains("p4ssw0rd"));
    assert_eq!(found, None);
}

#[tokio::test]
async fn hosts_that_need_no_proxy_are_asked_directly() {
    let proxy = Upstream::bystander().await;
    let upstream = Upstream::start(|_, _| Act::json(r#"{"value":[]}"#)).await;
    let running = Program::serve(&upstream.endpoint())
        .variable("HTTP_PROXY", &proxy.endpoint())
        .variable("NO_PROXY", "localhost,127.0.0.1")
        .start()
        .await;
    let reply = wire::get(running.address, "/monitorodata/Machines").await;
    assert_eq!(reply.rows().len(), 0);
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
async fn a_proxy_that_wants_a_log_on_is_told_by_the_check() {
    let proxy = Upstream::bare(|_, _| {
        let headers = "Proxy-Authenticate: Basic realm=\"x\"\r\nContent-Type: text/html\r\n";
        Act::reply(
            "407 Proxy Authentication Required",
            headers,
            b"<html></html>",
        )
    })
    .await;
    let check = client(Program::new(&["check"])).variable("HTTP_PROXY", &proxy.endpoint());
    let ended = check.run().await;
    assert_eq!(ended.code, Some(1), "{}", ended.everything());
    let line = ended.stdout.lines().find(|line| line.contains("failed"));
    let line = line.unwrap_or_else(|| panic!("{}", ended.everything()));
    assert!(line.starts_with("main: failed  connection"), "{line}");
    assert!(
        line.contains("HTTPS_PROXY=http://user:password@proxy:8080"),
        "{line}"
    );
}

#[tokio::test]
async fn the_check_leaves_names_to_the_proxy() {
    let proxy = Upstream::bare(|_, _| Act::reply("502 Bad Gateway", "", b"")).await;
    let ended = client(Program::new(&["check"]))
        .variable("CITRIX_ENDPOINT", "https://no-such-host.invalid")
        .variable(
            "HTTPS_PROXY",
            &format!("http://someone:p4ssw0rd@{}", proxy.address),
        )
        .run()
        .await;
    assert_eq!(ended.code, Some(1), "{}", ended.everything());
    for line in ["proxy            ", "dns              left to the proxy "] {
        let line = format!("main: ok      {line}{} (", proxy.endpoint());
        assert!(ended.stdout.contains(&line), "{}", ended.everything());
    }
    assert!(
        ended.stdout.contains("main: failed  connection"),
        "{}",
        ended.everything()
    );
    assert!(
        !ended.everything().contains("p4ssw0rd"),
        "{}",
        ended.everything()
    );
}

fn answer(request: &Sent) -> Act {
    if request.line.starts_with("POST ") {
        Act::json(r#"{"access_token":"proxied","expires_in":3600}"#)
    } else {
        Act::json(r#"{"value":[{"Id":1}]}"#)
    }
}

/// A program for a service that only the proxy can reach.
fn client(program: Program) -> Program {
    program
        .variable("CITRIX_CUSTOMER_ID", CUSTOMER_ID)
        .variable("CITRIX_CLIENT_ID", CLIENT_ID)
        .variable("CITRIX_CLIENT_SECRET", CLIENT_SECRET)
        .variable("CITRIX_ENDPOINT", ENDPOINT)
}

const ENDPOINT: &str = "http://localhost:9";
