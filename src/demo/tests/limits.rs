//! One query at a time, and how long each takes.

use std::time::Duration;

use futures_util::future::join;
use http::StatusCode;
use tokio::time::Instant;

use super::{Site, small};
use crate::demo::{Knobs, ThrottleShape};

#[tokio::test(start_paused = true)]
async fn a_second_query_is_refused_in_the_chosen_shape() {
    for shape in [ThrottleShape::Problem, ThrottleShape::Gateway] {
        let site = Site::new(Knobs {
            latency: Duration::from_secs(2),
            throttle_shape: shape,
            ..small()
        })
        .await;
        let (first, second) = join(site.get("/Users?$top=1"), site.get("/Machines?$top=1")).await;
        assert_eq!(
            (first.status, second.status),
            (StatusCode::OK, StatusCode::TOO_MANY_REQUESTS)
        );
        match shape {
            ThrottleShape::Problem => {
                assert!(
                    second.json()["type"]
                        .as_str()
                        .unwrap()
                        .ends_with("/rateLimitExceeded")
                );
                assert_eq!(second.json()["parameters"][0]["name"], "retryDelay");
            }
            ThrottleShape::Gateway => {
                assert_eq!(second.json()["statusCode"], 429);
                assert_eq!(second.header("retry-after"), "1");
            }
        }
        let stats = site.simulator.stats();
        assert_eq!(
            (stats.throttled, stats.peak_in_flight, stats.in_flight),
            (1, 1, 0)
        );
        assert_eq!(site.get("/Users?$top=1").await.status, StatusCode::OK);
    }
}

#[tokio::test(start_paused = true)]
async fn more_lanes_let_more_in() {
    let site = Site::new(Knobs {
        latency: Duration::from_secs(2),
        lanes: 2,
        ..small()
    })
    .await;
    let (first, second) = join(site.get("/Users?$top=1"), site.get("/Machines?$top=1")).await;
    assert_eq!(
        (first.status, second.status),
        (StatusCode::OK, StatusCode::OK)
    );
    assert_eq!(site.simulator.stats().peak_in_flight, 2);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_makes_room() {
    let site = Site::new(Knobs {
        latency: Duration::from_secs(30),
        ..small()
    })
    .await;
    let gone = tokio::time::timeout(Duration::from_secs(1), site.get("/Users?$top=1")).await;
    assert!(gone.is_err());
    assert_eq!(site.simulator.stats().in_flight, 0);
    assert_eq!(site.get("/Users?$top=1").await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn takes_its_time_from_arrival_and_more_for_skipped_rows() {
    let site = Site::new(Knobs {
        latency: Duration::from_millis(20),
        skip_cost: Duration::from_millis(1),
        ..small()
    })
    .await;
    for (target, expected) in [("/Users", 20), ("/Users?$skip=300", 320)] {
        let began = Instant::now();
        site.get(target).await;
        let took = began.elapsed().as_millis();
        assert!((expected..expected + 3).contains(&took), "{target}: {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_get_is_allowed_and_everything_is_logged() {
    let site = Site::small().await;
    let request = http::Request::delete("/monitorodata/Users")
        .body(axum::body::Body::empty())
        .unwrap();
    assert_eq!(
        super::send(&site.simulator, request).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    site.get("/Users?$top=1").await;
    let stats = site.simulator.stats();
    assert_eq!((stats.data_requests, stats.tokens_issued), (2, 1));
    let last = stats.log.last().unwrap();
    assert_eq!(
        (last.path.as_str(), last.status),
        ("/monitorodata/Users?$top=1", 200)
    );
    site.simulator.reset_stats();
    assert_eq!(site.simulator.stats().data_requests, 0);
}

#[tokio::test(start_paused = true)]
async fn compresses_for_those_who_ask() {
    let site = Site::small().await;
    let plain = site.get("/Users").await;
    assert_eq!(plain.header("content-encoding"), "");
    let packed = site
        .get_with("/Users", &[("accept-encoding", "gzip, br")])
        .await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    let bytes = packed.body.unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(
        &mut flate2::read::GzDecoder::new(bytes.as_slice()),
        &mut text,
    )
    .unwrap();
    assert_eq!(text, plain.text());
    let off = Site::new(Knobs {
        gzip: false,
        ..small()
    })
    .await;
    assert_eq!(
        off.get_with("/Users", &[("accept-encoding", "gzip")])
            .await
            .header("content-encoding"),
        ""
    );
}
