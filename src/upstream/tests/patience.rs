//! What waiting for a busy upstream costs, and whom.

use super::*;

#[tokio::test(start_paused = true)]
async fn all_who_wait_give_up_after_one_budget() {
    for asked in [None, Some("20")] {
        let busy = Reply::new(429, "");
        let busy = asked.map_or(busy.clone(), |asked| busy.header("retry-after", asked));
        let bench = bench([], std::iter::repeat_n(busy, 999));
        let began = Instant::now();
        let ends = join_all((0..50).map(|_| bench.fetch_patiently())).await;
        let most = patience().total();
        let left = most.checked_sub(began.elapsed());
        // The last pause would have been too long.
        assert!(left.is_some_and(|left| left <= Duration::from_secs(30)));
        for end in ends {
            let Err(FetchError::Busy { waited, spent, .. }) = end else {
                panic!("{end:?}")
            };
            assert!(waited <= most);
            assert_eq!(spent.held, waited);
        }
        // One attempt after each pause, whoever makes it.
        let sent = bench.transport.data_requests();
        assert!(sent.len() <= 46, "{}", sent.len());
        let throttled = bench.upstream.metrics().counts().throttled;
        assert_eq!(throttled, sent.len() as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn throttling_grows_on_the_lane_and_ends_with_a_success() {
    let busy = || Reply::new(429, "");
    let bench = bench([], [busy(), busy(), busy(), busy(), page(), busy()]);
    let began = Instant::now();
    let ends = join_all((0..3).map(|_| bench.fetch_patiently())).await;
    assert!(ends.iter().all(Result::is_ok));
    let sent = bench.transport.data_requests();
    let pauses: Vec<_> = sent.windows(2).map(|two| two[1].at - two[0].at).collect();
    for (pause, least) in pauses.iter().zip([500, 1000, 2000, 4000, 0, 500, 0]) {
        let least = Duration::from_millis(least);
        // Timers tick by the millisecond.
        let most = least * 2 + Duration::from_millis(1);
        assert!((least..=most).contains(pause), "{pauses:?}");
    }
    assert_eq!(pauses.len(), 7);
    let counts = bench.upstream.lane().status().counts;
    assert!(counts.paused <= began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_does_not_use_up_the_budget() {
    let slow = |status| Reply::new(status, "").after(Duration::from_secs(30));
    let bench = bench([], [slow(502), page()]);
    let mut budget = patience();
    let sleeps = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        tokio::time::advance(Duration::from_hours(1)).await;
    };
    let (fetched, ()) = tokio::join!(bench.fetch(&mut budget), sleeps);
    assert_eq!(fetched.unwrap().attempts, 2);
    assert!(budget.failing() <= Duration::from_secs(65));
    assert!(budget.spent() <= Duration::from_secs(66));
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_wakes_up_may_be_without_a_network_for_a_while() {
    let cut = page().cut().after(Duration::from_secs(30));
    let gone = || (0..4).map(|_| Reply::fault(TransportFault::Dns));
    let bench = bench([], [cut].into_iter().chain(gone()));
    let sleeps = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        tokio::time::advance(Duration::from_secs(45)).await;
    };
    let (fetched, ()) = tokio::join!(bench.fetch_patiently(), sleeps);
    assert_eq!(fetched.unwrap().attempts, 6);
}

#[tokio::test(start_paused = true)]
async fn the_limits_of_a_page_do_not_reach_the_next() {
    let failed = || Reply::new(500, "");
    let replies = [failed(), failed(), failed(), failed(), page()];
    let bench = bench([], replies.iter().chain(&replies).cloned());
    let mut budget = patience();
    for _ in 0..2 {
        assert_eq!(bench.fetch(&mut budget).await.unwrap().attempts, 5);
    }
    assert_eq!(budget.ledger().statuses[&500], 8);
}
