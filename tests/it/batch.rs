//! Batches and queries in a body: the same answers as alone, in order, and never a clean end with rows missing.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use citrix_odata_proxy::demo::Knobs;
use futures_util::stream;
use http::{Method, Request, Version};
use http_body_util::BodyExt;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::world::{Answer, HOST, ROOT, Received, World, read, small};

const BATCH: &str = "/monitorodata/$batch";
const GO_ON: (&str, &str) = ("prefer", "odata.continue-on-error");

/// One answer in a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    id: String,
    status: u16,
    /// Names in lower case.
    headers: BTreeMap<String, String>,
    body: String,
}

/// GET requests as a multipart batch.
fn multipart(urls: &[&str]) -> String {
    let parts = urls.iter().enumerate().map(|(at, url)| {
        let line = request_line(url);
        format!("--b\r\nContent-Type: application/http\r\nContent-ID: {at}\r\n\r\n{line} HTTP/1.1\r\n\r\n\r\n")
    });
    parts.collect::<String>() + "--b--\r\n"
}

fn request_line(url: &str) -> String {
    match url.split_once(' ') {
        Some((method, url)) if method.chars().all(|c| c.is_ascii_uppercase()) => {
            format!("{method} {url}")
        }
        _ => format!("GET {url}"),
    }
}

async fn ask(world: &World, urls: &[&str], more: &[(&str, &str)]) -> Answer {
    let headers = [&[("content-type", "multipart/mixed; boundary=b")], more].concat();
    world.post(BATCH, &headers, multipart(urls)).await
}

async fn ask_json(world: &World, requests: Value, more: &[(&str, &str)]) -> Answer {
    let headers = [&[("content-type", "application/json")], more].concat();
    let body = json!({ "requests": requests }).to_string();
    world.post(BATCH, &headers, body).await
}

/// GET requests as those of a JSON batch.
fn gets(urls: &[&str]) -> Value {
    let requests = urls.iter().enumerate();
    let requests =
        requests.map(|(at, url)| json!({"id": at.to_string(), "method": "get", "url": url}));
    requests.collect()
}

/// The parts of a complete multipart answer.
fn parts(answer: &Answer) -> Vec<Part> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = answer.text();
    let boundary = answer
        .header("content-type")
        .strip_prefix("multipart/mixed; boundary=");
    let delimiter = format!("--{}", boundary.unwrap());
    let text = text.strip_prefix(&delimiter).unwrap();
    let text = text
        .strip_suffix(&format!("{delimiter}--\r\n"))
        .unwrap_or_else(|| {
            panic!("no end: {text}");
        });
    let between = format!("\r\n{delimiter}");
    let pieces = text.split(&between);
    pieces
        .map(|piece| part(piece.trim_start_matches(' ')))
        .collect()
}

fn part(piece: &str) -> Part {
    let (mime, message) = piece
        .strip_prefix("\r\n")
        .unwrap()
        .split_once("\r\n\r\n")
        .unwrap();
    let (head, body) = message.split_once("\r\n\r\n").unwrap();
    let (line, lines) = head.split_once("\r\n").unwrap();
    let field = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_lowercase(), value.to_owned())
    };
    let mime: BTreeMap<String, String> = mime.lines().map(field).collect();
    assert_eq!(mime["content-type"], "application/http");
    let headers: BTreeMap<String, String> = lines.lines().map(field).collect();
    let body = body.strip_suffix("\r\n").unwrap_or(body);
    if let Some(len) = headers.get("content-length") {
        assert_eq!(len, &body.len().to_string());
    }
    Part {
        id: mime.get("content-id").cloned().unwrap_or_default(),
        status: line.split(' ').nth(1).unwrap().parse().unwrap(),
        headers,
        body: body.to_owned(),
    }
}

