//! Rows that are deleted, dated or added in great numbers while they are read.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Row, Shown, Table, ask_of, even_table, keys, service};
use crate::transport::scripted::Reply;

/// A service whose table is another one from its query number `at` on, counted from 0 and without `$metadata`.
fn changing(
    before: Table,
    after: Table,
    at: u64,
) -> impl Fn(&str, &str) -> Reply + Send + Sync + 'static {
    let (before, after) = (service(before), service(after));
    let queries = AtomicU64::new(0);
    move |path: &str, query: &str| {
        if path.ends_with("$metadata") || queries.fetch_add(1, Ordering::Relaxed) < at {
            before(path, query)
        } else {
            after(path, query)
        }
    }
}

fn row(key: u64, minutes: Option<i64>) -> Row {
    Row {
        key,
        date: minutes.map(|minutes| minutes * 60_000_000_000),
        kind: key,
        since: 0,
    }
}

#[test]
fn rows_that_stay_come_though_others_are_deleted() {
    for at in 2..12 {
        for deleted in [9..10, 0..10, 19..20, 0..20, 5..45, 0..60] {
            let mut after = even_table();
            after.rows.drain(deleted.clone());
            let stay: Vec<u64> = after.rows.iter().map(|row| row.key).collect();
            let (body, asked) = ask_of(changing(even_table(), after, at), "Sessions", None);
            let keys = keys(&body.unwrap());
            let once: BTreeSet<u64> = keys.iter().copied().collect();
            assert_eq!(once.len(), keys.len(), "{deleted:?} at {at}: {asked:?}");
            let missing = stay.iter().filter(|key| !once.contains(key)).count();
            assert_eq!(missing, 0, "{deleted:?} at {at}: {asked:?}");
        }
    }
}

#[test]
fn a_row_that_gets_its_date_comes_though_there_is_one_page_of_dates() {
    for at in 3..14 {
        let mut before = even_table();
        before
            .rows
            .iter_mut()
            .skip(5)
            .for_each(|row| row.date = None);
        let mut after = before.clone();
        let undated = after.rows.iter_mut().filter(|row| row.date.is_none());
        undated.max_by_key(|row| row.key).unwrap().date = row(0, Some(1000)).date;
        let (body, asked) = ask_of(changing(before, after, at), "Sessions", None);
        assert_eq!(keys(&body.unwrap()).len(), 100, "at {at}: {asked:?}");
    }
}

#[test]
fn many_rows_may_be_added_at_once() {
    let ordered = "Sessions?$orderby=StartDate,SessionKey";
    for (question, page, bearable) in [
        ("Sessions?$top=300", 10, usize::MAX),
        (ordered, 10, usize::MAX),
        (ordered, 1000, 10),
    ] {
        let there = (1000..1200).map(|key| row(key, Some(i64::try_from(key).unwrap())));
        let added = (0..60).map(|key| Row {
            since: 14,
            ..row(key, Some(i64::try_from(key).unwrap()))
        });
        let table = Table {
            rows: there.chain(added).collect(),
            shown: Shown::Cut(1_000_000),
            page: NonZeroUsize::new(page).unwrap(),
            bearable,
            orders: true,
        };
        let (body, asked) = ask_of(service(table), question, None);
        let keys = keys(&body.unwrap());
        let once: BTreeSet<u64> = keys.iter().copied().collect();
        assert_eq!(once.len(), keys.len(), "{question}: {asked:?}");
        assert!((1000..1200).all(|key| once.contains(&key)), "{question}");
    }
}

#[test]
fn more_rows_without_a_date_than_are_remembered_come_once() {
    // Fifty rows of the last second of the first page are shown again by the first range.
    let dated = |at: i64| {
        let nanos = match at {
            950..1000 => 950 * 60_000_000_000 + at * 1_000_000,
            _ => at * 60_000_000_000,
        };
        Row {
            date: Some(nanos),
            ..row(1_000_000 + at.unsigned_abs(), None)
        }
    };
    let rows = (0..3000)
        .map(dated)
        .chain((0..65_500).map(|key| row(key, None)));
    let table = Table {
        rows: rows.collect(),
        page: NonZeroUsize::new(1000).unwrap(),
        ..even_table()
    };
    let (body, asked) = ask_of(service(table), "Sessions", None);
    let keys = keys(&body.unwrap());
    let once: BTreeSet<u64> = keys.iter().copied().collect();
    assert_eq!((keys.len(), once.len()), (68_500, 68_500), "{asked:?}");
}

#[test]
fn a_count_that_fails_in_the_end_harms_nobody() {
    let by_links = |mut table: Table| {
        table.orders = false;
        table
    };
    let mut after = even_table();
    after.rows.remove(50);
    let inner = changing(by_links(even_table()), by_links(after), 3);
    let answer = move |path: &str, query: &str| {
        if query.contains("$top=0") {
            Reply::new(504, "")
        } else {
            inner(path, query)
        }
    };
    let (body, asked) = ask_of(answer, "Sessions", None);
    assert!(keys(&body.unwrap()).len() >= 98, "{asked:?}");
}

#[test]
fn a_row_added_at_a_joint_of_single_rows_is_no_gap() {
    for since in 1..60 {
        let mut table = even_table();
        table.rows.truncate(20);
        // Half a second before another, so that the range that begins there shows it first.
        table.rows.push(Row {
            since,
            date: Some(8 * 60_000_000_000 + 59_500_000_000),
            ..row(2_000_000, None)
        });
        let table = Table {
            page: NonZeroUsize::MIN,
            ..table
        };
        let (body, asked) = ask_of(service(table), "Sessions", None);
        let keys = keys(&body.unwrap());
        let once: BTreeSet<u64> = keys.iter().copied().collect();
        assert_eq!(once.len(), keys.len(), "{since}: {asked:?}");
        assert!(keys.len() >= 20, "{since}: {asked:?}");
        let mut begins = asked.iter().skip(2);
        let again = begins.any(|query| query.contains("ne null") && !query.contains("$skip"));
        assert!(!again, "{since}: {asked:?}");
    }
}
