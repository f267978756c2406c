//! A service over a table in memory, and walks through it.

mod changing;
mod moving;
mod odd;

use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::{Clock, FollowingClock};
use crate::gateway::tests::{gateway, read};
use crate::gateway::{Ask, Directives, Party, RangeRules};
use crate::odata::question::Question;
use crate::odata::representation::Representation;
use crate::tasks::Tasks;
use crate::transport::Transport;
use crate::transport::scripted::{Answering, Reply};

const METADATA: &str = r#"<Edmx xmlns="http://docs.oasis-open.org/odata/ns/edmx"><DataServices>
    <Schema Namespace="M" xmlns="http://docs.oasis-open.org/odata/ns/edm">
    <EntityType Name="Session"><Key><PropertyRef Name="SessionKey"/></Key>
        <Property Name="SessionKey" Type="Edm.Int64"/><Property Name="Kind" Type="Edm.Int32"/>
        <Property Name="StartDate" Type="Edm.DateTimeOffset"/></EntityType>
    <EntityContainer Name="C"><EntitySet Name="Sessions" EntityType="M.Session"/></EntityContainer>
    </Schema></DataServices></Edmx>"#;

/// A row as it is stored.
#[derive(Debug, Clone, Copy)]
struct Row {
    key: u64,
    /// Nanoseconds since 1970.
    date: Option<i64>,
    kind: u64,
    /// The query with which it appears; 0: it was always there.
    since: u64,
}

/// How times are shown.
#[derive(Debug, Clone, Copy)]
enum Shown {
    Cut(i64),
    Rounded(i64),
}

/// A table behind a service that counts, filters, orders and pages as upstream does.
#[derive(Debug, Clone)]
struct Table {
    rows: Vec<Row>,
    shown: Shown,
    page: NonZeroUsize,
    /// Pages of more rows than this fail with 504.
    bearable: usize,
    /// Whether it refuses to order.
    orders: bool,
}

/// A service, and how often it was asked.
struct Service {
    table: Table,
    queries: AtomicU64,
}

impl Service {
    fn answer(&self, path: &str, query: &str) -> Reply {
        if path.ends_with("$metadata") {
            return Reply::new(200, METADATA);
        }
        let now = self.queries.fetch_add(1, Ordering::Relaxed);
        let options: BTreeMap<&str, &str> = query
            .split('&')
            .filter_map(|option| option.split_once('='))
            .collect();
        if options.contains_key("$orderby") && !self.table.orders {
            return Reply::new(400, r#"{"error":{"code":"no","message":"no order"}}"#);
        }
        let rows = self.table.find(&options, now);
        let number = |name: &str| options.get(name).map(|text| text.parse::<usize>().unwrap());
        let skip = number("$skip").unwrap_or(0);
        let top = number("$top").unwrap_or(usize::MAX);
        let wanted = rows.len().saturating_sub(skip).min(top);
        let shown = wanted.min(self.table.page.get());
        if shown > self.table.bearable {
            return Reply::new(504, "");
        }
        let mut page = json!({});
        if options.get("$count") == Some(&"true") {
            page["@odata.count"] = rows.len().into();
        }
        let texts = rows
            .iter()
            .skip(skip)
            .take(shown)
            .map(|row| self.table.text(row));
        page["value"] = texts.collect();
        if shown < wanted {
            let mut next = options.clone();
            let place = (skip + shown).to_string();
            let left = (top - shown).to_string();
            next.insert("$skip", &place);
            if top != usize::MAX {
                next.insert("$top", &left);
            }
            let next: Vec<String> = next.iter().map(|(n, v)| format!("{n}={v}")).collect();
            page["@odata.nextLink"] = format!("http://x{path}?{}", next.join("&")).into();
        }
        Reply::new(200, page.to_string())
    }
}

impl Table {
    /// The rows that a query finds, in its order.
    fn find(&self, options: &BTreeMap<&str, &str>, now: u64) -> Vec<Row> {
        let filter = options.get("$filter").copied().unwrap_or_default();
        let passes = |row: &Row| {
            row.since <= now && filter.split(" and ").all(|condition| holds(condition, row))
        };
        let mut rows: Vec<Row> = self.rows.iter().copied().filter(passes).collect();
        match options.get("$orderby").copied() {
            None => rows.sort_by_key(|row| row.key),
            Some("StartDate,SessionKey") => rows.sort_by_key(|row| (row.date, row.key)),
            Some(other) => panic!("{other}"),
        }
        rows
    }

    fn text(&self, row: &Row) -> Value {
        let shown = |nanos: i64| match self.shown {
            Shown::Cut(unit) => nanos.div_euclid(unit) * unit,
            Shown::Rounded(unit) => (nanos + unit / 2).div_euclid(unit) * unit,
        };
        let date = row.date.map(|nanos| instant(shown(nanos)).to_string());
        json!({ "SessionKey": row.key, "Kind": row.kind, "StartDate": date })
    }
}

fn holds(condition: &str, row: &Row) -> bool {
    match condition.trim_matches(['(', ')']) {
        "" => true,
        "Kind lt 2" => row.kind < 2,
        "StartDate ne null" => row.date.is_some(),
        "StartDate eq null" => row.date.is_none(),
        range => {
            let from: Timestamp = range
                .strip_prefix("StartDate ge ")
                .unwrap()
                .parse()
                .unwrap();
            row.date.is_some_and(|date| instant(date) >= from)
        }
    }
}

fn instant(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanos.into()).unwrap()
}

