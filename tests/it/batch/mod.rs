//! Batches and queries in a body: the same answers as alone, in order, and never a clean end with rows missing.

mod answers;
mod endings;

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
