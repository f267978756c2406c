//! Whole exchanges with a scripted service, in paused time.

mod heavy;
mod patience;

use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use secrecy::SecretString;
use tokio::time::Instant;

use super::*;
use crate::auth::{self, Authorizer};
use crate::clock::{Clock, FollowingClock};
use crate::tasks::Tasks;
use crate::transport::scripted::{Reply, Scripted, token};
use crate::transport::{Transport, TransportFault};

struct Bench {
    upstream: Upstream,
    transport: Arc<Scripted>,
    tasks: Tasks,
}

fn bench(tokens: impl IntoIterator<Item = Reply>, data: impl IntoIterator<Item = Reply>) -> Bench {
    bench_that_reads(1000, tokens, data)
}

fn bench_that_reads(
    page_bytes_max: usize,
    tokens: impl IntoIterator<Item = Reply>,
    data: impl IntoIterator<Item = Reply>,
) -> Bench {
    let tasks = Tasks::new();
    let transport = Arc::new(Scripted::new(tokens, data));
    let shared: Arc<dyn Transport> = Arc::<Scripted>::clone(&transport);
    let start = "2026-03-02T08:00:00Z".parse().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(FollowingClock::starting_at(start));
    let credentials = auth::Settings {
        token_url: "https://api.cloud.com/cctrustoauth2/acme/tokens/clients"
            .parse()
            .unwrap(),
        customer_id: "acme".to_owned(),
        client_id: "id".to_owned(),
        client_secret: SecretString::from("secret"),
        timeout: Duration::from_secs(30),
    };
    let authorizer = Authorizer::new(credentials, Arc::clone(&shared), clock, &tasks);
    let lane = Arc::new(Lane::new(LaneSettings {
        concurrency: NonZeroUsize::MIN,
        queue_limit: 256,
    }));
    let settings = Settings {
        service_root: "https://api.cloud.com/monitorodata".parse().unwrap(),
        page_timeout: Duration::from_mins(1),
        page_bytes_max,
    };
    Bench {
        upstream: Upstream::new(settings, authorizer, lane, shared),
        transport,
        tasks,
    }
}

fn query(target: &str) -> Query<'_> {
    Query {
        target,
        accept: "application/json",
        visit: Visit {
            class: Class::Scan,
            awaited: Awaited::always(),
            turn: Turn::First,
            party: Party::default(),
            what: "Machines".into(),
        },
        divisible: false,
    }
}

impl Bench {
    async fn fetch(&self, budget: &mut RetryBudget) -> Result<Fetched, FetchError> {
        self.upstream.fetch(query("/Machines?$top=1"), budget).await
    }

    async fn fetch_patiently(&self) -> Result<Fetched, FetchError> {
        self.fetch(&mut patience()).await
    }

    fn authorizations(&self) -> Vec<String> {
        let sent = self.transport.data_requests();
        let values = sent.iter().map(|sent| sent.header("authorization"));
        values
            .map(|value| value.replace("CwsAuth Bearer=", ""))
            .collect()
    }
}

fn patience() -> RetryBudget {
    RetryBudget::new(Duration::from_mins(10))
}

fn page() -> Reply {
    Reply::new(200, r#"{"value":[1]}"#).header("content-type", "application/json")
}

#[tokio::test(start_paused = true)]
async fn request_carries_our_headers_and_nothing_else() {
    let bench = bench([], [page()]);
    let fetched = bench.fetch_patiently().await.unwrap();
    assert_eq!(fetched.body, r#"{"value":[1]}"#);
    assert_eq!(fetched.content_type.as_deref(), Some("application/json"));
    assert_eq!(fetched.attempts, 1);
    let sent = bench.transport.data_requests().remove(0);
    assert_eq!(
        sent.request.uri(),
        "https://api.cloud.com/monitorodata/Machines?$top=1"
    );
    let mut names: Vec<_> = sent
        .request
        .headers()
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept",
            "authorization",
            "citrix-customerid",
            "citrix-transactionid",
            "odata-maxversion"
        ]
    );
    assert!(sent.request.headers()["authorization"].is_sensitive());
}

