//! Traces of the real program, as a collector gets them.

mod otlp;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::Request;
use axum::serve::Listener;
use futures_util::future::join;
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use self::otlp::{Kind, Span};
use crate::process::{CLIENT_SECRET, CUSTOMER_ID, Program, eventually};
use crate::security::make_key;
#[cfg(unix)]
use crate::upstream::{Upstream, nobody};
use crate::wire;

/// A collector that keeps what it gets.
struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    _server: JoinSet<()>,
}

/// A batch.
#[derive(Clone)]
struct Received {
    /// `POST /v1/traces application/x-protobuf`
    line: String,
    /// Values of all headers.
    headers: String,
    body: Vec<u8>,
}

impl Collector {
    async fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn on(listener: impl Listener<Addr = SocketAddr>) -> Self {
        let address = listener.local_addr().unwrap();
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let book = Arc::clone(&received);
        let router = Router::new().fallback(async move |request: Request<axum::body::Body>| {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes().to_vec();
            let kind = head.headers["content-type"].to_str().unwrap();
            let line = format!("{} {} {kind}", head.method, head.uri);
            let headers = format!("{:?}", head.headers);
            book.lock().unwrap().push(Received {
                line,
                headers,
                body,
            });
        });
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            received,
            _server: server,
        }
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    fn spans(&self) -> Vec<Span> {
        let received = self.received();
        let spans = received.iter().map(|batch| otlp::spans(&batch.body));
        spans.flatten().collect()
    }

    /// None of these texts is anywhere in what was received.
    fn knows_nothing_of(&self, hidden: &[&str]) {
        for batch in self.received() {
            assert_eq!(batch.line, "POST /v1/traces application/x-protobuf");
            let body = String::from_utf8_lossy(&batch.body).into_owned();
            for hidden in hidden {
                let found = body.contains(hidden) || batch.headers.contains(hidden);
                assert!(!found, "{hidden}: {body}");
            }
        }
    }

    /// So many finished requests, and everything that was received with them.
    async fn after_requests(&self, count: usize) -> Vec<Span> {
        eventually("so many requests", async || {
            let spans = self.spans();
            (named(&spans, Kind::Server).len() >= count).then_some(spans)
        })
        .await
    }
}

/// The program with traces that are sent soon.
fn traced(endpoint: &str, collector: SocketAddr) -> Program {
    Program::serve(endpoint)
        .set("log.traces", &format!("http://{collector}"))
        .variable("OTEL_BSP_SCHEDULE_DELAY", "50")
}

fn named(spans: &[Span], kind: Kind) -> Vec<&Span> {
    let mut found: Vec<&Span> = spans.iter().filter(|span| span.kind == kind).collect();
    found.sort_by_key(|span| span.from);
    found
}

#[tokio::test]
async fn a_miss_is_a_request_and_its_fill_and_their_pages_and_tells_no_secret() {
    let (key, section) = make_key(&["--name", "finance reports"]).await;
    let collector = Collector::start().await;
    let simulator = Program::simulate(&["--sessions", "250", "--page-size", "100"])
        .start()
        .await;
    simulator
        .faults("set=Sessions,page=2,times=1,kind=status,status=503,retry-after=1")
        .await;
    let proxy = traced(&simulator.endpoint(), collector.address)
        .settings(&section)
        .variable("RUST_LOG", "trace")
        .start()
        .await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let headers = [
        &format!("Authorization: Bearer {key}"),
        &format!("traceparent: 00-{trace}-00f067aa0ba902b7-01"),
    ];
    let headers = headers.map(String::as_str);
    let path = "/monitorodata/Sessions?$filter=FailureId%20ne%20424242";
    let reply = wire::get_with(proxy.address, path, &headers).await;
    assert_eq!(reply.rows().len(), 250);
    let reply = wire::get_with(proxy.address, path, &headers[..1]).await;
    assert_eq!(reply.rows().len(), 250);

    let spans = collector.after_requests(2).await;
    let requests = named(&spans, Kind::Server);
    let (miss, hit) = (requests[0], requests[1]);
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("site", "main"),
        ("odata.shape", "Sessions?$filter=FailureId ne ?"),
        ("rows", "250"),
        ("upstream.pages", "3"),
        ("ended", "complete"),
    ] {
        assert_eq!(miss.attribute(name), value, "{name}: {miss:?}");
    }
    assert_eq!(miss.name, "GET Sessions");
    assert_eq!((&*miss.trace, &*miss.parent), (trace, "00f067aa0ba902b7"));
    assert_eq!(miss.attribute("cache.outcome"), "miss");
    assert_eq!(hit.attribute("cache.outcome"), "hit");
    assert!(hit.parent.is_empty() && hit.trace != trace, "{hit:?}");
    for (name, value) in [
        ("service.name", "citrix-odata-proxy"),
        ("service.version", env!("CARGO_PKG_VERSION")),
    ] {
        assert_eq!(miss.resource[name], value);
    }

    look_below(miss, &spans);
    // The simulator's tokens begin with the last of these.
    let hidden = [
        &*key,
        "finance",
        CLIENT_SECRET,
        CUSTOMER_ID,
        "424242",
        "ey.",
    ];
    collector.knows_nothing_of(&hidden);
    look_at_lines(&proxy.killed().await.stderr);
}

