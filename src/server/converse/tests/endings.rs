//! How long the end of a connection is waited for: long enough for what its client has not taken yet, and not for ever.

use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;

use super::frames::Deaf;
use super::*;
use crate::server::places::Place;

/// What becomes of a connection while its client does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// It is idle for long.
    None,
    /// The server stops.
    Stop,
    /// Another connection needs its place.
    Room,
}

impl Order {
    const ALL: [Self; 3] = [Self::None, Self::Stop, Self::Room];

    /// Gives it; with the place that is taken, which is free again when that is dropped.
    async fn give(self, places: &Places, stopping: &CancellationToken) -> Option<Place> {
        match self {
            Self::None => None,
            Self::Stop => {
                stopping.cancel();
                None
            }
            Self::Room => Some(places.take(HERE, stopping).await.unwrap()),
        }
    }
}

/// Nothing here takes so long; without an end it would go on for ever.
const FOR_EVER: Duration = Duration::from_hours(10);

#[tokio::test(start_paused = true)]
async fn a_client_that_never_hears_of_the_end_is_not_waited_for_for_ever() {
    for order in Order::ALL {
        let (places, stopping) = (places_of(1), CancellationToken::new());
        let conversation = talk_at(&places, &stopping, async |client| {
            let mut client = Deaf::open(client, 1000).await;
            client.ask(1, "/").await;
            let ordered = async {
                sleep(Duration::from_secs(1)).await;
                let began = Instant::now();
                (began, order.give(&places, &stopping).await)
            };
            let (text, (began, _place)) = future::join(client.listen(), ordered).await;
            assert_eq!(text, "here");
            began.elapsed()
        });
        let took = timeout(FOR_EVER, conversation).await;
        let took = took.unwrap_or_else(|_| panic!("{order:?}: it goes on"));
        let expected = match order {
            // Counted from the beginning, a second before.
            Order::None => HEAD_PATIENCE.mul_f64(29.0 / 30.0) + STANDSTILL_MAX,
            Order::Stop => LAST_BYTES_PATIENCE,
            Order::Room => ROOM_PATIENCE,
        };
        let most = expected + Duration::from_millis(10);
        assert!((expected..=most).contains(&took), "{order:?}: {took:?}");
    }
}

/// The request crosses the order to make room on its way.
#[tokio::test(start_paused = true)]
async fn a_request_that_comes_with_the_order_to_make_room_is_answered_within_bounds() {
    for (path, window, expected, least, most) in [
        // Its answer takes 5 s; then the end of the connection is waited for.
        ("/slow", 1000, "late", ROOM_PATIENCE * 2, ROOM_PATIENCE * 4),
        // Its answer is never taken.
        ("/large", 0, "", STUCK_MIN, STUCK_MIN * 2),
    ] {
        let (places, stopping) = (places_of(1), CancellationToken::new());
        let conversation = talk_at(&places, &stopping, async |client| {
            let mut client = Deaf::open(client, window).await;
            sleep(Duration::from_secs(1)).await;
            client.ask(1, path).await;
            // The server has not been at work in between.
            let _place = Order::Room.give(&places, &stopping).await;
            let began = Instant::now();
            assert_eq!(client.listen().await, expected, "{path}");
            began.elapsed()
        });
        let took = timeout(FOR_EVER, conversation).await;
        let took = took.unwrap_or_else(|_| panic!("{path}: it goes on"));
        assert!((least..=most).contains(&took), "{path}: {took:?}");
    }
}

/// We have given out all of an answer long before its client has taken it: h2 holds what the window has no room for.
#[tokio::test(start_paused = true)]
async fn the_last_bytes_of_an_answer_over_http_2_are_given_time() {
    for order in Order::ALL {
        let (places, stopping) = (&places_of(1), &CancellationToken::new());
        let read = talk_at(places, stopping, async |client| {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.initial_stream_window_size(1000);
            let (mut sender, connection) = builder
                .handshake::<_, Empty<bytes::Bytes>>(TokioIo::new(client))
                .await
                .unwrap();
            let request = Request::get("http://x/whole").body(Empty::new()).unwrap();
            // Without more questions, the connection ends after the answer.
            let asking = async move {
                let answer = sender.send_request(request).await.unwrap().into_body();
                // Longer than a silence between two requests may be.
                sleep(HEAD_PATIENCE * 2).await;
                let _place = order.give(places, stopping).await;
                sleep(LAST_BYTES_PATIENCE / 2).await;
                answer.collect().await.map(|read| read.to_bytes().len())
            };
            future::join(connection, asking).await.1
        });
        assert_eq!(read.await.unwrap(), WHOLE_BYTES, "{order:?}");
    }
}
