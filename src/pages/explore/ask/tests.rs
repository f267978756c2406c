//! Bounds and errors of asking, with answers that are made up.

use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream;

use super::*;

/// Answers every question in one way.
#[derive(Debug)]
struct Always(fn() -> BoxFuture<'static, Response>);

impl Odata for Always {
    fn answer(&self, _: SiteId, _: Request<()>) -> BoxFuture<'static, Response> {
        (self.0)()
    }
}

async fn asked(answer: fn() -> BoxFuture<'static, Response>) -> Result<Reply, Trouble> {
    let feed = Feed {
        root: String::new(),
        set: "Users".to_owned(),
        query: vec![("$top".to_owned(), "5".to_owned())],
        keys: false,
    };
    let site = SiteId::new("main").unwrap();
    rows(&Always(answer), &site, &feed, &HeaderMap::new()).await
}

fn at_once(response: impl IntoResponse) -> BoxFuture<'static, Response> {
    std::future::ready(response.into_response()).boxed()
}

/// So many mebibytes in pieces, and then the end.
fn of_size(mebibytes: usize) -> BoxFuture<'static, Response> {
    let piece = || Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 1024 * 1024]));
    at_once(Body::from_stream(stream::iter(
        (0..mebibytes).map(move |_| piece()),
    )))
}

#[tokio::test(start_paused = true)]
async fn an_answer_must_fit_on_a_page() {
    assert_eq!(
        asked(|| of_size(4)).await.unwrap().body.len(),
        BODY_BYTES_MAX
    );
    let trouble = asked(|| of_size(5)).await.unwrap_err();
    assert_eq!(
        (trouble.status.as_u16(), trouble.code.as_str()),
        (400, "TooLarge")
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever() {
    for answer in [
        || std::future::pending().boxed(),
        || {
            at_once(Body::from_stream(stream::pending::<
                Result<Bytes, std::io::Error>,
            >()))
        },
    ] {
        let trouble = asked(answer).await.unwrap_err();
        assert_eq!(
            (trouble.status.as_u16(), trouble.code.as_str()),
            (504, "Timeout")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_breaks_off_is_not_shown() {
    let broken = || {
        let pieces = [
            Ok(Bytes::from_static(b"{\"value\":[")),
            Err(std::io::Error::other("cut")),
        ];
        at_once(Body::from_stream(stream::iter(pieces)))
    };
    let trouble = asked(broken).await.unwrap_err();
    assert_eq!(trouble.code, "Interrupted");
}

#[tokio::test(start_paused = true)]
async fn errors_keep_their_words() {
    let busy = || {
        let body = r#"{"error":{"code":"UpstreamBusy","message":"Wait.","details":[]}}"#;
        at_once((
            StatusCode::SERVICE_UNAVAILABLE,
            [("x-request-id", "abc")],
            body,
        ))
    };
    let expected = Trouble {
        request_id: "abc".to_owned(),
        ..Trouble::new(StatusCode::SERVICE_UNAVAILABLE, "UpstreamBusy", "Wait.")
    };
    assert_eq!(asked(busy).await.unwrap_err(), expected);
    let odd = || at_once((StatusCode::IM_A_TEAPOT, "<html>"));
    let trouble = asked(odd).await.unwrap_err();
    assert_eq!(
        trouble.message,
        "The answer was 418 I'm a teapot, without a reason."
    );
}

#[test]
fn how_an_answer_came_is_said_in_words() {
    for (status, age, expected) in [
        ("p; hit; ttl=200", "100", "a stored answer, 100 s old"),
        (
            "p; hit; ttl=-5; detail=stale-while-revalidate",
            "600",
            "a stored answer while a new one is being fetched, 10 min old",
        ),
        (
            "p; fwd=stale; ttl=-5; detail=stale-while-revalidate",
            "8000",
            "a stored answer while a new one is being fetched, 2 h old",
        ),
        (
            "p; fwd=stale; fwd-status=429; ttl=-5; detail=stale-if-error/UpstreamBusy",
            "8000",
            "a stored answer, because no new one could be had, 2 h old",
        ),
        (
            "p; hit; ttl=3; detail=contained",
            "7",
            "cut from a larger stored answer, 7 s old",
        ),
        (
            "p; fwd=uri-miss; collapsed",
            "",
            "fetched from Citrix Cloud together with another client",
        ),
        (
            "p; fwd=uri-miss; stored; detail=links",
            "",
            "fetched from Citrix Cloud just now",
        ),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_STATUS, HeaderValue::from_static(status));
        if !age.is_empty() {
            headers.insert(AGE, HeaderValue::from_static(age));
        }
        assert_eq!(how(&headers), expected);
    }
}
