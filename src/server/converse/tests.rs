//! Connections with a client at their other end, in paused time.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures_util::{future, stream};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::super::places::Places;
use super::super::places::tests::{HERE, places_of};
use super::super::routed;
use super::*;

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
        .route("/slow", get(slow));
    let (ours, theirs) = duplex(1024);
    let address = SocketAddr::from(([127, 0, 0, 1], 50_000));
    let manners = Manners {
        header_bytes: 8192,
        stopping: stopping.clone(),
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
async fn an_http_2_connection_without_requests_ends_too() {
    let began = Instant::now();
    talk(&CancellationToken::new(), async |mut client| {
        // The preface, and empty settings.
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        client.write_all(preface).await.unwrap();
        rest(&mut client).await;
    })
    .await;
    let elapsed = began.elapsed();
    assert!(elapsed >= HEAD_PATIENCE, "{elapsed:?}");
    // It does not say that it has heard of the end either.
    assert!(elapsed <= PING_INTERVAL + PING_PATIENCE * 2, "{elapsed:?}");
}

/// A client that answers pings and takes other answers, so that the connection itself never stands still.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_left_alone_over_http_2_ends_and_a_slow_reader_goes_on() {
    for reads in [false, true] {
        let began = Instant::now();
        talk(&CancellationToken::new(), async |client| {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.initial_stream_window_size(1000);
            let (mut sender, connection) = builder
                .handshake::<_, Empty<bytes::Bytes>>(TokioIo::new(client))
                .await
                .unwrap();
            let request = Request::get("http://x/large").body(Empty::new()).unwrap();
            let asking = async move {
                let mut answer = sender.send_request(request).await.unwrap().into_body();
                if !reads {
                    future::pending::<()>().await;
                }
                for _ in 0..12 {
                    sleep(Duration::from_mins(5)).await;
                    answer.frame().await.unwrap().unwrap();
                }
            };
            // The one side cuts the connection, or the other has no more questions.
            tokio::select! {
                _ = connection => {}
                () = asking.then(|()| future::pending::<()>()) => {}
            }
        })
        .await;
        let elapsed = began.elapsed();
        if reads {
            assert!(elapsed >= Duration::from_hours(1), "{elapsed:?}");
        } else {
            assert!(elapsed <= STANDSTILL_MAX * 2, "{elapsed:?}");
            assert!(elapsed >= STANDSTILL_MAX, "{elapsed:?}");
        }
    }
}

/// A client without a window for its answer, which asks for other things now and then.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_never_asked_for_over_http_2_does_not_hide_behind_heads() {
    let began = Instant::now();
    talk(&CancellationToken::new(), async |client| {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(0);
        let (mut sender, connection) = builder
            .handshake::<_, Empty<bytes::Bytes>>(TokioIo::new(client))
            .await
            .unwrap();
        let asking = async move {
            let ask = |method| Request::builder().method(method).uri("http://x/");
            let get = ask("GET").body(Empty::new()).unwrap();
            let _left = sender.send_request(get).await.unwrap();
            for _ in 0..12 {
                sleep(Duration::from_mins(5)).await;
                let head = ask("HEAD").body(Empty::new()).unwrap();
                let _ = sender.send_request(head).await;
            }
        };
        tokio::select! {
            _ = connection => {}
            () = asking => {}
        }
    })
    .await;
    let elapsed = began.elapsed();
    assert!(elapsed <= STANDSTILL_MAX * 2, "{elapsed:?}");
    assert!(elapsed >= STANDSTILL_MAX, "{elapsed:?}");
}

/// Some client libraries answer pings only while they read.
#[tokio::test(start_paused = true)]
async fn a_reader_over_http_2_may_pause_for_minutes() {
    talk(&CancellationToken::new(), async |client| {
        let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
            .handshake::<_, Empty<bytes::Bytes>>(TokioIo::new(client))
            .await
            .unwrap();
        let mut connection = pin!(connection);
        let request = Request::get("http://x/large").body(Empty::new()).unwrap();
        let asked = sender.send_request(request);
        let answer = tokio::select! {
            answer = asked => answer.unwrap(),
            _ = connection.as_mut() => unreachable!("it is cut"),
        };
        sleep(STANDSTILL_MAX.mul_f64(0.9)).await;
        let read = answer.into_body().collect();
        let read = tokio::select! {
            read = read => read.unwrap(),
            ended = connection.as_mut() => unreachable!("it is cut: {ended:?}"),
        };
        assert_eq!(read.to_bytes().len(), 1_000_000);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_too_long_is_refused() {
    talk(&CancellationToken::new(), async |mut client| {
        let text = format!(
            "GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
            "x".repeat(9000)
        );
        let (mut read, mut write) = tokio::io::split(&mut client);
        let mut reply = Vec::new();
        let (sent, _) = future::join(
            write.write_all(text.as_bytes()),
            read.read_to_end(&mut reply),
        )
        .await;
        drop(sent);
        let reply = String::from_utf8_lossy(&reply);
        assert!(reply.starts_with("HTTP/1.1 431 "), "{reply}");
    })
    .await;
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
