//! Queries that upstream gives up on, and askers that have a smaller one.

use super::*;

/// What becomes of a query that can be divided, asked five times at most, by one answer.
async fn divisible(replies: impl IntoIterator<Item = Reply>) -> Vec<String> {
    let bench = bench([], replies);
    let mut budget = patience();
    let mut ends = Vec::new();
    while ends.len() < 5 {
        let query = Query {
            divisible: true,
            ..query("/Sessions")
        };
        let began = Instant::now();
        let end = bench.upstream.fetch(query, &mut budget).await;
        assert!(end.is_err() || budget.attempts() == 0);
        ends.push(match end {
            Ok(_) => "page".to_owned(),
            Err(FetchError::TooHeavy(cause)) => {
                let least = Duration::from_millis(500);
                assert!(began.elapsed() >= least, "no pause after {cause}");
                format!("less, {}", named(&cause))
            }
            Err(error) => named(&error),
        });
        if ends.last().is_some_and(|end| !end.starts_with("less")) {
            break;
        }
    }
    ends
}

fn named(error: &FetchError) -> String {
    match error {
        FetchError::Unavailable { status, fault, .. } => {
            let fault = fault.map(|fault| format!("{fault:?}"));
            status.map_or(fault.unwrap_or_default(), |status| status.to_string())
        }
        FetchError::Timeout { .. } => "timeout".to_owned(),
        other => other.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_heavy_query_is_given_back_and_a_hopeless_one_given_up() {
    let after = |reply: Reply, seconds| reply.after(Duration::from_secs(seconds));
    let failed = |status, seconds| after(Reply::new(status, ""), seconds);
    let repeat = |reply: &Reply, times| vec![reply.clone(); times];
    let cases = [
        (vec![failed(504, 30), page()], "less, 504; page"),
        (vec![failed(500, 1), page()], "less, 500; page"),
        (vec![after(page(), 61), page()], "less, timeout; page"),
        (vec![after(page().cut(), 25), page()], "less, Cut; page"),
        (
            vec![after(Reply::fault(TransportFault::Connect), 25)],
            "less, Cut; page",
        ),
        // Those that are no sign of a heavy query are asked for again at once.
        (vec![after(page().cut(), 5), page()], "page"),
        (vec![failed(502, 30), page()], "page"),
        (vec![failed(429, 0), failed(503, 0), page()], "page"),
        // The limits are for the page, however often less was asked for.
        (
            repeat(&failed(500, 1), 9),
            "less, 500; less, 500; less, 500; less, 500; 500",
        ),
        (
            repeat(&after(page(), 61), 9),
            "less, timeout; less, timeout; timeout",
        ),
        // A late 500 is none of the five.
        (
            repeat(&failed(500, 10), 9),
            "less, 500; less, 500; less, 500; less, 500; less, 500",
        ),
    ];
    for (replies, expected) in cases {
        let ends = divisible(replies.clone()).await;
        assert_eq!(ends.join("; "), expected, "{replies:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_with_the_token_says_nothing_about_the_query() {
    let failed = Reply::new(500, "").after(Duration::from_secs(25));
    let bench = bench(std::iter::repeat_n(failed, 99), []);
    let query = Query {
        divisible: true,
        ..query("/Sessions")
    };
    let error = bench.upstream.fetch(query, &mut patience()).await;
    let error = error.unwrap_err();
    assert_eq!(named(&error), "500", "{error}");
    assert!(bench.transport.data_requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_heavy_query_is_given_back_however_little_is_left_of_the_budget() {
    let heavy = Reply::new(504, "").after(Duration::from_secs(30));
    let bench = bench([], [page(), heavy]);
    let mut budget = RetryBudget::new(Duration::from_secs(25));
    bench.fetch(&mut budget).await.unwrap();
    let query = Query {
        divisible: true,
        ..query("/Sessions")
    };
    let end = bench.upstream.fetch(query, &mut budget).await;
    assert!(matches!(end, Err(FetchError::TooHeavy(_))), "{end:?}");
    assert_eq!(budget.failing(), Duration::from_secs(30));
    assert!(
        budget.spent() <= Duration::from_secs(1),
        "{:?}",
        budget.spent()
    );
    assert_eq!(budget.ledger().statuses[&504], 0);
}