#[tokio::test(start_paused = true)]
async fn fifty_questions_need_one_token_and_go_one_by_one() {
    let replies = (0..50).map(|_| page().after(Duration::from_secs(1)));
    let bench = bench([token("a", 3600).after(Duration::from_secs(2))], replies);
    let began = Instant::now();
    let all = join_all((0..50).map(|_| bench.fetch_patiently())).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(bench.transport.token_requests().len(), 1);
    assert_eq!(began.elapsed(), Duration::from_secs(52));
}

#[tokio::test(start_paused = true)]
async fn refused_token_is_replaced_once_and_the_request_repeated_once() {
    let bench = bench([], [page(), Reply::new(401, ""), page()]);
    bench.fetch_patiently().await.unwrap();
    let fetched = bench.fetch_patiently().await.unwrap();
    assert_eq!(fetched.attempts, 2);
    assert_eq!(bench.authorizations(), ["t1", "t1", "t2"]);
}

#[tokio::test(start_paused = true)]
async fn second_refusal_is_final() {
    let bench = bench([], [Reply::new(401, ""), Reply::new(401, "")]);
    let error = bench.fetch_patiently().await.unwrap_err();
    match error {
        FetchError::Credentials { explanation } => assert!(explanation.contains("customer id")),
        other => panic!("{other}"),
    }
    assert_eq!(bench.authorizations(), ["t1", "t2"]);
}

