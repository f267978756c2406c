//! What pages of others can make a browser do here.

use super::{guarded, rows};
use crate::wire::{self, Reply, Wire};

const ROWS: &str = "/monitorodata/Machines";

fn fetch(site: &str, mode: &str, dest: &str) -> Vec<String> {
    vec![
        format!("Sec-Fetch-Site: {site}"),
        format!("Sec-Fetch-Mode: {mode}"),
        format!("Sec-Fetch-Dest: {dest}"),
    ]
}

async fn send(client: &mut Wire, method: &str, path: &str, headers: &[String]) -> Reply {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n");
    for line in headers {
        text.push_str(line);
        text.push_str("\r\n");
    }
    client.send(&format!("{text}\r\n")).await;
    client.reply().await
}

#[tokio::test]
async fn a_page_of_another_origin_neither_reads_nor_purges() {
    let upstream = rows().await;
    let proxy = guarded(&upstream, "").await;
    let mut client = Wire::open(proxy.address).await;
    let evil = "Origin: https://evil.example".to_owned();
    let cors = [fetch("cross-site", "cors", "empty"), vec![evil.clone()]].concat();
    let image = fetch("cross-site", "no-cors", "image");
    let frame = fetch("cross-site", "navigate", "iframe");
    let link = fetch("cross-site", "navigate", "document");
    let port = fetch("same-site", "cors", "empty");
    let own = fetch("same-origin", "cors", "empty");
    let old = vec![evil];
    let purge = "/api/cache/purge";
    for (method, path, headers, status) in [
        ("GET", ROWS, &cors, 403),
        ("GET", ROWS, &image, 403),
        ("GET", ROWS, &frame, 403),
        ("GET", ROWS, &port, 403),
        ("GET", "/api/status", &cors, 403),
        ("GET", "/metrics", &image, 403),
        ("GET", ROWS, &link, 200),
        ("GET", "/", &link, 200),
        ("GET", ROWS, &own, 200),
        ("GET", ROWS, &vec![], 200),
        ("POST", purge, &cors, 403),
        ("POST", purge, &old, 403),
        ("POST", purge, &link, 403),
        ("POST", purge, &port, 403),
        ("POST", "/monitorodata/$batch", &old, 403),
        ("POST", "/api/whatever-comes", &old, 403),
        ("POST", purge, &own, 200),
        ("POST", purge, &vec![], 200),
    ] {
        let reply = send(&mut client, method, path, headers).await;
        assert_eq!(
            reply.status(),
            status,
            "{method} {path} {headers:?}: {}",
            reply.text()
        );
        if status == 403 {
            assert_eq!(reply.error_code(), "CrossSite");
        }
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn a_listed_origin_reads_and_does_not_purge() {
    let upstream = rows().await;
    let proxy = guarded(
        &upstream,
        "[server]\ncors_origins = ['https://app.example.com/']\n",
    )
    .await;
    let mut client = Wire::open(proxy.address).await;
    let page = |origin: &str| {
        let mut headers = fetch("cross-site", "cors", "empty");
        headers.push(format!("Origin: {origin}"));
        headers
    };
    let listed = page("https://app.example.com");
    let reply = send(&mut client, "GET", ROWS, &listed).await;
    assert_eq!(reply.status(), 200);
    let allowed = reply.header("access-control-allow-origin");
    assert_eq!(allowed, Some("https://app.example.com"));
    assert!(
        reply
            .header("access-control-expose-headers")
            .unwrap()
            .contains("OData-Version")
    );
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    assert_eq!(reply.header("cross-origin-resource-policy"), None);
    let vary = reply.head.headers.iter().filter(|(name, _)| name == "vary");
    assert!(vary.into_iter().any(|(_, value)| value == "Origin"));
    let mut question = listed.clone();
    question.push("Access-Control-Request-Method: GET".to_owned());
    question.push("Access-Control-Request-Headers: authorization".to_owned());
    let reply = send(&mut client, "OPTIONS", ROWS, &question).await;
    assert_eq!(reply.status(), 204);
    assert!(
        reply
            .header("access-control-allow-methods")
            .unwrap()
            .contains("GET")
    );
    assert!(
        reply
            .header("access-control-allow-headers")
            .unwrap()
            .contains("Authorization")
    );
    assert_eq!(reply.header("access-control-allow-origin"), allowed);
    let reply = send(&mut client, "POST", "/api/cache/purge", &listed).await;
    assert_eq!((reply.status(), &*reply.error_code()), (403, "CrossSite"));
    for origin in [
        "https://app.example.com.evil.example",
        "http://app.example.com",
        "null",
    ] {
        let mut question = page(origin);
        let reply = send(&mut client, "GET", ROWS, &question).await;
        assert_eq!(reply.status(), 403, "{origin}");
        assert_eq!(reply.header("access-control-allow-origin"), None);
        question.push("Access-Control-Request-Method: GET".to_owned());
        let reply = send(&mut client, "OPTIONS", ROWS, &question).await;
        assert_eq!(
            reply.header("access-control-allow-origin"),
            None,
            "{origin}"
        );
        assert_eq!(
            reply.header("access-control-allow-methods"),
            None,
            "{origin}"
        );
    }
}

#[tokio::test]
async fn a_name_that_is_pointed_here_is_refused() {
    let upstream = rows().await;
    let proxy = guarded(&upstream, "").await;
    for path in [ROWS, "/", "/api/status", "/healthz"] {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
        let reply = wire::exchange(proxy.address, &request).await;
        assert_eq!(
            (reply.status(), &*reply.error_code()),
            (421, "HostNotAllowed")
        );
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn every_response_tells_browsers_to_keep_it_to_themselves() {
    let upstream = rows().await;
    let proxy = guarded(&upstream, "").await;
    let mut client = Wire::open(proxy.address).await;
    for (method, path) in [
        ("GET", ROWS),
        ("GET", "/monitorodata/%ZZ"),
        ("OPTIONS", ROWS),
        ("DELETE", ROWS),
        ("GET", "/"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/api/status"),
        ("POST", "/api/cache/purge"),
        ("GET", "/nowhere"),
    ] {
        let reply = send(&mut client, method, path, &[]).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{method} {path}");
        }
        // Browsers say `Origin: null` for the forms of a page that has no referrer at all.
        let referrer = match reply.header("content-type") {
            Some(html) if html.starts_with("text/html") => "same-origin",
            _ => "no-referrer",
        };
        let policy = reply.header("referrer-policy");
        assert_eq!(policy, Some(referrer), "{method} {path}");
        assert_eq!(reply.header("strict-transport-security"), None);
    }
}
