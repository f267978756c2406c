//! Upstreams that fail, on real sockets: an answer is complete, or it is visibly an error; and what is ours goes
//! to nobody else.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::process::{Program, Running};
use crate::upstream::{Act, Sent, Upstream, nobody};
use crate::wire::{self, End, Wire};

#[tokio::test]
async fn a_failure_after_the_first_byte_cuts_the_connection() {
    for fault in [
        "malformed",
        "status,status=500",
        "cut-body,after=5000",
        "loop-link",
        "html",
    ] {
        let (simulator, proxy) = pages_of_100("0s").await;
        let fault = format!("set=Sessions,page=3,times=always,kind={fault}");
        simulator.faults(&fault).await;
        let mut client = Wire::open(proxy.address).await;
        client.ask("/monitorodata/Sessions", &[]).await;
        let reply = client.reply().await;
        assert_eq!((reply.status(), reply.end), (200, End::Cut), "{fault}");
        assert_eq!(reply.header("content-length"), None, "{fault}");
        assert!(!reply.framed.ends_with(b"0\r\n\r\n"), "{fault}");
        assert!(reply.text().contains("\"SessionKey\""), "{fault}");
        assert!(
            serde_json::from_slice::<Value>(&reply.body).is_err(),
            "{fault}"
        );
        assert!(client.closed().await, "{fault}");
        proxy.says("GET Sessions 200 cut").await;
        let metrics = wire::get(proxy.address, "/metrics").await;
        assert!(
            metrics.text().contains("\nweb_answers_cut_total 1\n"),
            "{fault}"
        );
        // What is half is not kept.
        simulator.faults("").await;
        let whole = wire::get(proxy.address, "/monitorodata/Sessions").await;
        assert!(whole.rows().len() >= 300, "{fault}");
    }
}