#[tokio::test(start_paused = true)]
async fn expired_token_is_never_sent() {
    let bench = bench([token("a", 100), token("b", 3600)], []);
    let mut budget = patience();
    for _ in 0..12 {
        bench.fetch(&mut budget).await.unwrap();
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    let began = bench.transport.token_requests()[0].at;
    for sent in bench.transport.data_requests() {
        let old = sent.header("authorization").ends_with("=a");
        assert!(!old || sent.at - began < Duration::from_secs(100));
    }
    assert_eq!(bench.authorizations().last().unwrap(), "b");
}

#[tokio::test(start_paused = true)]
async fn pauses_as_long_as_upstream_asks() {
    let busy = Reply::new(429, "").header("retry-after", "30");
    let bench = bench([], [busy.clone(), busy, page()]);
    let began = Instant::now();
    assert_eq!(bench.fetch_patiently().await.unwrap().attempts, 3);
    assert_eq!(began.elapsed(), Duration::from_mins(1));
    let counts = bench.upstream.metrics().counts();
    assert_eq!(counts.status, [0, 1, 0, 2, 0]);
    assert_eq!((counts.throttled, counts.retries), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn pause_holds_the_whole_lane() {
    let problem = r#"{"type":"https://errors-api.cloud.com/common/rateLimitExceeded","parameters":[{"name":"retryDelay","value":"7"}]}"#;
    let bench = bench([], [Reply::new(429, problem)]);
    let began = Instant::now();
    join_all((0..3).map(|_| bench.fetch_patiently())).await;
    let sent = bench.transport.data_requests();
    let times: Vec<_> = sent
        .iter()
        .map(|sent| (sent.at - began).as_secs())
        .collect();
    assert_eq!(times, [0, 7, 7, 7]);
}

/// Looks at a lane whenever a line is logged.
#[derive(Clone)]
struct Watch {
    upstream: Upstream,
    seen: Arc<Mutex<Vec<LaneStatus>>>,
}

impl io::Write for Watch {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if String::from_utf8_lossy(line).contains("upstream request") {
            let status = self.upstream.lane().status();
            self.seen.lock().unwrap().push(status);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn lane_is_paused_before_it_is_free() {
    for budget in [Duration::from_mins(1), Duration::ZERO] {
        let bench = bench(
            [],
            [Reply::new(429, "").header("retry-after", "30"), page()],
        );
        let watch = Watch {
            upstream: bench.upstream.clone(),
            seen: Arc::default(),
        };
        let writer = watch.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(move || writer.clone())
            .finish();
        // With a single dispatcher, tracing lets whichever thread comes first decide for all whether a line is
        // wanted; a second one makes it ask all.
        let second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
        let guard = tracing::subscriber::set_default(subscriber);
        let fetched = bench.fetch(&mut RetryBudget::new(budget)).await;
        drop((guard, second));
        assert_eq!(fetched.is_err(), budget.is_zero());
        let seen = watch.seen.lock().unwrap().clone();
        assert_eq!(seen.len(), 1, "{seen:?}");
        for status in seen {
            assert!(
                status.in_flight == 1 || status.paused_for.is_some(),
                "another request could enter: {status:?}"
            );
        }
        assert_eq!(bench.upstream.lane().status().in_flight, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn budget_ends_in_the_error_at_hand() {
    let busy = |status: u16| {
        let replies: Vec<_> = (0..99)
            .map(|_| Reply::new(status, "").header("retry-after", "9"))
            .collect();
        bench([], replies)
    };
    let mut budget = RetryBudget::new(Duration::from_secs(20));
    match busy(429).fetch(&mut budget).await {
        Err(FetchError::Busy {
            waited,
            spent,
            retry_after,
        }) => {
            assert_eq!(spent.statuses[&429], 3);
            assert_eq!(spent.held, waited);
            assert_eq!(waited, Duration::from_secs(18));
            assert_eq!(retry_after, Duration::from_secs(9));
        }
        other => panic!("{other:?}"),
    }
    let mut budget = RetryBudget::new(Duration::from_secs(20));
    match busy(503).fetch(&mut budget).await {
        Err(FetchError::Unavailable { status, .. }) => assert_eq!(status, Some(503)),
        other => panic!("{other:?}"),
    }
    let bench = busy(500);
    assert!(bench.fetch_patiently().await.is_err());
    assert_eq!(bench.transport.data_requests().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn slow_pages_time_out() {
    let slow = page().after(Duration::from_secs(61));
    let slow = || std::iter::repeat_n(slow.clone(), 9);
    for (budget, attempts) in [(100, 2_u64), (600, 3), (86_400, 3)] {
        let bench = bench([], slow());
        let mut budget = RetryBudget::new(Duration::from_secs(budget));
        let began = Instant::now();
        let error = bench.fetch(&mut budget).await.unwrap_err();
        assert!(matches!(error, FetchError::Timeout { .. }), "{error}");
        let seconds = attempts * 60 + 5;
        assert!(began.elapsed() <= Duration::from_secs(seconds));
        let counts = bench.upstream.metrics().counts();
        assert_eq!(counts.unanswered, attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn cut_body_is_asked_for_again() {
    let bench = bench([], [page().cut(), page()]);
    assert_eq!(bench.fetch_patiently().await.unwrap().attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn out_of_reach_is_told_soon_unless_pages_were_read() {
    let gone = || (0..30).map(|_| Reply::fault(TransportFault::Connect));
    let first = bench([], gone());
    let began = Instant::now();
    match first.fetch_patiently().await {
        Err(FetchError::Unavailable { fault, .. }) => {
            assert_eq!(fault, Some(TransportFault::Connect));
        }
        other => panic!("{other:?}"),
    }
    assert!(began.elapsed() <= Duration::from_secs(30));
    let later = bench([], [page()].into_iter().chain(gone()));
    let mut budget = RetryBudget::new(Duration::from_secs(200));
    later.fetch(&mut budget).await.unwrap();
    let began = Instant::now();
    assert!(later.fetch(&mut budget).await.is_err());
    assert!(began.elapsed() > Duration::from_secs(100));
}

#[tokio::test(start_paused = true)]
async fn unreachable_token_endpoint_is_unavailable_and_a_refusal_is_credentials() {
    let gone = bench((0..99).map(|_| Reply::fault(TransportFault::Dns)), []);
    match gone.fetch_patiently().await {
        Err(FetchError::Unavailable { fault, .. }) => assert_eq!(fault, Some(TransportFault::Dns)),
        other => panic!("{other:?}"),
    }
    let refused = bench([Reply::new(200, r#"{"error":"invalid_client"}"#)], []);
    let error = refused.fetch_patiently().await.unwrap_err();
    assert!(matches!(error, FetchError::Credentials { .. }), "{error}");
    assert!(refused.transport.data_requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn bodies_that_make_no_sense_are_tried_three_times() {
    let html = || Reply::new(200, "<!DOCTYPE html>").header("content-type", "text/html");
    let three = bench([], [html(), html(), html()]);
    let error = three.fetch_patiently().await.unwrap_err();
    assert!(
        matches!(error, FetchError::BadResponse(BadResponse::Html)),
        "{error}"
    );
    assert_eq!(three.transport.data_requests().len(), 3);

    let half = bench([], [Reply::new(200, "{\"val"), page()]);
    let parse = |body: Bytes| {
        serde_json::from_slice::<serde_json::Value>(&body).map_err(|error| BadResponse::Malformed {
            reason: error.to_string(),
        })
    };
    let mut budget = patience();
    let value = half
        .upstream
        .fetch_checked(query("/X"), &mut budget, parse)
        .await
        .unwrap();
    assert_eq!(value.content["value"][0], 1);
    assert_eq!(budget.pages(), 1);
}

#[tokio::test(start_paused = true)]
async fn large_bodies_are_parsed_off_the_async_threads() {
    for (length, elsewhere) in [(500_000, false), (4 << 20, false), ((4 << 20) + 1, true)] {
        let reply = || Reply::new(200, vec![b'x'; length]);
        let bench = bench_that_reads(8 << 20, [], [reply(), reply()]);
        let calls = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&calls);
        let parse = move |body: Bytes| {
            let mut calls = seen.lock().unwrap();
            calls.push(std::thread::current().id());
            match calls.len() {
                1 => Err(BadResponse::Html),
                _ => Ok(body.len()),
            }
        };
        let mut budget = patience();
        let checked = bench
            .upstream
            .fetch_checked(query("/X"), &mut budget, parse)
            .await
            .unwrap();
        assert_eq!(checked.content, length);
        let here = std::thread::current().id();
        let calls = calls.lock().unwrap();
        let away: Vec<bool> = calls.iter().map(|thread| *thread != here).collect();
        assert_eq!(away, [elsewhere; 2], "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn final_answers_are_not_repeated() {
    let cases = [
        Reply::new(
            404,
            r#"{"error":{"code":"NotFound","message":"no such set"}}"#,
        ),
        Reply::new(302, "").header("location", "https://elsewhere.example/"),
        Reply::new(403, ""),
        Reply::new(200, vec![b'x'; 1001]),
        Reply::new(204, ""),
    ];
    for case in cases {
        let bench = bench([], [case]);
        let error = bench.fetch_patiently().await.unwrap_err();
        assert_eq!(bench.transport.data_requests().len(), 1, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn words_that_quote_our_credentials_are_blacked_out() {
    let words = "client secret, `CwsAuth Bearer=eyJ.old`, eyJ.new, Bearer eyJ.other";
    let body = serde_json::json!({"error": {"code": "no eyJ.new", "message": words}}).to_string();
    let quoting = |status| Reply::new(status, body.clone());
    let cases = [
        vec![quoting(400)],
        vec![quoting(403)],
        vec![quoting(401), quoting(401)],
    ];
    for data in cases {
        let bench = bench([token("eyJ.new", 3600), token("eyJ.new", 3600)], data);
        let error = bench.fetch_patiently().await.unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(told.contains("CwsAuth Bearer=[secret]"), "{told}");
        assert!(told.contains("client [secret]"), "{told}");
        assert!(!told.contains("eyJ"), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn giving_up_frees_the_lane() {
    let bench = bench([], [page().after(Duration::from_secs(50)), page()]);
    let patience = Duration::from_secs(1);
    let given_up = tokio::time::timeout(patience, bench.fetch_patiently()).await;
    assert!(given_up.is_err());
    assert_eq!(bench.upstream.lane().status().in_flight, 0);
    let began = Instant::now();
    bench.fetch_patiently().await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn futures_can_be_tasks() {
    let bench = bench([], []);
    let upstream = bench.upstream.clone();
    bench.tasks.spawn("fetch", async move {
        let mut budget = patience();
        let checked = upstream.fetch_checked(query(""), &mut budget, |_| Ok(()));
        assert!(checked.await.is_ok());
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.transport.data_requests().len(), 1);
}
