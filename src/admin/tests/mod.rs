//! Every path, with a gateway that is made up.

pub(super) mod made_up;

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{Method, Request};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use crate::clock::FollowingClock;
use crate::gateway::{AuthState, LaneStatus, StoredAnswers};
use crate::journal::Finished;
use crate::odata::name::SiteId;
use crate::warm::{LastRun, RunResult, WarmStatus};

use self::made_up::{MadeUp, lane};

fn asked_in_advance() -> Vec<WarmStatus> {
    let ran = |result| LastRun {
        at: Timestamp::UNIX_EPOCH,
        took: Duration::from_secs(75),
        result,
    };
    let status = |shape: &str, last: Option<RunResult>| WarmStatus {
        site: SiteId::new("main").unwrap(),
        shape: shape.to_owned(),
        running: last.is_none(),
        next: "1970-01-02T06:00:00Z".parse().ok(),
        last: last.map(ran),
    };
    let failed = RunResult::Failed {
        error: "busy & <late>".to_owned(),
    };
    vec![
        status(
            "Users?$filter=Id lt ?",
            Some(RunResult::Stored { rows: 900 }),
        ),
        status("Machines", Some(RunResult::NotKept { rows: 7 })),
        status("Catalogs", Some(RunResult::Underway)),
        status("Sessions", Some(failed)),
        status("$metadata", None),
    ]
}

async fn exchange(method: Method, path: &str, token: AuthState) -> String {
    let request = Request::builder().method(method);
    let response = answered(request, path, token).await;
    let status = response.status().as_u16();
    format!("{status}\n{}", body(response).await)
}

async fn answered(request: http::request::Builder, path: &str, token: AuthState) -> Response {
    let clock = FollowingClock::starting_at(Timestamp::UNIX_EPOCH);
    let routes = router(desk(token, Arc::new(clock)));
    tokio::time::advance(Duration::from_secs(3723)).await;
    let request = request.uri(format!("http://localhost:8484{path}"));
    let request = request.body(Body::empty()).unwrap();
    routes.oneshot(request).await.unwrap()
}

/// A desk with a bit of everything on it.
fn desk(token: AuthState, clock: Arc<dyn Clock>) -> Desk {
    let settings = Settings {
        open_reasons: true,
        registry: Arc::new(Registry::default()),
        warm: Board::of(asked_in_advance()),
        journal: journal(&clock),
        tasks: Tasks::new(),
        clock,
    };
    Desk::over(Arc::new(MadeUp(token)), settings)
}

/// An hour after the start, with a site that has no token.
pub(crate) fn overview() -> Status {
    let start = Timestamp::UNIX_EPOCH;
    let mut status = desk(failed(), Arc::new(Still(start))).overview();
    status.now = start + jiff::SignedDuration::from_secs(3723);
    status.uptime_seconds = 3723;
    status.history = history();
    status
}

