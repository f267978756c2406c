//! The whole stack, with answers from a list instead of the gateway.

mod access;
mod batch;
mod refusals;
mod socket;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Mutex;

use axum::body::Body;
use axum::routing::get;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use prometheus_client::registry::Registry;

use super::*;
use crate::cache::{Content, Entry};
use crate::gateway::{Answer, AnswerBody, AnswerError, Ask, Outcome, Stored, Unanswered, Way};
use crate::odata::name::SiteId;
use crate::odata::neutral::NeutralText;
use crate::odata::representation::Representation;

/// Answers every question with the same two rows; `Missing` is no set; `Panic` panics.
#[derive(Default)]
struct Always {
    asked: Mutex<Vec<(SiteId, Ask)>>,
}

impl source::Source for Always {
    fn answer<'a>(
        &'a self,
        site: &'a SiteId,
        ask: Ask,
    ) -> BoxFuture<'a, Result<Answer, Unanswered>> {
        let question = format!("{:?}", ask.question);
        let page_size = ask.page_size;
        let outcome = if ask.directives.no_cache {
            Outcome::Forced {
                stored: Stored::Yes,
            }
        } else {
            Outcome::Hit {
                age: std::time::Duration::from_secs(7),
                remaining: std::time::Duration::from_secs(293),
            }
        };
        self.asked.lock().unwrap().push((site.clone(), ask));
        async move {
            assert!(!question.contains("Panic"), "a defect");
            if question.contains("Missing") {
                return Err(AnswerError::UnknownSet {
                    set: "Missing".to_owned(),
                    near: vec![],
                }
                .into());
            }
            Ok(Answer {
                content: if question.contains("Metadata") {
                    Content::Xml
                } else {
                    Content::Json(Representation::default())
                },
                outcome,
                way: Some(Way::Range),
                page_size,
                body: AnswerBody::Stored(Arc::new(entry(question.contains("Large")))),
            })
        }
        .boxed()
    }

    fn sites(&self) -> Vec<SiteId> {
        vec![site("lab"), site("main")]
    }

    fn default_site(&self) -> Option<SiteId> {
        Some(site("main"))
    }
}

fn site(name: &str) -> SiteId {
    SiteId::new(name).unwrap()
}

fn entry(large: bool) -> Entry {
    let mut text = NeutralText::new();
    text.push("{\"@odata.context\":\"");
    text.push_root();
    text.push("/$metadata#Sets\",\"value\":[{}");
    if large {
        text.push(format!(",\"{}\"", "x".repeat(2000)));
    }
    text.push(",{}]}");
    let content = Content::Json(Representation::default());
    Entry::of(content, jiff::Timestamp::UNIX_EPOCH, &text, 2)
}

fn journal() -> Journal {
    Journal::new(crate::clock::SystemClock::shared())
}

fn service() -> (Service, Arc<Always>, Registry) {
    let source = Arc::new(Always::default());
    let settings = Settings {
        listen: vec!["127.0.0.1:8484".parse().unwrap()],
        allowed_hosts: vec![],
        public_url: None,
        tls: false,
        access: AccessSettings::default(),
    };
    let admin = Router::new().route("/healthz", get(async || "ok"));
    let mut registry = Registry::default();
    let metrics = Arc::new(Metrics::new(&mut registry));
    let known: Arc<dyn source::Source> = Arc::<Always>::clone(&source);
    (
        service_of(known, admin, settings, metrics, journal()),
        source,
        registry,
    )
}

/// `METHOD /path`, then `Name: value` lines, and a body behind a blank one; the answer as text.
async fn exchange(request: &str) -> String {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let mut lines = head.lines();
    let (method, path) = lines.next().unwrap().split_once(' ').unwrap();
    let mut builder = Request::builder().method(method).uri(path);
    if !request.contains("Host:") {
        builder = builder.header("Host", "localhost:8484");
    }
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        builder = builder.header(name, value);
    }
    let (service, ..) = service();
    let request = builder.body(Body::from(body.to_owned())).unwrap();
    let response = service.answer(request, None).await;
    let (head, body) = response.into_parts();
    let mut text = format!("{}\n", head.status.as_u16());
    let headers: BTreeMap<&str, &str> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    for (name, value) in &headers {
        let value = if *name == "x-request-id" { "ID" } else { value };
        writeln!(text, "{name}: {value}").unwrap();
    }
    assert_eq!(headers.len(), head.headers.len(), "no header twice");
    let id = headers["x-request-id"];
    let body = body.collect().await.unwrap().to_bytes();
    let body = match std::str::from_utf8(&body) {
        Ok(body) => body.replace(id, "ID"),
        Err(_) => format!("({} bytes)", body.len()),
    };
    format!(
        "{text}
{body}"
    )
}

