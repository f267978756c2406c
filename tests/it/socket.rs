//! Clients on real sockets: names, links, framing, pace.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::process::{Program, Running, addresses, eventually};
use crate::upstream::{Act, Upstream};
use crate::wire::{self, End, Wire};

#[tokio::test]
async fn links_carry_the_address_as_typed() {
    let simulator = Program::simulate(&["--sessions", "50"]).start().await;
    let proxy = Program::serve(&simulator.endpoint())
        .set("server.allowed_hosts", "reports.example.com")
        .start()
        .await;
    let port = proxy.address.port();
    for (host, root) in [
        (
            format!("localhost:{port}"),
            format!("http://localhost:{port}/monitorodata"),
        ),
        (
            format!("LocalHost:{port}"),
            format!("http://LocalHost:{port}/monitorodata"),
        ),
        (
            format!("127.0.0.1:{port}"),
            format!("http://127.0.0.1:{port}/monitorodata"),
        ),
        (
            format!("[::1]:{port}"),
            format!("http://[::1]:{port}/monitorodata"),
        ),
        (
            "localhost:1".to_owned(),
            "http://localhost:1/monitorodata".to_owned(),
        ),
        (
            "localhost".to_owned(),
            "http://localhost/monitorodata".to_owned(),
        ),
        (
            "reports.example.com".to_owned(),
            "http://reports.example.com/monitorodata".to_owned(),
        ),
    ] {
        // The second answer to each is a stored one, made for another client.
        let request = format!(
            "GET /monitorodata/Sessions?$top=3 HTTP/1.1\r\nHost: {host}\r\n\
             Prefer: odata.maxpagesize=2\r\nConnection: close\r\n\r\n"
        );
        let reply = wire::exchange(proxy.address, &request).await;
        assert_eq!(reply.rows().len(), 2, "{host}");
        let body = reply.json();
        assert_eq!(body["@odata.context"], format!("{root}/$metadata#Sessions"));
        let next = body["@odata.nextLink"].as_str().unwrap();
        assert!(next.starts_with(&format!("{root}/Sessions?")), "{next}");
        let rest = next.split_once("/monitorodata").unwrap().1;
        let last = wire::get(proxy.address, &format!("/monitorodata{rest}")).await;
        assert_eq!(last.rows().len(), 1, "{next}");
        assert_eq!(last.json().get("@odata.nextLink"), None);
    }
}

#[tokio::test]
async fn links_carry_the_format_that_was_asked_for() {
    let upstream = Upstream::start(|request, _| {
        let number = if request.all("accept")[0].contains("IEEE754Compatible=true") {
            r#"{"value":[{"Id":"1"},{"Id":"2"}]}"#
        } else {
            r#"{"value":[{"Id":1},{"Id":2}]}"#
        };
        Act::json(number)
    })
    .await;
    let proxy = Program::serve(&upstream.endpoint()).start().await;
    let pages = ["Prefer: odata.maxpagesize=2"];
    let paths = [
        ("$format=application/json;IEEE754Compatible=true", "\"1\""),
        ("$format=json", "1"),
        ("$top=3", "1"),
    ];
    for (option, number) in paths {
        let path = format!("/monitorodata/Machines?{option}");
        let first = wire::get_with(proxy.address, &path, &pages).await;
        let next = first.json()["@odata.nextLink"].as_str().unwrap().to_owned();
        assert_eq!(next.contains("$format="), option.contains("$format="));
        let rest = next.split_once("/monitorodata").unwrap().1;
        // A client that asks by `$format` may accept anything.
        let accept = match option {
            "$top=3" => "Accept: */*",
            _ => "Accept: application/json;odata.metadata=none",
        };
        let path = format!("/monitorodata{rest}");
        let second = wire::get_with(proxy.address, &path, &[accept]).await;
        assert_eq!(
            second.header("content-type"),
            first.header("content-type"),
            "{option}"
        );
        for reply in [first, second] {
            assert_eq!(reply.rows()[0]["Id"].to_string(), number, "{option}");
        }
    }
    for sent in upstream.requests() {
        assert!(!sent.line.contains("$format"), "{}", sent.line);
    }
}

