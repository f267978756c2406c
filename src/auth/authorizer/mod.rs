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
mod tests;
