//! Connections that are closed as soon as they come, told in the log: not each, or whoever opens them would fill it.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Tells of connections that are turned away.
#[derive(Debug, Default)]
pub(super) struct Teller(Mutex<Tally>);

/// How many have not been told of yet.
#[derive(Debug, Default)]
struct Tally {
    told: Option<Instant>,
    untold: u64,
}

impl Teller {
    /// A connection of `client` is turned away, because its address has its share.
    pub(super) fn note(&self, client: IpAddr) {
        let mut tally = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(connections) = tally.one_more(Instant::now()) else {
            return;
        };
        drop(tally);
        tracing::warn!(
            last_client = %client,
            connections,
            "connections of clients that have their share of them (`server.limits.connections_per_address`) are closed at once; \
             a reverse proxy on another machine needs a larger share"
        );
    }
}

impl Tally {
    /// How many there are to tell of, when it is time for that: at the first one, and then once in [`SILENCE`].
    fn one_more(&mut self, now: Instant) -> Option<u64> {
        self.untold += 1;
        let is_time = |told| now.duration_since(told) >= SILENCE;
        self.told.is_none_or(is_time).then(|| {
            self.told = Some(now);
            std::mem::take(&mut self.untold)
        })
    }
}

/// How long they are only counted.
const SILENCE: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_is_told_of_and_then_how_many_there_were_in_a_minute() {
        let mut tally = Tally::default();
        let mut told = Vec::new();
        for second in 0..150_u64 {
            told.extend(tally.one_more(Instant::now()).map(|count| (second, count)));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(told, [(0, 1), (60, 60), (120, 60)]);
    }
}
