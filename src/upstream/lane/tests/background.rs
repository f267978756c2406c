//! Requests that nobody waits for, and those for whom somebody comes to wait.

use tokio::sync::watch;

use super::*;

/// What nobody waits for until the sender says so.
fn unawaited(class: Class) -> (watch::Sender<bool>, Visit) {
    let (sender, receiver) = watch::channel(false);
    let visit = Visit {
        awaited: Awaited::by(receiver),
        ..visit(class, "")
    };
    (sender, visit)
}

/// The classes of those that wait, in their order.
fn classes(lane: &Lane) -> Vec<&'static str> {
    let waiting = lane.status().waiting;
    waiting.iter().map(|waiting| waiting.class.name()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_comes_last_whatever_it_is() {
    let lane = lane(1, 256);
    let held = scan(&lane).await;
    let order = RefCell::new(Vec::new());
    let turn = async |name: &'static str, visit: Visit| {
        let pass = enter(&lane, visit).await.unwrap();
        order.borrow_mut().push(name);
        pass.succeeded();
    };
    // Its sender goes at once: the last word holds.
    let metadata = turn("metadata", unawaited(Class::Metadata).1);
    let page = turn("page", visit(Class::Scan, ""));
    let preview = turn("preview", visit(Class::Interactive, ""));
    let frees = async {
        assert_eq!(classes(&lane), ["interactive", "scan", "background"]);
        held.succeeded();
    };
    tokio::join!(metadata, page, preview, frees);
    assert_eq!(order.into_inner(), ["preview", "page", "metadata"]);
    assert_eq!(*lane.status().counts.grants.of(Class::Background), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_waits_moves_up_when_it_is_awaited_and_down_when_it_is_not_any_more() {
    let lane = lane(1, 256);
    let held = scan(&lane).await;
    let (readers, first) = unawaited(Class::Scan);
    let first = async { drop(enter(&lane, first).await) };
    let others = join_all((0..3).map(|_| async { drop(scan(&lane).await) }));
    let changes = async {
        let looks = async || {
            sleep(Duration::from_secs(1)).await;
            classes(&lane)
        };
        assert_eq!(looks().await, ["scan", "scan", "scan", "background"]);
        readers.send_replace(true);
        assert_eq!(looks().await, ["scan"; 4]);
        // It came first.
        assert_eq!(lane.status().waiting[0].waited, Duration::from_secs(2));
        readers.send_replace(false);
        assert_eq!(looks().await, ["scan", "scan", "scan", "background"]);
        readers.send_replace(true);
        readers.send_replace(false);
        assert_eq!(looks().await, ["scan", "scan", "scan", "background"]);
        drop(held);
    };
    tokio::join!(first, others, changes);
    let grants = lane.status().counts.grants;
    assert_eq!(*grants.of(Class::Scan), 4);
    assert_eq!(*grants.of(Class::Background), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_asks_again_does_so_as_what_it_is_by_then() {
    let lane = lane(1, 256);
    let (readers, visit) = unawaited(Class::Interactive);
    let mut visitor = lane.visitor(visit);
    for awaited in [false, true, false] {
        readers.send_replace(awaited);
        drop(visitor.enter(PATIENCE).await.unwrap());
    }
    let grants = lane.status().counts.grants;
    assert_eq!(*grants.of(Class::Interactive), 1);
    assert_eq!(*grants.of(Class::Background), 2);
}

/// What `client` waits in all, while there is always something that nobody waits for, of a second a page.
async fn beside_background(lane: &Lane, client: impl Future<Output = Duration>) -> Duration {
    let background = async {
        loop {
            let pass = enter(lane, unawaited(Class::Scan).1).await.unwrap();
            sleep(Duration::from_secs(1)).await;
            pass.succeeded();
        }
    };
    tokio::select! {
        waited = client => waited,
        () = background => unreachable!(),
    }
}

/// Asks so many pages of a second one after the other, `gap` after the one before; returns how long it waited.
async fn pages(lane: &Lane, count: usize, gap: Duration) -> Duration {
    let mut waited = Duration::ZERO;
    for _ in 0..count {
        sleep(gap).await;
        let began = Instant::now();
        let pass = scan(lane).await;
        waited += began.elapsed();
        sleep(Duration::from_secs(1)).await;
        pass.succeeded();
    }
    waited
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_takes_one_turn_in_seventeen_of_a_client() {
    // Between two pages of one answer the lane is free for a moment.
    for gap in [0, 20, 999] {
        let lane = lane(1, 256);
        let client = pages(&lane, 170, Duration::from_millis(gap));
        let waited = beside_background(&lane, client).await;
        assert!(waited <= Duration::from_secs(11), "{waited:?}");
        let background = *lane.status().counts.grants.of(Class::Background);
        assert!((10..=11).contains(&background), "{background}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_has_the_lane_that_no_client_wants() {
    let lane = lane(1, 256);
    let client = pages(&lane, 10, Duration::from_millis(60_500));
    let waited = beside_background(&lane, client).await;
    assert!(waited <= Duration::from_secs(10), "{waited:?}");
    let background = *lane.status().counts.grants.of(Class::Background);
    assert!((590..=610).contains(&background), "{background}");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_keeps_nobody_out_who_waits() {
    let lane = lane(1, 1);
    let held = scan(&lane).await;
    let background = || enter(&lane, unawaited(Class::Scan).1);
    let full = |queued| Err(NotEntered::Full { queued });
    let waits = async { background().await.map(drop) };
    let is_refused = async { background().await.map(drop) };
    let page = async { scan(&lane).await.succeeded() };
    let second = async { enter(&lane, visit(Class::Scan, "")).await.map(drop) };
    let third = async { background().await.map(drop) };
    let frees = async { drop(held) };
    let ends = tokio::join!(waits, is_refused, page, second, third, frees);
    assert_eq!(ends, (Ok(()), full(1), (), full(2), full(2), ()));
}

#[tokio::test(start_paused = true)]
async fn the_lane_does_not_grow_for_what_nobody_waits_for() {
    let lane = lane(4, 256);
    let page = || async {
        let pass = enter(&lane, unawaited(Class::Scan).1).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        pass.succeeded();
    };
    join_all((0..20).map(|_| page())).await;
    assert_eq!(lane.status().level, 1);
    assert_eq!(rush(&lane, 20).await.1, 4, "but for clients");
}

#[tokio::test(start_paused = true)]
async fn the_wait_of_what_nobody_waits_for_alarms_nobody() {
    let lane = lane(1, 256);
    let held = scan(&lane).await;
    let (readers, visit) = unawaited(Class::Scan);
    let waits = async { drop(enter(&lane, visit).await) };
    let looks = async {
        sleep(Duration::from_secs(7)).await;
        assert_eq!(lane.status().waiting[0].waited, Duration::from_secs(7));
        assert_eq!(lane.status().oldest(), Duration::ZERO);
        readers.send_replace(true);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(lane.status().oldest(), Duration::from_secs(8));
        drop(held);
    };
    join(waits, looks).await;
}
