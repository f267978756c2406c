//! Queries that take too long are given up.

use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use super::{Site, small};
use crate::demo::{Knobs, TimeLimitShape};

/// A page of 100 sessions shows more than 475 rows, and would take longer than the limit.
const HEAVY: &str = "/Sessions?$expand=Machine($expand=DesktopGroup),User,Connections";

async fn site(shape: TimeLimitShape) -> Site {
    Site::new(Knobs {
        latency: Duration::from_millis(50),
        row_cost: Duration::from_millis(2),
        time_limit: Some(Duration::from_secs(1)),
        time_limit_shape: shape,
        ..small()
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn rows_cost_time_at_any_depth() {
    let site = site(TimeLimitShape::default()).await;
    for (target, rows) in [
        ("/Sessions?$top=80", 80),
        ("/Sessions?$top=0&$count=true", 0),
        ("/Machines?$top=40&$expand=DesktopGroup,Catalog", 120),
        ("/Sessions?$apply=groupby((SessionType))", 2),
    ] {
        let began = Instant::now();
        assert_eq!(site.get(target).await.status, StatusCode::OK, "{target}");
        let took = began.elapsed().as_millis();
        let expected = 50 + 2 * rows;
        assert!((expected..expected + 3).contains(&took), "{target}: {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_heavy_page_is_given_up_at_the_limit_and_a_light_one_is_not() {
    for (shape, status) in [
        (TimeLimitShape::GatewayTimeout, 504),
        (TimeLimitShape::InternalError, 500),
        (TimeLimitShape::Cut, 200),
    ] {
        let site = site(shape).await;
        let began = Instant::now();
        let answer = site.get_with(HEAVY, &[("accept-encoding", "gzip")]).await;
        let took = began.elapsed().as_millis();
        assert!((1000..1003).contains(&took), "{took}");
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.body.is_err(), shape == TimeLimitShape::Cut);
        let light = site.rows(&format!("{HEAVY}&$top=12")).await;
        assert_eq!(light.len(), 12);
    }
}

#[tokio::test(start_paused = true)]
async fn counts_answered_queries_by_set() {
    let site = site(TimeLimitShape::default()).await;
    site.get("/$metadata").await;
    site.get("/Nothing").await;
    site.get("/Users?$top=1").await;
    site.get("/users?$top=2").await;
    site.get("/Sessions?$top=1").await;
    site.get("/Sessions?$filter=Odd%20eq%201").await;
    site.get(HEAVY).await;
    let counts = site.simulator.stats().queries_by_set;
    let counts: Vec<(&str, u64)> = counts.into_iter().collect();
    assert_eq!(counts, [("Sessions", 1), ("Users", 2)]);
}
