//! Whole answers from a scripted service: what is asked, and what becomes of odd answers.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use secrecy::SecretString;

use super::*;
use crate::auth::{self, Authorizer};
use crate::cache::{self, Lifetime};
use crate::clock::FollowingClock;
use crate::odata::deny::DenyList;
use crate::tasks::Tasks;
use crate::telemetry;
use crate::transport::Transport;
use crate::transport::scripted::{Reply, Scripted};
use crate::upstream::{self, Lane, LaneSettings, Upstream};

/// Machines, and sessions on them.
const METADATA: &str = r#"<Edmx xmlns="http://docs.oasis-open.org/odata/ns/edmx"><DataServices>
    <Schema Namespace="M" xmlns="http://docs.oasis-open.org/odata/ns/edm">
    <EntityType Name="Machine"><Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.Int32"/>
        <NavigationProperty Name="S" Type="Collection(M.Session)"/></EntityType>
    <EntityType Name="Session"><Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.Int32"/></EntityType>
    <EntityContainer Name="C"><EntitySet Name="Machines" EntityType="M.Machine"/>
        <EntitySet Name="Sessions" EntityType="M.Session"/></EntityContainer>
    </Schema></DataServices></Edmx>"#;

/// Asks `question` of a service that gives `bodies` one after the other. Returns the body or the error, and what
/// the service was asked, decoded, below its root.
async fn exchange(question: &str, bodies: &[&str]) -> (Result<String, String>, Vec<String>) {
    let tasks = Tasks::new();
    let reply = |body: &&str| match body.split_once(' ') {
        Some(("404", _)) => Reply::new(404, "{}"),
        _ => Reply::new(200, (*body).to_owned()),
    };
    let scripted = Arc::new(Scripted::new([], bodies.iter().map(reply)));
    let transport: Arc<dyn Transport> = Arc::<Scripted>::clone(&scripted);
    let start = "2026-03-02T08:00:00Z".parse().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(FollowingClock::starting_at(start));
    let gateway = gateway(&transport, &clock, &tasks, RangeRules::none());
    let (path, query) = question.split_once('?').unwrap_or((question, ""));
    let ask = Ask {
        question: Question::parse(path, Some(query)).unwrap().into(),
        representation: Representation::default(),
        page_size: None,
        directives: Directives::default(),
        party: Party::default(),
    };
    let body = read(&gateway, ask).await;
    let sent = scripted.data_requests();
    let asked = sent.iter().map(|sent| {
        let target = sent.request.uri().path_and_query().unwrap().as_str();
        let target = percent_decode_str(target).decode_utf8().unwrap();
        target
            .strip_prefix("/monitorodata")
            .unwrap()
            .trim_start_matches('/')
            .to_owned()
    });
    (body, asked.collect())
}

/// A gateway to one site, `main`, of a service behind `transport`.
pub(super) fn gateway(
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
    tasks: &Tasks,
    ranges: RangeRules,
) -> Gateway {
    let credentials = auth::Settings {
        token_url: "https://api.cloud.com/cctrustoauth2/acme/tokens/clients"
            .parse()
            .unwrap(),
        customer_id: "acme".to_owned(),
        client_id: "id".to_owned(),
        client_secret: SecretString::from("secret"),
        timeout: Duration::from_secs(30),
    };
    let authorizer = Authorizer::new(credentials, Arc::clone(transport), Arc::clone(clock), tasks);
    let lane = Lane::new(LaneSettings {
        concurrency: NonZeroUsize::MIN,
        queue_limit: 256,
    });
    let settings = upstream::Settings {
        service_root: "https://api.cloud.com/monitorodata".parse().unwrap(),
        page_timeout: Duration::from_mins(1),
        page_bytes_max: 1_000_000,
    };
    let upstream = Upstream::new(settings, authorizer, Arc::new(lane), Arc::clone(transport));
    let deny = DenyList::new(&[] as &[&str]).unwrap();
    let site = Site::new(
        SiteId::new("main").unwrap(),
        upstream,
        deny,
        Duration::from_mins(1),
        ranges,
    );
    let settings = cache::Settings {
        memory: 1_000_000,
        spool: None,
        shelf: None,
    };
    let cache = Cache::new(settings, Arc::clone(clock), tasks.clone());
    let minute = Duration::from_mins(1);
    let lifetime = Lifetime {
        fresh: minute,
        ..Lifetime::default()
    };
    let lifetimes = Lifetimes::new(minute, lifetime, &[]).unwrap();
    Gateway::new([site], cache, lifetimes, Arc::clone(clock))
}