#[tokio::test]
async fn a_compressed_body_that_is_cut_has_no_trailer() {
    let (simulator, proxy) = pages_of_100("0s").await;
    let zip = ["Accept-Encoding: gzip"];
    simulator
        .faults("set=Sessions,page=3,times=always,kind=malformed")
        .await;
    let mut client = Wire::open(proxy.address).await;
    client.ask("/monitorodata/Sessions", &zip).await;
    let reply = client.reply().await;
    assert_eq!((reply.status(), reply.end), (200, End::Cut));
    assert!(!reply.framed.ends_with(b"0\r\n\r\n"));
    let (text, whole) = reply.unzipped();
    assert!(!whole);
    assert!(String::from_utf8_lossy(&text).contains("\"SessionKey\""));
    assert!(client.closed().await);
    simulator.faults("").await;
    let reply = wire::get_with(proxy.address, "/monitorodata/Sessions", &zip).await;
    assert_eq!(reply.end, End::Clean);
    let (text, whole) = reply.unzipped();
    assert!(whole);
    assert!(serde_json::from_slice::<Value>(&text).is_ok());
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_an_error_or_everything() {
    let (simulator, proxy) = pages_of_100("0s").await;
    simulator
        .faults("set=Sessions,page=3,times=always,kind=malformed")
        .await;
    for encoding in ["", "Accept-Encoding: gzip\r\n"] {
        let request =
            format!("GET /monitorodata/Sessions HTTP/1.0\r\nHost: localhost\r\n{encoding}\r\n");
        let reply = wire::exchange(proxy.address, &request).await;
        assert_eq!(reply.end, End::Clean);
        assert_eq!(
            (reply.status(), &*reply.error_code()),
            (502, "UpstreamBadResponse")
        );
    }
    proxy.says("GET Sessions 502 complete").await;
    simulator.faults("").await;
    let request = "GET /monitorodata/Sessions HTTP/1.0\r\nHost: localhost\r\n\r\n";
    let reply = wire::exchange(proxy.address, request).await;
    assert!(reply.rows().len() >= 300);
}

#[tokio::test]
async fn what_is_too_large_for_http_1_0_needs_http_1_1() {
    let long = "x".repeat(17 << 20);
    let upstream = Upstream::start(move |_, before| {
        let next = format!(r#","@odata.nextLink":"Machines?$skip={}""#, before % 4 + 1);
        let next = if before % 4 < 3 { &*next } else { "" };
        Act::json(&format!(
            r#"{{"value":[{{"Id":{before},"Long":"{long}"}}]{next}}}"#
        ))
    })
    .await;
    let proxy = Program::serve(&upstream.endpoint()).start().await;
    let old = "GET /monitorodata/Machines HTTP/1.0\r\nHost: localhost\r\n\r\n";
    let reply = wire::exchange(proxy.address, old).await;
    assert_eq!(
        (reply.status(), &*reply.error_code(), reply.end),
        (505, "HttpVersionNotSupported", End::Clean)
    );
    assert!(reply.text().contains("proxy_http_version 1.1;"));
    let reply = wire::get(proxy.address, "/monitorodata/Machines").await;
    assert_eq!(reply.rows().len(), 4);
}

#[tokio::test]
async fn trouble_that_passes_is_invisible() {
    let (simulator, proxy) = pages_of_100("1m").await;
    let expected = wire::get(proxy.address, "/monitorodata/Sessions").await;
    simulator
        .faults(
            "set=Sessions,page=1,kind=status,status=500\n\
             set=Sessions,page=2,kind=cut-body,after=5000\n\
             set=Sessions,page=2,kind=throttled,retry-after=1\n\
             set=Sessions,page=3,kind=malformed\n\
             set=Sessions,page=3,kind=expire-token\n\
             set=Sessions,page=4,kind=short-page,rows=7\n",
        )
        .await;
    let insist = ["Cache-Control: no-cache"];
    let again = wire::get_with(proxy.address, "/monitorodata/Sessions", &insist).await;
    assert_eq!(again.end, End::Clean);
    assert_eq!(again.text(), expected.text());
    assert!(simulator.stat("faults_struck").await >= 6);
}

#[tokio::test]
async fn no_answer_is_a_timeout_within_the_budget() {
    let upstream = Upstream::start(|_, _| Act::Hang).await;
    let proxy = Program::serve(&upstream.endpoint())
        .set("sites.main.upstream.page_timeout", "1s")
        .set("sites.main.upstream.retry_budget", "2s")
        .start()
        .await;
    let began = Instant::now();
    let reply = wire::get(proxy.address, "/monitorodata/Sessions").await;
    let took = began.elapsed();
    assert_eq!(
        (reply.status(), &*reply.error_code()),
        (504, "UpstreamTimeout")
    );
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(8),
        "{took:?}"
    );
    let asked = upstream.requests().len();
    assert!((1..=2).contains(&asked), "{asked}");
}

#[tokio::test]
async fn a_byte_is_no_answer() {
    for bytes in [
        "H",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
    ] {
        let upstream = Upstream::start(move |_, _| Act::SendAndClose(bytes.into())).await;
        let proxy = Program::serve(&upstream.endpoint())
            .set("sites.main.upstream.retry_budget", "0s")
            .start()
            .await;
        let reply = wire::get(proxy.address, "/monitorodata/Sessions").await;
        assert_eq!(
            (reply.status(), &*reply.error_code()),
            (503, "UpstreamUnavailable")
        );
        assert!(reply.header("retry-after").unwrap().parse::<u32>().is_ok());
    }
}

#[tokio::test]
async fn an_answer_that_was_cut_is_asked_for_again() {
    let upstream = Upstream::start(|_, before| match before {
        0 => Act::SendAndClose(b"H".into()),
        1 => Act::SendAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"value\":[".into()),
        _ => Act::json(r#"{"value":[{"Id":1}]}"#),
    })
    .await;
    let proxy = Program::serve(&upstream.endpoint()).start().await;
    let rows = wire::get(proxy.address, "/monitorodata/Machines")
        .await
        .rows();
    assert_eq!(rows, [json!({"Id": 1})]);
    assert_eq!(upstream.requests().len(), 3);
}

#[tokio::test]
async fn an_answer_that_ends_with_its_connection_is_whole_only_if_its_text_is() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
    for (body, status) in [
        (r#"{"value":[{"Id":1}]}"#, 200),
        (r#"{"value":[{"Id":1}]"#, 502),
        (r#"{"value":[{"Id":1},{"#, 502),
        ("", 502),
    ] {
        let bytes = format!("{head}{body}");
        let upstream = Upstream::start(move |_, _| Act::SendAndClose(bytes.clone().into())).await;
        let proxy = Program::serve(&upstream.endpoint())
            .set("sites.main.upstream.retry_budget", "0s")
            .start()
            .await;
        let reply = wire::get(proxy.address, "/monitorodata/Machines").await;
        assert_eq!((reply.status(), reply.end), (status, End::Clean), "{body}");
    }
}

#[tokio::test]
async fn an_upstream_that_hangs_up_after_each_answer_is_no_trouble() {
    let upstream = Upstream::start(|_, before| {
        let mut page = json!({"value": [{"Id": before}]});
        if before < 5 {
            page["@odata.nextLink"] = format!("Machines?$skip={}", before + 1).into();
        }
        match Act::json(&page.to_string()) {
            Act::Send(bytes) => Act::SendAndClose(bytes),
            act => act,
        }
    })
    .await;
    let proxy = Program::serve(&upstream.endpoint()).start().await;
    let rows = wire::get(proxy.address, "/monitorodata/Machines")
        .await
        .rows();
    let ids: Vec<u64> = rows.iter().filter_map(|row| row["Id"].as_u64()).collect();
    assert_eq!(ids, [0, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_refused_connection_is_unavailable_for_a_while() {
    let (_kept, nowhere) = nobody();
    let proxy = Program::serve(&format!("http://{nowhere}"))
        .set("sites.main.upstream.retry_budget", "0s")
        .start()
        .await;
    let reply = wire::get(proxy.address, "/monitorodata/Sessions").await;
    assert_eq!(
        (reply.status(), &*reply.error_code()),
        (503, "UpstreamUnavailable")
    );
    let seconds: u32 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=120).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let bystander = Arc::new(Upstream::bystander().await);
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let to = bystander.endpoint();
        let upstream = Upstream::start(move |_, _| {
            Act::reply(
                status,
                &format!("Location: {to}/monitorodata/Sessions\r\n"),
                b"",
            )
        })
        .await;
        let proxy = Program::serve(&upstream.endpoint()).start().await;
        let reply = wire::get(proxy.address, "/monitorodata/Sessions").await;
        assert_eq!(
            (reply.status(), &*reply.error_code()),
            (502, "UpstreamBadResponse"),
            "{status}"
        );
        assert_eq!(reply.header("location"), None);
        assert!(!reply.text().contains(&bystander.endpoint()));
    }
    assert_eq!(bystander.connections(), 0);
}

#[tokio::test]
async fn redirects_of_the_token_endpoint_are_not_followed_either() {
    let bystander = Upstream::bystander().await;
    let to = bystander.endpoint();
    let upstream = Upstream::bare(move |_, _| {
        Act::reply(
            "307 Temporary Redirect",
            &format!("Location: {to}/\r\n"),
            b"",
        )
    })
    .await;
    let proxy = Program::serve(&upstream.endpoint()).start().await;
    let reply = wire::get(proxy.address, "/monitorodata/Sessions").await;
    assert_eq!(
        (reply.status(), &*reply.error_code()),
        (502, "UpstreamCredentials")
    );
    assert_eq!(bystander.connections(), 0);
}

#[tokio::test]
async fn a_next_link_to_another_host_is_not_followed() {
    let bystander = Upstream::bystander().await;
    let address = bystander.address;
    let port = address.port();
    let links = [
        format!("http://{address}/monitorodata/Sessions?$skip=1"),
        format!("//{address}/monitorodata/Sessions?$skip=1"),
        format!("http://OWN@{address}/monitorodata/Sessions?$skip=1"),
        format!("http://localhost:{port}/monitorodata/Sessions?$skip=1"),
        format!("http:\\\\{address}\\monitorodata\\Sessions?$skip=1"),
    ];
    for link in links {
        let upstream = Upstream::start(move |request, _| {
            let own = request.all("host")[0];
            let link = link.replace("OWN", own);
            Act::json(&json!({"value": [{"Id": 1}], "@odata.nextLink": link}).to_string())
        })
        .await;
        let proxy = Program::serve(&upstream.endpoint()).start().await;
        let reply = wire::get(proxy.address, "/monitorodata/Sessions").await;
        // The path may be asked of the host that is configured, where this script leads in a circle.
        assert!(
            reply.status() == 502 || reply.end == End::Cut,
            "{:?}",
            reply.head
        );
    }
    assert_eq!(bystander.connections(), 0);
}

#[tokio::test]
async fn a_next_link_may_be_longer_than_what_the_client_sent() {
    let upstream = Upstream::start(|request, before| {
        let path = request.line.split(' ').nth(1).unwrap();
        let mut page = json!({"value": [{"Id": before}]});
        if before == 0 {
            // As the framework of the service writes what it has read.
            let path = path.replace('\'', "%27").replace(',', "%2C");
            page["@odata.nextLink"] = format!("http://citrix.test{path}&$skip=1").into();
        }
        Act::json(&page.to_string())
    })
    .await;
    let proxy = Program::serve(&upstream.endpoint()).start().await;
    let names = vec!["'a'"; 5000].join(",");
    let path = format!("/monitorodata/Machines?$filter=Name+in+({names})");
    assert!(path.len() < 32 * 1024);
    let rows = wire::get(proxy.address, &path).await.rows();
    assert_eq!(rows, [json!({"Id": 0}), json!({"Id": 1})]);
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test]
async fn the_content_type_says_what_was_sent_and_not_what_was_asked_for() {
    let minimal = "application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8";
    let none = "application/json;odata.metadata=none;odata.streaming=true;charset=utf-8";
    let none_as_text = format!("{none};IEEE754Compatible=true");
    for (sent, said) in [
        ("application/json; odata.metadata=minimal", minimal),
        ("application/json; odata.metadata=none", none),
        (
            "application/json;odata.metadata=none;IEEE754Compatible=true",
            &none_as_text,
        ),
        ("application/json; charset=utf-8", &none_as_text),
    ] {
        let headers = format!("Content-Type: {sent}\r\n");
        let upstream =
            Upstream::start(move |_, _| Act::reply("200 OK", &headers, br#"{"value":[]}"#)).await;
        let proxy = Program::serve(&upstream.endpoint()).start().await;
        let accept = ["Accept: application/json;odata.metadata=none;IEEE754Compatible=true"];
        // The second is a stored one.
        for _ in 0..2 {
            let reply = wire::get_with(proxy.address, "/monitorodata/Machines", &accept).await;
            assert_eq!(reply.header("content-type"), Some(said), "{sent}");
        }
    }
}

#[tokio::test]
async fn compressed_pages_are_read() {
    let upstream = Upstream::start(|_, _| {
        let mut zipped = GzEncoder::new(Vec::new(), Compression::fast());
        zipped
            .write_all(br#"{"value":[{"Id":1},{"Id":2}]}"#)
            .unwrap();
        let headers = "Content-Type: application/json\r\nContent-Encoding: gzip\r\n";
        Act::reply("200 OK", headers, &zipped.finish().unwrap())
    })
    .await;
    let proxy = Program::serve(&upstream.endpoint()).start().await;
    let reply = wire::get(proxy.address, "/monitorodata/Machines").await;
    assert_eq!(reply.header("content-encoding"), None);
    assert_eq!(reply.rows().len(), 2);
}

#[tokio::test]
async fn upstream_is_sent_our_headers_and_none_of_the_clients() {
    let upstream = Upstream::start(|_, _| Act::json(r#"{"value":[]}"#)).await;
    let proxy = Program::serve(&upstream.endpoint()).start().await;
    let headers = [
        "Authorization: Basic c2VjcmV0",
        "Proxy-Authorization: Basic c2VjcmV0",
        "Cookie: session=1",
        "X-Anything: 1",
        "X-Forwarded-For: 10.0.0.1",
        "X-Forwarded-Host: elsewhere.example",
        "Forwarded: for=10.0.0.1",
        "Citrix-CustomerId: somebody",
        "Citrix-TransactionId: mine",
        "User-Agent: Microsoft.Data.Mashup",
        "Referer: http://intranet.example/",
        "Origin: http://localhost",
        "Prefer: odata.track-changes",
        "If-None-Match: W/\"x\"",
        "Range: bytes=0-1",
        "TE: trailers",
        "Accept-Encoding: br",
    ];
    let reply = wire::get_with(proxy.address, "/monitorodata/Machines", &headers).await;
    assert_eq!(reply.rows().len(), 0);
    let requests = upstream.requests();
    let [sent] = &*requests else {
        panic!("{requests:?}");
    };
    assert_eq!(sent.all("authorization"), ["CwsAuth Bearer=scripted"]);
    assert_eq!(sent.all("citrix-customerid"), ["nordhafen"]);
    assert!(one(sent, "user-agent").starts_with("citrix-odata-proxy/"));
    assert!(one(sent, "citrix-transactionid").len() >= 16, "{sent:?}");
    assert_eq!(one(sent, "accept-encoding"), "gzip");
    assert_eq!(one(sent, "host"), upstream.address.to_string());
    assert_eq!(one(sent, "odata-maxversion"), "4.0");
    let mut names: Vec<&str> = sent.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let expected = [
        "accept",
        "accept-encoding",
        "authorization",
        "citrix-customerid",
        "citrix-transactionid",
        "host",
        "odata-maxversion",
        "user-agent",
    ];
    assert_eq!(names, expected);
}

/// The only value of a header.
fn one<'a>(sent: &'a Sent, name: &str) -> &'a str {
    let values = sent.all(name);
    assert_eq!(values.len(), 1, "{name} in {sent:?}");
    values.first().copied().unwrap_or_default()
}

/// A simulator with a few pages of sessions, and a proxy with this budget for retries.
async fn pages_of_100(budget: &str) -> (Running, Running) {
    let arguments = ["--sessions", "400", "--page-size", "100"];
    let simulator = Program::simulate(&arguments).start().await;
    let proxy = Program::serve(&simulator.endpoint())
        .set("sites.main.upstream.retry_budget", budget)
        .start()
        .await;
    (simulator, proxy)
}
