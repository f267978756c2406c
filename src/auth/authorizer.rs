//! One token for all who ask, renewed by one background task.
//!
//! Those who ask look at the shared state under a short lock. When they find no usable token they say so,
//! and wait for the task's next result. The task alone talks to the token endpoint, so there is one request
//! at a time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::blackout::{BLACKED, black_out};
use super::endpoint::Endpoint;
use super::lifetime::{Lifetime, Moment};
use super::response::Issued;
use super::{AuthState, Credentials, Settings, TokenError};
use crate::clock::Clock;
use crate::tasks::Tasks;
use crate::transport::Transport;

/// Hands out the headers that make a data request ours; clones share one token.
#[derive(Debug, Clone)]
pub struct Authorizer {
    shared: Arc<Shared>,
    /// Counts the task's results; closed when the task has ended.
    results: watch::Receiver<u64>,
}

impl Authorizer {
    /// Starts the task; asks for no token before one is needed. Call inside a tokio runtime.
    pub fn new(
        settings: Settings,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> Self {
        let shared = Arc::new(Shared {
            endpoint: Endpoint {
                settings,
                transport,
                requests: AtomicU64::new(0),
            },
            clock,
            state: Mutex::new(State::default()),
            wake: Notify::new(),
        });
        let (sender, results) = watch::channel(0);
        tasks.spawn("token", renew_forever(Arc::clone(&shared), sender));
        Self { shared, results }
    }

    /// The headers for a request that is sent now: at once when there is a usable token or a recent failure,
    /// else after the next answer of the token endpoint.
    pub async fn credentials(&self) -> Result<Credentials, TokenError> {
        let mut results = self.results.clone();
        let asked_after = *results.borrow_and_update();
        loop {
            match self.shared.try_credentials(asked_after) {
                Attempt::Ready(result) => return result,
                Attempt::Wait => {}
            }
            if results.changed().await.is_err() {
                return Err(TokenError::Stopping);
            }
        }
    }

    /// The service refused the token of this `generation` (401). It is not handed out again. Saying so of an
    /// earlier token has no effect, so that many requests with one refused token cause one new token. When
    /// two tokens in a row are refused before either was accepted, the next is asked for after a pause only.
    pub fn reject(&self, generation: u64) {
        self.shared.lock().reject(generation, Instant::now());
    }

    /// The service took the token of this `generation`.
    pub fn accept(&self, generation: u64) {
        self.shared.lock().accept(generation);
    }

    /// The service's words without our credentials, should it quote them.
    pub fn black_out(&self, text: &str) -> String {
        let shared = &*self.shared;
        let text = black_out(text, &shared.endpoint.settings.client_secret);
        match shared.lock().token.as_ref().and_then(Token::bare) {
            Some(token) => text.replace(token, BLACKED),
            None => text,
        }
    }

    /// How it is doing, for status pages.
    pub fn state(&self) -> AuthState {
        let now = self.shared.now();
        let state = self.shared.lock();
        match (state.usable(now), &state.failure) {
            (Some(token), _) => AuthState::Valid {
                remaining: token.lifetime.remaining(now),
            },
            (None, Some(failure)) => AuthState::Failed {
                explanation: failure.error.explanation(),
            },
            (None, None) => AuthState::None,
        }
    }

    /// Requests to the token endpoint since the start.
    pub fn requests(&self) -> u64 {
        self.shared.endpoint.requests.load(Ordering::Relaxed)
    }
}

/// What the askers and the task share.
#[derive(Debug)]
struct Shared {
    endpoint: Endpoint,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Tells the task that the state has changed in a way that may be its business.
    wake: Notify,
}

enum Attempt {
    Ready(Result<Credentials, TokenError>),
    Wait,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        Moment {
            wall: self.clock.now(),
            steady: Instant::now(),
        }
    }

    /// `asked_after` is the result that was known when the asker came: it waits for a later one, or takes a
    /// failure that is being remembered.
    fn try_credentials(&self, asked_after: u64) -> Attempt {
        let now = self.now();
        let mut state = self.lock();
        if state.usable(now).is_some() {
            let Some(token) = &mut state.token else {
                return Attempt::Wait;
            };
            if !token.used || token.lifetime.renewal_due(now) {
                token.used = true;
                self.wake.notify_one();
            }
            return match self.credentials_of(token) {
                Ok(credentials) => Attempt::Ready(Ok(credentials)),
                Err(error) => Attempt::Ready(Err(error)),
            };
        }
        if let Some(failure) = &state.failure
            && (now.steady < failure.until || failure.result > asked_after)
        {
            return Attempt::Ready(Err(failure.error.clone()));
        }
        state.wanted = true;
        self.wake.notify_one();
        Attempt::Wait
    }

    fn credentials_of(&self, token: &Token) -> Result<Credentials, TokenError> {
        let customer = &self.endpoint.settings.customer_id;
        let customer = HeaderValue::from_str(customer).map_err(|_| TokenError::Refused {
            code: "customer id".to_owned(),
            description: Some("the customer id cannot be sent in a header".to_owned()),
        })?;
        Ok(Credentials {
            headers: vec![
                (http::header::AUTHORIZATION, token.authorization.clone()),
                (HeaderName::from_static("citrix-customerid"), customer),
            ],
            generation: token.generation,
        })
    }
}