/// The body that answers `ask`, or how it fails.
pub(super) async fn read(gateway: &Gateway, ask: Ask) -> Result<String, String> {
    let site = SiteId::new("main").unwrap();
    let told = |error: &SharedError| telemetry::chain(error.as_ref());
    let answer = gateway
        .answer(&site, ask)
        .await
        .map_err(|unanswered| told(&unanswered.error))?;
    let AnswerBody::Live(mut reader) = answer.body else {
        return Err("stored".to_owned());
    };
    let root = Bytes::from_static(b"http://l/m");
    let mut body = Vec::new();
    while let Some(segment) = reader.next().await {
        let segment = segment.map_err(|error| format!("cut: {}", told(&error)))?;
        body.extend_from_slice(&segment.text.to_bytes(&root));
    }
    Ok(String::from_utf8(body).unwrap())
}

/// What is read, and what was asked for it.
async fn check(question: &str, bodies: &[&str], expected: &str, asked: &[&str]) {
    let (body, really_asked) = exchange(question, bodies).await;
    assert_eq!(body.as_deref(), Ok(expected), "{question}");
    assert_eq!(really_asked, asked, "{question}");
}

/// How the answer fails.
async fn check_fails(question: &str, bodies: &[&str], expected: &str) {
    let (body, _) = exchange(question, bodies).await;
    let error = body.unwrap_err();
    assert!(error.contains(expected), "{question}: {error}");
}