#[tokio::test]
async fn listens_on_both_loopback_addresses_where_there_are_two() {
    let simulator = Program::simulate(&["--sessions", "50"]).start().await;
    let proxy = Program::serve(&simulator.endpoint()).arguments(&["--listen", "[::1]:0"]);
    let proxy = proxy.start().await;
    let bound = eventually("two addresses, or a reason", async || {
        let bound = addresses(&proxy.stdout());
        (bound.len() == 2 || proxy.stderr().contains("no IPv6")).then_some(bound)
    })
    .await;
    for address in bound {
        let request = format!(
            "GET /monitorodata/Machines HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        );
        let body = wire::exchange(address, &request).await.json();
        let context = format!("http://{address}/monitorodata/$metadata#Machines");
        assert_eq!(body["@odata.context"], context);
    }
}

#[tokio::test]
async fn links_carry_the_public_address_when_there_is_one() {
    let simulator = Program::simulate(&["--sessions", "50"]).start().await;
    let proxy = Program::serve(&simulator.endpoint())
        .set("server.public_url", "https://reports.example.com/citrix")
        .set("server.anonymous", "on")
        .start()
        .await;
    for host in ["reports.example.com", "localhost"] {
        let request = format!(
            "GET /monitorodata/Machines HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        );
        let body = wire::exchange(proxy.address, &request).await.json();
        let context = "https://reports.example.com/citrix/monitorodata/$metadata#Machines";
        assert_eq!(body["@odata.context"], context);
    }
}

#[tokio::test]
async fn names_that_are_not_ours_are_refused() {
    let proxy = quiet().await;
    for host in [
        "Host: rebound.example\r\n",
        "Host: localhost.rebound.example\r\n",
        "Host: 192.168.1.2\r\n",
        "Host: localhost@rebound.example\r\n",
        "Host: localhost/x\r\n",
        "Host: \r\n",
        "Host: localhost\r\nHost: rebound.example\r\n",
        "",
    ] {
        for path in ["/monitorodata", "/", "/api/status", "/healthz"] {
            let request = format!("GET {path} HTTP/1.1\r\n{host}Connection: close\r\n\r\n");
            let reply = wire::exchange(proxy.address, &request).await;
            assert_eq!(
                (reply.status(), &*reply.error_code()),
                (421, "HostNotAllowed"),
                "{host}"
            );
        }
    }
    // The name in an absolute address counts, not the header.
    let request = "GET http://rebound.example/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(wire::exchange(proxy.address, request).await.status(), 421);
    let request = "GET http://localhost/healthz HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n";
    assert_eq!(wire::exchange(proxy.address, request).await.status(), 200);
}

#[tokio::test]
async fn answers_clients_of_http_1_0() {
    let simulator = Program::simulate(&["--sessions", "300", "--page-size", "100"]);
    let simulator = simulator.start().await;
    let proxy = Program::serve(&simulator.endpoint()).start().await;
    // The first is made for this client, the second is a stored one.
    for _ in 0..2 {
        let request = "GET /monitorodata/Sessions HTTP/1.0\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n";
        let mut client = Wire::open(proxy.address).await;
        client.send(request).await;
        let reply = client.reply().await;
        // It has a length, or its end would be `Closed`.
        assert_eq!((reply.status(), reply.end), (200, End::Clean));
        assert_eq!(reply.header("transfer-encoding"), None);
        assert!(reply.json()["value"].as_array().unwrap().len() >= 300);
        assert!(client.closed().await);
    }
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let simulator = Program::simulate(&["--sessions", "300", "--page-size", "100"]);
    let simulator = simulator.start().await;
    let proxy = Program::serve(&simulator.endpoint()).start().await;
    let mut client = Wire::open(proxy.address).await;
    let paths = [
        ("/monitorodata/Sessions", 200),
        ("/monitorodata/Nonsense", 404),
        ("/monitorodata/Sessions", 200),
        ("/monitorodata/Sessions?$top=-1", 400),
        ("/nowhere", 404),
        ("/monitorodata/$metadata", 200),
        ("/healthz", 200),
    ];
    for (path, status) in paths {
        client.ask(path, &[]).await;
        let reply = client.reply().await;
        assert_eq!((reply.status(), reply.end), (status, End::Clean), "{path}");
    }
    // All at once; the answers come in the order of the questions.
    for (path, _) in paths {
        client.ask(path, &[]).await;
    }
    for (path, status) in paths {
        let reply = client.reply().await;
        assert_eq!((reply.status(), reply.end), (status, End::Clean), "{path}");
    }
}

#[tokio::test]
async fn a_head_has_no_body_and_the_connection_goes_on() {
    let simulator = Program::simulate(&["--sessions", "50"]).start().await;
    let proxy = Program::serve(&simulator.endpoint()).start().await;
    let mut client = Wire::open(proxy.address).await;
    for path in [
        "/monitorodata/Sessions",
        "/monitorodata/$metadata",
        "/healthz",
        "/zebra",
    ] {
        client
            .send(&format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
            .await;
        let head = client.head().await.unwrap();
        client.ask(path, &[]).await;
        let reply = client.reply().await;
        assert_eq!(reply.status(), head.status(), "{path}");
        assert_eq!(
            reply.header("content-type"),
            head.header("content-type"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn addresses_may_be_long_but_not_absurdly_long() {
    let simulator = Program::simulate(&["--sessions", "50"]).start().await;
    let proxy = Program::serve(&simulator.endpoint()).start().await;
    // Power Query folds long lists of values into one filter.
    let clauses: Vec<String> = (0..200).map(|n| format!("Id%20eq%20{n}")).collect();
    let path = format!("/monitorodata/Users?$filter={}", clauses.join("%20or%20"));
    let reply = wire::get(proxy.address, &path).await;
    assert_eq!(
        (reply.status(), reply.end),
        (200, End::Clean),
        "{}",
        reply.text()
    );
    let path = format!("/monitorodata/Users?$filter={}", "x".repeat(200_000));
    assert_eq!(wire::get(proxy.address, &path).await.status(), 431);
    assert_eq!(wire::get(proxy.address, "/healthz").await.status(), 200);
}

#[tokio::test]
async fn what_cannot_be_read_is_a_bad_request() {
    let proxy = quiet().await;
    for path in [
        "/monitorodata/Sessions?$filter=%ZZ",
        "/monitorodata/Sessions?$filter=%F",
        "/monitorodata/Sessions?$filter=%FF",
        "/monitorodata/%ZZ",
        "/monitorodata/Sessions('%')",
    ] {
        let reply = wire::get(proxy.address, path).await;
        assert_eq!(
            (reply.status(), &*reply.error_code()),
            (400, "InvalidRequest"),
            "{path}"
        );
    }
    for request in [
        "nonsense\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "\u{16}\u{3}\u{1}\r\n\r\n",
    ] {
        let mut client = Wire::open(proxy.address).await;
        client.send(request).await;
        let reply = client.head().await;
        assert!(reply.is_none_or(|head| head.status() == 400), "{request}");
        assert!(client.closed().await);
    }
}

#[tokio::test]
async fn other_methods_are_told_which_are_allowed() {
    let proxy = quiet().await;
    let mut client = Wire::open(proxy.address).await;
    for (method, path, allow) in [
        ("POST", "/monitorodata/Sessions", "GET, HEAD, OPTIONS"),
        ("PUT", "/monitorodata/Sessions(1)", "GET, HEAD, OPTIONS"),
        ("PATCH", "/monitorodata", "GET, HEAD, OPTIONS"),
        (
            "DELETE",
            "/main/monitorodata/Sessions",
            "GET, HEAD, OPTIONS",
        ),
        ("BREW", "/monitorodata/", "GET, HEAD, OPTIONS"),
        ("POST", "/", "GET,HEAD"),
        ("DELETE", "/api/status", "GET,HEAD"),
        ("GET", "/api/cache/purge", "POST"),
    ] {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2");
        client.send(&format!("{head}\r\n\r\n{{}}")).await;
        let reply = client.reply().await;
        assert_eq!(
            (reply.status(), &*reply.error_code(), reply.header("allow")),
            (405, "MethodNotAllowed", Some(allow)),
            "{method} {path}"
        );
    }
    let request =
        "OPTIONS /monitorodata/Sessions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let reply = wire::exchange(proxy.address, request).await;
    assert_eq!(
        (reply.status(), reply.header("allow")),
        (204, Some("GET, HEAD, OPTIONS"))
    );
}

#[tokio::test]
async fn slashes_too_many_or_too_few_do_not_matter() {
    let simulator = Program::simulate(&["--sessions", "50"]).start().await;
    let proxy = Program::serve(&simulator.endpoint()).start().await;
    let mut bodies: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (same, path) in [
        ("service", "/monitorodata"),
        ("service", "/monitorodata/"),
        ("service", "//monitorodata//"),
        ("metadata", "/monitorodata/$metadata"),
        ("metadata", "/monitorodata/$metadata/"),
        ("metadata", "/monitorodata//$metadata"),
        ("metadata", "/monitorodata/%24metadata"),
        ("rows", "/monitorodata/Sessions?$top=3"),
        ("rows", "/monitorodata/Sessions/?$top=3"),
        ("rows", "/monitorodata//Sessions?%24top=3"),
        ("health", "/healthz"),
        ("health", "/healthz/"),
        ("health", "//healthz"),
    ] {
        let reply = wire::get(proxy.address, path).await;
        assert_eq!((reply.status(), reply.end), (200, End::Clean), "{path}");
        bodies
            .entry(same)
            .or_default()
            .push(reply.text().to_owned());
    }
    for (same, bodies) in bodies {
        assert!(bodies.iter().all(|body| *body == bodies[0]), "{same}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_slows_upstream_down() {
    let (simulator, proxy) = big().await;
    let mut client = Wire::open_narrow(proxy.address).await;
    client.ask("/monitorodata/Sessions", &[]).await;
    assert_eq!(client.head().await.unwrap().status(), 200);
    let asked = simulator.settled("data_requests").await;
    assert!(
        asked < PAGES / 2,
        "{asked} of {PAGES} pages for a client that reads nothing"
    );
    // Others are served meanwhile.
    assert_eq!(
        wire::get(proxy.address, "/monitorodata/Machines")
            .await
            .status(),
        200
    );
    // And when it reads on, it gets everything.
    let mut bytes = Vec::new();
    loop {
        let chunk = client.chunk().await.unwrap();
        if chunk.is_empty() {
            break;
        }
        bytes.extend(chunk);
    }
    let body: Value = serde_json::from_slice(&bytes).unwrap();
    assert!(body["value"].as_array().unwrap().len() >= SESSIONS);
}

#[tokio::test]
async fn a_client_that_goes_away_in_the_middle_stops_the_paging() {
    let (simulator, proxy) = big().await;
    let mut client = Wire::open_narrow(proxy.address).await;
    client.ask("/monitorodata/Sessions", &[]).await;
    assert_eq!(client.head().await.unwrap().status(), 200);
    assert!(!client.chunk().await.unwrap().is_empty());
    drop(client);
    proxy.says("GET Sessions 200 client-gone").await;
    let asked = simulator.settled("data_requests").await;
    assert!(
        asked < PAGES / 2,
        "{asked} of {PAGES} pages for a client that is gone"
    );
    let status = wire::get(proxy.address, "/api/status").await.json();
    assert_eq!(
        (
            &status["cache"]["fills"],
            &status["sites"][0]["lane"]["in_flight"]
        ),
        (&0.into(), &0.into())
    );
}

#[tokio::test]
async fn a_client_that_goes_away_before_the_answer_makes_room_for_others() {
    let simulator = Program::simulate(&["--sessions", "50", "--fault", "set=Sessions,kind=hang"]);
    let simulator = simulator.start().await;
    let proxy = Program::serve(&simulator.endpoint()).start().await;
    let mut client = Wire::open(proxy.address).await;
    client.ask("/monitorodata/Sessions", &[]).await;
    eventually("a query in flight", async || {
        (simulator.stat("in_flight").await > 0).then_some(())
    })
    .await;
    drop(client);
    // The one lane of the customer would stay taken for a minute otherwise.
    let reply = wire::get(proxy.address, "/monitorodata/Machines").await;
    assert_eq!(reply.status(), 200);
    assert_eq!(simulator.stat("in_flight").await, 0);
}

/// A proxy that nobody upstream will hear from.
async fn quiet() -> Running {
    Program::serve("http://127.0.0.1:9").start().await
}

/// A collection of many megabytes.
async fn big() -> (Running, Running) {
    let (sessions, page) = (SESSIONS.to_string(), (SESSIONS as u64 / PAGES).to_string());
    let arguments = ["--sessions", &sessions, "--page-size", &page];
    let simulator = Program::simulate(&arguments).start().await;
    let proxy = Program::serve(&simulator.endpoint()).start().await;
    (simulator, proxy)
}

const SESSIONS: usize = 40_000;

const PAGES: u64 = 80;
