//! Pauses: whom they hold, until when, and at what price.

use super::*;

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
        assert_eq!((status.in_flight, status.waiting.len()), (1, 3));
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
        assert_eq!(lane.status().waiting.len(), 0);
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
