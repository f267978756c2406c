//! Many who ask at once while the lane is slow or closed: each gets a whole answer or an error that says when to come
//! again, and upstream is left alone.

use std::time::Duration;

use citrix_odata_proxy::demo::Fault;
use futures_util::future::{join, join_all};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::process::{Program, eventually};
use crate::wire::{self, End};
use crate::world::{Answer, World, small};

/// Without a limit the queue of one customer would grow as long as clients come, and each of them would wait until it
/// gives up by itself; with an error of upstream's own, 429, some clients would ask again at once.
#[tokio::test]
async fn three_hundred_cold_questions_at_once() {
    let simulator = Program::simulate(&["--sessions", "400"]).start().await;
    let proxy = Program::serve(&simulator.endpoint()).start().await;
    // A token, so that only the lane counts, and one slow query ahead of all.
    wire::get(proxy.address, "/monitorodata/Users?$top=1").await;
    simulator.faults("kind=slow,seconds=6,times=1").await;
    let ahead = wire::get(proxy.address, "/monitorodata/Catalogs");
    let crowd = async {
        eventually("a query in flight", async || {
            (simulator.stat("in_flight").await > 0).then_some(())
        })
        .await;
        let ask = async |skip: usize| {
            let path = format!("/monitorodata/Sessions?$skip={skip}&$top=2");
            wire::get(proxy.address, &path).await
        };
        join_all((0..300).map(ask)).await
    };
    let (ahead, replies) = join(ahead, crowd).await;
    assert_eq!(ahead.status(), 200);
    // One more question, when all is over.
    let all = wire::get(proxy.address, "/monitorodata/Sessions").await;
    let all = all.rows();
    let mut refused = 0;
    for (skip, reply) in replies.iter().enumerate() {
        assert_eq!(reply.end, End::Clean, "{skip}");
        if reply.status() == 200 {
            assert_eq!(reply.rows(), all[skip..skip + 2], "{skip}");
            continue;
        }
        assert_eq!(
            (reply.status(), &*reply.error_code()),
            (503, "UpstreamBusy")
        );
        let seconds: u32 = reply.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=120).contains(&seconds), "{seconds}");
        refused += 1;
    }
    // The default of `queue_limit` waits; on a slow machine some are served before the last ones come.
    assert!((1..=300 - 256).contains(&refused), "{refused}");
    assert_eq!(simulator.stat("peak_in_flight").await, 1);
    assert_eq!(simulator.stat("throttled").await, 0);
}

/// Fifty clients, each with a question of its own, and an upstream that refuses everything for ten minutes.
async fn refused_for_ten_minutes(settings: &str) -> (World, Vec<Answer>, Duration) {
    let fault: Fault = "kind=throttled,times=always".parse().unwrap();
    let world = World::with_fault(small(), settings, fault);
    let began = Instant::now();
    let (answers, ()) = join(
        join_all((0..50).map(|skip| {
            let world = &world;
            async move { world.ask(&format!("/Sessions?$skip={skip}")).await }
        })),
        async {
            sleep(Duration::from_mins(10)).await;
            // Growing pauses. At a fixed pace of a second each it would be 600, and for each client on its own 30,000.
            let asked = world.answered_with(429);
            assert!((10..=60).contains(&asked), "{asked}");
            world.simulator.script(Vec::new());
        },
    )
    .await;
    (world, answers, began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_refuses_for_ten_minutes_is_waited_for_within_the_budget() {
    let (world, answers, took) =
        refused_for_ten_minutes("sites.main.upstream.retry_budget = '15m'").await;
    for (skip, answer) in answers.iter().enumerate() {
        let rows = world.rows_of(&format!("/Sessions?$skip={skip}")).await;
        assert_eq!(answer.rows(), rows);
    }
    assert!(took < Duration::from_mins(11), "{took:?}");
    assert_eq!(world.simulator.stats().peak_in_flight, 1);
}

/// If each waiting client used up a budget of its own after the one before it, the last would hear after eight hours.
#[tokio::test(start_paused = true)]
async fn all_who_wait_for_an_upstream_that_refuses_give_up_after_one_budget() {
    let began = Instant::now();
    let (world, answers, _) = refused_for_ten_minutes("").await;
    assert!(began.elapsed() <= Duration::from_mins(10));
    for answer in &answers {
        assert_eq!(answer.error(), "503 UpstreamBusy");
        let seconds: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=120).contains(&seconds), "{seconds}");
        let message = message(&answer.json());
        assert!(
            message.contains("of it in pauses that Citrix asked for"),
            "{message}"
        );
        assert!(
            message.contains("too busy for this customer for 9m"),
            "{message}"
        );
    }
    assert_eq!(world.simulator.stats().in_flight, 0);
    assert_eq!(world.ask("/Sessions").await.rows().len(), 110);
}

fn message(body: &Value) -> String {
    body["error"]["message"].as_str().unwrap().to_owned()
}
