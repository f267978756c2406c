//! Those that wait, in paused time.

mod background;
mod pauses;
mod told;

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::*;

fn lane(concurrency: usize, queue_limit: usize) -> Lane {
    Lane::new(LaneSettings {
        concurrency: NonZeroUsize::new(concurrency).unwrap(),
        queue_limit,
    })
}

fn visit(class: Class, party: &str) -> Visit {
    Visit {
        class,
        awaited: Awaited::always(),
        turn: Turn::First,
        party: Party::of(party.as_bytes()),
        what: "Users".into(),
    }
}

async fn enter(lane: &Lane, visit: Visit) -> Result<Pass, NotEntered> {
    let mut visitor = lane.visitor(visit);
    let entered = visitor.enter(PATIENCE).await;
    entered.map(|entered| entered.pass)
}

async fn scan(lane: &Lane) -> Pass {
    enter(lane, visit(Class::Scan, "")).await.unwrap()
}

fn pause(pass: &Pass, seconds: u64) -> Duration {
    pass.throttled(Throttle {
        too_many: true,
        asked: Some(Duration::from_secs(seconds)),
        jitter: 1.0,
    })
}

/// In which order they get a pass who come at once, while another has it. Each holds it for a second.
async fn order(lane: &Lane, visits: &[(Class, &str)]) -> Vec<usize> {
    let held = scan(lane).await;
    let order = RefCell::new(Vec::new());
    let turn = |(number, (class, party)): (usize, &(Class, &str))| {
        let (order, visit) = (&order, visit(*class, party));
        async move {
            let pass = enter(lane, visit).await.unwrap();
            assert_eq!(lane.status().in_flight, 1);
            order.borrow_mut().push(number);
            sleep(Duration::from_secs(1)).await;
            pass.succeeded();
        }
    };
    let frees = async { held.succeeded() };
    join(join_all(visits.iter().enumerate().map(turn)), frees).await;
    order.into_inner()
}

#[tokio::test(start_paused = true)]
async fn first_come_first_served() {
    let lane = lane(1, 256);
    let alike = [(Class::Scan, "a"); 10];
    assert_eq!(order(&lane, &alike).await, (0..10).collect::<Vec<_>>());
    let status = lane.status();
    assert_eq!((status.in_flight, status.waiting.len()), (0, 0));
    assert_eq!(*status.counts.grants.of(Class::Scan), 11);
}

