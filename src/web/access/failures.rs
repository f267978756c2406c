//! How often a client may guess.
//!
//! Nobody guesses a random key; what this bounds is the noise: a client with an old key that tries for ever, and a log that
//! somebody else fills.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::time::Instant;

use super::client::{CLIENTS_MAX, counted};
use crate::web::problem::Problem;

/// Wrong keys, by client.
#[derive(Debug)]
pub(super) struct Failures(Cache<IpAddr, Arc<Mutex<Window>>>);

/// Wrong keys of one client within [`WINDOW`].
#[derive(Debug)]
struct Window {
    began: Instant,
    wrong: u32,
}

impl Default for Failures {
    fn default() -> Self {
        let builder = Cache::builder().max_capacity(CLIENTS_MAX);
        Self(builder.eviction_policy(EvictionPolicy::lru()).build())
    }
}

impl Failures {
    /// Refuses a client that has had too many wrong keys, whatever it presents now.
    pub(super) fn may_try(&self, client: Option<IpAddr>) -> Result<(), Problem> {
        let Some(window) = self.0.get(&counted(client)) else {
            return Ok(());
        };
        let Some(left) = lock(&window).pause_left(Instant::now()) else {
            return Ok(());
        };
        let message = format!(
            "Too many requests from this address had a wrong access key. Correct the key, and try again in {left} s; \
             until then no key from there is looked at."
        );
        Err(Problem {
            retry_after: Some(left),
            ..Problem::new(StatusCode::TOO_MANY_REQUESTS, "AccessKey", message)
        })
    }

    /// Counts a wrong key, and warns of the first and of the last.
    pub(super) fn note(&self, client: Option<IpAddr>) {
        let now = Instant::now();
        let fresh = || {
            Arc::new(Mutex::new(Window {
                began: now,
                wrong: 0,
            }))
        };
        let window = self.0.get_with(counted(client), fresh);
        let wrong = lock(&window).count(now);
        let client = client.map(tracing::field::display);
        match wrong {
            1 => tracing::warn!(client, "a request has an access key that is not known"),
            WRONG_MAX => tracing::warn!(
                client,
                wrong,
                "too many access keys that are not known: no key from this address is looked at for a minute"
            ),
            _ => {}
        }
    }
}

impl Window {
    /// One more; how many there are now. The last one begins a whole window of pause.
    fn count(&mut self, now: Instant) -> u32 {
        if now.duration_since(self.began) >= WINDOW {
            self.began = now;
            self.wrong = 0;
        }
        self.wrong += 1;
        if self.wrong >= WRONG_MAX {
            self.began = now;
        }
        self.wrong
    }

    /// Whole seconds until keys are looked at again, at least one; `None` when they are.
    fn pause_left(&self, now: Instant) -> Option<u64> {
        let left = WINDOW.checked_sub(now.duration_since(self.began))?;
        (self.wrong >= WRONG_MAX && !left.is_zero()).then(|| left.as_secs() + 1)
    }
}

fn lock(window: &Mutex<Window>) -> MutexGuard<'_, Window> {
    window.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So many wrong keys within [`WINDOW`] bring a pause of the same length.
const WRONG_MAX: u32 = 10;

const WINDOW: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const ONE: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    const OTHER: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)));

    #[tokio::test(start_paused = true)]
    async fn the_tenth_wrong_key_of_a_client_brings_a_pause_for_it_alone() {
        let failures = Failures::default();
        for _ in 0..WRONG_MAX {
            assert!(failures.may_try(ONE).is_ok());
            failures.note(ONE);
        }
        let problem = failures.may_try(ONE).unwrap_err();
        assert_eq!(
            (problem.status.as_u16(), problem.retry_after),
            (429, Some(61))
        );
        assert!(failures.may_try(OTHER).is_ok());
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(failures.may_try(ONE).unwrap_err().retry_after, Some(2));
        tokio::time::advance(Duration::from_secs(1)).await;
        failures.note(ONE);
        assert!(failures.may_try(ONE).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn wrong_keys_far_apart_are_forgiven() {
        let failures = Failures::default();
        for _ in 0..5 {
            for _ in 1..WRONG_MAX {
                failures.note(ONE);
                assert!(failures.may_try(ONE).is_ok());
            }
            tokio::time::advance(WINDOW).await;
        }
    }
}