/// Lines are as they always were.
fn look_at_lines(log: &str) {
    let mut lines = log.lines();
    let line = lines.find(|line| line.contains("GET Sessions?")).unwrap();
    let start = "INFO citrix_odata_proxy::web::trace::line: GET Sessions?";
    assert!(line.contains(start), "{line}");
    for hidden in [
        "request{",
        "fill{",
        "page{",
        "citrix_odata_proxy::telemetry::span",
    ] {
        assert!(!log.contains(hidden), "{hidden}: {log}");
    }
}

/// A fill of three pages, the second of which failed at first.
fn look_below(miss: &Span, spans: &[Span]) {
    let fills: Vec<&Span> = spans
        .iter()
        .filter(|span| span.name == "fill Sessions")
        .collect();
    let [fill] = fills[..] else {
        panic!("one fill: {spans:#?}")
    };
    assert_eq!((&fill.trace, &fill.parent), (&miss.trace, &miss.id));
    assert_eq!(fill.attribute("ended"), "complete");
    assert_eq!(fill.attribute("rows"), "250");
    assert!(!fill.failed && !miss.failed);

    let pages = named(spans, Kind::Client);
    let told: Vec<_> = pages
        .iter()
        .map(|page| {
            let attribute = |name: &str| page.attribute(name).to_owned();
            (
                attribute("http.response.status_code"),
                attribute("http.request.resend_count"),
                attribute("error.type"),
                page.failed,
            )
        })
        .collect();
    let expected = [
        ("200", "", "", false),
        ("503", "", "503", true),
        ("200", "1", "", false),
        ("200", "", "", false),
    ];
    let expected = expected
        .map(|(status, again, error, failed)| (status.into(), again.into(), error.into(), failed));
    assert_eq!(told, expected, "{pages:#?}");
    for page in pages {
        assert_eq!((&page.trace, &page.parent), (&fill.trace, &fill.id));
        assert_eq!(page.name, "GET Sessions");
        assert_eq!(page.attribute("server.address"), "127.0.0.1");
        assert!(page.from >= fill.from && page.to <= fill.to, "{page:?}");
    }
}

#[tokio::test]
async fn lines_of_json_know_no_spans() {
    let collector = Collector::start().await;
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    // Told within the fill's span.
    simulator
        .faults("set=Machines,times=1,kind=status,status=503,retry-after=1")
        .await;
    let proxy = traced(&simulator.endpoint(), collector.address)
        .set("log.format", "json")
        .variable("RUST_LOG", "trace")
        .start()
        .await;
    let reply = wire::get(proxy.address, "/monitorodata/Machines").await;
    assert!(!reply.rows().is_empty());
    collector.after_requests(1).await;
    let log = proxy.killed().await.stderr;
    assert!(log.contains("\"odata.shape\":\"Machines\""), "{log}");
    assert!(
        log.contains("upstream request failed, trying again"),
        "{log}"
    );
    let lines = log
        .lines()
        .filter(|line| line.contains("citrix_odata_proxy"));
    for line in lines {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            line.get("span").is_none() && line.get("spans").is_none(),
            "{line}"
        );
    }
}

#[tokio::test]
async fn who_joins_a_fill_is_linked_to_it() {
    let collector = Collector::start().await;
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let proxy = traced(&simulator.endpoint(), collector.address)
        .start()
        .await;
    // A token, and the first query is under way when the second client comes.
    wire::get(proxy.address, "/monitorodata/Users?$top=1").await;
    simulator.faults("kind=slow,seconds=3,times=1").await;
    let first = wire::get(proxy.address, "/monitorodata/Machines");
    let second = async {
        eventually("a query in flight", async || {
            (simulator.stat("in_flight").await > 0).then_some(())
        })
        .await;
        wire::get(proxy.address, "/monitorodata/Machines").await
    };
    let (first, second) = join(first, second).await;
    assert_eq!(first.rows(), second.rows());
    let spans = collector.after_requests(3).await;
    let asked = |span: &&Span| span.name == "GET Machines" && span.kind == Kind::Server;
    let (joined, began): (Vec<_>, Vec<_>) = spans
        .iter()
        .filter(asked)
        .partition(|span| !span.links.is_empty());
    let ([joined], [began]) = (&joined[..], &began[..]) else {
        panic!("{spans:#?}")
    };
    let fill = spans
        .iter()
        .find(|span| span.name == "fill Machines")
        .unwrap();
    assert_eq!(joined.links, [(fill.trace.clone(), fill.id.clone())]);
    assert_eq!((&fill.trace, &fill.parent), (&began.trace, &began.id));
    assert_ne!(joined.trace, fill.trace);
}