#[tokio::test]
async fn a_set_comes_with_all_its_headers() {
    insta::assert_snapshot!(exchange("GET /monitorodata/Sets").await, @r#"
    200
    accept-ranges: none
    age: 7
    cache-control: private, no-cache
    cache-status: citrix-odata-proxy; hit; ttl=293
    content-length: 86
    content-type: application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8
    cross-origin-resource-policy: same-origin
    etag: "01b38cae19399f12eba251c2c0853fb7-74d9b6a301ad9919"
    odata-version: 4.0
    referrer-policy: no-referrer
    vary: Accept, Accept-Encoding, Prefer
    x-content-type-options: nosniff
    x-request-id: ID

    {"@odata.context":"http://localhost:8484/monitorodata/$metadata#Sets","value":[{},{}]}
    "#);
}

#[tokio::test]
async fn links_follow_host_and_path_of_the_client() {
    let found = exchange("GET //Lab/MonitorOData//Sets/\nHost: [::1]:8484").await;
    let context = "\"@odata.context\":\"http://[::1]:8484/Lab/MonitorOData/$metadata#Sets\"";
    assert!(found.contains(context), "{found}");
}

#[tokio::test]
async fn metadata_is_xml() {
    let found = exchange("GET /monitorodata/$metadata/").await;
    assert!(
        found.contains("\ncontent-type: application/xml\n"),
        "{found}"
    );
}

#[tokio::test]
async fn pages_are_confirmed_in_the_clients_spelling() {
    let found = exchange("GET /monitorodata/Sets\nPrefer: MaxPageSize=5").await;
    assert!(
        found.contains("\npreference-applied: maxpagesize=5\n"),
        "{found}"
    );
}

#[tokio::test]
async fn who_has_the_answer_gets_304() {
    insta::assert_snapshot!(
        exchange("GET /monitorodata/Sets\nIf-None-Match: \"d0\", \"01b38cae19399f12eba251c2c0853fb7-74d9b6a301ad9919\"").await,
        @r#"
    304
    accept-ranges: none
    age: 7
    cache-control: private, no-cache
    cache-status: citrix-odata-proxy; hit; ttl=293
    cross-origin-resource-policy: same-origin
    etag: "01b38cae19399f12eba251c2c0853fb7-74d9b6a301ad9919"
    odata-version: 4.0
    referrer-policy: no-referrer
    vary: Accept, Accept-Encoding, Prefer
    x-content-type-options: nosniff
    x-request-id: ID
    "#
    );
}

#[tokio::test]
async fn large_bodies_are_compressed() {
    insta::assert_snapshot!(
        exchange("GET /monitorodata/Large\nAccept-Encoding: gzip, deflate").await,
        @r#"
    200
    accept-ranges: none
    age: 7
    cache-control: private, no-cache
    cache-status: citrix-odata-proxy; hit; ttl=293
    content-encoding: gzip
    content-length: 138
    content-type: application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8
    cross-origin-resource-policy: same-origin
    etag: "86e4cd01ae8a0625668b6577509bd14b-74d9b6a301ad9919-gzip"
    odata-version: 4.0
    referrer-policy: no-referrer
    vary: Accept, Accept-Encoding, Prefer
    x-content-type-options: nosniff
    x-request-id: ID

    (138 bytes)
    "#
    );
}

#[tokio::test]
async fn head_has_the_headers_of_get() {
    let get = exchange("GET /monitorodata/Sets").await;
    let head = exchange("HEAD /monitorodata/Sets").await;
    assert_eq!(head, format!("{}\n\n", get.split("\n\n").next().unwrap()));
    let head = exchange("HEAD /monitorodata/Large\nAccept-Encoding: gzip").await;
    assert!(head.contains("content-length: 138\n"), "{head}");
}

#[tokio::test]
async fn options_and_other_methods() {
    insta::assert_snapshot!(exchange("OPTIONS /monitorodata/Sets").await, @r#"
    204
    allow: GET, HEAD, OPTIONS
    cross-origin-resource-policy: same-origin
    odata-version: 4.0
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: ID
    "#);
    insta::assert_snapshot!(exchange("DELETE /monitorodata/Sets").await, @r#"
    405
    allow: GET, HEAD, OPTIONS
    cache-control: no-store
    content-length: 169
    content-type: application/json;odata.metadata=minimal;charset=utf-8
    cross-origin-resource-policy: same-origin
    odata-version: 4.0
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: ID

    {"error":{"code":"MethodNotAllowed","message":"This service is read-only: it answers GET, HEAD, OPTIONS.","details":[{"code":"RequestId","message":"ID"}]}}
    "#);
}

#[tokio::test]
async fn errors_are_odata() {
    insta::assert_snapshot!(exchange("GET /monitorodata/Missing").await, @r#"
    404
    cache-control: no-store
    content-length: 186
    content-type: application/json;odata.metadata=minimal;charset=utf-8
    cross-origin-resource-policy: same-origin
    odata-version: 4.0
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: ID

    {"error":{"code":"NotFound","message":"There is no entity set `Missing`. The service document lists those that there are.","details":[{"code":"RequestId","message":"ID"}]}}
    "#);
    insta::assert_snapshot!(exchange("GET /monitorodata/Sets('%ZZ')").await, @r#"
    400
    cache-control: no-store
    content-length: 223
    content-type: application/json;odata.metadata=minimal;charset=utf-8
    cross-origin-resource-policy: same-origin
    odata-version: 4.0
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: ID

    {"error":{"code":"InvalidRequest","message":"The URL cannot be read: bad percent-encoding in `Sets('%ZZ')`. Write `%` as `%25`, and other characters in UTF-8.","details":[{"code":"RequestId","message":"ID"}]}}
    "#);
    insta::assert_snapshot!(exchange("GET /monitorodata/Panic").await, @r#"
    500
    cache-control: no-store
    content-length: 239
    content-type: application/json;odata.metadata=minimal;charset=utf-8
    cross-origin-resource-policy: same-origin
    odata-version: 4.0
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: ID

    {"error":{"code":"InternalError","message":"The proxy ran into a defect of its own. Try again; if it happens again, report it with the request id and the log line of that id.","details":[{"code":"RequestId","message":"ID"}]}}
    "#);
}

#[tokio::test]
async fn other_hosts_are_refused() {
    insta::assert_snapshot!(exchange("GET /healthz\nHost: evil.example:8484").await, @r#"
    421
    cache-control: no-store
    content-length: 258
    content-type: application/json;odata.metadata=minimal;charset=utf-8
    cross-origin-resource-policy: same-origin
    odata-version: 4.0
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: ID

    {"error":{"code":"HostNotAllowed","message":"This server does not answer to the host name `evil.example:8484`. Use `localhost`, or have the administrator add the name to `server.allowed_hosts`.","details":[{"code":"RequestId","message":"ID"}]}}
    "#);
}

#[tokio::test]
async fn other_paths_go_to_the_operator() {
    assert!(exchange("GET //healthz/").await.ends_with("\n\nok"));
    insta::assert_snapshot!(exchange("POST /healthz").await, @r#"
    405
    allow: GET,HEAD
    cache-control: no-store
    content-length: 174
    content-type: application/json;odata.metadata=minimal;charset=utf-8
    cross-origin-resource-policy: same-origin
    odata-version: 4.0
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: ID

    {"error":{"code":"MethodNotAllowed","message":"This path does not answer that method; see the `Allow` header.","details":[{"code":"RequestId","message":"ID"}]}}
    "#);
    insta::assert_snapshot!(exchange("GET /helthz").await, @r#"
    404
    cache-control: no-store
    content-length: 224
    content-type: application/json;odata.metadata=minimal;charset=utf-8
    cross-origin-resource-policy: same-origin
    odata-version: 4.0
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: ID

    {"error":{"code":"NotFound","message":"There is nothing at this path. Did you mean /healthz? The OData service is at /monitorodata, and a page for people at /.","details":[{"code":"RequestId","message":"ID"}]}}
    "#);
    insta::assert_snapshot!(exchange("GET /mian/monitorodata/Sets").await, @r#"
    404
    cache-control: no-store
    content-length: 255
    content-type: application/json;odata.metadata=minimal;charset=utf-8
    cross-origin-resource-policy: same-origin
    odata-version: 4.0
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: ID

    {"error":{"code":"NotFound","message":"There is nothing at this path. Did you mean /main/monitorodata or /lab/monitorodata? The OData service is at /monitorodata, and a page for people at /.","details":[{"code":"RequestId","message":"ID"}]}}
    "#);
}

#[tokio::test]
async fn wishes_reach_the_gateway() {
    let (service, source, _) = service();
    let request = Request::get("/monitorodata/Sets?$format=json&$top=1")
        .header("Host", "localhost")
        .header("Cache-Control", "no-cache")
        .header("Prefer", "odata.maxpagesize=10")
        .body(Body::empty())
        .unwrap();
    let response = service.answer(request, None).await;
    assert_eq!(response.status(), StatusCode::OK);
    let status = "citrix-odata-proxy; fwd=request; stored; detail=range";
    assert_eq!(response.headers()["cache-status"], status);
    let asked = source.asked.lock().unwrap();
    let (site, ask) = asked.first().unwrap();
    assert_eq!(site.as_str(), "main");
    assert!(ask.directives.no_cache);
    assert_eq!(ask.page_size.unwrap().get(), 10);
    let format = "application/json;odata.metadata=minimal";
    assert_eq!(ask.question.option("$format"), Some(format));
    assert_eq!(ask.question.option("$top"), Some("1"));
}

#[tokio::test]
async fn clients_are_told_apart_by_machine_and_program() {
    let (service, source, _) = service();
    for (host, program) in [(1, "Excel"), (2, "Excel"), (1, "curl")] {
        let request = Request::get("/monitorodata/Sets")
            .header("Host", "localhost")
            .header("User-Agent", program)
            .body(Body::empty())
            .unwrap();
        let client = IpAddr::from([127, 0, 0, host]);
        service.answer(request, Some(client)).await;
    }
    let asked = source.asked.lock().unwrap();
    let [excel, also_excel, curl] = [0, 1, 2].map(|at: usize| asked[at].1.party);
    assert_eq!(excel, also_excel);
    assert_ne!(excel, curl);
}