/// Asks `question` of a service that answers a path and a query, with pages of the client's size when it wants some;
/// returns the body or the error, and what the service was asked of the set.
fn ask_of(
    answer: impl Fn(&str, &str) -> Reply + Send + Sync + 'static,
    question: &str,
    page_size: Option<u32>,
) -> (Result<String, String>, Vec<String>) {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&asked);
    let transport: Arc<dyn Transport> = Arc::new(Answering(move |path: &str, query: &str| {
        if !path.ends_with("$metadata") {
            log.lock().unwrap().push(query.to_owned());
        }
        answer(path, query)
    }));
    let start = "2026-03-02T08:00:00Z".parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let body = runtime.block_on(async {
        let tasks = Tasks::new();
        let clock: Arc<dyn Clock> = Arc::new(FollowingClock::starting_at(start));
        let rules = RangeRules::new(&[], &[]).unwrap();
        let gateway = gateway(&transport, &clock, &tasks, rules);
        let (path, query) = question.split_once('?').unwrap_or((question, ""));
        let ask = Ask {
            question: Question::parse(path, Some(query)).unwrap().into(),
            representation: Representation::default(),
            page_size: page_size.and_then(NonZeroU32::new),
            directives: Directives::default(),
            party: Party::default(),
        };
        read(&gateway, ask).await
    });
    let asked = asked.lock().unwrap().clone();
    (body, asked)
}

/// Asks `question` of a table.
fn ask(table: &Table, question: &str) -> (Result<String, String>, Vec<String>) {
    ask_of(service(table.clone()), question, None)
}

/// A table as a service.
fn service(table: Table) -> impl Fn(&str, &str) -> Reply + Send + Sync + 'static {
    let service = Service {
        table,
        queries: AtomicU64::new(0),
    };
    move |path, query| service.answer(path, query)
}

/// The keys of the rows of a complete body, in order.
fn keys(body: &str) -> Vec<u64> {
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    assert_eq!(
        body.get("@odata.count"),
        None,
        "a count that nobody asked for"
    );
    let rows = body["value"].as_array().unwrap().iter();
    rows.map(|row| row["SessionKey"].as_u64().unwrap())
        .collect()
}

/// Each row that was always there is in the body once, and no row twice.
fn check(table: &Table, body: &str, wanted: impl Fn(&Row) -> bool) {
    let keys = keys(body);
    let once: BTreeSet<u64> = keys.iter().copied().collect();
    assert_eq!(once.len(), keys.len(), "rows that came twice");
    let there = table
        .rows
        .iter()
        .filter(|row| row.since == 0 && wanted(row));
    let missing: Vec<&Row> = there.filter(|row| !once.contains(&row.key)).collect();
    assert!(missing.is_empty(), "rows that are missing: {missing:?}");
    let other = table.rows.iter().filter(|row| !wanted(row));
    assert!(!other.clone().any(|row| once.contains(&row.key)));
}

fn walked_by_date(asked: &[String]) -> bool {
    asked.iter().any(|query| query.contains("StartDate ge"))
}

fn even_table() -> Table {
    let row = |key: u64| Row {
        key: key.wrapping_mul(0x9E37_79B9) % 1_000_003,
        date: Some(i64::try_from(key).unwrap() * 60_000_000_000),
        kind: key % 3,
        since: 0,
    };
    Table {
        rows: (0..100).map(row).collect(),
        shown: Shown::Cut(1_000_000),
        page: NonZeroUsize::new(10).unwrap(),
        bearable: usize::MAX,
        orders: true,
    }
}

#[test]
fn a_long_scan_is_asked_for_from_date_to_date() {
    let table = even_table();
    let (body, asked) = ask(&table, "Sessions");
    check(&table, &body.unwrap(), |_| true);
    let ordered = "$orderby=StartDate,SessionKey";
    assert_eq!(asked[0], "$count=true");
    assert_eq!(asked[1], format!("$filter=StartDate ne null&{ordered}"));
    assert_eq!(asked[2], "$filter=StartDate eq null");
    let second = format!("$filter=StartDate ge 1970-01-01T00:08:59Z&{ordered}");
    assert_eq!(asked[3], second);
    assert!(
        !asked.iter().any(|query| query.contains("$skip")),
        "{asked:?}"
    );
    // The first page twice, one row of each page again, and the rows without a date.
    assert_eq!(asked.len(), 1 + 11 + 1);
}

#[test]
fn what_is_not_a_long_scan_is_not_walked_by_date() {
    let mut short = even_table();
    short.rows.truncate(99);
    for (table, question) in [
        (&short, "Sessions"),
        (&even_table(), "Sessions?$top=95"),
        (&even_table(), "Sessions?$skip=1"),
        (&even_table(), "Sessions?$orderby=StartDate,SessionKey"),
        (&even_table(), "Sessions?$select=SessionKey"),
    ] {
        let (body, asked) = ask(table, question);
        assert!(body.is_ok(), "{question}: {body:?}");
        assert!(!walked_by_date(&asked), "{question}: {asked:?}");
    }
}

#[test]
fn upstream_that_cannot_is_asked_by_links() {
    let table = Table {
        orders: false,
        ..even_table()
    };
    let (body, asked) = ask(&table, "Sessions");
    check(&table, &body.unwrap(), |_| true);
    assert_eq!(asked.len(), 10 + 1);
}

#[test]
fn pages_that_are_too_heavy_are_asked_for_in_parts() {
    for (bearable, orders) in [(9, true), (4, true), (1, true), (4, false)] {
        let table = Table {
            bearable,
            orders,
            ..even_table()
        };
        let (body, _) = ask(&table, "Sessions");
        check(&table, &body.unwrap(), |_| true);
    }
}
