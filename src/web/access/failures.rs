//! How loud wrong keys may be.
//!
//! Nobody guesses a random key; what this bounds is the noise: a client with an old key that tries for ever, and warnings that
//! somebody else makes. It is asked about wrong keys alone. A right one is never refused for its address, which may be that
//! of a whole company behind a gateway.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::time::Instant;

use super::client::{CLIENTS_MAX, counted};
use crate::web::problem::Problem;
use crate::web::refusal::Refusal;

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
    /// Counts a wrong key, and warns of the first and of the last before a pause. During the pause it is neither counted nor
    /// warned of, but 429 with the seconds that are left.
    pub(super) fn note(&self, client: Option<IpAddr>) -> Result<(), Problem> {
        let now = Instant::now();
        let fresh = || {
            Arc::new(Mutex::new(Window {
                began: now,
                wrong: 0,
            }))
        };
        let window = self.0.get_with(counted(client), fresh);
        let wrong = lock(&window).count(now).map_err(too_many)?;
        let client = client.map(tracing::field::display);
        match wrong {
            1 => tracing::warn!(client, "a request has an access key that is not known"),
            WRONG_MAX => tracing::warn!(
                client,
                wrong,
                "too many access keys that are not known: no more of this address are warned of for a minute"
            ),
            _ => {}
        }
        Ok(())
    }
}

impl Window {
    /// One more; how many there are now, or, in a pause, the seconds that are left of it. The last one begins a whole window
    /// of pause.
    fn count(&mut self, now: Instant) -> Result<u32, u64> {
        if let Some(left) = self.pause_left(now) {
            return Err(left);
        }
        if now.duration_since(self.began) >= WINDOW {
            self.began = now;
            self.wrong = 0;
        }
        self.wrong += 1;
        if self.wrong >= WRONG_MAX {
            self.began = now;
        }
        Ok(self.wrong)
    }

    /// Whole seconds until the pause is over, at least one; `None` when there is none.
    fn pause_left(&self, now: Instant) -> Option<u64> {
        let left = WINDOW.checked_sub(now.duration_since(self.began))?;
        (self.wrong >= WRONG_MAX && !left.is_zero()).then(|| left.as_secs() + 1)
    }
}

fn too_many(seconds_left: u64) -> Problem {
    let message = format!(
        "The access key is not known here, and too many requests from this address had such a key. Correct it: a key that \
         is known is answered at once. Do not send this one again before {seconds_left} s have passed."
    );
    Problem {
        retry_after: Some(seconds_left),
        refusal: Some(Refusal::TooManyWrongKeys),
        ..Problem::new(StatusCode::TOO_MANY_REQUESTS, "AccessKey", message)
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
            assert!(failures.note(ONE).is_ok());
        }
        let problem = failures.note(ONE).unwrap_err();
        assert_eq!(
            (problem.status.as_u16(), problem.retry_after),
            (429, Some(61))
        );
        assert!(failures.note(OTHER).is_ok());
        tokio::time::advance(Duration::from_secs(59)).await;
        // Those in between did not make it longer.
        assert_eq!(failures.note(ONE).unwrap_err().retry_after, Some(2));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(failures.note(ONE).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn wrong_keys_far_apart_are_forgiven() {
        let failures = Failures::default();
        for _ in 0..5 {
            for _ in 1..WRONG_MAX {
                assert!(failures.note(ONE).is_ok());
            }
            tokio::time::advance(WINDOW).await;
        }
    }
}
