//! Tokens: one for all, renewed in time, and never asked for in vain.

use std::collections::BTreeSet;
use std::time::Duration;

use citrix_odata_proxy::demo::{BadClient, ExpiresIn, Fault, FaultKind, Knobs};
use futures_util::future::{join, join_all};
use http::Method;
use tokio::time::sleep;

use crate::world::{World, small};

#[tokio::test(start_paused = true)]
async fn fifty_cold_questions_ask_for_one_token() {
    let world = World::new(small(), "");
    let paths = (0..50).map(|skip| format!("/Sessions?$top=1&$skip={skip}"));
    let answers = join_all(paths.map(async |path| world.ask(&path).await)).await;
    assert!(answers.iter().all(|answer| answer.rows().len() == 1));
    assert_eq!(world.simulator.stats().token_requests, 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_in_a_walk_is_renewed_before() {
    for (lifetime, latency) in [(60, 15), (30, 14), (10, 4)] {
        let knobs = Knobs {
            token_lifetime: Duration::from_secs(lifetime),
            latency: Duration::from_secs(latency),
            ..small()
        };
        let world = World::new(knobs, "");
        let truth = world.rows_of("/Sessions").await;
        assert_eq!(world.ask("/Sessions").await.rows(), truth);
        let stats = world.simulator.stats();
        assert!(stats.tokens_issued > 1, "{lifetime}");
        assert!(
            stats.tokens_issued <= 12,
            "{lifetime}: {}",
            stats.tokens_issued
        );
        assert_eq!(
            world.answered_with(401),
            0,
            "{lifetime}: an expired token was sent"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_revoked_in_a_walk_is_replaced_once() {
    let knobs = Knobs {
        latency: Duration::from_secs(5),
        ..small()
    };
    let world = World::new(knobs, "");
    let truth = world.rows_of("/Sessions").await;
    let revoke = async {
        sleep(Duration::from_secs(12)).await;
        world.simulator.revoke_tokens();
    };
    let (answer, ()) = join(world.ask("/Sessions"), revoke).await;
    assert_eq!(answer.rows(), truth);
    assert_eq!(world.answered_with(401), 1);
    assert_eq!(world.simulator.stats().token_requests, 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_once_is_replaced_once() {
    for page in [1, 3, 6] {
        let fault = Fault::on_page("Sessions", page, FaultKind::Unauthorized);
        let world = World::with_fault(small(), "", fault);
        assert_eq!(world.ask("/Sessions").await.rows().len(), 110);
        assert_eq!(world.simulator.stats().token_requests, 2, "page {page}");
    }
}

/// Asks once a second for a minute; returns how many answers were complete.
async fn insist(world: &World, error: &str) -> usize {
    let mut complete = 0;
    for _ in 0..60 {
        let answer = world.ask("/Users?$top=1").await;
        if answer.status == 200 {
            complete += 1;
        } else {
            assert_eq!(answer.error(), error);
        }
        sleep(Duration::from_secs(1)).await;
    }
    complete
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_everyones_error_and_not_tried_all_the_time() {
    for bad_client in [BadClient::Ok, BadClient::Unauthorized] {
        let knobs = Knobs {
            bad_client,
            ..small()
        };
        let world = World::new(knobs, "sites.main.client_secret = 'wrong-secret'");
        let answers = join_all((0..50).map(|_| world.ask("/Sessions"))).await;
        for answer in answers {
            assert_eq!(answer.error(), "502 UpstreamCredentials");
            let text = answer.text();
            assert!(
                text.contains("secret") && !text.contains("wrong-secret"),
                "{text}"
            );
        }
        assert_eq!(world.simulator.stats().token_requests, 1);
        assert_eq!(insist(&world, "502 UpstreamCredentials").await, 0);
        let requests = world.simulator.stats().token_requests;
        assert!((3..=8).contains(&requests), "{requests} in a minute");
        assert_eq!(world.pages_asked(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_refuses_all_tokens_is_not_asked_for_more_all_the_time() {
    let fault = "kind=unauthorized,times=always".parse().unwrap();
    let world = World::with_fault(small(), "", fault);
    assert_eq!(insist(&world, "502 UpstreamCredentials").await, 0);
    let requests = world.simulator.stats().token_requests;
    assert!((2..=10).contains(&requests), "{requests} in a minute");
    world.simulator.script(Vec::new());
    sleep(Duration::from_mins(2)).await;
    assert_eq!(world.ask("/Users?$top=1").await.rows().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_endpoint_in_trouble_is_waited_for() {
    for (kind, for_good) in [
        ("status,status=500", "503 UpstreamUnavailable"),
        ("status,status=503,retry-after=2", "503 UpstreamUnavailable"),
        ("throttled", "503 UpstreamBusy"),
        ("hang", "504 UpstreamTimeout"),
        ("html", "502 UpstreamCredentials"),
        ("malformed", "502 UpstreamCredentials"),
        ("forbidden", "502 UpstreamCredentials"),
    ] {
        let fault = format!("set=token,kind={kind},times=always");
        let settings = "sites.main.upstream.retry_budget = '90s'";
        let world = World::with_fault(small(), settings, fault.parse().unwrap());
        assert_eq!(world.ask("/Sessions").await.error(), for_good, "{kind}");
        let requests = world.simulator.stats().token_requests;
        assert!(requests <= 30, "{kind}: {requests} in 90 seconds");
        world.simulator.script(Vec::new());
        sleep(Duration::from_mins(2)).await;
        assert_eq!(world.ask("/Sessions").await.rows().len(), 110, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn lifetimes_are_understood_in_every_form() {
    for expires_in in [ExpiresIn::Text, ExpiresIn::Number, ExpiresIn::Absent] {
        let knobs = Knobs {
            expires_in,
            ..small()
        };
        let world = World::new(knobs, "");
        for _ in 0..18 {
            assert_eq!(world.ask("/Users?$top=1").await.rows().len(), 1);
            sleep(Duration::from_mins(10)).await;
        }
        let stats = world.simulator.stats();
        assert!(
            (3..=18).contains(&stats.tokens_issued),
            "{expires_in:?} {}",
            stats.tokens_issued
        );
        if expires_in != ExpiresIn::Absent {
            assert_eq!(world.answered_with(401), 0, "{expires_in:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn secrets_may_hold_any_letter_and_are_shown_nowhere() {
    let secret = "p&s+w=/%ü €\"'<>#?;s3cr3t";
    let knobs = Knobs {
        client_secret: secret.to_owned(),
        ..small()
    };
    let world = World::new(knobs, "");
    assert_eq!(world.ask("/Users?$top=1").await.rows().len(), 1);
    assert_eq!(world.ask("/Users?$filter=Nonsense").await.status, 400);
    let token = world.sent()[1].headers["authorization"]
        .to_str()
        .unwrap()
        .to_owned();
    let (_, token) = token.split_once('=').unwrap();
    for path in [
        "/",
        "/api/status",
        "/metrics",
        "/healthz",
        "/readyz",
        "/monitorodata",
        "/x",
    ] {
        let text = world.get(path).await.text();
        assert!(!text.contains("s3cr3t") && !text.contains(token), "{path}");
    }
    let debug = format!("{:?}", world.app);
    assert!(!debug.contains("s3cr3t") && !debug.contains(token));
}

#[tokio::test(start_paused = true)]
async fn nothing_of_the_clients_goes_upstream_and_nothing_of_ours_elsewhere() {
    let fault = "page=2,kind=foreign-host,times=always".parse().unwrap();
    let world = World::with_fault(small(), "", fault);
    let headers = [
        ("authorization", "Basic dXNlcjpwYXNz"),
        ("cookie", "a=b"),
        ("proxy-authorization", "Basic eA=="),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("referer", "http://localhost:8484/"),
        ("connection", "keep-alive"),
        ("te", "trailers"),
        ("citrix-customerid", "somebody"),
        ("user-agent", "Microsoft.Data.Mashup"),
        ("if-none-match", "\"x\""),
        ("range", "bytes=0-5"),
        ("prefer", "respond-async"),
    ];
    world
        .request(Method::GET, "/monitorodata/Sessions", &headers)
        .await;
    let sent = world.sent();
    assert_eq!(sent.len(), 3, "a token and two pages");
    assert!(sent.iter().all(|sent| sent.host == "citrix.test"));
    let names: BTreeSet<&str> = sent[1..]
        .iter()
        .flat_map(|sent| sent.headers.keys().map(http::HeaderName::as_str))
        .collect();
    let ours = [
        "accept",
        "authorization",
        "citrix-customerid",
        "citrix-transactionid",
        "odata-maxversion",
    ];
    assert_eq!(names, BTreeSet::from(ours));
    let customer = &sent[1].headers["citrix-customerid"];
    assert_eq!(customer, "nordhafen");
}
