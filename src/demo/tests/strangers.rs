//! Another tool of the same customer takes a lane.

use std::num::NonZeroU64;
use std::time::Duration;

use futures_util::future::join;
use http::StatusCode;
use tokio::time::sleep;

use super::{Answer, Site, small};
use crate::demo::{Knobs, ThrottleShape};

async fn site(lanes: usize) -> Site {
    Site::new(Knobs {
        lanes,
        stranger: NonZeroU64::new(3),
        throttle_shape: ThrottleShape::Gateway,
        throttle_retry_after: Some(4),
        ..small()
    })
    .await
}

async fn ask(site: &Site) -> Answer {
    site.get("/Users?$top=1").await
}

#[tokio::test(start_paused = true)]
async fn a_stranger_turns_queries_away_until_it_leaves() {
    let site = site(1).await;
    assert_eq!(ask(&site).await.status, StatusCode::OK);
    assert_eq!(ask(&site).await.status, StatusCode::OK);
    let refused = ask(&site).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "4");
    sleep(Duration::from_millis(199)).await;
    assert_eq!(ask(&site).await.status, StatusCode::TOO_MANY_REQUESTS);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(ask(&site).await.status, StatusCode::OK);
    let stats = site.simulator.stats();
    assert_eq!((stats.stranger_visits, stats.throttled), (1, 2));
    assert_eq!((stats.in_flight, stats.peak_in_flight), (0, 1));
    assert_eq!(ask(&site).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(site.simulator.stats().stranger_visits, 2);
    site.simulator.reset_stats();
    assert_eq!(site.simulator.stats().stranger_visits, 0);
}

#[tokio::test(start_paused = true)]
async fn a_second_lane_stays_free_and_a_taken_lane_is_not_taken_away() {
    let two = site(2).await;
    for _ in 0..4 {
        assert_eq!(ask(&two).await.status, StatusCode::OK);
    }
    assert_eq!(two.simulator.stats().stranger_visits, 1);
    let busy = Site::new(Knobs {
        latency: Duration::from_secs(2),
        stranger: NonZeroU64::new(2),
        ..small()
    })
    .await;
    let (first, second) = join(ask(&busy), ask(&busy)).await;
    assert_eq!(
        (first.status, second.status),
        (StatusCode::OK, StatusCode::TOO_MANY_REQUESTS)
    );
    assert_eq!(busy.simulator.stats().stranger_visits, 0);
}
