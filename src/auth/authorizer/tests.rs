//! Tokens over time, with a scripted token endpoint.

use futures_util::future::join_all;
use jiff::Timestamp;
use secrecy::SecretString;

use super::*;
use crate::clock::FollowingClock;
use crate::transport::TransportFault;
use crate::transport::scripted::{Reply, Scripted, token};

const SECRET: &str = "p&s+w=/%ü ";

/// Tokio's time plus leaps that it knows nothing of.
#[derive(Debug)]
struct LeapingClock {
    following: FollowingClock,
    leap: Mutex<Duration>,
}

impl Clock for LeapingClock {
    fn now(&self) -> Timestamp {
        self.following.now() + *self.leap.lock().unwrap()
    }
}

struct Bench {
    authorizer: Authorizer,
    transport: Arc<Scripted>,
    clock: Arc<LeapingClock>,
    tasks: Tasks,
}

fn bench(tokens: impl IntoIterator<Item = Reply>) -> Bench {
    let transport = Arc::new(Scripted::new(tokens, []));
    let clock = Arc::new(LeapingClock {
        following: FollowingClock::starting_at("2026-03-02T08:00:00Z".parse().unwrap()),
        leap: Mutex::default(),
    });
    let tasks = Tasks::new();
    let settings = Settings {
        token_url: "https://api.cloud.com/cctrustoauth2/acme/tokens/clients"
            .parse()
            .unwrap(),
        customer_id: "acme".to_owned(),
        client_id: "id".to_owned(),
        client_secret: SecretString::from(SECRET),
        timeout: Duration::from_secs(30),
    };
    let authorizer = Authorizer::new(
        settings,
        Arc::clone(&transport) as Arc<dyn Transport>,
        Arc::clone(&clock) as Arc<dyn Clock>,
        &tasks,
    );
    Bench {
        authorizer,
        transport,
        clock,
        tasks,
    }
}

impl Bench {
    async fn authorization(&self) -> String {
        let credentials = self.authorizer.credentials().await.unwrap();
        credentials.headers[0].1.to_str().unwrap().to_owned()
    }

