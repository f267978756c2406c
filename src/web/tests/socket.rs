//! What hyper makes of our bodies: framing on the wire.

use std::time::Duration;

use axum::response::Response;
use futures_util::stream;
use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::super::body::tests::{ROOT, cut, segment};
use super::super::encoding::{Coding, Encoded};
use super::super::heartbeat::Heartbeat;
use super::super::request_id::RequestId;
use super::super::{body, notes, trace};
use super::*;
use crate::tasks::Tasks;

/// The whole service behind a socket.
fn routed() -> Router {
    let service = service().0;
    Router::new().fallback(async move |request: Request<Body>| service.answer(request, None).await)
}

/// Sends `request` to `service` and reads until the connection closes.
async fn wire(service: Router, request: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tasks = Tasks::new();
    tasks.spawn("server", async move {
        axum::serve(listener, service).await.unwrap();
    });
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{request}\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    // A cut connection may be reset.
    let _ = stream.read_to_string(&mut text).await;
    assert!(tasks.stop(Duration::from_secs(5)).await.is_empty());
    text.to_ascii_lowercase()
}

#[tokio::test]
async fn a_complete_answer_has_its_length() {
    let text = wire(routed(), "GET /monitorodata/Sets HTTP/1.1").await;
    assert!(text.contains("content-length: 81\r\n"), "{text}");
    assert!(!text.contains("transfer-encoding"), "{text}");
    assert!(text.ends_with("[{},{}]}"), "{text}");
}

#[tokio::test]
async fn bodiless_answers_say_nothing_of_a_body() {
    for request in [
        "OPTIONS /monitorodata/Sets HTTP/1.1",
        "GET /monitorodata/Sets HTTP/1.1\r\nIf-None-Match: *",
    ] {
        let text = wire(routed(), request).await;
        assert!(!text.contains("content-length"), "{text}");
        assert!(!text.contains("transfer-encoding"), "{text}");
        assert!(text.ends_with("\r\n\r\n"), "{text}");
    }
    let text = wire(routed(), "HEAD /monitorodata/Sets HTTP/1.1").await;
    assert!(text.contains("content-length: 81\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\n"), "{text}");
}

#[tokio::test]
async fn only_a_complete_live_answer_has_a_last_chunk() {
    for (end, complete) in [(Ok(segment("]", 0)), true), (Err(cut()), false)] {
        let live = move || {
            let segments = stream::iter([Ok(segment("[1", 1)), end.clone()]).boxed();
            let parts = body::Parts::new(segments, Heartbeat::Never, notes::Notes::default());
            Response::new(Body::from_stream(Encoded::new(
                parts,
                Coding::Identity,
                ROOT,
                usize::MAX,
            )))
        };
        let metrics = Arc::new(Metrics::new(&mut Registry::default()));
        let service = Router::new().fallback(async move || {
            let watch = trace::Watch::begin(RequestId::next(), &Method::GET, &metrics, &journal());
            watch.over(live())
        });
        let text = wire(service, "GET / HTTP/1.1").await;
        assert_eq!(text.ends_with("\r\n0\r\n\r\n"), complete, "{text}");
    }
}
