//! Complete, or visibly an error: every fault that the simulator knows, on every kind of page, once and for good.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use citrix_odata_proxy::demo::{Fault, Knobs};
use citrix_odata_proxy::gateway::{Ask, Directives, Party};
use citrix_odata_proxy::odata::question::Question;
use citrix_odata_proxy::odata::representation::Representation;
use futures_util::future::join_all;
use insta::assert_snapshot;
use tokio::time::sleep;

use crate::world::{Answer, Received, World, small};

/// A way through a table, and where on it faults strike.
struct Walk {
    page_size: usize,
    /// Which requests are struck, as a fault's text says it: one, or for good.
    places: [[&'static str; 4]; 2],
    /// Whether rows come in the order in which the service has them.
    in_order: bool,
}

/// Page by page as links lead.
const LINKS: Walk = Walk {
    page_size: 20,
    places: [
        [
            "page=1,times=1",
            "page=2,times=1",
            "page=4,times=1",
            "page=6,times=1",
        ],
        [
            "page=1,times=always",
            "page=2,times=always",
            "page=4,times=always",
            "page=6,times=always",
        ],
    ],
    in_order: true,
};

/// By ranges of a date: the plain first page, eleven or twelve ranges, and the rows without a date.
const RANGES: Walk = Walk {
    page_size: 10,
    places: [
        [
            "nth=1,times=1",
            "nth=2,times=1",
            "nth=5,times=1",
            "nth=13,times=1",
        ],
        [
            "nth=1,times=always",
            "nth=2,times=always",
            "nth=5,times=always",
            "nth=13,times=always",
        ],
    ],
    in_order: false,
};

impl Walk {
    fn world(&self, fault: Fault) -> World {
        let knobs = Knobs {
            page_size: self.page_size,
            // So that all who are to wait have asked before anything is answered.
            latency: Duration::from_millis(100),
            ..small()
        };
        World::with_fault(knobs, SETTINGS, fault)
    }
}

/// What became of one walk with one fault, that so many clients wait for.
async fn outcome(walk: &Walk, fault: Fault, waiters: usize) -> String {
    let name = format!("{fault:?}, {waiters} waiting");
    let world = walk.world(fault);
    let truth = world.rows_of(PATH).await;
    assert_eq!(truth.len().div_ceil(small().page_size), 6, "six pages");

    let answers = join_all((0..waiters).map(|_| world.ask(PATH))).await;
    assert_eq!(world.fills(), 0, "{name}");
    let outcomes = answers
        .iter()
        .map(|answer| judge(walk, &name, answer, &truth));
    let outcomes: BTreeSet<String> = outcomes.collect();
    assert_eq!(outcomes.len(), 1, "{name}: {outcomes:?}");
    let outcome = outcomes.into_iter().next().unwrap();
    let struck = world.simulator.stats().faults_struck;
    assert!(struck > 0, "{name} never struck");
    assert!(world.simulator.stats().peak_in_flight <= 1, "{name}");

    // An error is not remembered: when upstream is well again, so is the answer.
    world.simulator.script(Vec::new());
    sleep(PATIENCE).await;
    let again = world.ask(PATH).await;
    assert_eq!(
        judge(walk, &name, &again, &truth),
        "whole",
        "the second answer"
    );
    if outcome == "whole" {
        assert_eq!(world.ask(PATH).await.bytes(), answers[0].bytes(), "{name}");
        assert!(again.header("cache-status").contains("; hit;"), "{name}");
    } else {
        assert!(!again.header("cache-status").contains("; hit;"), "{name}");
        let hit = world.ask(PATH).await;
        assert!(hit.header("cache-status").contains("; hit;"), "{name}");
        assert_eq!(hit.bytes(), again.bytes(), "{name}");
    }
    outcome
}

/// `whole`, `cut`, or status and code of the error. Everything else is a failed test.
fn judge(walk: &Walk, name: &str, answer: &Answer, truth: &[String]) -> String {
    if let Received::Cut(bytes) = &answer.body {
        assert_eq!(answer.status, 200, "{name}");
        let text = str::from_utf8(bytes).unwrap();
        let (_, rows) = text.split_once("\"value\":[").unwrap();
        if walk.in_order {
            let sent = truth.iter().take_while(|row| rows.contains(*row)).count();
            let sent = truth[..sent].join(",");
            assert_eq!(rows.trim(), sent, "{name}: rows, in order");
        } else {
            let sent = truth.iter().filter(|row| rows.contains(*row));
            let bytes: usize = sent.clone().map(|row| row.len() + 1).sum();
            let once = bytes.saturating_sub(1);
            assert_eq!(rows.trim().len(), once, "{name}: rows, each once");
        }
        let broken = serde_json::from_slice::<serde_json::Value>(bytes);
        assert!(broken.is_err(), "{name}: a cut body that looks complete");
        return "cut".to_owned();
    }
    if answer.status == 200 {
        let (mut rows, mut truth) = (answer.rows(), truth.to_vec());
        if !walk.in_order {
            rows.sort_unstable();
            truth.sort_unstable();
        }
        assert_eq!(rows, truth, "{name}");
        assert!(!answer.text().contains("nextLink"), "{name}");
        assert!(!answer.text().contains("@odata.count"), "{name}");
        return "whole".to_owned();
    }
    let retry_after = answer.header("retry-after").parse::<u64>();
    assert_eq!(answer.status == 503, retry_after.is_ok(), "{name}");
    answer.error()
}

/// All outcomes of one kind of fault, by place. Fifty who wait fare as one does.
async fn line(walk: &Walk, kind: &str) -> String {
    let mut line = format!("{kind:<38}");
    for places in &walk.places {
        let mut outcomes = Vec::new();
        for place in places {
            let fault: Fault = format!("set=Sessions,{place},kind={kind}").parse().unwrap();
            let alone = outcome(walk, fault.clone(), 1).await;
            assert_eq!(outcome(walk, fault, 50).await, alone, "{kind} {place}");
            outcomes.push(alone);
        }
        let same = outcomes.iter().all(|outcome| *outcome == outcomes[0]);
        let text = if same {
            format!("{} on any", outcomes[0])
        } else {
            outcomes.join(", ")
        };
        write!(line, "| {text} ").unwrap();
    }
    line.trim_end().to_owned()
}

async fn table(walk: &Walk, kinds: &[&str]) -> String {
    let mut lines = Vec::new();
    for kind in kinds {
        lines.push(line(walk, kind).await);
    }
    lines.join("\n")
}

const REFUSALS: &[&str] = &[
    "unauthorized",
    "expire-token",
    "forbidden",
    "throttled",
    "throttled,retry-after=3",
    "throttled,shape=gateway,retry-after=3",
    "status,status=503,retry-after=2",
];

#[tokio::test(start_paused = true)]
async fn refused_and_throttled_walks_end_whole_or_visibly() {
    assert_snapshot!(table(&LINKS, REFUSALS).await, @r"
    unauthorized                          | whole on any | 502 UpstreamCredentials, cut, cut, cut
    expire-token                          | whole on any | whole on any
    forbidden                             | 502 UpstreamCredentials, cut, cut, cut | 502 UpstreamCredentials, cut, cut, cut
    throttled                             | whole on any | 503 UpstreamBusy, cut, cut, cut
    throttled,retry-after=3               | whole on any | 503 UpstreamBusy, cut, cut, cut
    throttled,shape=gateway,retry-after=3 | whole on any | 503 UpstreamBusy, cut, cut, cut
    status,status=503,retry-after=2       | whole on any | 503 UpstreamUnavailable, cut, cut, cut
    ");
}

#[tokio::test(start_paused = true)]
async fn refused_and_throttled_walks_end_whole_or_visibly_by_ranges() {
    assert_snapshot!(table(&RANGES, REFUSALS).await, @r"
    unauthorized                          | whole on any | 502 UpstreamCredentials, cut, cut, cut
    expire-token                          | whole on any | whole on any
    forbidden                             | 502 UpstreamCredentials, cut, cut, cut | 502 UpstreamCredentials, cut, cut, cut
    throttled                             | whole on any | 503 UpstreamBusy, cut, cut, cut
    throttled,retry-after=3               | whole on any | 503 UpstreamBusy, cut, cut, cut
    throttled,shape=gateway,retry-after=3 | whole on any | 503 UpstreamBusy, cut, cut, cut
    status,status=503,retry-after=2       | whole on any | 503 UpstreamUnavailable, cut, cut, cut
    ");
}

const FAILING_AND_SILENT_WALKS_END_WHOLE_OR_VISIBLY: &[&str] = &[
    "status,status=500",
    "status,status=502",
    "status,status=504",
    "status,status=418",
    "status,status=302",
    "slow,seconds=3",
    "hang",
    "cut-body,after=0",
    "cut-body,after=3000",
];

#[tokio::test(start_paused = true)]
async fn failing_and_silent_walks_end_whole_or_visibly() {
    assert_snapshot!(table(&LINKS, FAILING_AND_SILENT_WALKS_END_WHOLE_OR_VISIBLY).await, @r"
    status,status=500                     | whole on any | 503 UpstreamUnavailable, cut, cut, cut
    status,status=502                     | whole on any | 503 UpstreamUnavailable, cut, cut, cut
    status,status=504                     | whole on any | 503 UpstreamUnavailable, cut, cut, cut
    status,status=418                     | whole, cut, cut, cut | 400 unexpected, cut, cut, cut
    status,status=302                     | 502 UpstreamBadResponse, cut, cut, cut | 502 UpstreamBadResponse, cut, cut, cut
    slow,seconds=3                        | whole on any | whole on any
    hang                                  | whole on any | 504 UpstreamTimeout, cut, cut, cut
    cut-body,after=0                      | whole on any | 503 UpstreamUnavailable, cut, cut, cut
    cut-body,after=3000                   | whole on any | 503 UpstreamUnavailable, cut, cut, cut
    ");
}

#[tokio::test(start_paused = true)]
async fn failing_and_silent_walks_end_whole_or_visibly_by_ranges() {
    assert_snapshot!(table(&RANGES, FAILING_AND_SILENT_WALKS_END_WHOLE_OR_VISIBLY).await, @r"
    status,status=500                     | whole on any | 503 UpstreamUnavailable, cut, cut, cut
    status,status=502                     | whole on any | 503 UpstreamUnavailable, cut, cut, cut
    status,status=504                     | whole on any | 503 UpstreamUnavailable, cut, cut, cut
    status,status=418                     | whole, whole, cut, cut | 400 unexpected, cut, cut, cut
    status,status=302                     | 502 UpstreamBadResponse, cut, cut, cut | 502 UpstreamBadResponse, cut, cut, cut
    slow,seconds=3                        | whole on any | whole on any
    hang                                  | whole on any | 504 UpstreamTimeout, cut, cut, cut
    cut-body,after=0                      | whole on any | 503 UpstreamUnavailable, cut, cut, cut
    cut-body,after=3000                   | whole on any | 503 UpstreamUnavailable, cut, cut, cut
    ");
}

const BROKEN_PAGES: &[&str] = &[
    "cut-clean,after=0",
    "cut-clean,after=3000",
    "malformed",
    "html",
    "different-context",
    "empty-page",
    "short-page,rows=5",
    "short-page,rows=0",
];

#[tokio::test(start_paused = true)]
async fn walks_over_broken_pages_end_whole_or_visibly() {
    assert_snapshot!(table(&LINKS, BROKEN_PAGES).await, @r"
    cut-clean,after=0                     | whole on any | 502 UpstreamBadResponse, cut, cut, cut
    cut-clean,after=3000                  | whole on any | 502 UpstreamBadResponse, cut, cut, cut
    malformed                             | whole on any | 502 UpstreamBadResponse, cut, cut, cut
    html                                  | whole on any | 502 UpstreamBadResponse, cut, cut, cut
    different-context                     | cut on any | cut on any
    empty-page                            | whole on any | cut on any
    short-page,rows=5                     | whole on any | whole on any
    short-page,rows=0                     | whole, cut, cut, cut | cut on any
    ");
}

#[tokio::test(start_paused = true)]
async fn walks_over_broken_pages_end_whole_or_visibly_by_ranges() {
    assert_snapshot!(table(&RANGES, BROKEN_PAGES).await, @r"
    cut-clean,after=0                     | whole on any | 502 UpstreamBadResponse, cut, cut, cut
    cut-clean,after=3000                  | whole on any | 502 UpstreamBadResponse, cut, cut, cut
    malformed                             | whole on any | 502 UpstreamBadResponse, cut, cut, cut
    html                                  | whole on any | 502 UpstreamBadResponse, cut, cut, cut
    different-context                     | cut on any | whole, cut, cut, cut
    empty-page                            | whole on any | cut on any
    short-page,rows=5                     | whole on any | whole on any
    short-page,rows=0                     | whole on any | cut on any
    ");
}

const ODD_LINKS: &[&str] = &[
    "loop-link",
    "foreign-host",
    "foreign-path",
    "drops-filter",
    "relative-link",
    "skiptoken-link",
    "link-before-value",
    "encoded-link",
];

#[tokio::test(start_paused = true)]
async fn walks_over_odd_links_end_whole_or_visibly() {
    assert_snapshot!(table(&LINKS, ODD_LINKS).await, @r"
    loop-link                             | 502 UpstreamBadResponse, cut, cut, cut | 502 UpstreamBadResponse, cut, cut, cut
    foreign-host                          | 502 UpstreamBadResponse, cut, cut, cut | 502 UpstreamBadResponse, cut, cut, cut
    foreign-path                          | 502 UpstreamBadResponse, cut, cut, whole | 502 UpstreamBadResponse, cut, cut, whole
    drops-filter                          | 502 UpstreamBadResponse, cut, cut, whole | 502 UpstreamBadResponse, cut, cut, whole
    relative-link                         | whole on any | whole on any
    skiptoken-link                        | whole on any | whole on any
    link-before-value                     | whole on any | whole on any
    encoded-link                          | whole on any | whole on any
    ");
}

#[tokio::test(start_paused = true)]
async fn walks_over_odd_links_end_whole_or_visibly_by_ranges() {
    assert_snapshot!(table(&RANGES, ODD_LINKS).await, @r"
    loop-link                             | 502 UpstreamBadResponse, whole, cut, cut | 502 UpstreamBadResponse, cut, cut, cut
    foreign-host                          | 502 UpstreamBadResponse, whole, cut, cut | 502 UpstreamBadResponse, cut, cut, cut
    foreign-path                          | 502 UpstreamBadResponse, whole, cut, cut | 502 UpstreamBadResponse, cut, cut, cut
    drops-filter                          | 502 UpstreamBadResponse, whole, cut, cut | 502 UpstreamBadResponse, cut, cut, cut
    relative-link                         | whole on any | whole on any
    skiptoken-link                        | whole on any | whole on any
    link-before-value                     | whole on any | whole on any
    encoded-link                          | whole on any | whole on any
    ");
}

#[tokio::test(start_paused = true)]
async fn a_failed_question_knows_how_long_upstream_was_asked() {
    let fault = "set=Sessions,times=always,kind=hang".parse().unwrap();
    let world = World::with_fault(small(), SETTINGS, fault);
    let ask = Ask {
        question: Question::parse("Sessions", None).unwrap().into(),
        representation: Representation::default(),
        page_size: None,
        directives: Directives::default(),
        party: Party::default(),
    };
    let gateway = world.app.gateway();
    let site = gateway.default_site().unwrap();
    let unanswered = gateway.answer(site, ask).await.unwrap_err();
    let upstream = unanswered.upstream.unwrap();
    assert_eq!(upstream.pages(), 0);
    // Three attempts of five seconds, without the pauses between them.
    assert_eq!(upstream.upstream_time(), Duration::from_secs(15));
}

/// Little patience, so that walks come to their end.
const SETTINGS: &str = "
sites.main.upstream.retry_budget = '30s'
sites.main.upstream.page_timeout = '5s'
cache.ttl = '1h'
";

const PATH: &str = "/Sessions?$filter=StartDate gt 2020-01-01T00:00:00Z";

/// After this, upstream is asked again whatever it said before.
const PATIENCE: Duration = Duration::from_mins(3);
