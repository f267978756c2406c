//! Start dates: missing, tied, and shown with fewer digits than are stored.

use std::num::{NonZeroU32, NonZeroU64};

use serde_json::Value as Json;

use super::{Site, small};
use crate::demo::arrivals::Arrivals;
use crate::demo::estate::Estate;
use crate::demo::estate::dates::Oddities;
use crate::demo::link::encode;
use crate::demo::model::Model;
use crate::demo::moment::{self, SECOND, TICKS};
use crate::demo::query::{Pairs, Query};
use crate::demo::rows::{Searches, select};
use crate::demo::view::View;
use crate::demo::{Knobs, Simulator};

/// Filters by date, in all forms that are answered without a look at every row, and some that are not.
const FILTERS: &[&str] = &[
    "",
    "StartDate eq null",
    "StartDate ne null",
    "StartDate gt null",
    "null le StartDate",
    "StartDate ge 2026-02-10T08:00:00Z",
    "2026-02-10T08:00:00Z gt StartDate",
    "StartDate ge 2026-01-10T08:00:00Z and StartDate lt 2026-01-20T00:00:00Z and StartDate ne null",
    "StartDate eq null or StartDate lt 2026-01-20T00:00:00Z",
    "StartDate lt 2026-01-10T00:00:00Z or StartDate gt 2026-02-20T00:00:00Z",
    "StartDate gt 2026-02-20T00:00:00Z and StartDate lt 2026-01-10T00:00:00Z",
    "StartDate ne 2026-01-10T08:00:00Z",
    "not (StartDate eq null)",
    "StartDate ge 2026-02-10T08:00:00Z and SessionType eq 1",
    "StartDate eq null and UserId gt 1000",
    "StartDate lt 2026-02-10T08:00:00Z and UserId eq 7",
];

const ORDERS: &[&str] = &[
    "",
    "StartDate",
    "StartDate desc",
    "StartDate,SessionKey",
    "StartDate desc,UserId desc,SessionKey",
    "UserId,StartDate",
];

/// What is found quickly is what a look at every row finds.
#[test]
fn walks_and_plain_searches_agree() {
    let table = Model::published().set("Sessions").unwrap();
    for (null_every, tied) in [(0, 0), (9, 0), (9, 86_400), (1, 0), (30, 3600)] {
        let estate = Estate::new(11, 603, 1_772_806_800_000).with_dates(Oddities {
            null_every,
            tied: tied * SECOND * TICKS,
            fine: true,
        });
        let arrivals = Arrivals::new(&estate, 11, 20);
        for waiting in [arrivals.at_first(), arrivals.next()] {
            let view = View::new(&estate, waiting);
            for (filter, order) in FILTERS
                .iter()
                .flat_map(|filter| ORDERS.iter().map(move |order| (filter, order)))
            {
                for count in ["false", "true"] {
                    let pairs = [
                        ("$filter", *filter),
                        ("$orderby", *order),
                        ("$count", count),
                    ];
                    let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
                    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
                    let mut query = Query::parse(&Pairs(pairs.collect()), table).unwrap();
                    let expected = select(&view, table, &query, view.indexes(table));
                    let searches = Searches::default();
                    for skip in [0, 1, 19, 60, 300, 590, 700, u64::MAX] {
                        query.skip = skip;
                        let hits = searches.page(&view, table, &query, 20);
                        let case = format!("{filter} | {order} | {skip} | {null_every} {tied}");
                        let from = usize::try_from(skip).unwrap().min(expected.len());
                        let to = (from + 20).min(expected.len());
                        assert_eq!(hits.rows, expected[from..to], "{case}");
                        assert_eq!(hits.more, to < expected.len(), "{case}");
                        if count == "true" {
                            assert_eq!(hits.total, Some(expected.len() as u64), "{case}");
                        }
                    }
                    assert_eq!(searches.count(&view, table, &query), expected.len() as u64);
                }
            }
        }
    }
}

async fn site(shape: impl FnOnce(&mut Knobs)) -> Site {
    let mut knobs = small();
    shape(&mut knobs);
    Site::new(knobs).await
}

