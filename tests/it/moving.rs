//! Sessions that arrive while they are read, and dates that are missing, tied, or shown with fewer digits than are
//! stored: whichever way a scan is walked, each session that was there from the start comes once, and none twice.

use std::collections::BTreeSet;
use std::num::{NonZeroU32, NonZeroU64};

use citrix_odata_proxy::demo::Knobs;
use serde_json::Value;

use crate::world::{World, small};

/// Settings, question, and whether it is walked by date.
const WAYS: [(&str, &str, bool); 4] = [
    ("", "/Sessions", true),
    ("scans.range_walk = 'off'", "/Sessions", false),
    ("", "/Sessions?$orderby=StartDate desc", false),
    ("", "/Sessions?$orderby=StartDate", false),
];

/// Twenty pages, and one session in seven without a start date.
fn knobs() -> Knobs {
    Knobs {
        sessions: 400,
        null_dates: NonZeroU64::new(7),
        ..small()
    }
}

async fn check(knobs: Knobs) {
    for (settings, question, by_date) in WAYS {
        let name = format!("{question} with {settings}: {knobs:?}");
        let world = World::new(knobs.clone(), settings);
        let answer = world.ask(question).await;
        let keys: Vec<String> = answer.rows().iter().map(|row| key(row)).collect();
        let once: BTreeSet<&String> = keys.iter().collect();
        assert_eq!(once.len(), keys.len(), "rows that came twice, {name}");
        let early = world.simulator.there_from_the_start();
        let missing = early.iter().filter(|key| !once.contains(key)).count();
        assert_eq!(missing, 0, "rows that are missing, {name}");
        let asked = world.asked_upstream();
        let ranges = asked.iter().any(|path| path.contains("StartDate%20ge"));
        assert_eq!(ranges, by_date, "{name}: {asked:?}");
    }
}

fn key(row: &str) -> String {
    let row: Value = serde_json::from_str(row).unwrap();
    row["SessionKey"].as_str().unwrap().to_owned()
}

/// Each arrival before the place of a walk shifts the rows behind it: those that a page has shown come again with the
/// next one. Without a look at their keys they would be in the answer twice.
#[tokio::test(start_paused = true)]
async fn sessions_that_arrive_shift_the_others_and_none_comes_twice() {
    for arrivals in [1, 3] {
        check(Knobs {
            arrivals,
            ..knobs()
        })
        .await;
    }
}

/// More sessions than a page share a date. A range that began behind the last date would pass over the rest of them,
/// and one that began at it would never end.
#[tokio::test(start_paused = true)]
async fn sessions_of_one_date_are_more_than_a_page() {
    for seconds in [3600, 14 * 86_400] {
        let tied_dates = NonZeroU32::new(seconds);
        for arrivals in [0, 2] {
            check(Knobs {
                tied_dates,
                arrivals,
                ..knobs()
            })
            .await;
        }
    }
}

/// A date is shown a little before or behind the moment that filters and orders go by.
#[tokio::test(start_paused = true)]
async fn dates_are_stored_finer_than_they_are_shown() {
    for shown_digits in [0, 3] {
        for round_dates in [false, true] {
            check(Knobs {
                shown_digits: Some(shown_digits),
                round_dates,
                arrivals: 2,
                ..knobs()
            })
            .await;
        }
    }
}

/// Where a session starts every second, a range from a date that was rounded up would pass over those in between.
#[tokio::test(start_paused = true)]
async fn sessions_start_within_the_digits_that_are_shown() {
    let minutes = "StartDate ge 2026-03-03T09:00:00Z and StartDate lt 2026-03-03T09:20:00Z";
    let question = format!("/Sessions?$filter={minutes}");
    for round_dates in [false, true] {
        let dense = Knobs {
            sessions: 1_000_000,
            page_size: 10,
            shown_digits: Some(0),
            round_dates,
            ..small()
        };
        let world = World::new(dense, "");
        let mut rows = world.ask(&question).await.rows();
        let mut truth = world.rows_of(&question).await;
        rows.sort_unstable();
        truth.sort_unstable();
        assert!(truth.len() > 900, "{} sessions", truth.len());
        assert_eq!(rows.len(), truth.len(), "rounded: {round_dates}");
        assert!(rows == truth, "other rows, rounded: {round_dates}");
        let asked = world.asked_upstream();
        let ranges = asked.iter().filter(|path| !path.contains("$skip")).count();
        assert!(ranges > 50, "{ranges}");
    }
}

/// All of it together, and pages that upstream refuses now and then.
#[tokio::test(start_paused = true)]
async fn everything_at_once() {
    let faults = ["every=5,times=always,kind=throttled,retry-after=1"];
    check(Knobs {
        arrivals: 2,
        tied_dates: NonZeroU32::new(86_400),
        shown_digits: Some(3),
        round_dates: true,
        faults: faults.map(|fault| fault.parse().unwrap()).to_vec(),
        ..knobs()
    })
    .await;
}