/// What is known of the token. Changes are single steps under the lock.
#[derive(Debug, Default)]
struct State {
    token: Option<Token>,
    /// The generation of the last token issued.
    issued: u64,
    failure: Option<Failure>,
    /// Failed requests in a row.
    failures: u32,
    /// Tokens in a row that the service refused and had never accepted.
    rejections: u32,
    /// Somebody waits for a token.
    wanted: bool,
    /// Results so far.
    results: u64,
}

#[derive(Debug)]
struct Token {
    authorization: HeaderValue,
    generation: u64,
    lifetime: Lifetime,
    /// Somebody has taken it: worth renewing.
    used: bool,
    accepted: bool,
}

impl Token {
    /// The token without the scheme before it.
    fn bare(&self) -> Option<&str> {
        let (_, token) = self.authorization.to_str().ok()?.split_once('=')?;
        Some(token)
    }
}

#[derive(Debug)]
struct Failure {
    error: TokenError,
    /// Until then it is everyone's answer.
    until: Instant,
    /// Which result it is.
    result: u64,
}

/// When the task has to ask for a token.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    Now,
    At(Instant),
    WhenWoken,
}

impl State {
    fn usable(&self, now: Moment) -> Option<&Token> {
        self.token
            .as_ref()
            .filter(|token| token.lifetime.usable(now))
    }

    fn due(&self, now: Moment) -> Due {
        let wish = match self.usable(now) {
            Some(token) if !token.used => Due::WhenWoken,
            Some(token) if token.lifetime.renewal_due(now) => Due::Now,
            Some(token) => Due::At(token.lifetime.renewed_from()),
            None if self.wanted => Due::Now,
            None => Due::WhenWoken,
        };
        match &self.failure {
            Some(failure) if wish == Due::Now && now.steady < failure.until => {
                Due::At(failure.until)
            }
            _ => wish,
        }
    }

    /// Takes the result of a request that was begun at `asked`.
    fn record(&mut self, asked: Moment, now: Moment, result: Result<Issued, TokenError>) {
        self.results += 1;
        self.wanted = false;
        let result = result.and_then(|issued| {
            let lifetime = Lifetime::new(asked, issued.lifetime);
            if lifetime.usable(now) {
                Ok((issued.authorization, lifetime))
            } else {
                let reason = "a token that expired on its way";
                Err(TokenError::NotToken { reason })
            }
        });
        match result {
            Ok((authorization, lifetime)) => {
                self.issued += 1;
                self.failures = 0;
                self.failure = None;
                self.token = Some(Token {
                    authorization,
                    generation: self.issued,
                    lifetime,
                    used: false,
                    accepted: false,
                });
            }
            Err(error) => {
                self.failures += 1;
                self.fail(error, now.steady + back_off(self.failures));
            }
        }
    }

    fn fail(&mut self, error: TokenError, until: Instant) {
        self.failure = Some(Failure {
            error,
            until,
            result: self.results,
        });
    }

    fn accept(&mut self, generation: u64) {
        if let Some(token) = &mut self.token
            && token.generation == generation
        {
            token.accepted = true;
            self.rejections = 0;
        }
    }

    fn reject(&mut self, generation: u64, now: Instant) {
        let Some(token) = self.token.take_if(|token| token.generation == generation) else {
            return;
        };
        self.rejections = if token.accepted {
            1
        } else {
            self.rejections + 1
        };
        if self.rejections > 1 {
            self.fail(TokenError::Rejected, now + back_off(self.rejections - 1));
        }
    }
}

/// The task: asks for a token whenever one is due, and tells everyone about the result.
async fn renew_forever(shared: Arc<Shared>, results: watch::Sender<u64>) {
    loop {
        until_due(&shared).await;
        let asked = shared.now();
        let result = shared.endpoint.ask().await;
        let now = shared.now();
        match &result {
            Ok(issued) => tracing::debug!(lifetime = ?issued.lifetime, "new token"),
            Err(error) => tracing::warn!(error = %error.explanation(), "no token"),
        }
        let count = {
            let mut state = shared.lock();
            state.record(asked, now, result);
            state.results
        };
        results.send_replace(count);
    }
}

async fn until_due(shared: &Shared) {
    loop {
        let due = shared.lock().due(shared.now());
        let woken = shared.wake.notified();
        match due {
            Due::Now => return,
            Due::WhenWoken => woken.await,
            Due::At(moment) => {
                // Woken or not, the state is looked at again.
                let _ = tokio::time::timeout_at(moment, woken).await;
            }
        }
    }
}

/// The pause after so many failures in a row: 1 second, doubling to 60.
fn back_off(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(6);
    Duration::from_secs(1 << doublings).min(Duration::from_mins(1))
}

#[cfg(test)]
mod tests {
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
}