#[tokio::test(start_paused = true)]
async fn class_comes_before_arrival_and_parties_take_turns() {
    let (metadata, interactive) = (Class::Metadata, Class::Interactive);
    let mixed = [
        (Class::Scan, "a"),
        (Class::Scan, "a"),
        (interactive, "a"),
        (metadata, "b"),
    ];
    assert_eq!(order(&lane(1, 256), &mixed).await, [3, 2, 0, 1]);
    let mut many = vec![(Class::Scan, "many"); 20];
    many.push((Class::Scan, "one"));
    let order = order(&lane(1, 256), &many).await;
    assert_eq!(order[..3], [0, 20, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_long_scan_delays_a_preview_by_one_page() {
    let lane = lane(1, 256);
    let scans = async {
        for _ in 0..1000 {
            let pass = scan(&lane).await;
            sleep(Duration::from_secs(1)).await;
            pass.succeeded();
        }
    };
    let preview = async {
        for number in 1..10 {
            sleep(Duration::from_millis(10_300)).await;
            let began = Instant::now();
            let party = number.to_string();
            let pass = enter(&lane, visit(Class::Interactive, &party)).await;
            pass.unwrap().succeeded();
            assert!(began.elapsed() <= Duration::from_secs(1));
        }
    };
    let ((), ()) = join(scans, preview).await;
}

#[tokio::test(start_paused = true)]
async fn full_queue_refuses_first_pages_only() {
    let lane = lane(1, 1);
    let held = scan(&lane).await;
    let first = || enter(&lane, visit(Class::Scan, ""));
    let waits = async { first().await.map(drop) };
    let is_refused = async {
        let full = first().await.unwrap_err();
        assert_eq!(full, NotEntered::Full { queued: 1 });
    };
    let later = Visit {
        turn: Turn::Next,
        ..visit(Class::Scan, "")
    };
    let next = async { enter(&lane, later).await.map(drop) };
    let frees = async { drop(held) };
    let (first, (), next, ()) = tokio::join!(waits, is_refused, next, frees);
    assert_eq!((first, next), (Ok(()), Ok(())));
}

#[tokio::test(start_paused = true)]
async fn later_pages_and_later_attempts_take_no_place_of_first_pages() {
    let lane = lane(1, 1);
    let mut visitor = lane.visitor(visit(Class::Scan, ""));
    drop(visitor.enter(PATIENCE).await.unwrap());
    let held = scan(&lane).await;
    let later = Visit {
        turn: Turn::Next,
        ..visit(Class::Scan, "")
    };
    let next = async { enter(&lane, later).await.map(drop) };
    let again = async { visitor.enter(PATIENCE).await.map(drop) };
    let first = async { enter(&lane, visit(Class::Scan, "")).await.map(drop) };
    let frees = async { drop(held) };
    let entered = tokio::join!(next, again, first, frees);
    assert_eq!(entered, (Ok(()), Ok(()), Ok(()), ()));
}

#[tokio::test(start_paused = true)]
async fn one_that_failed_keeps_its_place_and_is_not_turned_away() {
    let lane = lane(1, 1);
    let mut visitor = lane.visitor(visit(Class::Scan, ""));
    let first = visitor.enter(PATIENCE).await.unwrap();
    let order = RefCell::new(Vec::new());
    let fails = async {
        drop(first);
        // The other one has the pass, and a third waits for it in what is a full queue.
        sleep(Duration::from_millis(2)).await;
        let again = visitor.enter(PATIENCE).await;
        order.borrow_mut().push("again");
        drop(again.unwrap());
    };
    let other = async |name: &'static str| {
        let pass = scan(&lane).await;
        order.borrow_mut().push(name);
        sleep(Duration::from_secs(1)).await;
        drop(pass);
    };
    let later = async {
        sleep(Duration::from_millis(1)).await;
        other("third").await;
    };
    tokio::join!(other("second"), fails, later);
    assert_eq!(order.into_inner(), ["second", "again", "third"]);
}

#[tokio::test(start_paused = true)]
async fn giving_up_frees_the_place() {
    let lane = lane(1, 256);
    let held = scan(&lane).await;
    assert!(timeout(Duration::from_secs(1), scan(&lane)).await.is_err());
    assert_eq!(lane.status().waiting.len(), 0);
    drop(held);
    assert!(scan(&lane).now_or_never().is_some());
}

#[tokio::test(start_paused = true)]
async fn giving_up_in_the_moment_of_the_grant_loses_no_grant() {
    let lane = lane(1, 256);
    let held = scan(&lane).await;
    let mut granted = Box::pin(scan(&lane));
    let mut next = Box::pin(scan(&lane));
    assert!((&mut granted).now_or_never().is_none());
    assert!((&mut next).now_or_never().is_none());
    drop(held);
    // It has the pass, and does not know.
    let status = lane.status();
    assert_eq!((status.in_flight, status.waiting.len()), (1, 1));
    drop(granted);
    let status = lane.status();
    assert_eq!((status.in_flight, status.waiting.len()), (1, 0));
    assert!(next.now_or_never().is_some());
    assert_eq!(lane.status().in_flight, 0);
}

/// On several threads, where a grant and the end of the one that waits for it may meet.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_grant_is_lost_among_threads() {
    let lane = Arc::new(lane(3, usize::MAX));
    let in_flight = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for number in 0..64_usize {
        let (lane, in_flight) = (Arc::clone(&lane), Arc::clone(&in_flight));
        tasks.spawn(async move {
            for round in 0..100 {
                let class = Class::ALL[(number + round) % Class::ALL.len()];
                let enters = enter(&lane, visit(class, ""));
                let patience = async {
                    for _ in 0..(number * 31 + round * 17) % 40 {
                        tokio::task::yield_now().await;
                    }
                };
                let pass = tokio::select! {
                    pass = enters => pass.unwrap(),
                    () = patience => continue,
                };
                assert!(in_flight.fetch_add(1, Ordering::SeqCst) < 3);
                tokio::task::yield_now().await;
                in_flight.fetch_sub(1, Ordering::SeqCst);
                if round % 5 == 0 {
                    drop(pass);
                } else {
                    pass.succeeded();
                }
            }
            // One that waits to the end gets its turn.
            scan(&lane).await.succeeded();
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let status = lane.status();
    assert_eq!((status.in_flight, status.waiting.len()), (0, 0));
}

/// Seconds until `count` pages of one second are through, with the highest number in flight.
async fn rush(lane: &Lane, count: usize) -> (u64, usize) {
    let peak = RefCell::new(0);
    let began = Instant::now();
    let page = || async {
        let pass = scan(lane).await;
        let status = lane.status();
        assert!(status.in_flight <= status.level);
        peak.replace_with(|peak| status.in_flight.max(*peak));
        sleep(Duration::from_secs(1)).await;
        pass.succeeded();
    };
    join_all((0..count).map(|_| page())).await;
    (began.elapsed().as_secs(), peak.into_inner())
}

#[tokio::test(start_paused = true)]
async fn level_is_found_below_the_maximum() {
    assert_eq!(rush(&lane(1, 256), 20).await, (20, 1));
    // 1, 2, and from then on three at a time.
    assert_eq!(rush(&lane(3, 256), 21).await, (8, 3));
    let lane = lane(4, 256);
    rush(&lane, 30).await;
    assert_eq!(lane.status().level, 4);
    let pass = scan(&lane).await;
    pause(&pass, 1);
    drop(pass);
    assert_eq!(lane.status().level, 2);
    assert_eq!(rush(&lane, 50).await.1, 3, "4 was too many");
    sleep(Duration::from_mins(5)).await;
    assert_eq!(rush(&lane, 50).await.1, 4);
    assert_eq!(lane.status().maximum, 4);
}

/// More than any pause here.
const PATIENCE: Duration = Duration::from_mins(10);
