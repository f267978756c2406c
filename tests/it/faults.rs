//! Complete, or visibly an error: every fault that the simulator knows, on every kind of page, once and for good.

use std::fmt::Write;
use std::time::Duration;

use citrix_odata_proxy::demo::Fault;
use citrix_odata_proxy::gateway::{Ask, Freshness, Party};
use citrix_odata_proxy::odata::question::Question;
use citrix_odata_proxy::odata::representation::Representation;
use insta::assert_snapshot;
use tokio::time::sleep;

use crate::world::{Answer, Received, World, small};

/// What became of one walk with one fault.
async fn outcome(fault: Fault) -> String {
    let name = format!("{fault:?}");
    let world = World::with_fault(small(), SETTINGS, fault);
    let truth = world.rows_of(WALK).await;
    assert_eq!(truth.len().div_ceil(small().page_size), 6, "six pages");

    let answer = world.ask(WALK).await;
    assert_eq!(world.fills(), 0, "{name}");
    let outcome = judge(&name, &answer, &truth);
    let struck = world.simulator.stats().faults_struck;
    assert!(struck > 0, "{name} never struck");
    assert!(world.simulator.stats().peak_in_flight <= 1, "{name}");

    // An error is not remembered: when upstream is well again, so is the answer.
    world.simulator.script(Vec::new());
    sleep(PATIENCE).await;
    let again = world.ask(WALK).await;
    assert_eq!(again.rows(), truth, "{name}: the second answer");
    if outcome == "whole" {
        assert_eq!(world.ask(WALK).await.bytes(), answer.bytes(), "{name}");
        assert!(again.header("cache-status").contains("; hit;"), "{name}");
    } else {
        assert!(!again.header("cache-status").contains("; hit;"), "{name}");
        let hit = world.ask(WALK).await;
        assert!(hit.header("cache-status").contains("; hit;"), "{name}");
        assert_eq!(hit.bytes(), again.bytes(), "{name}");
    }
    outcome
}

/// `whole`, `cut`, or status and code of the error. Everything else is a failed test.
fn judge(name: &str, answer: &Answer, truth: &[String]) -> String {
    if let Received::Cut(bytes) = &answer.body {
        assert_eq!(answer.status, 200, "{name}");
        let text = str::from_utf8(bytes).unwrap();
        let (_, rows) = text.split_once("\"value\":[").unwrap();
        let sent = truth.iter().take_while(|row| rows.contains(*row)).count();
        assert_eq!(
            rows.trim(),
            truth[..sent].join(","),
            "{name}: rows, in order"
        );
        let broken = serde_json::from_slice::<serde_json::Value>(bytes);
        assert!(broken.is_err(), "{name}: a cut body that looks complete");
        return "cut".to_owned();
    }
    if answer.status == 200 {
        assert_eq!(answer.rows(), truth, "{name}");
        assert!(!answer.text().contains("nextLink"), "{name}");
        return "whole".to_owned();
    }
    let retry_after = answer.header("retry-after").parse::<u64>();
    assert_eq!(answer.status == 503, retry_after.is_ok(), "{name}");
    answer.error()
}

/// All outcomes of one kind of fault, by page.
async fn line(kind: &str) -> String {
    let mut line = format!("{kind:<38}");
    for times in ["1", "always"] {
        let mut outcomes = Vec::new();
        for page in [1, 2, 4, 6] {
            let fault = format!("set=Sessions,page={page},times={times},kind={kind}");
            outcomes.push(outcome(fault.parse().unwrap()).await);
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

async fn table(kinds: &[&str]) -> String {
    let mut lines = Vec::new();
    for kind in kinds {
        lines.push(line(kind).await);
    }
    lines.join("\n")
}

#[tokio::test(start_paused = true)]
async fn refused_and_throttled_walks_end_whole_or_visibly() {
    let kinds = [
        "unauthorized",
        "expire-token",
        "forbidden",
        "throttled",
        "throttled,retry-after=3",
        "throttled,shape=gateway,retry-after=3",
        "status,status=503,retry-after=2",
    ];
    assert_snapshot!(table(&kinds).await, @r"
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
async fn failing_and_silent_walks_end_whole_or_visibly() {
    let kinds = [
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
    assert_snapshot!(table(&kinds).await, @r"
    status,status=500                     | whole on any | 503 UpstreamUnavailable, cut, cut, cut
    status,status=502                     | whole on any | 503 UpstreamUnavailable, cut, cut, cut
    status,status=504                     | whole on any | 503 UpstreamUnavailable, cut, cut, cut
    status,status=418                     | 400 unexpected, cut, cut, cut | 400 unexpected, cut, cut, cut
    status,status=302                     | 502 UpstreamBadResponse, cut, cut, cut | 502 UpstreamBadResponse, cut, cut, cut
    slow,seconds=3                        | whole on any | whole on any
    hang                                  | whole on any | 504 UpstreamTimeout, cut, cut, cut
    cut-body,after=0                      | whole on any | 503 UpstreamUnavailable, cut, cut, cut
    cut-body,after=3000                   | whole on any | 503 UpstreamUnavailable, cut, cut, cut
    ");
}

#[tokio::test(start_paused = true)]
async fn walks_over_broken_pages_end_whole_or_visibly() {
    let kinds = [
        "cut-clean,after=0",
        "cut-clean,after=3000",
        "malformed",
        "html",
        "different-context",
        "empty-page",
        "short-page,rows=5",
        "short-page,rows=0",
    ];
    assert_snapshot!(table(&kinds).await, @r"
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
async fn walks_over_odd_links_end_whole_or_visibly() {
    let kinds = [
        "loop-link",
        "foreign-host",
        "foreign-path",
        "drops-filter",
        "relative-link",
        "skiptoken-link",
        "link-before-value",
        "encoded-link",
    ];
    assert_snapshot!(table(&kinds).await, @r"
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
async fn a_failed_question_knows_how_long_upstream_was_asked() {
    let fault = "set=Sessions,times=always,kind=hang".parse().unwrap();
    let world = World::with_fault(small(), SETTINGS, fault);
    let ask = Ask {
        question: Question::parse("Sessions", None).unwrap(),
        representation: Representation::default(),
        page_size: None,
        freshness: Freshness::Stored,
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

const WALK: &str = "/Sessions?$filter=StartDate gt 2020-01-01T00:00:00Z";

/// After this, upstream is asked again whatever it said before.
const PATIENCE: Duration = Duration::from_mins(3);
