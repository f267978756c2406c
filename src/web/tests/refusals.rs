//! What is refused, counted.

use std::num::NonZeroU32;

use super::access::{KEY, ask, counted, keys};
use super::*;
use crate::web::Refusal;

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_counted_by_its_reason() {
    let metrics = Arc::new(Metrics::new(&mut Registry::default()));
    let access = AccessSettings {
        cors_origins: vec!["https://app.example.com".to_owned()],
        requests_per_second: NonZeroU32::new(1),
        ..keys(Some(vec![SiteId::new("main").unwrap()]))
    };
    let service = counted(access, false, Arc::clone(&metrics));
    let get = |path: &str| Request::get(path);
    let with_key = |path: &str| get(&format!("{path}?key={KEY}"));
    let foreign = |request: http::request::Builder| request.header("Sec-Fetch-Site", "cross-site");
    let preflight = |origin: &str| {
        Request::options("/monitorodata/Users")
            .header("Access-Control-Request-Method", "GET")
            .header("Origin", origin)
    };
    let long = format!(
        "/monitorodata/Users?key={KEY}&$filter={}",
        "x".repeat(40_000)
    );
    let mut expected: Vec<u64> = vec![0; Refusal::ALL.len()];
    for (request, status, refusal) in [
        (with_key("/monitorodata/Users"), 200, None),
        (with_key("/monitorodata/Missing"), 404, None),
        (get("/healthz"), 200, None),
        (preflight("https://app.example.com"), 204, None),
        (
            preflight("https://other.example.com"),
            204,
            Some(Refusal::Cors),
        ),
        (Request::options("/monitorodata/Users"), 204, None),
        (get("/monitorodata/Users"), 401, Some(Refusal::NoKey)),
        (
            get("/monitorodata/Users?key=cop_x"),
            401,
            Some(Refusal::WrongKey),
        ),
        (with_key("/api/status"), 401, Some(Refusal::OtherSite)),
        (
            foreign(with_key("/monitorodata/Users")),
            403,
            Some(Refusal::CrossSite),
        ),
        (get(&long), 400, Some(Refusal::QuestionTooLong)),
    ] {
        let shown = format!("{:.80}", format!("{request:?}"));
        assert_eq!(
            ask(&service, request, "127.0.0.1").await.0,
            status,
            "{shown}"
        );
        for (count, one) in expected.iter_mut().zip(Refusal::ALL) {
            *count += u64::from(Some(one) == refusal);
        }
        let found = Refusal::ALL.map(|refusal| metrics.refused(refusal).get());
        assert_eq!(found, *expected, "{shown}");
    }
    for _ in 0..20 {
        ask(&service, get("/monitorodata/Users?key=cop_x"), "127.0.0.1").await;
        ask(&service, get("/healthz"), "192.0.2.1").await;
    }
    assert_eq!(metrics.refused(Refusal::WrongKey).get(), 10);
    assert_eq!(metrics.refused(Refusal::TooManyWrongKeys).get(), 11);
    assert_eq!(metrics.refused(Refusal::Pace).get(), 10);
    let stranger = Request::get("/healthz").header("Host", "evil.example.com");
    let stranger = stranger.body(Body::empty()).unwrap();
    let client = "127.0.0.1".parse().unwrap();
    let response = service.answer(stranger, Some(client)).await;
    assert_eq!(response.status(), 421);
    assert_eq!(metrics.refused(Refusal::Host).get(), 1);
}
