//! Checks against answers from a script.

use std::num::NonZeroUsize;
use std::sync::Arc;

use insta::assert_snapshot;
use secrecy::SecretString;

use super::*;
use crate::auth::{self, Authorizer};
use crate::check::line;
use crate::clock::FollowingClock;
use crate::tasks::Tasks;
use crate::transport::scripted::{Reply, Scripted};
use crate::upstream::{Lane, LaneSettings, Settings};

async fn check(host: &str, tokens: Vec<Reply>, data: Vec<Reply>) -> Report {
    let tasks = Tasks::new();
    let transport: Arc<dyn Transport> = Arc::new(Scripted::new(tokens, data));
    let clock: Arc<dyn Clock> = Arc::new(FollowingClock::starting_at(
        "2026-03-02T08:00:00Z".parse().unwrap(),
    ));
    let endpoint: Url = format!("https://{host}/monitorodata").parse().unwrap();
    let token_url: Url = format!("https://{host}/cctrustoauth2/acme/tokens/clients")
        .parse()
        .unwrap();
    let credentials = auth::Settings {
        token_url: token_url.clone(),
        customer_id: "acme".to_owned(),
        client_id: "id".to_owned(),
        client_secret: SecretString::from("secret"),
        timeout: Duration::from_secs(30),
    };
    let authorizer = Authorizer::new(
        credentials,
        Arc::clone(&transport),
        Arc::clone(&clock),
        &tasks,
    );
    let lane = Lane::new(LaneSettings {
        concurrency: NonZeroUsize::MIN,
        queue_limit: 9,
    });
    let settings = Settings {
        service_root: endpoint.clone(),
        page_timeout: Duration::from_mins(1),
        page_bytes_max: 100_000,
    };
    let upstream = Upstream::new(settings, authorizer, Arc::new(lane), Arc::clone(&transport));
    let target = CheckTarget {
        site: "main".to_owned(),
        settings: Origin::Environment,
        endpoint,
        token_url,
        proxy: None,
    };
    let mut told = Vec::new();
    let mut tell = |step: &Step| told.push(step.name);
    let report = run(&target, &upstream, &*transport, &*clock, &mut tell).await;
    let steps: Vec<&str> = report.steps.iter().map(|step| step.name).collect();
    assert_eq!(told, steps, "each step is told as it comes");
    report
}

fn text(report: &Report) -> String {
    let steps = report.steps.iter();
    steps.map(|step| line("main", step) + "\n").collect()
}

fn greeting(date: &str) -> Reply {
    Reply::new(401, "").header("date", date)
}

fn answers() -> [Reply; 3] {
    [
        Reply::new(
            200,
            r#"{"value":[{"name":"Alerts","kind":"EntitySet","url":"Alerts"},{"name":"Machines","kind":"EntitySet","url":"Machines"},{"name":"F","kind":"FunctionImport","url":"F"}]}"#,
        ),
        Reply::new(200, "<?xml version=\"1.0\"?><edmx:Edmx/>"),
        Reply::new(200, r#"{"value":[{"Id":1}]}"#),
    ]
}

#[tokio::test(start_paused = true)]
async fn all_is_well() {
    let mut data = vec![greeting("Mon, 02 Mar 2026 08:00:03 GMT")];
    data.extend(answers());
    let report = check("127.0.0.1", vec![], data).await;
    assert!(report.ok());
    assert_snapshot!(text(&report), @r"
    main: ok      settings         read from the environment; there is no settings file (0 ms)
    main: ok      proxy            none; connections go straight to the service (0 ms)
    main: ok      dns              127.0.0.1 is 127.0.0.1 (0 ms)
    main: ok      connection       https://127.0.0.1 answers (0 ms)
    main: ok      clock            3 s behind the service (0 ms)
    main: ok      token            a token for the next 59 minutes (0 ms)
    main: ok      service document 2 entity sets (0 ms)
    main: ok      $metadata        33 bytes (0 ms)
    main: ok      one row          1 of Machines (0 ms)
    ");
}

#[tokio::test(start_paused = true)]
async fn wrong_secret_stops_what_builds_on_it() {
    let tokens = vec![Reply::new(200, r#"{"error":"invalid_client"}"#)];
    let report = check("127.0.0.1", tokens, vec![Reply::new(401, "")]).await;
    assert!(!report.ok());
    assert_snapshot!(text(&report), @r"
    main: ok      settings         read from the environment; there is no settings file (0 ms)
    main: ok      proxy            none; connections go straight to the service (0 ms)
    main: ok      dns              127.0.0.1 is 127.0.0.1 (0 ms)
    main: ok      connection       https://127.0.0.1 answers (0 ms)
    main: ok      clock            the service does not say what time it is (0 ms)
    main: failed  token            Citrix Cloud refused the API client: invalid_client. Check the client id and the client secret. The secret may have expired, or belong to another client: make a new one in Citrix Cloud under Identity and Access Management, API Access.
    main: skipped service document not tried, because token failed
    main: skipped $metadata        not tried, because token failed
    main: skipped one row          not tried, because token failed
    ");
}

#[tokio::test(start_paused = true)]
async fn wrong_clock_is_told_and_the_rest_goes_on() {
    let mut data = vec![greeting("Mon, 02 Mar 2026 09:00:00 GMT")];
    data.extend(answers());
    let report = check("127.0.0.1", vec![], data).await;
    let failed: Vec<_> = report
        .steps
        .iter()
        .filter(|step| step.outcome != Outcome::Ok)
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].detail, "3600 s behind the service");
}

#[tokio::test]
async fn unknown_host_stops_everything() {
    let report = check("no-such-host.invalid", vec![], vec![]).await;
    assert_eq!(report.steps[2].outcome, Outcome::Failed);
    assert!(
        report.steps[3..]
            .iter()
            .all(|step| step.outcome == Outcome::Skipped)
    );
    assert_eq!(report.steps.len(), 9);
}

#[tokio::test(start_paused = true)]
async fn missing_role_is_told_at_the_service_document() {
    let report = check(
        "127.0.0.1",
        vec![],
        vec![Reply::new(401, ""), Reply::new(403, "")],
    )
    .await;
    let step = &report.steps[6];
    assert_eq!(step.outcome, Outcome::Failed);
    let remedy = step.remedy.as_deref().unwrap();
    assert!(remedy.contains("Read Only Administrator"), "{remedy}");
}