#[tokio::test(start_paused = true)]
async fn what_only_looks_like_an_answer_is_none() {
    let unusable = "no rows where a collection was asked for";
    for (bodies, expected) in [
        (
            [r#"{"error":{"code":"x","message":"y"}}"#; 3],
            "an error in place of data",
        ),
        ([r#"{"statusCode":429,"message":"busy"}"#; 3], unusable),
        (
            [r#"{"value":[{}],"@odata.nextLink":{}}"#; 3],
            "a next link that cannot be read",
        ),
        (
            [r#"{"value":[{}],"error":{}}"#; 3],
            "an error in place of data",
        ),
    ] {
        check_fails("Machines", &bodies, expected).await;
    }
    let bodies = [r#"{"@odata.count":20.5,"value":[]}"#];
    check_fails("Machines/$count", &bodies, "a count that is no number").await;
}

#[tokio::test(start_paused = true)]
async fn a_page_that_made_no_sense_is_asked_for_again() {
    check(
        "Machines",
        &[r#"{"statusCode":429}"#, r#"{"value":[{"Id":1}]}"#],
        r#"{"value":[{"Id":1}]}"#,
        &["Machines", "Machines"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_top_that_upstream_caps_without_a_link_is_looked_behind() {
    let hundred = |first: u64| {
        let rows = (first..first + 100).map(|id| format!(r#"{{"Id":{id}}}"#));
        format!(r#"{{"value":[{}]}}"#, rows.collect::<Vec<_>>().join(","))
    };
    let bodies = [
        hundred(0),
        hundred(100),
        r#"{"value":[{"Id":200}]}"#.to_owned(),
    ];
    let (body, asked) = exchange("Machines?$top=250", &bodies.each_ref().map(String::as_str)).await;
    let body = body.unwrap();
    assert_eq!(body.matches("Id").count(), 201);
    assert!(body.ends_with(r#"{"Id":199},{"Id":200}]}"#));
    let expected = [
        "Machines?$top=250",
        "Machines?$skip=100&$top=150",
        "Machines?$skip=200&$top=50",
    ];
    assert_eq!(asked, expected);
}

#[tokio::test(start_paused = true)]
async fn a_cut_expand_is_completed_by_its_link() {
    check(
        "Machines?$expand=S($filter=Id gt 0)",
        &[
            r#"{"value":[{"Id":1,"S":[{"Id":1}],"S@odata.nextLink":"https://api.cloud.com/monitorodata/Machines(1)/S?$filter=Id%20gt%200&$skip=1"}]}"#,
            r#"{"value":[{"Id":2}],"@odata.nextLink":"Machines(1)/S?$filter=Id%20gt%200&$skip=2"}"#,
            r#"{"value":[{"Id":3}]}"#,
        ],
        r#"{"value":[{"Id":1,"S":[{"Id":1},{"Id":2},{"Id":3}]}]}"#,
        &[
            "Machines?$expand=S($filter=Id gt 0)",
            "Machines(1)/S?$filter=Id gt 0&$skip=1",
            "Machines(1)/S?$filter=Id gt 0&$skip=2",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cut_expand_whose_link_is_refused_or_forgetful_is_asked_for_in_other_words() {
    for (link, refusals) in [
        (
            "Machines(1)/S?$filter=Id%20gt%200&$skip=1",
            &["404 refused"][..],
        ),
        ("Machines(1)/S?$skip=1", &[]),
    ] {
        let first =
            format!(r#"{{"value":[{{"Id":1,"S":[{{"Id":1}}],"S@odata.nextLink":"{link}"}}]}}"#);
        let mut bodies = vec![METADATA, first.as_str()];
        bodies.extend(refusals);
        bodies.push(
            r#"{"value":[{"Id":1,"S":[{"Id":2}],"S@odata.nextLink":"Machines(1)/S?$skip=2"}]}"#,
        );
        bodies.push(r#"{"value":[{"Id":1,"S":[{"Id":3}]}]}"#);
        // A key needs the schema first, so that it is not asked for in between.
        let (body, asked) =
            exchange_after_metadata("Machines?$expand=S($filter=Id gt 0)", &bodies).await;
        assert_eq!(
            body.unwrap(),
            r#"{"value":[{"Id":1,"S":[{"Id":1},{"Id":2},{"Id":3}]}]}"#,
            "{link}"
        );
        let last = "Machines?$expand=S($filter=Id gt 0;$skip=2)&$filter=Id eq 1&$select=Id";
        assert_eq!(asked.last().unwrap(), last, "{link}");
    }
}

/// The same, where the service is asked for `$metadata` at the moment when it is needed.
async fn exchange_after_metadata(
    question: &str,
    bodies: &[&str],
) -> (Result<String, String>, Vec<String>) {
    // The rows come first, then the refusal if there is one, then `$metadata`.
    let (metadata, rest) = bodies.split_first().unwrap();
    let refusals = rest
        .iter()
        .skip(1)
        .take_while(|body| body.starts_with("404"))
        .count();
    let mut order: Vec<&str> = rest[..=refusals].to_vec();
    order.push(metadata);
    order.extend(&rest[refusals + 1..]);
    exchange(question, &order).await
}

#[tokio::test(start_paused = true)]
async fn nested_links_that_lead_elsewhere_are_refused() {
    for (link, expected) in [
        ("Machines(1)/S?$skip=0", "back to a page already read"),
        (
            "Sessions?$skip=1",
            "does not lead to the collection that was cut",
        ),
        (
            "Machines(1)/Other?$skip=1",
            "does not lead to the collection that was cut",
        ),
        (
            "https://evil.example/x?$skip=1",
            "leads outside the service",
        ),
        (
            "Machines(1)/S?$filter=Id%20gt%205&$skip=1",
            "adds `$filter`",
        ),
    ] {
        let body =
            format!(r#"{{"value":[{{"Id":1,"S":[{{"Id":1}}],"S@odata.nextLink":"{link}"}}]}}"#);
        check_fails("Machines?$expand=S", &[&body], expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_is_found_behind_an_empty_page() {
    check(
        "Machines(1)",
        &[
            METADATA,
            r#"{"value":[],"@odata.nextLink":"Machines?$filter=Id%20eq%201&$skip=10"}"#,
            r#"{"value":[{"Id":1}]}"#,
        ],
        r#"{"Id":1}"#,
        &[
            "$metadata",
            "Machines?$filter=Id eq 1",
            "Machines?$filter=Id eq 1&$skip=10",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn metadata_that_was_asked_for_before_a_purge_is_not_learnt_after_it() {
    let old = METADATA.replace("Machines", "Hosts");
    let slow = |body: &str| Reply::new(200, body.to_owned()).after(Duration::from_secs(10));
    let replies = [slow(&old), slow(METADATA)];
    let transport: Arc<dyn Transport> = Arc::new(Scripted::new([], replies));
    let (tasks, start) = (Tasks::new(), "2026-03-02T08:00:00Z".parse().unwrap());
    let clock: Arc<dyn Clock> = Arc::new(FollowingClock::starting_at(start));
    let gateway = gateway(&transport, &clock, &tasks, RangeRules::none());
    let site = Arc::clone(gateway.sites.values().next().unwrap());
    let purges = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        gateway.purge(Which::default()).await;
    };
    let (schema, ()) = tokio::join!(gateway.schema(&site), purges);
    assert!(schema.unwrap().set("Machines").is_some());
    let (learnt, _) = site.schema().unwrap();
    assert!(learnt.set("Machines").is_some() && learnt.set("Hosts").is_none());
}