/// The parts of a JSON answer, whose bodies are as they stand there.
fn json_parts(answer: &Answer) -> Vec<Part> {
    #[derive(serde::Deserialize)]
    struct Document<'a> {
        #[serde(borrow)]
        responses: Vec<Object<'a>>,
    }
    #[derive(serde::Deserialize)]
    struct Object<'a> {
        id: String,
        status: u16,
        headers: BTreeMap<String, String>,
        #[serde(borrow)]
        body: Option<&'a RawValue>,
    }
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/json");
    let text = answer.text();
    let document: Document<'_> =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let parts = document.responses.into_iter().map(|object| Part {
        id: object.id,
        status: object.status,
        headers: object.headers,
        body: object
            .body
            .map(RawValue::get)
            .unwrap_or_default()
            .to_owned(),
    });
    parts.collect()
}

fn statuses(parts: &[Part]) -> Vec<(&str, u16)> {
    parts.iter().map(|part| (&*part.id, part.status)).collect()
}

/// Those of a batch without JSON, too, which is easier to compare.
async fn shown(world: &World, urls: &[&str], more: &[(&str, &str)]) -> String {
    let answer = ask(world, urls, more).await;
    let parts = parts(&answer);
    let statuses = parts.iter().map(|part| part.status.to_string());
    statuses.collect::<Vec<_>>().join(" ")
}

const READS: [&str; 6] = [
    "Users?$top=3",
    "Sessions",
    "Sessions/$count",
    "$metadata",
    "Machines?$filter=Name eq 'nobody'",
    "",
];

/// The answer to each of [`READS`], asked alone.
async fn alone(world: &World) -> Vec<Answer> {
    let mut answers = Vec::new();
    for url in READS {
        answers.push(world.ask(&format!("/{url}")).await);
    }
    answers
}

