//! Connections with a client at their other end, in paused time.

mod endings;
mod frames;
mod http_2;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures_util::{future, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::super::places::Places;
use super::super::places::tests::{HERE, places_of};
use super::super::routed;
use super::*;

/// The length of an answer in one piece: less than h2 takes at once.
const WHOLE_BYTES: usize = 50_000;

/// The client's end of a connection whose conversation takes place while `client` does.
async fn talk<T>(stopping: &CancellationToken, client: impl AsyncFnOnce(DuplexStream) -> T) -> T {
    let places = places_of(1);
    talk_at(&places, stopping, client).await
}

async fn talk_at<T>(
    places: &Places,
    stopping: &CancellationToken,
    client: impl AsyncFnOnce(DuplexStream) -> T,
) -> T {
    talk_counted(places, stopping, &Refused::default(), client).await
}

async fn talk_counted<T>(
    places: &Places,
    stopping: &CancellationToken,
    refused: &Refused,
    client: impl AsyncFnOnce(DuplexStream) -> T,
) -> T {
    let slow = async || {
        sleep(Duration::from_secs(5)).await;
        "late"
    };
    let large = async || {
        let parts = (0..1000).map(|_| Ok::<_, Infallible>("x".repeat(1000)));
        Body::from_stream(stream::iter(parts))
    };
    let router = Router::new()
        .route("/", get(async || "here"))
        .route("/large", get(large))
        .route("/whole", get(async || "x".repeat(WHOLE_BYTES)))
        .route("/slow", get(slow));
    let (ours, theirs) = duplex(1024);
    let address = SocketAddr::from(([127, 0, 0, 1], 50_000));
    let manners = Manners {
        header_bytes: 8192,
        stopping: stopping.clone(),
        refused: refused.clone(),
    };
    let place = places.take(HERE, stopping).await.unwrap();
    let server = attend(theirs, address, routed(router), place, None, manners);
    future::join(client(ours), server).await.0
}

async fn rest(stream: &mut DuplexStream) -> String {
    let mut text = Vec::new();
    // Whether it is closed or cut makes no difference here.
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test(start_paused = true)]
async fn half_a_head_is_not_waited_for_longer_than_its_time() {
    for before in ["", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"] {
        for half in ["GET / HTTP/1.1\r\nHo", "PRI * HT", ""] {
            let began = Instant::now();
            talk(&CancellationToken::new(), async |mut client| {
                let text = format!("{before}{half}");
                client.write_all(text.as_bytes()).await.unwrap();
                assert_eq!(rest(&mut client).await.contains("here"), !before.is_empty());
            })
            .await;
            let seconds = began.elapsed().as_secs();
            assert_eq!(seconds, HEAD_PATIENCE.as_secs(), "{before}{half}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_too_long_is_refused_and_counted() {
    let long = "x".repeat(9000);
    for (path, header, status, counted) in [
        ("/", &*long, "HTTP/1.1 431 ", 1),
        (&format!("/{}", "x".repeat(70_000)), "x", "HTTP/1.1 ", 1),
        ("/", "x", "HTTP/1.1 200 ", 0),
        ("/ /", "x", "HTTP/1.1 400 ", 0),
    ] {
        let refused = Refused::default();
        let (places, stopping) = (places_of(1), CancellationToken::new());
        let reply = talk_counted(&places, &stopping, &refused, async |mut client| {
            let text = format!(
                "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: {header}\r\n\r\n"
            );
            let (mut read, mut write) = tokio::io::split(&mut client);
            let mut reply = Vec::new();
            let sent = write.write_all(text.as_bytes());
            let _ = future::join(sent, read.read_to_end(&mut reply)).await;
            String::from_utf8(reply).unwrap()
        });
        let reply = reply.await;
        assert!(reply.starts_with(status), "{reply}");
        assert_eq!(refused.heads.get(), counted, "{reply}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_makes_room_at_once_and_a_busy_one_when_it_is_done() {
    for (sent, expected, least, most) in [
        ("", "", 0, 0),
        ("GET / HTTP/1.1\r\nHo", "", 0, 0),
        ("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", "late", 4000, 4001),
    ] {
        let stopping = CancellationToken::new();
        let places = places_of(1);
        let took = talk_at(&places, &stopping, async |mut client| {
            client.write_all(sent.as_bytes()).await.unwrap();
            sleep(Duration::from_secs(1)).await;
            let began = Instant::now();
            let (text, _place) =
                future::join(rest(&mut client), places.take(HERE, &stopping)).await;
            assert!(text.ends_with(expected), "{text}");
            began.elapsed().as_millis()
        })
        .await;
        assert!((least..=most).contains(&took), "{sent}: {took} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn on_the_order_to_stop_only_whole_requests_are_waited_for() {
    for (sent, expected, least, most) in [
        ("", "", 0, 500),
        ("GET / HTTP/1.1\r\nHo", "", 0, 500),
        ("PRI * HT", "", 0, 500),
        ("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", "late", 4000, 5000),
    ] {
        let stopping = CancellationToken::new();
        let took = talk(&stopping, async |mut client| {
            client.write_all(sent.as_bytes()).await.unwrap();
            sleep(Duration::from_secs(1)).await;
            stopping.cancel();
            let began = Instant::now();
            let text = rest(&mut client).await;
            assert!(text.ends_with(expected), "{text}");
            began.elapsed().as_millis()
        })
        .await;
        assert!((least..=most + 1).contains(&took), "{sent}: {took} ms");
    }
}
