//! Access keys: who is let in, and where a key is never seen.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpSocket;

use super::{guarded, make_key, rows};
use crate::process::{CLIENT_ID, CLIENT_SECRET, Program};
use crate::wire::{self, Reply, Wire};

const ROWS: &str = "/monitorodata/Machines";

fn basic(user: &str, key: &str) -> String {
    let pair = STANDARD.encode(format!("{user}:{key}"));
    format!("Authorization: Basic {pair}")
}

fn bearer(key: &str) -> String {
    format!("Authorization: Bearer {key}")
}

fn challenges(reply: &Reply) -> Vec<&str> {
    let headers = reply.head.headers.iter();
    let named = headers.filter(|(name, _)| name == "www-authenticate");
    named.map(|(_, value)| value.as_str()).collect()
}

#[tokio::test]
async fn a_key_is_asked_for_and_taken_in_each_of_its_ways() {
    let (key, section) = make_key(&["--name", "finance reports"]).await;
    let upstream = rows().await;
    let proxy = guarded(&upstream, &section).await;
    let (basic_any, basic_none) = (basic("any", &key), basic("", &key));
    let (wrong, other) = (
        bearer("cop_wrong"),
        "Authorization: Negotiate abc".to_owned(),
    );
    let in_query = format!("{ROWS}?key={key}");
    for (path, header, status) in [
        (ROWS, None, 401),
        (ROWS, Some(&wrong), 401),
        (ROWS, Some(&other), 401),
        (ROWS, Some(&basic_any), 200),
        (ROWS, Some(&basic_none), 200),
        (ROWS, Some(&bearer(&key)), 200),
        (&in_query, None, 200),
        (&in_query, Some(&other), 200),
        (&in_query, Some(&wrong), 200),
    ] {
        let lines: Vec<&str> = header.into_iter().map(String::as_str).collect();
        let reply = wire::get_with(proxy.address, path, &lines).await;
        assert_eq!(
            reply.status(),
            status,
            "{path} {header:?}: {}",
            reply.text()
        );
        if status == 401 {
            assert_eq!(reply.error_code(), "AccessKey");
            let [first, second] = challenges(&reply).try_into().unwrap();
            assert_eq!(
                first,
                "Basic realm=\"citrix-odata-proxy\", charset=\"UTF-8\""
            );
            assert_eq!(second, "Bearer realm=\"citrix-odata-proxy\"");
        } else {
            assert_eq!(reply.rows().len(), 2);
        }
        assert!(!format!("{:?}{}", reply.head, reply.text()).contains(&key));
    }
    // One question, in whatever way the key came.
    let asked = upstream.requests();
    assert_eq!(
        asked
            .iter()
            .filter(|sent| sent.line.contains("Machines"))
            .count(),
        1
    );
    assert!(!format!("{asked:?}").contains(&key), "{asked:?}");
    proxy.says("access.key=\"finance reports\"").await;
}