/// A clock that stands still.
#[derive(Debug)]
struct Still(Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Two looks, with a gap between.
fn history() -> Vec<Minute> {
    let minute = |minute: i64, from_cache, fetched| Minute {
        at: Timestamp::from_second(minute * 60).unwrap(),
        seen: Seen {
            from_cache,
            fetched,
            failed: 1,
            busy: Duration::from_millis(30_500),
            queue: 4,
            covered: Duration::from_mins(1),
        },
    };
    vec![minute(58, 7, 2), minute(61, 1000, 0)]
}

/// A hit, an answer that was cut, and a request for a path that nobody knows.
fn journal(clock: &Arc<dyn Clock>) -> Journal {
    let journal = Journal::new(Arc::clone(clock));
    let hit = Finished {
        method: "GET",
        shape: Some("Users?$filter=Name eq ?".into()),
        is_question: true,
        site: Some("main".into()),
        set: Some("Users".into()),
        status: Some(200),
        outcome: Some("hit"),
        from_cache: true,
        rows: 3,
        bytes: 1536,
        duration: Duration::from_millis(2),
        ended: Ended::Complete,
        error: None,
    };
    journal.write(Finished {
        shape: Some("Sessions?$orderby=<b>".into()),
        outcome: Some("miss"),
        from_cache: false,
        duration: Duration::from_secs(75),
        ended: Ended::Cut,
        error: Some("upstream is <away>".to_owned()),
        ..hit.clone()
    });
    journal.write(Finished {
        method: "POST",
        shape: None,
        is_question: false,
        site: None,
        set: None,
        status: None,
        outcome: None,
        from_cache: false,
        ended: Ended::ClientGone,
        ..hit.clone()
    });
    journal.write(hit);
    journal
}

async fn body(response: Response) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

async fn get(path: &str) -> String {
    exchange(Method::GET, path, AuthState::None).await
}

fn failed() -> AuthState {
    AuthState::Failed {
        explanation: "The client secret was refused. Enter a new one.".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn alive() {
    assert_eq!(get("/healthz").await, "200\nok\n");
}

#[tokio::test(start_paused = true)]
async fn ready_unless_a_token_failed() {
    insta::assert_snapshot!(get("/readyz").await, @r#"
    200
    {"ready":true,"sites":{"lab":{"ready":true},"main":{"ready":true}}}
    "#);
    let found = exchange(Method::GET, "/readyz", failed()).await;
    insta::assert_snapshot!(found, @r#"
    503
    {"ready":false,"sites":{"lab":{"ready":false,"reason":"The client secret was refused. Enter a new one."},"main":{"ready":true}}}
    "#);
}

#[tokio::test(start_paused = true)]
#[expect(clippy::too_many_lines, reason = "each metric has its line")]
async fn metrics_show_levels_and_counts() {
    let found = get("/metrics").await;
    let is_sample = |line: &&str| !line.starts_with('#');
    let mut levels: Vec<&str> = found.lines().filter(is_sample).collect();
    levels.sort_unstable();
    insta::assert_snapshot!(levels.join("\n"), @r#"
    200
    auth_token_remaining_seconds{site="lab"} 0
    auth_token_remaining_seconds{site="main"} 3000
    auth_token_requests_total{site="lab"} 2
    auth_token_requests_total{site="main"} 2
    build_info{version="0.1.0"} 1
    cache_disk_entries 45000
    cache_disk_failures_total 6
    cache_disk_size_bytes 4000000000
    cache_entries 12
    cache_evictions_total 7
    cache_fills 2
    cache_recalls_total 5
    cache_refreshes_total{result="failed"} 3
    cache_refreshes_total{result="ok"} 37
    cache_size_bytes 3000000
    gateway_scan_rows{site="lab"} 0
    gateway_scan_rows{site="main"} 824000
    gateway_scans{site="lab"} 0
    gateway_scans{site="main"} 2
    process_start_time_seconds 0
    site_ready{site="lab"} 1
    site_ready{site="main"} 1
    upstream_busy_seconds_total{site="lab"} 1800.25
    upstream_busy_seconds_total{site="main"} 1800.25
    upstream_grants_total{site="lab",class="background"} 10
    upstream_grants_total{site="lab",class="interactive"} 11
    upstream_grants_total{site="lab",class="metadata"} 8
    upstream_grants_total{site="lab",class="scan"} 4
    upstream_grants_total{site="main",class="background"} 10
    upstream_grants_total{site="main",class="interactive"} 11
    upstream_grants_total{site="main",class="metadata"} 8
    upstream_grants_total{site="main",class="scan"} 4
    upstream_in_flight{site="lab"} 1
    upstream_in_flight{site="main"} 1
    upstream_level{site="lab"} 1
    upstream_level{site="main"} 1
    upstream_paused_seconds_total{site="lab"} 75.5
    upstream_paused_seconds_total{site="main"} 75.5
    upstream_queue_oldest_seconds{site="lab"} 40
    upstream_queue_oldest_seconds{site="main"} 40
    upstream_queued{site="lab",class="background"} 1
    upstream_queued{site="lab",class="interactive"} 1
    upstream_queued{site="lab",class="metadata"} 1
    upstream_queued{site="lab",class="scan"} 1
    upstream_queued{site="main",class="background"} 1
    upstream_queued{site="main",class="interactive"} 1
    upstream_queued{site="main",class="metadata"} 1
    upstream_queued{site="main",class="scan"} 1
    upstream_requests_total{site="lab",status_class="1xx"} 0
    upstream_requests_total{site="lab",status_class="2xx"} 70
    upstream_requests_total{site="lab",status_class="3xx"} 0
    upstream_requests_total{site="lab",status_class="4xx"} 6
    upstream_requests_total{site="lab",status_class="5xx"} 1
    upstream_requests_total{site="main",status_class="1xx"} 0
    upstream_requests_total{site="main",status_class="2xx"} 70
    upstream_requests_total{site="main",status_class="3xx"} 0
    upstream_requests_total{site="main",status_class="4xx"} 6
    upstream_requests_total{site="main",status_class="5xx"} 1
    upstream_retries_total{site="lab"} 9
    upstream_retries_total{site="main"} 9
    upstream_throttled_total{site="lab"} 4
    upstream_throttled_total{site="main"} 4
    upstream_unanswered_total{site="lab"} 5
    upstream_unanswered_total{site="main"} 5
    "#);
}

#[tokio::test(start_paused = true)]
async fn metrics_come_in_the_format_that_is_asked_for() {
    let open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let plain = "text/plain; version=0.0.4; charset=utf-8";
    for (accept, expected) in [
        (None, plain),
        (Some("*/*"), plain),
        (Some("text/plain;version=0.0.4"), plain),
        (Some("text/plain, application/openmetrics-text;q=0"), plain),
        (Some("application/openmetrics-text"), open),
        (
            Some("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2,*/*;q=0.1"),
            open,
        ),
    ] {
        let request = accept
            .into_iter()
            .fold(Request::get("/"), |request, value| {
                request.header("accept", value)
            });
        let response = answered(request, "/metrics", AuthState::None).await;
        let content_type = response.headers()["content-type"].clone();
        assert_eq!(content_type, expected, "{accept:?}");
        let text = body(response).await;
        assert_eq!(text.ends_with("\n# EOF\n"), expected == open, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn plain_metrics_have_types_and_names_that_prometheus_knows() {
    let found = get("/metrics").await;
    let heads: Vec<&str> = found
        .lines()
        .filter(|line| line.starts_with('#') && !line.contains("cache_"))
        .collect();
    insta::assert_snapshot!(heads.join("\n"), @r"
    # HELP build_info The program.
    # TYPE build_info gauge
    # HELP process_start_time_seconds When the program started, in seconds since 1970.
    # TYPE process_start_time_seconds gauge
    # HELP site_ready 1 when answers can be expected, as /readyz says; else 0.
    # TYPE site_ready gauge
    # HELP upstream_in_flight Queries that upstream works on.
    # TYPE upstream_in_flight gauge
    # HELP upstream_level Queries that may be in flight now.
    # TYPE upstream_level gauge
    # HELP upstream_queued Requests that wait for their turn.
    # TYPE upstream_queued gauge
    # HELP upstream_queue_oldest_seconds How long the request has waited that came first.
    # TYPE upstream_queue_oldest_seconds gauge
    # HELP auth_token_remaining_seconds Time until the token expires; 0 without a token.
    # TYPE auth_token_remaining_seconds gauge
    # HELP upstream_grants_total Turns that were given out.
    # TYPE upstream_grants_total counter
    # HELP upstream_paused_seconds_total Time in which no query was sent because upstream wanted a pause.
    # TYPE upstream_paused_seconds_total counter
    # HELP upstream_busy_seconds_total Time in which upstream worked on at least one query.
    # TYPE upstream_busy_seconds_total counter
    # HELP gateway_scans Collections that are being read.
    # TYPE gateway_scans gauge
    # HELP gateway_scan_rows Rows that they have so far.
    # TYPE gateway_scan_rows gauge
    # HELP upstream_requests_total Data requests that were answered.
    # TYPE upstream_requests_total counter
    # HELP upstream_unanswered_total Data requests without a whole answer.
    # TYPE upstream_unanswered_total counter
    # HELP upstream_retries_total Attempts that repeated a failed one.
    # TYPE upstream_retries_total counter
    # HELP upstream_throttled_total Answers with status 429 or 503.
    # TYPE upstream_throttled_total counter
    # HELP auth_token_requests_total Requests for a token.
    # TYPE auth_token_requests_total counter
    ");
}

#[tokio::test(start_paused = true)]
async fn status_is_json() {
    let found = exchange(Method::GET, "/api/status", failed()).await;
    insta::assert_snapshot!(found, @r#"
    200
    {"version":"0.1.0","now":"1970-01-01T01:02:03Z","started":"1970-01-01T00:00:00Z","uptime_seconds":3723,"cache":{"entries":12,"bytes":3000000,"fills":2,"disk_entries":45000,"disk_bytes":4000000000,"stored_total":12,"stored":[{"site":"main","set":"Sessions","shape":"Sessions?$filter=Id lt ?","representation":null,"page_size":null,"rows":412000,"bytes":20971520,"text_bytes":209715200,"fetched_at":"1970-01-01T00:00:00Z","age_seconds":10,"state":"fresh","failure":null,"fresh_seconds":289,"hits":1234,"pages":413,"upstream_seconds":62.345,"place":"memory"},{"site":"main","set":"Machines","shape":"Machines","representation":null,"page_size":null,"rows":412000,"bytes":20971520,"text_bytes":209715200,"fetched_at":"1970-01-01T00:00:00Z","age_seconds":420,"state":"refreshing","failure":null,"fresh_seconds":-120,"hits":1234,"pages":413,"upstream_seconds":62.345,"place":"memory"},{"site":"lab","set":"Users","shape":"Users","representation":"full","page_size":100,"rows":412000,"bytes":20971520,"text_bytes":209715200,"fetched_at":"1970-01-01T00:00:00Z","age_seconds":420,"state":"stale","failure":null,"fresh_seconds":-120,"hits":1234,"pages":413,"upstream_seconds":62.345,"place":"memory"},{"site":"main","set":"Catalogs","shape":"Catalogs","representation":null,"page_size":null,"rows":412000,"bytes":20971520,"text_bytes":209715200,"fetched_at":"1970-01-01T00:00:00Z","age_seconds":420,"state":"failed","failure":"no <row> & more","fresh_seconds":-120,"hits":1234,"pages":413,"upstream_seconds":62.345,"place":"memory"},{"site":"main","set":null,"shape":"","representation":null,"page_size":null,"rows":412000,"bytes":20971520,"text_bytes":209715200,"fetched_at":"1970-01-01T00:00:00Z","age_seconds":420,"state":"expired","failure":null,"fresh_seconds":-120,"hits":1234,"pages":413,"upstream_seconds":62.345,"place":"memory"}],"sets_total":7,"sets":[{"site":"lab","set":"<i>&\"'","answers":{"total":13,"fresh":0,"refreshing":0,"failed":0,"stale":12,"expired":1},"rows":412000,"bytes":41943040,"age_seconds":10,"idle_seconds":5,"upstream_seconds":62.345,"hits":2468},{"site":"main","set":null,"answers":{"total":0,"fresh":0,"refreshing":0,"failed":0,"stale":0,"expired":0},"rows":412000,"bytes":41943040,"age_seconds":10,"idle_seconds":5,"upstream_seconds":62.345,"hits":2468},{"site":"main","set":"Catalogs","answers":{"total":1,"fresh":0,"refreshing":0,"failed":1,"stale":0,"expired":0},"rows":412000,"bytes":41943040,"age_seconds":10,"idle_seconds":5,"upstream_seconds":62.345,"hits":2468},{"site":"main","set":"Sessions","answers":{"total":2,"fresh":1,"refreshing":1,"failed":0,"stale":0,"expired":0},"rows":412000,"bytes":41943040,"age_seconds":10,"idle_seconds":5,"upstream_seconds":62.345,"hits":2468}]},"sites":[{"site":"lab","default":false,"endpoint":"https://api.cloud.com/monitorodata","token":{"state":"failed","explanation":"The client secret was refused. Enter a new one."},"lane":{"level":1,"maximum":3,"in_flight":1,"paused_seconds":30,"waiting":[{"position":1,"class":"metadata","what":"$metadata","seconds":1},{"position":2,"class":"interactive","what":"Users(…)","seconds":2},{"position":3,"class":"scan","what":"Sessions","seconds":40},{"position":4,"class":"background","what":"<b>","seconds":3}]},"last_error":{"at":"1970-01-01T00:00:00Z","message":"no <row> of `Users` & more"}},{"site":"main","default":true,"endpoint":"https://api.cloud.com/monitorodata","token":{"state":"valid","remaining_seconds":3000},"lane":{"level":1,"maximum":3,"in_flight":1,"paused_seconds":30,"waiting":[{"position":1,"class":"metadata","what":"$metadata","seconds":1},{"position":2,"class":"interactive","what":"Users(…)","seconds":2},{"position":3,"class":"scan","what":"Sessions","seconds":40},{"position":4,"class":"background","what":"<b>","seconds":3}]},"last_error":{"at":"1970-01-01T00:00:00Z","message":"no <row> of `Users` & more"}}],"scans":[{"site":"main","set":"Sessions","shape":"Sessions?$filter=Id lt ?&$select=Id","way":"range","rows":412000,"pages":413,"rows_per_second":6200,"expected_rows":2000000,"seconds_left":256,"clients":2,"seconds":66},{"site":"main","set":"Users","shape":"Users?$filter=Id lt ?&$select=Id","way":null,"rows":412000,"pages":413,"rows_per_second":6200,"expected_rows":null,"seconds_left":null,"clients":1,"seconds":66}],"warm":[{"site":"main","shape":"Users?$filter=Id lt ?","running":false,"next":"1970-01-02T06:00:00Z","last":{"at":"1970-01-01T00:00:00Z","result":"stored","seconds":75,"rows":900,"error":null}},{"site":"main","shape":"Machines","running":false,"next":"1970-01-02T06:00:00Z","last":{"at":"1970-01-01T00:00:00Z","result":"not_kept","seconds":75,"rows":7,"error":null}},{"site":"main","shape":"Catalogs","running":false,"next":"1970-01-02T06:00:00Z","last":{"at":"1970-01-01T00:00:00Z","result":"underway","seconds":75,"rows":null,"error":null}},{"site":"main","shape":"Sessions","running":false,"next":"1970-01-02T06:00:00Z","last":{"at":"1970-01-01T00:00:00Z","result":"failed","seconds":75,"rows":null,"error":"busy & <late>"}},{"site":"main","shape":"$metadata","running":true,"next":"1970-01-02T06:00:00Z","last":null}],"recent":[{"number":3,"at":"1969-12-31T23:59:59Z","method":"GET","shape":"Users?$filter=Name eq ?","site":"main","set":"Users","status":200,"outcome":"hit","rows":3,"bytes":1536,"milliseconds":2,"ended":"complete","error":null},{"number":2,"at":"1969-12-31T23:59:59Z","method":"POST","shape":null,"site":null,"set":null,"status":null,"outcome":null,"rows":3,"bytes":1536,"milliseconds":2,"ended":"client-gone","error":null},{"number":1,"at":"1969-12-31T23:58:45Z","method":"GET","shape":"Sessions?$orderby=<b>","site":"main","set":"Users","status":200,"outcome":"miss","rows":3,"bytes":1536,"milliseconds":75000,"ended":"cut","error":"upstream is <away>"}],"history":[]}
    "#);
}

#[test]
fn the_page_looks_again_while_something_is_under_way() {
    let busy = |fills: u64, change: fn(&mut LaneStatus)| {
        let mut gateway = MadeUp(AuthState::None).status();
        gateway.fills = fills;
        gateway.scans.clear();
        for site in &mut gateway.sites {
            (site.lane.in_flight, site.lane.waiting) = (0, Vec::new());
            change(&mut site.lane);
        }
        let stored = StoredAnswers::default();
        let at = Timestamp::UNIX_EPOCH;
        Status::new(&gateway, &stored, None, at, at).is_busy()
    };
    assert!(!busy(0, |_| {}));
    assert!(busy(1, |_| {}));
    assert!(busy(0, |lane| lane.in_flight = 1));
    assert!(busy(0, |lane| lane.waiting = self::lane().waiting));
}

#[tokio::test(start_paused = true)]
async fn purging_needs_a_post() {
    let post = async |path| exchange(Method::POST, path, AuthState::None).await;
    let path = "/api/cache/purge";
    assert_eq!(get(path).await, "405\n");
    assert_eq!(post(path).await, "200\n{\"purged\":12}");
    let path = "/api/cache/purge?site=main&set=Sessions";
    assert_eq!(post(path).await, "200\n{\"purged\":3}");
    assert!(
        post("/api/cache/purge?site=mian")
            .await
            .starts_with("404\n")
    );
}

#[tokio::test(start_paused = true)]
async fn refreshing_needs_a_post_and_begins_what_is_not_begun_yet() {
    let clock = Arc::new(FollowingClock::starting_at(Timestamp::UNIX_EPOCH));
    let desk = desk(AuthState::None, clock);
    let answered = async |request: http::request::Builder, path: &str| {
        let request = request.uri(format!("http://localhost:8484{path}"));
        let request = request.body(Body::empty()).unwrap();
        let response = router(desk.clone()).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        format!("{status} {}", body(response).await)
    };
    let path = "/api/cache/refresh";
    let main = "/api/cache/refresh?site=main&set=Users";
    let tasks = &desk.shared.settings.tasks;
    let post = || Request::builder().method(Method::POST);
    for (request, path, expected) in [
        (Request::builder(), path, "405 "),
        (post(), "/api/cache/refresh?site=mian", "404 "),
        (post(), "/api/cache/refresh?sets=Users", "400 "),
        (post(), "/api/cache/refresh?site=main&set=", "400 "),
    ] {
        assert_eq!(answered(request, path).await, expected, "{path}");
        assert!(tasks.names().is_empty());
    }
    let begun = async |path| answered(post(), path).await;
    assert_eq!(begun(main).await, "200 {\"begun\":3}");
    assert_eq!(begun(main).await, "200 {\"begun\":0}", "all are listed");
    assert_eq!(
        begun(path).await,
        "200 {\"begun\":0}",
        "of the default site"
    );
    let lab = "/api/cache/refresh?site=lab";
    assert_eq!(begun(lab).await, "200 {\"begun\":3}");
    // One after the other for each site, a minute each.
    assert_eq!(tasks.names(), ["refresh", "refresh"]);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(begun(main).await, "200 {\"begun\":1}", "the first is made");
    // What is forgotten is not made anew, but for what is being made: so `main` is done after three, as `lab` is.
    let purged = begun("/api/cache/purge?site=main&set=users").await;
    assert_eq!(purged, "200 {\"purged\":3}");
    tokio::time::sleep(Duration::from_secs(118)).await;
    assert_eq!(tasks.names(), ["refresh", "refresh"]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(tasks.names().is_empty());
}
