//! How fast one client of another machine may ask: a bucket of tokens for each, as one number (GCRA).

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::time::Instant;

use super::client::{CLIENTS_MAX, counted};
use crate::address::is_this_machine;
use crate::web::problem::Problem;
use crate::web::refusal::Refusal;

/// The pace of all clients.
#[derive(Debug)]
pub(super) struct Pace {
    /// Nanoseconds that one request takes up.
    interval: u64,
    began: Instant,
    /// For each client, the moment at which its bucket is full again, in nanoseconds since `began`.
    full_at: Cache<IpAddr, Arc<AtomicU64>>,
    /// Clients whose refusals were told of a short while ago.
    told_of: Cache<IpAddr, ()>,
}

impl Pace {
    /// So many requests in a second, and ten seconds' worth of them at once.
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        let builder = Cache::builder().max_capacity(CLIENTS_MAX);
        Self {
            interval: SECOND / u64::from(per_second.get()),
            began: Instant::now(),
            full_at: builder.eviction_policy(EvictionPolicy::lru()).build(),
            told_of: Cache::builder()
                .max_capacity(CLIENTS_MAX)
                .time_to_live(SILENCE)
                .build(),
        }
    }

    /// Counts a request. This machine is exempt: it is the user's own, or that of a reverse proxy that speaks for many.
    pub(super) fn admit(&self, client: Option<IpAddr>) -> Result<(), Problem> {
        let Some(client) = client.filter(|ip| !is_this_machine(*ip)) else {
            return Ok(());
        };
        let now = nanos(self.began.elapsed());
        let bucket = self
            .full_at
            .get_with(counted(Some(client)), Arc::<AtomicU64>::default);
        let taken = bucket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
            take(full_at, now, self.interval).ok()
        });
        match taken {
            Ok(_) => Ok(()),
            Err(full_at) => {
                self.tell_of(client);
                let wait = take(full_at, now, self.interval).err().unwrap_or_default();
                Err(too_many(wait.div_ceil(SECOND).max(1)))
            }
        }
    }

    /// In the log, once in a while for each client.
    fn tell_of(&self, client: IpAddr) {
        if self
            .told_of
            .entry(counted(Some(client)))
            .or_insert(())
            .is_fresh()
        {
            tracing::warn!(
                %client,
                "a client sends requests faster than `server.limits.requests_per_second` allows: those beyond are refused"
            );
        }
    }
}

/// Takes one request's share out of a bucket that is full at `full_at`: when it is full then, or how long to wait. All in
/// nanoseconds.
fn take(full_at: u64, now: u64, interval: u64) -> Result<u64, u64> {
    let full_at = full_at.max(now).saturating_add(interval);
    match full_at.saturating_sub(now).checked_sub(BURST) {
        None | Some(0) => Ok(full_at),
        Some(wait) => Err(wait),
    }
}

fn too_many(seconds: u64) -> Problem {
    let message = format!(
        "This client sends requests faster than it may (`server.limits.requests_per_second`). Send them more slowly, or \
         try again in {seconds} s."
    );
    Problem {
        retry_after: Some(seconds),
        refusal: Some(Refusal::Pace),
        ..Problem::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

const SECOND: u64 = 1_000_000_000;

/// How long further refusals of a client are not worth a line of their own.
const SILENCE: Duration = Duration::from_mins(1);

/// How much may come at once.
const BURST: u64 = 10 * SECOND;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills() {
        let interval = SECOND / 2;
        for (full_at, now, expected) in [
            (0, 0, Ok(interval)),
            (0, 5 * SECOND, Ok(5 * SECOND + interval)),
            (BURST - interval, 0, Ok(BURST)),
            (BURST, 0, Err(interval)),
            (BURST, SECOND, Ok(BURST + interval)),
            (u64::MAX, 0, Err(u64::MAX - BURST)),
        ] {
            assert_eq!(take(full_at, now, interval), expected, "{full_at} {now}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_has_ten_seconds_worth_at_once_and_then_its_pace() {
        let pace = Pace::new(NonZeroU32::new(20).unwrap());
        let client = |host| Some(IpAddr::from([192, 0, 2, host]));
        let count = |host| {
            (0..1000)
                .filter(|_| pace.admit(client(host)).is_ok())
                .count()
        };
        assert_eq!(count(1), 200);
        let problem = pace.admit(client(1)).unwrap_err();
        assert_eq!(
            (&*problem.code, problem.retry_after),
            ("TooManyRequests", Some(1))
        );
        assert_eq!(count(2), 200);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(count(1), 40);
        for local in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            let local = Some(local.parse().unwrap());
            assert!((0..1000).all(|_| pace.admit(local).is_ok()));
        }
        assert!((0..1000).all(|_| pace.admit(None).is_ok()));
    }
}
