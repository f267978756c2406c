//! Services that are not as one would expect.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use super::{METADATA, Row, Shown, Table, ask_of, even_table, keys, service};
use crate::transport::scripted::Reply;

/// A hundred rows in pages of ten, and one that appears before them with the second query.
fn growing() -> Table {
    let row = |key: u64, since| Row {
        key,
        date: Some(i64::try_from(key).unwrap() * 60_000_000_000),
        kind: 0,
        since,
    };
    Table {
        rows: (100..200)
            .map(|key| row(key, 0))
            .chain([row(1, 1)])
            .collect(),
        shown: Shown::Cut(1_000_000),
        page: NonZeroUsize::new(10).unwrap(),
        bearable: usize::MAX,
        orders: true,
    }
}

fn option<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut options = query.split('&').filter_map(|option| option.split_once('='));
    options
        .find(|(other, _)| *other == name)
        .map(|(_, value)| value)
}

fn number(query: &str, name: &str) -> Option<u64> {
    option(query, name).map(|text| text.parse().unwrap())
}

fn page(rows: &[String], next: Option<String>) -> Reply {
    let next = next.map(|next| format!(r#","@odata.nextLink":"http://x/monitorodata/{next}""#));
    let next = next.unwrap_or_default();
    Reply::new(200, format!(r#"{{"value":[{}]{next}}}"#, rows.join(",")))
}

fn session(key: u64, date: &str) -> String {
    format!(r#"{{"SessionKey":{key},"Kind":0,"StartDate":{date}}}"#)
}

#[test]
fn a_row_limit_is_reached_although_rows_were_dropped() {
    let (body, asked) = ask_of(service(growing()), "Sessions?$top=25", None);
    assert_eq!(keys(&body.unwrap()).len(), 25, "{asked:?}");
}

#[test]
fn pages_of_the_clients_size_lead_on_although_rows_were_dropped() {
    for size in [20, 25] {
        let (body, asked) = ask_of(service(growing()), "Sessions", Some(size));
        let body = body.unwrap();
        let first = keys(&body);
        let (_, next) = body
            .split_once(r#""@odata.nextLink":"http://l/m/"#)
            .unwrap();
        let next = next.trim_end_matches(r#""}"#);
        let mut later = growing();
        later.rows.iter_mut().for_each(|row| row.since = 0);
        let (body, _) = ask_of(service(later), next, None);
        let second: BTreeSet<u64> = keys(&body.unwrap()).into_iter().collect();
        let both: Vec<&u64> = first.iter().filter(|key| second.contains(key)).collect();
        assert!(both.is_empty(), "{both:?} on two pages; {asked:?} {next}");
    }
}

#[test]
fn a_count_that_only_we_wanted_may_be_refused() {
    for status in [400, 404, 501] {
        let inner = service(even_table());
        let answer = move |path: &str, query: &str| match option(query, "$count") {
            Some(_) => Reply::new(status, r#"{"error":{"code":"x","message":"no count"}}"#),
            None => inner(path, query),
        };
        let (body, asked) = ask_of(answer, "Sessions", None);
        assert_eq!(keys(&body.unwrap()).len(), 100, "{status}: {asked:?}");
    }
}

#[test]
fn a_row_that_gets_its_date_meanwhile_comes_once() {
    for changes_at in 3..12 {
        let [mut before, mut after] = [even_table(), even_table()];
        for (table, date) in [
            (&mut before, None),
            (&mut after, Some(100 * 60_000_000_000)),
        ] {
            table.rows.push(Row {
                key: 2_000_000,
                date,
                kind: 0,
                since: 0,
            });
        }
        let (before, after) = (service(before), service(after));
        let queries = AtomicU64::new(0);
        let answer = move |path: &str, query: &str| {
            if queries.fetch_add(1, Ordering::Relaxed) < changes_at {
                before(path, query)
            } else {
                after(path, query)
            }
        };
        let (body, asked) = ask_of(answer, "Sessions", None);
        let keys = keys(&body.unwrap());
        let times = keys.iter().filter(|key| **key == 2_000_000).count();
        assert_eq!((times, keys.len()), (1, 101), "{asked:?}");
    }
}

/// A service of 4000 rows, one a second, that begins each range three seconds behind the last row seen.
fn begins_too_late(path: &str, query: &str) -> Reply {
    if path.ends_with("$metadata") {
        return Reply::new(200, METADATA);
    }
    if query.contains("eq null") {
        return page(&[], None);
    }
    let begins = |filter: &str| {
        let from = filter.strip_prefix("StartDate ge ").unwrap();
        from.parse::<Timestamp>().unwrap().as_second() + 4
    };
    let filter = option(query, "$filter").filter(|filter| filter.contains(" ge "));
    let first =
        filter.map_or(0, begins) + i64::try_from(number(query, "$skip").unwrap_or(0)).unwrap();
    let behind = (first + 390).min(4000);
    let row = |at: i64| {
        let date = format!(r#""{}""#, Timestamp::from_second(at).unwrap());
        session(at.unsigned_abs(), &date)
    };
    let rows: Vec<String> = (first..behind).map(row).collect();
    let place = number(query, "$skip").unwrap_or(0) + rows.len() as u64;
    let kept = query
        .split('&')
        .filter(|option| !option.starts_with("$skip") && !option.starts_with("$count"));
    let kept: Vec<&str> = kept.filter(|option| !option.is_empty()).collect();
    let next = format!("Sessions?{}&$skip={place}", kept.join("&"));
    if query.contains("$count=true") {
        let count = r#""@odata.count":4000,"#;
        let next = format!("http://x/monitorodata/{next}");
        let body = format!(
            r#"{{{count}"value":[{}],"@odata.nextLink":"{next}"}}"#,
            rows.join(",")
        );
        return Reply::new(200, body);
    }
    page(&rows, (behind < 4000).then_some(next))
}

#[test]
fn ranges_that_do_not_join_are_not_used() {
    let (body, asked) = ask_of(begins_too_late, "Sessions", None);
    assert_eq!(keys(&body.unwrap()).len(), 4000, "{asked:?}");
}

#[test]
fn keys_that_look_alike_do_not_drop_rows() {
    const COMPOSITE: &str = r#"<Edmx xmlns="http://docs.oasis-open.org/odata/ns/edmx"><DataServices>
        <Schema Namespace="M" xmlns="http://docs.oasis-open.org/odata/ns/edm">
        <EntityType Name="Metric"><Key><PropertyRef Name="Id"/><PropertyRef Name="CollectedDate"/></Key>
            <Property Name="Id" Type="Edm.Int32"/><Property Name="CollectedDate" Type="Edm.DateTimeOffset"/>
        </EntityType>
        <EntityContainer Name="C"><EntitySet Name="MachineMetric" EntityType="M.Metric"/></EntityContainer>
        </Schema></DataServices></Edmx>"#;
    // Two rows each are stored with dates that differ, and shown with dates that do not.
    let row = |at: u64| {
        format!(
            r#"{{"Id":1,"CollectedDate":"2026-01-01T00:00:{:02}Z","SessionKey":{at}}}"#,
            at / 2
        )
    };
    let answer = move |path: &str, query: &str| {
        if path.ends_with("$metadata") {
            return Reply::new(200, COMPOSITE);
        }
        let first = number(query, "$skip").unwrap_or(0);
        let rows: Vec<String> = (first..(first + 3).min(20)).map(row).collect();
        page(
            &rows,
            (first + 3 < 20).then(|| format!("MachineMetric?$skip={}", first + 3)),
        )
    };
    let (body, asked) = ask_of(answer, "MachineMetric", None);
    assert_eq!(keys(&body.unwrap()).len(), 20, "{asked:?}");
}

#[test]
fn a_link_that_loses_the_order_at_the_beginning_leads_back_to_links() {
    let inner = service(even_table());
    let answer = move |path: &str, query: &str| {
        if !query.contains("ne null") {
            return inner(path, query);
        }
        let rows = (0..10).map(|at| session(at, &format!(r#""1970-01-01T00:0{at}:00Z""#)));
        let rows: Vec<String> = rows.collect();
        page(
            &rows,
            Some("Sessions?$filter=StartDate ne null&$skip=10".to_owned()),
        )
    };
    let (body, asked) = ask_of(answer, "Sessions", None);
    assert_eq!(keys(&body.unwrap()).len(), 100, "{asked:?}");
}

#[test]
fn a_service_that_does_not_go_on_is_noticed() {
    let answer = |path: &str, query: &str| {
        if path.ends_with("$metadata") {
            return Reply::new(200, METADATA);
        }
        let rows: Vec<String> = (0..1000).map(|key| session(key, "null")).collect();
        let place = number(query, "$skip").unwrap_or(0) + 1000;
        page(&rows, Some(format!("Sessions?$skip={place}")))
    };
    let (body, asked) = ask_of(answer, "Sessions", None);
    assert!(body.unwrap_err().contains("leads back"));
    assert!(asked.len() < 100, "{}", asked.len());
}

#[test]
fn rows_that_upstream_counts_and_does_not_show_do_not_end_a_walk() {
    // Each fiftieth of 4000 rows is hidden after paging, and pages of more than 500 rows fail.
    let answer = |path: &str, query: &str| {
        if path.ends_with("$metadata") {
            return Reply::new(200, METADATA);
        }
        let first = number(query, "$skip").unwrap_or(0);
        let rows = number(query, "$top").unwrap_or(1000).min(1000);
        if rows > 500 {
            return Reply::new(504, "");
        }
        let shown = (first..(first + rows).min(4000)).filter(|key| key % 50 != 7);
        page(
            &shown.map(|key| session(key, "null")).collect::<Vec<_>>(),
            None,
        )
    };
    let (body, asked) = ask_of(answer, "Sessions", None);
    assert_eq!(keys(&body.unwrap()).len(), 3920, "{asked:?}");
}

#[test]
fn dates_that_mean_never_are_read() {
    let inner = service(even_table());
    let answer = move |path: &str, query: &str| {
        if query.contains("ge 1970-01-01T01:29:59Z") {
            let rows: Vec<String> = (90..100)
                .map(|at| {
                    let key = at * 0x9E37_79B9 % 1_000_003;
                    session(key, &format!(r#""1970-01-01T01:{:02}:00Z""#, at - 60))
                })
                .collect();
            let never = session(7_777_777, r#""9999-12-31T23:59:59.999Z""#);
            return page(&[rows, vec![never]].concat(), None);
        }
        inner(path, query)
    };
    let (body, asked) = ask_of(answer, "Sessions", None);
    assert!(keys(&body.unwrap()).contains(&7_777_777), "{asked:?}");
}

#[test]
fn our_own_count_does_not_use_up_the_attempts_of_a_heavy_page() {
    let inner = service(even_table());
    let answer = move |path: &str, query: &str| {
        let heavy =
            query.contains("$count=true") || number(query, "$top").is_none_or(|top| top > 250);
        if heavy && !path.ends_with("$metadata") {
            return Reply::new(500, "");
        }
        inner(path, query)
    };
    let (body, asked) = ask_of(answer, "Sessions", None);
    assert_eq!(keys(&body.unwrap()).len(), 100, "{asked:?}");
}

#[test]
fn a_refused_walk_by_date_leaves_the_page_by_links_its_attempts() {
    let inner = service(even_table());
    let failed = AtomicU64::new(0);
    let answer = move |path: &str, query: &str| {
        let next = query.contains("$skip=10");
        if query.contains("ne null") || (next && failed.fetch_add(1, Ordering::Relaxed) < 2) {
            return Reply::new(500, "");
        }
        inner(path, query)
    };
    let (body, asked) = ask_of(answer, "Sessions", None);
    assert_eq!(keys(&body.unwrap()).len(), 100, "{asked:?}");
}

#[test]
fn a_place_behind_all_numbers_is_refused() {
    let answer = |_: &str, _: &str| {
        let rows: Vec<String> = (0..100).map(|key| session(key, "null")).collect();
        page(&rows, None)
    };
    let (body, _) = ask_of(answer, "Sessions?$skip=18446744073709551615&$top=200", None);
    assert!(body.unwrap_err().contains("`$skip` is too large"));
}

#[test]
fn metadata_that_is_needed_is_waited_for() {
    let inner = service(growing());
    let failed = AtomicU64::new(0);
    let answer = move |path: &str, query: &str| {
        if path.ends_with("$metadata") && failed.fetch_add(1, Ordering::Relaxed) < 1 {
            return Reply::new(503, "");
        }
        inner(path, query)
    };
    let (body, asked) = ask_of(answer, "Sessions?$top=25", None);
    let keys = keys(&body.unwrap());
    let once: BTreeSet<&u64> = keys.iter().collect();
    assert_eq!(once.len(), 25, "{asked:?}");
}

#[test]
fn a_row_that_came_before_is_dropped_though_it_has_changed() {
    let answer = |path: &str, query: &str| {
        if path.ends_with("$metadata") {
            return Reply::new(200, METADATA);
        }
        let row = |key: u64, kind: u64| format!(r#"{{"SessionKey":{key},"Kind":{kind}}}"#);
        match number(query, "$skip") {
            None => page(
                &[row(1, 1), row(2, 1)],
                Some("Sessions?$orderby=Kind&$skip=2".to_owned()),
            ),
            Some(_) => page(&[row(2, 9), row(3, 1)], None),
        }
    };
    let (body, asked) = ask_of(answer, "Sessions?$orderby=Kind", None);
    assert_eq!(keys(&body.unwrap()), [1, 2, 3], "{asked:?}");
}

#[test]
fn fewer_rows_than_upstream_counts_are_an_error() {
    let row = |key: u64| Row {
        key,
        date: None,
        kind: 0,
        since: 0,
    };
    let table = Table {
        rows: (0..90).map(row).collect(),
        ..even_table()
    };
    let inner = service(table);
    let answer = move |path: &str, query: &str| {
        if query.contains("$skip=30") {
            // The next link is lost.
            return page(&[session(30, "null")], None);
        }
        inner(path, query)
    };
    let (body, asked) = ask_of(answer, "Sessions", None);
    assert!(
        body.unwrap_err()
            .contains("31 rows where upstream counts 90"),
        "{asked:?}"
    );
}