/// It asks while its answer is being sent.
#[tokio::test]
async fn a_batch_is_one_request_with_a_fill_for_each_that_it_holds() {
    let collector = Collector::start().await;
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let proxy = traced(&simulator.endpoint(), collector.address)
        .start()
        .await;
    let body = r#"{"requests":[{"id":"1","method":"GET","url":"Machines"},{"id":"2","method":"GET","url":"Users"}]}"#;
    let text = format!(
        "POST /monitorodata/$batch HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        proxy.address,
        body.len()
    );
    let reply = wire::exchange(proxy.address, &text).await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let spans = collector.after_requests(1).await;
    let [batch] = named(&spans, Kind::Server)[..] else {
        panic!("{spans:#?}")
    };
    assert_eq!(batch.name, "POST $batch");
    assert_eq!(batch.attribute("batch.requests"), "2");
    let of_batch = |span: &&Span| span.kind == Kind::Internal && span.parent == batch.id;
    let mut fills: Vec<&str> = spans
        .iter()
        .filter(of_batch)
        .map(|span| &*span.name)
        .collect();
    fills.sort_unstable();
    assert_eq!(fills, ["fill Machines", "fill Users"], "{spans:#?}");
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_left_is_sent_at_the_end() {
    let collector = Collector::start().await;
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let proxy = traced(&simulator.endpoint(), collector.address)
        .variable("OTEL_BSP_SCHEDULE_DELAY", "3600000")
        .start()
        .await;
    wire::get(proxy.address, "/monitorodata/Machines").await;
    proxy.signal("TERM").await;
    let ended = proxy.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.everything());
    let spans = collector.spans();
    let names: Vec<&str> = named(&spans, Kind::Server)
        .iter()
        .map(|span| &*span.name)
        .collect();
    assert_eq!(names, ["GET Machines"], "{spans:#?}");
}

/// Many, because what is not waited for may be just in time.
#[cfg(unix)]
#[tokio::test]
async fn what_is_cut_by_a_second_signal_is_sent_too() {
    const CLIENTS: usize = 100;
    let collector = Collector::start().await;
    let arguments = ["--sessions", "300", "--page-size", "100"];
    let simulator = Program::simulate(&arguments).start().await;
    simulator
        .faults("set=Sessions,page=2,kind=slow,seconds=60")
        .await;
    let proxy = traced(&simulator.endpoint(), collector.address)
        .variable("OTEL_BSP_SCHEDULE_DELAY", "3600000")
        .start()
        .await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = wire::Wire::open(proxy.address).await;
        client.ask("/monitorodata/Sessions", &[]).await;
        assert_eq!(client.head().await.unwrap().status(), 200);
        clients.push(client);
    }
    proxy.signal("TERM").await;
    proxy.says("a second signal ends them at once").await;
    proxy.signal("TERM").await;
    let ended = proxy.ended().await;
    assert_eq!(ended.code, Some(1), "{}", ended.everything());
    let spans = collector.spans();
    let requests = named(&spans, Kind::Server);
    assert_eq!(requests.len(), CLIENTS);
    assert!(spans.iter().any(|span| span.name == "fill Sessions"));
}

/// Elsewhere the platform's own store is all that counts.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_collector_with_tls_may_want_a_key_which_no_line_shows() {
    use crate::tls::{Secured, certified};

    let (authority, mut config) = certified(&["localhost"]);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let collector = Collector::on(Secured {
        tcp: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        acceptor: tokio_rustls::TlsAcceptor::from(Arc::new(config)),
    });
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let address = format!("https://localhost:{}", collector.address.port());
    let proxy = traced(&simulator.endpoint(), collector.address)
        .set("log.traces", &address)
        .file("authority.pem", &authority)
        .variable("SSL_CERT_FILE", "authority.pem")
        .variable("OTEL_EXPORTER_OTLP_HEADERS", "x-key=hunter2")
        .variable("RUST_LOG", "trace")
        .start()
        .await;
    wire::get(proxy.address, "/monitorodata/Machines").await;
    collector.after_requests(1).await;
    let sent = collector.received();
    assert!(sent[0].headers.contains("hunter2"), "{}", sent[0].headers);
    let log = proxy.killed().await.stderr;
    let shown = log.lines().find(|line| line.contains("hunter2"));
    assert_eq!(shown, None);
}

/// One that refuses connections, and one that never says a word.
#[cfg(unix)]
#[tokio::test]
async fn without_a_collector_clients_are_answered_and_one_line_says_so() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let (_socket, closed) = nobody();
    let silent = Upstream::bystander().await;
    for (collector, reason) in [
        (closed, "no connection"),
        (silent.address, "no answer within 3 s"),
    ] {
        let proxy = traced(&simulator.endpoint(), collector).start().await;
        for _ in 0..3 {
            let reply = wire::get(proxy.address, "/monitorodata/Machines").await;
            assert!(!reply.rows().is_empty());
            proxy.says("traces cannot be sent").await;
        }
        proxy.signal("TERM").await;
        let ended = proxy.ended().await;
        assert_eq!(ended.code, Some(0), "{}", ended.everything());
        assert_eq!(ended.stderr.matches("traces cannot be sent").count(), 1);
        assert!(ended.stderr.contains(reason), "{}", ended.stderr);
    }
}
