//! Several things go wrong at once, with every kind of question: whole, or visibly an error.

use std::time::Duration;

use citrix_odata_proxy::demo::{Fault, Knobs};
use futures_util::future::join_all;
use http::Method;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::world::{Answer, Received, World, small};

const QUESTIONS: [&str; 11] = [
    "",
    "/$metadata",
    "/Sessions",
    "/Sessions?$filter=StartDate gt 2020-01-01T00:00:00Z&$count=true",
    "/Sessions?$top=45&$skip=7",
    "/Sessions?$orderby=StartDate desc&$select=SessionKey",
    "/Sessions?$top=15&$select=SessionKey&$expand=Connections($select=Id)",
    "/Sessions?$top=15&$expand=User($select=Id)&$select=SessionKey",
    "/Sessions/$count?$filter=StartDate gt 2020-01-01T00:00:00Z",
    "/Users(5)?$select=Id,UserName",
    "/Sessions(157e5d9a-5c86-4517-b7c1-da832bfedff1)/Connections?$select=Id",
];

const KINDS: [&str; 24] = [
    "unauthorized",
    "expire-token",
    "forbidden",
    "throttled",
    "throttled,retry-after=3",
    "status,status=500",
    "status,status=503,retry-after=1",
    "status,status=404",
    "slow,seconds=2",
    "hang",
    "cut-body,after=100",
    "cut-clean,after=200",
    "malformed",
    "html",
    "loop-link",
    "foreign-host",
    "foreign-path",
    "empty-page",
    "short-page,rows=3",
    "relative-link",
    "skiptoken-link",
    "link-before-value",
    "drops-filter",
    "different-context",
];

/// Six short pages, and collections inside rows cut.
fn knobs() -> Knobs {
    Knobs {
        sessions: 66,
        page_size: 12,
        expand_page_size: Some(1),
        ..small()
    }
}

const SETTINGS: &str = "
sites.main.upstream.retry_budget = '30s'
sites.main.upstream.page_timeout = '5s'
";

/// What a complete answer says, without its context and blanks.
fn content(answer: &Answer) -> String {
    if !answer
        .header("content-type")
        .starts_with("application/json")
    {
        return answer.text();
    }
    match answer.json() {
        Value::Object(object) if object.contains_key("value") => answer.rows().join("\n"),
        Value::Object(mut object) => {
            object.remove("@odata.context");
            Value::from(object).to_string()
        }
        other => other.to_string(),
    }
}

/// Whether the answer was complete. If it was not, it says so; all else is a failed test.
fn is_whole(name: &str, answer: &Answer, truth: &str) -> bool {
    match &answer.body {
        Received::Cut(bytes) => {
            assert!(serde_json::from_slice::<Value>(bytes).is_err(), "{name}");
            false
        }
        Received::Complete(_) if answer.status == 200 => {
            assert_eq!(content(answer), truth, "{name}");
            true
        }
        Received::Complete(_) => {
            let error = answer.error();
            let passed_on = error.starts_with("404") || error.starts_with("400");
            assert!(
                passed_on || answer.status.is_server_error(),
                "{name}: {error}"
            );
            false
        }
    }
}

