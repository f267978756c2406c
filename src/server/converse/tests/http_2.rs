//! Over HTTP/2, where a connection has many answers, each with a window of its own.

use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;

use super::*;

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
        let mut builder = http2::Builder::new(TokioExecutor::new());
        // Or all of the answer would be there before anybody reads it.
        builder.initial_stream_window_size(1000);
        let (mut sender, connection) = builder
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