fn starts(rows: &[Json]) -> Vec<Option<i64>> {
    rows.iter()
        .map(|row| row["StartDate"].as_str().and_then(moment::read))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn missing_dates_sort_first_and_compare_with_nothing() {
    let site = site(|knobs| knobs.null_dates = NonZeroU64::new(20)).await;
    let ordered = starts(&site.walk("/Sessions?$orderby=StartDate").await);
    assert_eq!(ordered.len(), 2000);
    assert!(ordered.is_sorted(), "null is less than any date");
    assert!(ordered[..100].iter().all(Option::is_none) && ordered[100].is_some());
    let count = async |filter: &str| {
        let filter = encode(filter);
        let page = site
            .get(&format!("/Sessions?$filter={filter}&$top=0&$count=true"))
            .await;
        page.json()["@odata.count"].as_u64().unwrap()
    };
    assert_eq!(count("StartDate eq null").await, 100);
    assert_eq!(count("StartDate ne null").await, 1900);
    for comparison in ["gt", "ge", "lt", "le"] {
        assert_eq!(count(&format!("StartDate {comparison} null")).await, 0);
    }
    let (early, late) = ("StartDate lt 2026-02-01", "StartDate ge 2026-02-01");
    assert_eq!(count(early).await + count(late).await, 1900);
    let grouped = "/Sessions?$apply=filter(StartDate%20eq%20null)/aggregate($count%20as%20Many)";
    assert_eq!(site.rows(grouped).await[0]["Many"], 100);
}

#[tokio::test(start_paused = true)]
async fn tied_dates_follow_the_next_criterion() {
    let site = site(|knobs| knobs.tied_dates = NonZeroU32::new(3600)).await;
    let rows = site.walk("/Sessions?$orderby=StartDate,SessionKey").await;
    let keys: Vec<(i64, &str)> = rows
        .iter()
        .zip(starts(&rows))
        .map(|(row, start)| (start.unwrap(), row["SessionKey"].as_str().unwrap()))
        .collect();
    assert!(keys.is_sorted());
    assert!(
        keys.iter()
            .all(|(start, _)| start % (3600 * SECOND * TICKS) == 0)
    );
    let tied = keys
        .windows(2)
        .filter(|pair| pair[0].0 == pair[1].0)
        .count();
    assert!(tied > 500, "{tied}");
    let plain = site.walk("/Sessions").await;
    assert_eq!(site.walk("/Sessions?$orderby=StartDate").await, plain);
}

#[tokio::test(start_paused = true)]
async fn fewer_digits_are_shown_than_are_stored() {
    let all = site(|knobs| knobs.shown_digits = Some(7)).await;
    let stored = all.walk("/Sessions").await;
    let digits = |row: &Json| {
        let text = row["StartDate"].as_str().unwrap();
        text.split_once('.')
            .map_or(0, |(_, fraction)| fraction.len() - 1)
    };
    assert!(stored.iter().filter(|row| digits(row) > 3).count() > 1900);
    let cut = site(|knobs| knobs.shown_digits = Some(3)).await;
    let rounded = site(|knobs| {
        knobs.shown_digits = Some(3);
        knobs.round_dates = true;
    })
    .await;
    let (cut_rows, rounded_rows) = (cut.walk("/Sessions").await, rounded.walk("/Sessions").await);
    let (mut up, mut down) = (0, 0);
    for ((stored, cut), rounded) in starts(&stored)
        .into_iter()
        .zip(starts(&cut_rows))
        .zip(starts(&rounded_rows))
    {
        let (stored, cut, rounded) = (stored.unwrap(), cut.unwrap(), rounded.unwrap());
        assert_eq!(cut, stored - stored % TICKS);
        assert!((stored - rounded).abs() <= TICKS / 2);
        up += usize::from(rounded > stored);
        down += usize::from(rounded < stored);
    }
    assert!(up > 700 && down > 700, "{up} {down}");
    // A row is not equal to what it shows, and it is not less.
    let shown = cut_rows.iter().find(|row| digits(row) == 3).unwrap();
    let (key, date) = (
        shown["SessionKey"].as_str().unwrap(),
        shown["StartDate"].as_str().unwrap(),
    );
    for (comparison, found) in [("eq", 0), ("gt", 1), ("lt", 0)] {
        let target = format!(
            "/Sessions?$filter=SessionKey%20eq%20{key}%20and%20StartDate%20{comparison}%20{date}"
        );
        assert_eq!(cut.rows(&target).await.len(), found, "{comparison}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_knobs_dates_are_whole_milliseconds() {
    let plain = Site::small().await;
    let rows = plain.walk("/Sessions").await;
    assert!(
        starts(&rows)
            .iter()
            .all(|start| start.unwrap() % TICKS == 0)
    );
    let date = rows[5]["StartDate"].as_str().unwrap();
    let found = plain
        .rows(&format!("/Sessions?$filter=StartDate%20eq%20{date}"))
        .await;
    assert!(found.contains(&rows[5]));
    let keys = Simulator::there_from_the_start(&plain.simulator);
    assert_eq!(keys.len(), rows.len());
}
