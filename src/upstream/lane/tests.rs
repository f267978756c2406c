//! Those that wait, in paused time.

use std::cell::RefCell;
use std::io;
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
    assert_eq!((status.in_flight, status.queued()), (0, 0));
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
async fn pause_holds_everyone_only_grows_and_ends_for_all_at_once() {
    let lane = lane(2, 256);
    let began = Instant::now();
    let held = scan(&lane).await;
    assert_eq!(pause(&held, 30), Duration::from_secs(30));
    assert_eq!(pause(&held, 5), Duration::from_secs(30));
    let longer = async {
        sleep(Duration::from_secs(29)).await;
        let status = lane.status();
        assert_eq!((status.in_flight, status.queued()), (1, 3));
        assert_eq!(pause(&held, 11), Duration::from_secs(11));
        assert_eq!(lane.status().paused_for, Some(Duration::from_secs(11)));
        drop(held);
    };
    let enters = (0..3).map(|_| async {
        let mut visitor = lane.visitor(visit(Class::Scan, ""));
        let entered = visitor.enter(PATIENCE).await.unwrap();
        assert_eq!(began.elapsed(), Duration::from_secs(40));
        assert_eq!(entered.held, Duration::from_secs(40));
    });
    join(join_all(enters), longer).await;
    assert_eq!(lane.status().counts.paused, Duration::from_secs(40));
}

#[tokio::test(start_paused = true)]
async fn a_pause_longer_than_the_patience_is_not_waited_for() {
    let lane = lane(1, 256);
    let held = scan(&lane).await;
    let began = Instant::now();
    let waits = async {
        let mut visitor = lane.visitor(visit(Class::Scan, ""));
        let patience = Duration::from_mins(1);
        let impatient = visitor.enter(patience).await.unwrap_err();
        let (seconds, held) = match impatient {
            NotEntered::Impatient { held, paused_for } => (paused_for.as_secs(), held),
            NotEntered::Full { .. } => panic!("{impatient:?}"),
        };
        // Waiting for a turn cost nothing.
        assert_eq!(
            (began.elapsed().as_secs(), held.as_secs(), seconds),
            (550, 50, 20)
        );
        assert_eq!(lane.status().queued(), 0);
    };
    let throttles = async {
        sleep(Duration::from_secs(500)).await;
        pause(&held, 55);
        sleep(Duration::from_secs(50)).await;
        pause(&held, 20);
    };
    join(waits, throttles).await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_charges_a_pause_as_it_was_planned() {
    let lane = lane(1, 256);
    pause(&scan(&lane).await, 30);
    let waits = async {
        let mut visitor = lane.visitor(visit(Class::Scan, ""));
        visitor.enter(PATIENCE).await.unwrap().held
    };
    let sleeps = async {
        sleep(Duration::from_secs(10)).await;
        tokio::time::advance(Duration::from_hours(1)).await;
    };
    let (held, ()) = join(waits, sleeps).await;
    assert_eq!(held, Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_grows_while_the_machine_sleeps_holds_nobody_for_good() {
    let lane = lane(1, 256);
    let pass = scan(&lane).await;
    pause(&pass, 30);
    let waits = async { scan(&lane).await.succeeded() };
    let grows = async {
        sleep(Duration::from_secs(29)).await;
        pause(&pass, 11);
        drop(pass);
        // Both the longer pause and its end are told at once.
        tokio::time::advance(Duration::from_hours(1)).await;
    };
    let both = timeout(Duration::from_hours(2), join(waits, grows));
    assert!(both.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn giving_up_frees_the_place() {
    let lane = lane(1, 256);
    let held = scan(&lane).await;
    assert!(timeout(Duration::from_secs(1), scan(&lane)).await.is_err());
    assert_eq!(lane.status().queued(), 0);
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
    assert_eq!((status.in_flight, status.queued()), (1, 1));
    drop(granted);
    let status = lane.status();
    assert_eq!((status.in_flight, status.queued()), (1, 0));
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
                let class = Class::ALL[(number + round) % 3];
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
    assert_eq!((status.in_flight, status.queued()), (0, 0));
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

#[tokio::test(start_paused = true)]
async fn status_tells_who_waits_for_how_long() {
    let lane = lane(2, 256);
    let held = scan(&lane).await;
    let looks = async {
        sleep(Duration::from_secs(7)).await;
        let status = lane.status();
        let waiting = status.waiting.iter();
        let waiting = waiting.map(|w| (w.position, w.class, w.waited.as_secs()));
        let expected = [(1, Class::Interactive, 3), (2, Class::Scan, 7)];
        assert_eq!(waiting.collect::<Vec<_>>(), expected);
        assert_eq!((status.level, status.maximum, status.in_flight), (1, 2, 1));
        assert_eq!(status.oldest(), Duration::from_secs(7));
        assert_eq!(*status.queued_by_class().of(Class::Scan), 1);
        drop(held);
    };
    let preview = async {
        sleep(Duration::from_secs(4)).await;
        drop(enter(&lane, visit(Class::Interactive, "")).await);
    };
    let waits = async { drop(scan(&lane).await) };
    tokio::join!(waits, preview, looks);
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(line);
        let said = line.split("request ").nth(1).unwrap_or_default();
        self.0.lock().unwrap().push(said.trim_end().to_owned());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_is_told() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // A second dispatcher makes tracing ask both whether a line is wanted.
    let second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let guard = tracing::subscriber::set_default(subscriber);
    let lane = lane(1, 256);
    let held = scan(&lane).await;
    let frees = async {
        sleep(Duration::from_secs(69)).await;
        drop(held);
    };
    let waits = async { drop(scan(&lane).await) };
    let preview = async {
        sleep(Duration::from_secs(65)).await;
        drop(enter(&lane, visit(Class::Interactive, "")).await);
    };
    tokio::join!(waits, preview, frees);
    drop((guard, second));
    let lines = lines.0.lock().unwrap().join("\n");
    insta::assert_snapshot!(lines, @r#"
    waits for its turn at upstream what=Users class="scan" position=1 queued=1 paused=false waited_ms=5000
    waits for its turn at upstream what=Users class="scan" position=1 queued=1 paused=false waited_ms=35000
    waits for its turn at upstream what=Users class="scan" position=1 queued=1 paused=false waited_ms=65000
    got its turn at upstream what=Users class="scan" waited_ms=69000
    "#);
}

/// More than any pause here.
const PATIENCE: Duration = Duration::from_mins(10);
