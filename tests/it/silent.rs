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
        Act::json(r#"{"value":[{"Id":1}]}"#)
    })
    .await;
    let proxy = Program::serve(&upstream.endpoint())
        .set("sites.main.upstream.page_timeout", "2s")
        .set("sites.main.upstream.retry_budget", "0s")
        .start()
        .await;
    (upstream, proxy)
}

/// Without a time for a whole page, one query would hold the only lane of the customer for good: a timeout between two
/// bytes does not notice one that drips.
#[tokio::test]
async fn a_query_without_an_answer_ends_and_the_next_one_is_served() {
    let page = r#"{"value":[{"Id":1}]}"#;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", page.len());
    for act in [
        Act::Hang,
        Act::Drip(Vec::new(), format!("{head}{page}").into()),
        Act::Drip(head.clone().into(), page.into()),
        Act::Drip(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
            b"1\r\n{\r\n1\r\n \r\n1\r\n \r\n1\r\n \r\n".to_vec(),
        ),
    ] {
        let (upstream, proxy) = with_sessions(act.clone()).await;
        let (address, seen) = (proxy.address, &upstream);
        let stuck = wire::get(address, "/monitorodata/Sessions");
        let behind = async {
            eventually("a query for sessions", async || {
                (!seen.requests().is_empty()).then_some(())
            })
            .await;
            let asks = [1, 2, 3].map(|top| async move {
                wire::get(address, &format!("/monitorodata/Machines?$top={top}")).await
            });
            join_all(asks).await
        };
        let (stuck, behind) = join(stuck, behind).await;
        assert_eq!(
            (stuck.status(), &*stuck.error_code()),
            (504, "UpstreamTimeout"),
            "{act:?}"
        );
        for reply in behind {
            assert_eq!(reply.rows(), [json!({"Id": 1})], "{act:?}");
        }
        // They waited for their turn: the query before them was given up, and not only its client.
        let lines: Vec<String> = upstream.requests().into_iter().map(|sent| sent.line).collect();
        assert!(lines[0].contains("/Sessions"), "{lines:?}");
        assert_eq!(lines.len(), 4, "{lines:?}");
        let status = wire::get(address, "/api/status").await.json();
        assert_eq!(status["sites"][0]["in_flight"], 0, "{act:?}");
    }
}
