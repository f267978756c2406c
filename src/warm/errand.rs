//! One new answer that nobody waits for: made, logged, counted.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::metrics::{Metrics, Outcome, Why};
use crate::gateway::{Ask, Gateway, Made, Refreshed, SharedError};
use crate::odata::name::SiteId;
use crate::odata::shape::shape;
use crate::telemetry;

/// Has answers made. Clones share the counts.
#[derive(Debug, Clone)]
pub(super) struct Errands {
    gateway: Gateway,
    metrics: Arc<Metrics>,
}

/// How one ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// What came of it.
    pub(super) what: What,
    /// How long it took, its waiting for turns included.
    pub(super) took: Duration,
}

/// What came of one.
#[derive(Debug)]
pub(super) enum What {
    /// A new answer was made.
    Made(Made),
    /// Somebody has the answer made already.
    Underway,
    /// There is no new answer.
    Failed(SharedError),
}

impl Errands {
    pub(super) fn new(gateway: Gateway, metrics: Metrics) -> Self {
        Self {
            gateway,
            metrics: Arc::new(metrics),
        }
    }

    /// Has a new answer to `ask` made, and waits for its end.
    pub(super) async fn run(&self, site: &SiteId, ask: Ask, why: Why) -> Ended {
        let (began, shape) = (Instant::now(), shape(&ask.question));
        let refreshed = self.gateway.refresh(site, ask).await;
        let took = began.elapsed();
        let what = match refreshed {
            Ok(Refreshed::Made(made)) => {
                let outcome = if made.kept {
                    Outcome::Ok
                } else {
                    Outcome::NotKept
                };
                self.metrics.count(site, why, outcome);
                tell(site, &shape, why, made, took);
                What::Made(made)
            }
            Ok(Refreshed::Underway) => {
                tracing::debug!(site = %site, what = shape, why = why.name(), "is being made already");
                What::Underway
            }
            // Told and counted when it went wrong.
            Ok(Refreshed::InVain(error)) => What::Failed(error),
            Err(error) => {
                self.metrics.count(site, why, Outcome::Failed);
                tracing::warn!(
                    site = %site,
                    what = shape,
                    why = why.name(),
                    error = telemetry::chain(error.as_ref()),
                    seconds = took.as_secs(),
                    "could not be made before anybody asks",
                );
                What::Failed(error)
            }
        };
        Ended { what, took }
    }
}

fn tell(site: &SiteId, what: &str, why: Why, made: Made, took: Duration) {
    let (reason, rows, seconds) = (why.name(), made.rows, took.as_secs());
    match (made.kept, why) {
        (true, Why::Schedule) => {
            tracing::info!(site = %site, what, why = reason, rows, seconds, "made before anybody asks");
        }
        // There may be many, at any time.
        (true, Why::Ahead) => {
            tracing::debug!(site = %site, what, why = reason, rows, seconds, "made before it is stale");
        }
        (false, _) => tracing::warn!(
            site = %site,
            what,
            why = reason,
            rows,
            seconds,
            "made in vain: it is too large for `cache.memory` and `cache.disk`, its `ttl` is 0, or it was purged meanwhile",
        ),
    }
}