/// Each fault with each of these questions.
async fn try_all(questions: &[&str]) {
    for question in questions {
        let clean = World::new(knobs(), "");
        let truth = content(&clean.ask(question).await);
        let set = match *question {
            "" => ",set=",
            "/$metadata" => ",set=$metadata",
            _ => "",
        };
        for kind in KINDS {
            for when in ["times=1", "nth=2,times=always"] {
                let fault = format!("kind={kind},{when}{set}");
                let name = format!("{question} with {fault}");
                let world = World::with_fault(knobs(), SETTINGS, fault.parse().unwrap());
                is_whole(&name, &world.ask(question).await, &truth);
                world.simulator.script(Vec::new());
                sleep(Duration::from_mins(3)).await;
                let again = world.ask(question).await;
                assert!(is_whole(&name, &again, &truth), "{name}: not forgotten");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn documents_are_answered_wholly_or_visibly_not() {
    try_all(&QUESTIONS[..2]).await;
}

#[tokio::test(start_paused = true)]
async fn collections_are_answered_wholly_or_visibly_not() {
    try_all(&QUESTIONS[2..6]).await;
}

#[tokio::test(start_paused = true)]
async fn expanded_rows_are_answered_wholly_or_visibly_not() {
    try_all(&QUESTIONS[6..8]).await;
}

#[tokio::test(start_paused = true)]
async fn keys_and_counts_are_answered_wholly_or_visibly_not() {
    try_all(&QUESTIONS[8..]).await;
}

/// A number from 0 to below `end`; the same seed gives the same numbers.
fn dice(seed: &mut u64, end: usize) -> usize {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    usize::try_from((*seed >> 33) % end as u64).unwrap()
}

/// A few faults that may strike anywhere.
fn script(seed: &mut u64) -> Vec<Fault> {
    let faults = (0..=dice(seed, 4)).map(|_| {
        let kind = KINDS[dice(seed, KINDS.len())];
        let when = match dice(seed, 3) {
            0 => format!("page={}", 1 + dice(seed, 6)),
            1 => format!("nth={}", 1 + dice(seed, 12)),
            _ => format!("every={}", 2 + dice(seed, 5)),
        };
        let times = 1 + dice(seed, 4);
        format!("kind={kind},{when},times={times}").parse().unwrap()
    });
    faults.collect()
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_together_answers_are_whole_or_visibly_not() {
    let mut truths = Vec::new();
    let clean = World::new(knobs(), "");
    for question in QUESTIONS {
        truths.push(content(&clean.ask(question).await));
    }
    let mut whole = 0;
    for seed in 0..100 {
        let mut dice_seed = seed;
        let faults = script(&mut dice_seed);
        let name = format!("seed {seed}: {faults:?}");
        let world = World::new(knobs(), SETTINGS);
        world.simulator.script(faults);
        let at = dice(&mut dice_seed, QUESTIONS.len());
        for _ in 0..2 {
            let answer = world.ask(QUESTIONS[at]).await;
            whole += usize::from(is_whole(&name, &answer, &truths[at]));
        }
    }
    assert!((50..200).contains(&whole), "{whole} of 200 were whole");
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_one_answer_see_its_failure_and_upstream_sees_one_question() {
    for (page, error) in [(1, true), (3, false)] {
        let fault = format!("page={page},kind=status,status=500,times=always");
        let world = World::with_fault(small(), SETTINGS, fault.parse().unwrap());
        let answers = join_all((0..50).map(|_| world.ask("/Sessions"))).await;
        for answer in answers {
            if error {
                assert_eq!(answer.error(), "503 UpstreamUnavailable");
            } else {
                assert!(matches!(answer.body, Received::Cut(_)), "{answer:?}");
            }
        }
        let requests = world.pages_asked();
        assert_eq!(requests, page - 1 + 5, "five attempts at one page");
        let status = world.get("/api/status").await.json();
        assert!(
            status["sites"][0]["last_error"]["message"].is_string(),
            "{status}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_that_upstream_asks_for_are_kept_by_everyone() {
    for kind in [
        "throttled,retry-after=7",
        "throttled,shape=gateway,retry-after=7",
        "status,status=503,retry-after=7",
    ] {
        let fault = format!("nth=3,kind={kind}");
        let world = World::with_fault(small(), "", fault.parse().unwrap());
        let began = Instant::now();
        let paths = ["/Sessions", "/Sessions?$orderby=StartDate", "/Users?$top=5"];
        let answers = join_all(paths.map(|path| world.ask(path))).await;
        assert!(answers.iter().all(|answer| answer.status == 200));
        assert_eq!(began.elapsed().as_secs(), 7, "{kind}");
        assert!(world.pages_asked() <= 14, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn patience_ends_with_the_budget() {
    for (kind, budget, error) in [
        ("throttled", 60, "503 UpstreamBusy"),
        ("throttled,retry-after=20", 60, "503 UpstreamBusy"),
        ("status,status=502", 60, "503 UpstreamUnavailable"),
        ("status,status=502", 0, "503 UpstreamUnavailable"),
        // A page that does not come is asked for three times at most, which would not use up a minute.
        ("hang", 12, "504 UpstreamTimeout"),
        ("cut-body,after=10", 60, "503 UpstreamUnavailable"),
    ] {
        let settings = format!(
            "sites.main.upstream.retry_budget = '{budget}s'\n\
             sites.main.upstream.page_timeout = '5s'"
        );
        let fault = format!("kind={kind},times=always");
        let world = World::with_fault(small(), &settings, fault.parse().unwrap());
        let began = Instant::now();
        assert_eq!(world.ask("/Sessions").await.error(), error, "{kind}");
        let took = began.elapsed().as_secs();
        assert!(took <= budget + 5, "{kind}: {took} s of {budget}");
        assert!(took >= budget / 3, "{kind}: {took} s of {budget}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cut_answer_in_pages_of_the_clients_size_is_cut_too() {
    let fault = "page=2,kind=forbidden,times=always".parse().unwrap();
    let world = World::with_fault(small(), "", fault);
    let prefer = [("prefer", "odata.maxpagesize=50")];
    let answer = world
        .request(Method::GET, "/monitorodata/Sessions", &prefer)
        .await;
    assert!(matches!(answer.body, Received::Cut(_)), "{answer:?}");
}