#[tokio::test(start_paused = true)]
async fn each_answer_is_the_one_it_would_be_alone() {
    for batch_comes_first in [true, false] {
        let world = World::new(small(), "cache.ttl = '1h'");
        if !batch_comes_first {
            alone(&world).await;
        }
        let (found, found_json) = (
            parts(&ask(&world, &READS, &[]).await),
            json_parts(&ask_json(&world, gets(&READS), &[]).await),
        );
        let asked = world.pages_asked();
        let alone = alone(&world).await;
        assert_eq!(
            world.pages_asked(),
            asked,
            "what a batch has asked is stored"
        );
        assert_eq!(found.len(), READS.len());
        for (((url, alone), found), in_json) in
            READS.iter().zip(&alone).zip(&found).zip(&found_json)
        {
            assert_eq!(found.body, alone.text(), "{url}");
            for (name, value) in &alone.headers {
                let value = value.to_str().unwrap();
                // What says whether it was stored before, and what belongs to the outer answer.
                let own = [
                    "cache-status",
                    "age",
                    "etag",
                    "content-length",
                    "x-request-id",
                    "cross-origin-resource-policy",
                    "referrer-policy",
                ];
                if !own.contains(&name.as_str()) {
                    assert_eq!(
                        found.headers.get(name.as_str()).map(String::as_str),
                        Some(value),
                        "{url} {name}"
                    );
                    assert_eq!(
                        in_json.headers.get(name.as_str()).map(String::as_str),
                        Some(value),
                        "{url} {name}"
                    );
                }
            }
            assert!(found.headers["cache-status"].starts_with("citrix-odata-proxy; "));
            let body = match alone.header("content-type") {
                "application/xml" => format!("\"{}\"", base64url(alone.bytes())),
                text if text.starts_with("text/plain") => format!("\"{}\"", alone.text()),
                _ => alone.text(),
            };
            assert_eq!(in_json.body, body, "{url}");
        }
    }
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[tokio::test(start_paused = true)]
async fn answers_come_in_order_whether_they_are_stored_or_made() {
    let world = World::new(small(), "cache.ttl = '1h'");
    world.ask("/Users").await.rows();
    let urls = ["Sessions", "Users", "Sessions", "Machines"];
    let answer = ask(&world, &urls, &[]).await;
    let found = parts(&answer);
    let outcomes: Vec<&str> = found
        .iter()
        .map(|part| part.headers["cache-status"].split("; ").nth(1).unwrap())
        .collect();
    assert_eq!(outcomes, ["fwd=uri-miss", "hit", "hit", "fwd=uri-miss"]);
    assert_eq!(
        statuses(&found),
        [("0", 200), ("1", 200), ("2", 200), ("3", 200)]
    );
    assert_eq!(found[0].body, found[2].body);
    let lengths = found
        .iter()
        .map(|part| part.headers.contains_key("content-length"));
    assert_eq!(
        lengths.collect::<Vec<_>>(),
        [false, true, true, false],
        "known of what is stored"
    );
    let metrics = world.get("/metrics").await.text();
    for line in [
        r#"web_batch_requests_total{outcome="hit",status_class="2xx"} 2"#,
        r#"web_batch_requests_total{outcome="miss",status_class="2xx"} 2"#,
        r#"web_requests_total{outcome="none",status_class="2xx"} 1"#,
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line} in\n{metrics}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_ends_the_batch_unless_it_is_to_go_on() {
    let world = World::new(small(), "");
    let urls = [
        "Users?$top=1",
        "Userz",
        "DELETE Users(1)",
        "POST Users",
        "$batch",
        "HEAD Users?$top=1",
        "HEAD Userz",
    ];
    let stops = "200 404";
    let goes_on = "200 404 405 405 400 200 404";
    for (prefer, expected) in [
        ("odata.maxpagesize=5", stops),
        ("odata.continue-on-error=false", stops),
        ("odata.continue-on-error", goes_on),
        ("respond-async, continue-on-error=true", goes_on),
    ] {
        assert_eq!(
            shown(&world, &urls, &[("prefer", prefer)]).await,
            expected,
            "{prefer}"
        );
    }
    let answer = ask(&world, &urls, &[GO_ON]).await;
    assert_eq!(
        answer.header("preference-applied"),
        "odata.continue-on-error"
    );
    let parts = parts(&answer);
    for part in &parts[1..5] {
        let error: Value = serde_json::from_str(&part.body).unwrap();
        assert!(
            error["error"]["message"].as_str().unwrap().len() > 20,
            "{part:?}"
        );
        assert_eq!(
            error["error"]["details"][0]["message"],
            answer.header("x-request-id")
        );
    }
    assert_eq!(parts[2].headers["allow"], "GET, HEAD");
    for head in &parts[5..] {
        let length = head.headers.get("content-length");
        assert_eq!((&*head.body, length), ("", None));
    }
    let head = &parts[5];
    assert_eq!(head.headers["etag"], parts[0].headers["etag"]);
}

#[tokio::test(start_paused = true)]
async fn what_depends_on_a_failure_is_not_asked() {
    let world = World::new(small(), "");
    let requests = json!([
        {"id": "a", "method": "GET", "url": "Userz"},
        {"id": "b", "method": "get", "url": "Users?$top=1", "dependsOn": ["a"]},
        {"id": "c", "method": "get", "url": "Users?$top=2", "dependsOn": ["b"]},
        {"id": "d", "method": "patch", "url": "Users(1)", "atomicityGroup": "g", "body": {"Name": "x"}},
        {"id": "e", "method": "get", "url": "Users?$top=3", "dependsOn": ["g"]},
        {"id": "f", "method": "get", "url": "Users?$top=4"},
        {"id": "g2", "method": "get", "url": "Users?$top=5", "dependsOn": ["f"]},
    ]);
    let answer = ask_json(&world, requests.clone(), &[GO_ON]).await;
    assert_eq!(
        statuses(&json_parts(&answer)),
        [
            ("a", 404),
            ("b", 424),
            ("c", 424),
            ("d", 405),
            ("e", 424),
            ("f", 200),
            ("g2", 200)
        ]
    );
    assert_eq!(answer.json()["responses"][3]["atomicityGroup"], "g");
    let asked = world.asked_upstream().join(" ");
    assert!(
        asked.contains("$top=5") && !asked.contains("$top=1"),
        "{asked}"
    );

    let answer = ask_json(&world, requests, &[]).await;
    assert_eq!(statuses(&json_parts(&answer)), [("a", 404)]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_fails_later_cuts_the_batch() {
    let fault = "set=Sessions,page=3,times=always,kind=malformed";
    for format in ["multipart", "json"] {
        let world = World::with_fault(small(), "", fault.parse().unwrap());
        let urls = ["Users", "Sessions", "Machines"];
        let answer = match format {
            "json" => ask_json(&world, gets(&urls), &[GO_ON]).await,
            _ => ask(&world, &urls, &[GO_ON]).await,
        };
        assert_eq!(answer.status, 200);
        let Received::Cut(bytes) = &answer.body else {
            panic!("a clean end: {answer:?}");
        };
        let text = String::from_utf8_lossy(bytes);
        assert_eq!(
            text.matches("$metadata#Users").count(),
            1,
            "the first answer is out"
        );
        assert_eq!(
            text.matches("$metadata#Sessions").count(),
            1,
            "and part of the second"
        );
        assert!(!text.contains("Machines"), "and nothing of the third");
        let metrics = world.get("/metrics").await.text();
        assert!(metrics.contains("\nweb_answers_cut_total 1\n"), "{metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_fails_at_once_is_an_error_among_others() {
    let fault = "set=Sessions,times=always,kind=malformed";
    let world = World::with_fault(small(), "", fault.parse().unwrap());
    let urls = ["Users", "Sessions", "Machines"];
    assert_eq!(shown(&world, &urls, &[GO_ON]).await, "200 502 200");
    assert_eq!(shown(&world, &urls, &[]).await, "200 502");
}

#[tokio::test(start_paused = true)]
async fn a_client_of_http_1_0_gets_all_or_an_error() {
    let fault = "set=Sessions,page=3,times=always,kind=malformed";
    let world = World::with_fault(small(), "", fault.parse().unwrap());
    let request = Request::post(BATCH)
        .version(Version::HTTP_10)
        .header("host", HOST)
        .header("content-type", "multipart/mixed; boundary=b")
        .header(GO_ON.0, GO_ON.1)
        .body(Body::from(multipart(&["Users", "Sessions", "Machines"])))
        .unwrap();
    let (head, body) = world.send(request).await.into_parts();
    let Received::Complete(bytes) = read(body).await else {
        panic!("cut: {head:?}");
    };
    assert_eq!(
        head.headers["content-length"],
        bytes.len().to_string().as_str()
    );
    let answer = Answer {
        status: head.status,
        headers: head.headers,
        body: Received::Complete(bytes),
    };
    assert_eq!(
        statuses(&parts(&answer)),
        [("0", 200), ("1", 502), ("2", 200)]
    );
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_between_answers_too() {
    // Longer than two silences, and shorter than a page's patience.
    let fault = "set=Users,kind=slow,seconds=55";
    for format in ["multipart", "json"] {
        let world = World::with_fault(small(), "", fault.parse().unwrap());
        let urls = ["Machines?$top=1", "Users?$top=1"];
        let answer = match format {
            "json" => ask_json(&world, gets(&urls), &[]).await,
            _ => ask(&world, &urls, &[]).await,
        };
        let found = match format {
            "json" => json_parts(&answer),
            _ => parts(&answer),
        };
        assert_eq!(statuses(&found), [("0", 200), ("1", 200)]);
        let blanks = if format == "json" {
            ",  {\"id\""
        } else {
            "  \r\nContent-Type: application/http"
        };
        assert!(answer.text().contains(blanks), "{}", answer.text());
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_in_the_middle_leaves_no_work_behind() {
    let knobs = Knobs {
        sessions: 2000,
        ..small()
    };
    let world = World::new(knobs, "");
    let request = Request::post(BATCH)
        .header("host", HOST)
        .header("content-type", "multipart/mixed; boundary=b")
        .body(Body::from(multipart(&["Sessions", "Users"])))
        .unwrap();
    let mut body = world.send(request).await.into_body();
    // A delimiter, a head, and the first rows.
    for _ in 0..3 {
        body.frame().await.unwrap().unwrap();
    }
    assert_eq!(world.fills(), 1);
    drop(body);
    world.settle().await;
    assert_eq!(world.fills(), 0);
    let asked = world.asked_upstream().join(" ");
    assert!(!asked.contains("Users"), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_for_a_batch_that_cannot_be_read() {
    let world = World::new(small(), "");
    let many = |count| multipart(&vec!["Users"; count]);
    let thousands = json!({ "requests": gets(&vec!["Users"; 10_000]) }).to_string();
    let large = format!(
        "--b\r\n\r\nGET Users\r\nX: {}\r\n--b--",
        "x".repeat(2 << 20)
    );
    let unended = many(3).replace("--b--", "");
    let (multipart, json) = ("multipart/mixed; boundary=b", "application/json");
    for (media_type, body, expected) in [
        (multipart, many(1001), "400 InvalidRequest"),
        (multipart, many(10_000), "400 InvalidRequest"),
        (json, thousands, "400 InvalidRequest"),
        (multipart, large, "413 RequestTooLarge"),
        (multipart, unended, "400 InvalidRequest"),
        ("multipart/mixed; boundary=c", many(1), "400 InvalidRequest"),
        ("multipart/mixed", many(1), "400 InvalidRequest"),
        ("text/plain", many(1), "415 UnsupportedMediaType"),
        (json, many(1), "400 InvalidRequest"),
        (json, "{}".to_owned(), "400 InvalidRequest"),
    ] {
        let answer = world
            .post(BATCH, &[("content-type", media_type)], body)
            .await;
        assert_eq!(answer.error(), expected, "{media_type}");
    }
    let old = [("content-type", multipart), ("odata-maxversion", "3.0")];
    let answer = world.post(BATCH, &old, many(1)).await;
    assert_eq!(answer.error(), "400 InvalidRequest");
    assert_eq!(world.sent().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_in_one_batch() {
    let world = World::new(small(), "");
    let found = parts(&ask(&world, &vec!["Users?$top=1"; 1000], &[]).await);
    assert_eq!(found.len(), 1000);
    assert!(
        found
            .iter()
            .enumerate()
            .all(|(at, part)| part.id == at.to_string() && part.status == 200)
    );
    assert_eq!(world.pages_asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_sends_slowly_waits_alone() {
    let world = World::new(small(), "");
    let drip = stream::unfold((), async |()| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b"-")), ()))
    });
    let request = Request::post(BATCH)
        .header("host", HOST)
        .header("content-type", "multipart/mixed; boundary=b")
        .body(Body::from_stream(drip))
        .unwrap();
    let began = Instant::now();
    let mut slow = Box::pin(world.send(request));
    assert!(timeout(Duration::from_secs(50), &mut slow).await.is_err());
    world.ask("/Users").await.rows();
    assert_eq!(slow.await.status(), 408);
    assert_eq!(began.elapsed(), Duration::from_mins(1));
}

#[tokio::test(start_paused = true)]
async fn urls_lead_to_the_site_of_the_batch_and_nowhere_else() {
    let world = World::new(small(), "server.allowed_hosts = ['bi-host']");
    let urls = [
        "http://localhost:8484/monitorodata/Users?$top=1",
        "/main/monitorodata/Users?$top=1",
        "http://BI-Host/monitorodata/Users?$top=1",
        "http://evil.example/monitorodata/Users",
        "/other/monitorodata/Users",
        "/api/status",
        "//evil.example/monitorodata",
    ];
    let answer = ask(&world, &urls, &[GO_ON]).await;
    let found = parts(&answer);
    let expected = [200, 200, 200, 400, 404, 404, 404];
    assert_eq!(
        found.iter().map(|part| part.status).collect::<Vec<_>>(),
        expected
    );
    for (part, root) in found.iter().zip([
        "http://localhost:8484/monitorodata",
        "http://localhost:8484/main/monitorodata",
        "http://BI-Host/monitorodata",
    ]) {
        let context = format!("{{\"@odata.context\":\"{root}/$metadata#Users\"");
        assert!(part.body.starts_with(&context), "{part:?}");
    }
    assert!(world.sent().iter().all(|sent| sent.host == "citrix.test"));
}

#[tokio::test(start_paused = true)]
async fn pages_and_validators_work_within_a_batch() {
    let world = World::new(small(), "cache.ttl = '1h'");
    let tag = world.ask("/Users").await;
    assert_eq!(tag.status, 200);
    let tag = world.ask("/Users").await.header("etag").to_owned();
    let body = format!(
        "--b\n\nGET Users\nIf-None-Match: {tag}\n\n--b\n\nGET Sessions\nPrefer: odata.maxpagesize=10\n\n--b--"
    );
    let headers = [("content-type", "multipart/mixed; boundary=b")];
    let found = parts(&world.post(BATCH, &headers, body).await);
    assert_eq!((found[0].status, &*found[0].body), (304, ""));
    assert_eq!(
        found[1].headers["preference-applied"],
        "odata.maxpagesize=10"
    );
    let page: Value = serde_json::from_str(&found[1].body).unwrap();
    let next = page["@odata.nextLink"].as_str().unwrap();
    let next = next.strip_prefix("http://localhost:8484").unwrap();
    let found = parts(&ask(&world, &[next], &[]).await);
    assert_eq!(found[0].status, 200, "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn options_in_a_body_ask_the_same_question() {
    let world = World::new(small(), "cache.ttl = '1h'");
    let text = [("content-type", "text/plain")];
    for (path, below, body) in [
        ("Sessions", "", "$top=7&$select=SessionKey"),
        ("Sessions/$count", "?$filter=ConnectionState eq 5", ""),
        ("Users", "?$top=2", "%24skip=1\r\n"),
    ] {
        let post = format!("{ROOT}/{path}/$query{below}");
        let first = world.post(&post, &text, body).await;
        let second = world.post(&post, &text, body).await;
        let options = [below.trim_start_matches('?'), body.trim()];
        let options: Vec<&str> = options
            .into_iter()
            .filter(|piece| !piece.is_empty())
            .collect();
        let get = world.ask(&format!("/{path}?{}", options.join("&"))).await;
        assert_eq!(get.status, 200, "{path}");
        assert_eq!(first.bytes(), get.bytes(), "{path}");
        assert_eq!(second.headers["etag"], get.headers["etag"]);
        assert!(get.header("cache-status").contains("; hit"), "{path}");
    }
    let twice = world
        .post(&format!("{ROOT}/Users/$query?$top=1"), &text, "$top=2")
        .await;
    assert_eq!(twice.error(), "400 InvalidRequest");
    let refused = world
        .request(Method::GET, &format!("{ROOT}/Users/$query"), &[])
        .await;
    assert_eq!(refused.error(), "405 MethodNotAllowed");

    // Within a batch, too.
    let requests = json!([{
        "id": "1", "method": "post", "url": "Sessions/$query",
        "headers": {"content-type": "text/plain"}, "body": "$top=7&$select=SessionKey",
    }]);
    let found = json_parts(&ask_json(&world, requests, &[]).await);
    let get = world.ask("/Sessions?$top=7&$select=SessionKey").await;
    assert_eq!(found[0].body, get.text());
}