#[tokio::test]
async fn only_a_few_paths_are_open_without_a_key() {
    let (key, section) = make_key(&[]).await;
    let upstream = rows().await;
    let proxy = guarded(&upstream, &section).await;
    for path in [
        "/",
        "/metrics",
        "/api/status",
        "/nowhere",
        "/connect",
        "/explore",
        ROWS,
        "/mian/monitorodata",
    ] {
        assert_eq!(wire::get(proxy.address, path).await.status(), 401, "{path}");
        let reply = wire::get_with(proxy.address, path, &[&bearer(&key)]).await;
        assert_ne!(reply.status(), 401, "{path}");
    }
    let purge = wire::post(proxy.address, "/api/cache/purge", "").await;
    assert_eq!((purge.status(), &*purge.error_code()), (401, "AccessKey"));
    assert_eq!(wire::get(proxy.address, "/healthz").await.text(), "ok\n");
    let ready = wire::get(proxy.address, "/readyz").await;
    assert_eq!((ready.status(), ready.text()), (200, "{\"ready\":true}"));
    // What the pages look like.
    let page = wire::get_with(proxy.address, "/", &[&bearer(&key)]).await;
    let text = page.text();
    let assets: Vec<&str> = text
        .split('"')
        .filter(|at| at.starts_with("/assets/"))
        .collect();
    assert!(assets.len() >= 3, "{assets:?}");
    for path in assets {
        assert_eq!(wire::get(proxy.address, path).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn without_a_key_nobody_learns_what_there_is() {
    let (key, section) = make_key(&["--site", "acme"]).await;
    let upstream = rows().await;
    let acme = format!(
        "[sites.acme]\ncustomer_id = \"a\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"\n\
         upstream = {{ endpoint = \"{}\" }}\n",
        upstream.endpoint()
    );
    let proxy = guarded(&upstream, &format!("{acme}{section}")).await;
    let options = async |path: &str, more: &str| {
        let request = format!(
            "OPTIONS {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n"
        );
        let reply = wire::exchange(proxy.address, &request).await;
        let allow = reply.header("allow").map(ToOwned::to_owned);
        (reply.status(), allow, reply.text().to_owned())
    };
    let wrong = format!("{}\r\n", bearer("cop_wrong"));
    let alike = (
        204,
        Some("GET, HEAD, POST, OPTIONS".to_owned()),
        String::new(),
    );
    for path in [
        "/acme/monitorodata",
        "/nobody/monitorodata",
        "/nowhere",
        "/",
        "/api/cache/purge",
        "/healthz",
        "/assets/a/b",
        "/monitorodata/$batch",
        ROWS,
    ] {
        for more in ["", &wrong] {
            assert_eq!(options(path, more).await, alike, "{path} {more}");
        }
    }
    // A key for one site is told of that one.
    let one = format!("{}\r\n", bearer(&key));
    let (status, allow, _) = options("/acme/monitorodata", &one).await;
    assert_eq!(
        (status, allow.as_deref()),
        (204, Some("GET, HEAD, OPTIONS"))
    );
    for path in ["/nobody/monitorodata", "/nowhere", ROWS] {
        assert_eq!(options(path, &one).await, alike, "{path}");
    }
    for path in [
        "/assets/a/b",
        "/assets/",
        "/assets/a",
        "/healthz/x",
        "//nowhere",
    ] {
        let reply = wire::get(proxy.address, path).await;
        assert_eq!(reply.status(), 401, "{path}");
        assert!(!reply.text().contains("acme"), "{path}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_key_for_some_sites_is_none_for_others_and_for_operators() {
    let (upstream, other) = (rows().await, rows().await);
    let (key, section) = make_key(&["--name", "acme", "--site", "acme"]).await;
    let (all, all_section) = make_key(&["--name", "us"]).await;
    let site = |name: &str, endpoint: &str| {
        format!(
            "[sites.{name}]\ncustomer_id = \"{name}\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"\n\
             upstream = {{ endpoint = \"{endpoint}\" }}\n"
        )
    };
    let text = [
        site("acme", &upstream.endpoint()),
        site("main", &other.endpoint()),
        section,
        all_section,
    ];
    let program = Program::new(&["serve", "--listen", "127.0.0.1:0"]).settings(&text.concat());
    let proxy = program.start().await;
    for (path, status) in [
        ("/acme/monitorodata/Machines", 200),
        ("/ACME/monitorodata/Machines", 200),
        ("/main/monitorodata/Machines", 401),
        ("/monitorodata/Machines", 401),
        ("/lab/monitorodata/Machines", 401),
        ("/acme/../main/monitorodata/Machines", 401),
        ("/", 401),
        ("/api/status", 401),
        ("/metrics", 401),
    ] {
        let reply = wire::get_with(proxy.address, path, &[&bearer(&key)]).await;
        assert_eq!(reply.status(), status, "{path}");
        // Nor does it learn what other sites there are.
        assert!(!reply.text().contains("main"), "{path}: {}", reply.text());
        let reply = wire::get_with(proxy.address, path, &[&bearer(&all)]).await;
        assert_ne!(reply.status(), 401, "{path}");
    }
    assert_eq!(other.requests().len(), 1);
}

#[tokio::test]
async fn a_thousand_wrong_keys_keep_no_right_one_out() {
    let (key, section) = make_key(&[]).await;
    let upstream = rows().await;
    let proxy = guarded(&upstream, &section).await;
    let mut client = Wire::open(proxy.address).await;
    let mut statuses = Vec::new();
    for number in 0..1000 {
        client.ask(ROWS, &[&bearer(&format!("cop_{number}"))]).await;
        let reply = client.reply().await;
        assert_eq!(reply.error_code(), "AccessKey");
        let waits = reply.header("retry-after").is_some();
        assert_eq!(waits, reply.status() == 429);
        statuses.push(reply.status());
    }
    assert_eq!(statuses[..10], [401; 10]);
    assert!(statuses[10..].iter().all(|status| *status == 429));
    // The right one is, from there and from elsewhere; a wrong one from elsewhere has no pause to wait for.
    let here = wire::get_with(proxy.address, ROWS, &[&bearer(&key)]).await;
    assert_eq!(here.status(), 200);
    assert_eq!(wire::get(proxy.address, "/healthz").await.status(), 200);
    let mut elsewhere = from(LOOPBACK_NEIGHBOUR, proxy.address).await;
    elsewhere.ask(ROWS, &[&bearer(&key)]).await;
    assert_eq!(elsewhere.reply().await.status(), 200);
    elsewhere.ask(ROWS, &[&bearer("cop_old")]).await;
    assert_eq!(elsewhere.reply().await.status(), 401);
    // Two warnings for a thousand tries, and one for elsewhere, which name the client.
    let log = proxy.killed().await.stderr;
    let warnings: Vec<&str> = log.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(
        warnings.iter().all(|line| line.contains("127.0.0.")),
        "{warnings:?}"
    );
    assert!(!log.contains("cop_"));
}

#[tokio::test]
async fn keys_are_in_no_log_however_loud() {
    let (key, section) = make_key(&["--name", "finance"]).await;
    let upstream = rows().await;
    let proxy = Program::serve(&upstream.endpoint())
        .settings(&section)
        .variable("RUST_LOG", "trace")
        .start()
        .await;
    let wrong = "cop_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for key in [&*key, wrong] {
        let with = |path: &str| format!("{path}?$top=1&key={key}&%24skip=0");
        for (path, header) in [
            (ROWS.to_owned(), bearer(key)),
            (ROWS.to_owned(), basic("", key)),
            (ROWS.to_owned(), basic("any", key)),
            (with(ROWS), String::new()),
            (with("/api/status"), String::new()),
            (with("/monitorodata/%ZZ"), String::new()),
            (with("/nowhere"), String::new()),
            (format!("{ROWS}?k%65y={key}"), String::new()),
            (format!("{ROWS}?$top=1&$top=2&key={key}"), String::new()),
        ] {
            let lines: Vec<&str> = [&*header]
                .into_iter()
                .filter(|line| !line.is_empty())
                .collect();
            let reply = wire::get_with(proxy.address, &path, &lines).await;
            let told = format!("{:?}{}", reply.head, reply.text());
            assert!(!told.contains(key), "{told}");
        }
    }
    let mut pages = String::new();
    for path in ["/", "/api/status", "/metrics"] {
        let reply = wire::get_with(proxy.address, path, &[&bearer(&key)]).await;
        pages = format!("{pages}{:?}{}", reply.head, reply.text());
    }
    let everything = format!(
        "{}{pages}{:?}",
        proxy.killed().await.everything(),
        upstream.requests()
    );
    assert!(everything.contains("TRACE"));
    for key in [&*key, wrong] {
        for hidden in [
            key.to_owned(),
            basic("", key)[21..].to_owned(),
            basic("any", key)[21..].to_owned(),
        ] {
            let found = everything.lines().find(|line| line.contains(&hidden));
            assert_eq!(found, None, "{hidden}");
        }
    }
}

/// A client at another address of this machine.
async fn from(source: &str, address: SocketAddr) -> Wire {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(source.parse().unwrap()).unwrap();
    Wire::over(socket.connect(address).await.unwrap())
}

const LOOPBACK_NEIGHBOUR: &str = "127.0.0.2:0";