    fn requests(&self) -> usize {
        self.transport.token_requests().len()
    }
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn fifty_askers_cause_one_request() {
    let bench = bench([token("a", 3600).after(Duration::from_secs(2))]);
    assert_eq!(bench.authorizer.state(), AuthState::None);
    let all = join_all((0..50).map(|_| bench.authorization())).await;
    assert!(all.iter().all(|value| value == "CwsAuth Bearer=a"));
    assert_eq!(bench.requests(), 1);
    let remaining = Duration::from_secs(3600 - 30 - 2);
    assert_eq!(bench.authorizer.state(), AuthState::Valid { remaining });
}

#[tokio::test(start_paused = true)]
async fn secret_arrives_intact_and_appears_nowhere_else() {
    let bench = bench([]);
    let credentials = bench.authorizer.credentials().await.unwrap();
    let sent = bench.transport.token_requests().remove(0);
    assert_eq!(
        sent.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    assert_eq!(sent.header("accept"), "application/json");
    let form: Vec<_> = url::form_urlencoded::parse(sent.request.body())
        .into_owned()
        .collect();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        form,
        [
            pair("grant_type", "client_credentials"),
            pair("client_id", "id"),
            pair("client_secret", SECRET),
        ]
    );
    assert_eq!(credentials.headers[1].0, "citrix-customerid");
    assert_eq!(credentials.headers[1].1, "acme");
    for text in [
        format!("{:?}", bench.authorizer),
        format!("{credentials:?}"),
    ] {
        assert!(!text.contains("p&s") && !text.contains("t1"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn used_token_is_renewed_ahead_of_time_and_an_unused_one_is_not() {
    let bench = bench([]);
    assert_eq!(bench.authorization().await, "CwsAuth Bearer=t1");
    pass(3600 - 360 + 1).await;
    assert_eq!(bench.requests(), 2, "renewed in the background");
    pass(3 * 3600).await;
    assert_eq!(bench.requests(), 2, "nobody used the second");
    assert_eq!(bench.authorizer.state(), AuthState::None);
    assert_eq!(bench.authorization().await, "CwsAuth Bearer=t3");
}

#[tokio::test(start_paused = true)]
async fn token_that_expired_while_the_machine_slept_is_not_handed_out() {
    let bench = bench([]);
    bench.authorization().await;
    *bench.clock.leap.lock().unwrap() = Duration::from_secs(3590);
    assert_eq!(bench.authorization().await, "CwsAuth Bearer=t2");
}

#[tokio::test(start_paused = true)]
async fn lives_of_seconds_work() {
    let bench = bench((1..9).map(|n| token(&format!("s{n}"), 2)));
    for _ in 0..100 {
        bench.authorization().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let requests = bench.requests();
    assert!((4..=6).contains(&requests), "{requests}");
}

#[tokio::test(start_paused = true)]
async fn only_the_rejected_token_is_dropped() {
    let bench = bench([]);
    let first = bench.authorizer.credentials().await.unwrap();
    bench.authorizer.accept(first.generation);
    for _ in 0..20 {
        bench.authorizer.reject(first.generation);
    }
    let all = join_all((0..20).map(|_| bench.authorizer.credentials())).await;
    let second = all[0].as_ref().unwrap().generation;
    assert_ne!(second, first.generation);
    bench.authorizer.reject(first.generation);
    assert_eq!(
        bench.authorizer.credentials().await.unwrap().generation,
        second
    );
    assert_eq!(bench.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_are_always_rejected_are_not_asked_for_in_a_row() {
    let bench = bench([]);
    let mut refused = 0;
    for _ in 0..600 {
        match bench.authorizer.credentials().await {
            Ok(credentials) => bench.authorizer.reject(credentials.generation),
            Err(TokenError::Rejected) => refused += 1,
            Err(other) => panic!("{other}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(bench.requests() <= 8, "{}", bench.requests());
    assert!(refused > 500, "{refused}");
}

#[tokio::test(start_paused = true)]
async fn failure_is_remembered_and_told_at_once() {
    let refused = Reply::new(200, r#"{"error":"invalid_client"}"#);
    let bench = bench([refused.clone(), refused]);
    let all = join_all((0..10).map(|_| bench.authorizer.credentials())).await;
    assert!(
        all.iter()
            .all(|one| matches!(one, Err(TokenError::Refused { .. })))
    );
    assert_eq!(bench.requests(), 1);
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert!(bench.authorizer.credentials().await.is_err());
    assert_eq!(bench.requests(), 1, "within the pause");
    assert!(matches!(bench.authorizer.state(), AuthState::Failed { .. }));
    pass(1).await;
    assert!(bench.authorizer.credentials().await.is_err());
    assert_eq!(bench.requests(), 2);
    pass(1).await;
    assert!(bench.authorizer.credentials().await.is_err());
    assert_eq!(bench.requests(), 2, "the pause has doubled");
    pass(1).await;
    assert_eq!(bench.authorization().await, "CwsAuth Bearer=t3");
}

#[tokio::test(start_paused = true)]
async fn failed_renewal_leaves_the_old_token_in_use() {
    let busy = Reply::new(503, "");
    let mut script = vec![token("a", 3600)];
    script.extend((0..6).map(|_| busy.clone()));
    let bench = bench(script);
    bench.authorization().await;
    pass(3600 - 360 + 3).await;
    assert_eq!(bench.requests(), 1 + 3, "three tries of one renewal");
    assert_eq!(bench.authorization().await, "CwsAuth Bearer=a");
    pass(30).await;
    assert_eq!(bench.authorization().await, "CwsAuth Bearer=t8");
}

#[tokio::test(start_paused = true)]
async fn busy_and_cut_answers_are_tried_again_and_timeouts_are_not() {
    let bench = bench([
        Reply::fault(TransportFault::Connect),
        token("a", 3600).cut(),
        token("b", 3600),
        token("c", 3600).after(Duration::from_secs(31)),
    ]);
    assert_eq!(bench.authorization().await, "CwsAuth Bearer=b");
    bench.authorizer.reject(1);
    let error = bench.authorizer.credentials().await.unwrap_err();
    assert!(matches!(error, TokenError::Timeout { .. }), "{error}");
    assert_eq!(bench.requests(), 4);
}

#[tokio::test(start_paused = true)]
async fn stopping_releases_those_who_wait() {
    let slow = token("a", 3600).after(Duration::from_secs(20));
    let bench = bench([slow]);
    let stop = bench.tasks.stop(Duration::from_secs(1));
    let (asked, _) = tokio::join!(bench.authorizer.credentials(), stop);
    assert!(matches!(asked, Err(TokenError::Stopping)));
}
