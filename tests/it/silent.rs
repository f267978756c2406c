//! Upstreams that accept a query and do not answer it, on real sockets: its client hears of it, and the lane is free
//! for the others of the customer.

use futures_util::future::{join, join_all};
use serde_json::json;

use crate::process::{Program, Running, eventually};
use crate::upstream::{Act, Upstream};
use crate::wire;

/// An upstream that answers everything but `Sessions`, for which it does this; and a proxy with little patience.
async fn with_sessions(act: Act) -> (Upstream, Running) {
    let upstream = Upstream::start(move |request, _| {
        if request.line.contains("/Sessions") {
            return act.clone();
        }
        Act::json(PAGE)
    })
    .await;
    let proxy = Program::serve(&upstream.endpoint())
        .set("sites.main.upstream.page_timeout", "3s")
        .set("sites.main.upstream.retry_budget", "0s")
        .start()
        .await;
    (upstream, proxy)
}

/// Without a time for a whole page, one query would hold the only lane of the customer for good: a timeout between two
/// bytes does not notice one that drips.
#[tokio::test]
async fn a_query_without_an_answer_ends_and_the_next_ones_are_served() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let acts = [
        Act::Hang,
        Act::Drip("".into(), head.into()),
        Act::Drip(head.into(), PAGE.into()),
        Act::Drip(chunked.into(), "1\r\n \r\n".repeat(20).into()),
    ];
    join_all(acts.map(gives_the_lane_back)).await;
}

async fn gives_the_lane_back(act: Act) {
    let name = format!("{act:?}");
    let (upstream, proxy) = with_sessions(act).await;
    let address = proxy.address;
    let stuck = wire::get(address, "/monitorodata/Sessions");
    let behind = async {
        eventually("a query for sessions", async || {
            (!upstream.requests().is_empty()).then_some(())
        })
        .await;
        let ask = async |top| {
            let path = format!("/monitorodata/Machines?$top={top}");
            wire::get(address, &path).await.rows()
        };
        join_all([1, 2, 3].map(ask)).await
    };
    let (stuck, behind) = join(stuck, behind).await;
    let error = (stuck.status(), &*stuck.error_code());
    assert_eq!(error, (504, "UpstreamTimeout"), "{name}");
    for rows in behind {
        assert_eq!(rows, [json!({"Id": 1})], "{name}");
    }
    // They waited for their turn, and the query before them was asked once.
    let requests = upstream.requests();
    assert!(requests[0].line.contains("/Sessions"), "{requests:?}");
    assert_eq!(requests.len(), 4, "{requests:?}");
    let status = wire::get(address, "/api/status").await.json();
    assert_eq!(status["sites"][0]["lane"]["in_flight"], 0, "{name}");
}

const PAGE: &str = r#"{"value":[{"Id":1}]}"#;
