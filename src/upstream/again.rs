//! Between two attempts: what a failure calls for, and the wait for the next turn.

use std::time::Duration;

use super::heavy::{gave_up, is_of_its_size, named};
use super::lane::{Entered, NotEntered, Throttle, Visitor};
use super::retry::{Attempt, Decision, Failure, attempts_max, decide, own_pause, patience_left};
use super::transaction::jitter;
use super::verdict::{Passing, busy};
use super::{FetchError, Pass, RetryBudget, Upstream};

/// An attempt that failed, and how.
pub(super) struct FailedAttempt<'a> {
    pub(super) passing: Passing,
    /// How long it took.
    pub(super) after: Duration,
    /// How much of it was charged to the budget.
    pub(super) charged: Duration,
    pub(super) transaction: &'a str,
    /// Whether the asker has a smaller query.
    pub(super) divisible: bool,
}

impl Upstream {
    /// Waits before the next attempt, or says that there is none. `pass` is given back when the lane is paused, if
    /// it has to be; then it is there that the request waits.
    pub(super) async fn pause(
        &self,
        failed: FailedAttempt<'_>,
        budget: &mut RetryBudget,
        pass: Option<Pass>,
    ) -> Result<(), FetchError> {
        let FailedAttempt {
            passing,
            after,
            charged,
            transaction,
            divisible,
        } = failed;
        let of_query = !passing.at_token;
        let failure = if of_query {
            named(passing.failure, after)
        } else {
            passing.failure
        };
        let passing = Passing { failure, ..passing };
        let divisible = divisible && of_query;
        budget.failed_by(
            failure,
            charged,
            !(divisible && is_of_its_size(failure, after)),
        );
        let attempts = budget.attempts();
        let too_heavy = divisible && gave_up(failure, after);
        // Before anything is decided by what is left of the budget.
        if too_heavy && budget.pages() > 0 {
            budget.forgive(failure, charged);
        }
        let lane_pause = pass
            .as_ref()
            .filter(|_| failure.is_throttling())
            .map(|pass| {
                pass.throttled(Throttle {
                    too_many: of_query && failure == Failure::Status(429),
                    asked: passing.asked_pause,
                    jitter: jitter(),
                })
            });
        let attempt = Attempt {
            failure,
            alike: budget.alike(failure),
            spent: budget.spent(),
            out_of_reach: budget.out_of_reach(),
            budget: budget.total(),
            pages: budget.pages(),
            // A smaller query is another one: there is no reason to wait longer and longer before it.
            pause: lane_pause.unwrap_or_else(|| {
                own_pause(failure, if too_heavy { 1 } else { attempts }, jitter())
            }),
        };
        let timeout = self.inner.settings.page_timeout;
        let Decision::Retry { after: pause } = decide(&attempt) else {
            tracing::debug!(?failure, attempts, %transaction, "upstream request given up");
            return Err(passing.into_error(budget.ledger(), timeout));
        };
        tell(
            &attempt,
            attempts,
            passing.cause.as_deref(),
            too_heavy,
            transaction,
        );
        drop(pass);
        if lane_pause.is_none() {
            budget.pause(failure, pause);
            tokio::time::sleep(pause).await;
        }
        if too_heavy {
            let cause = passing.into_error(budget.ledger(), timeout);
            return Err(FetchError::TooHeavy(Box::new(cause)));
        }
        Ok(())
    }
}

/// One line in the log about an attempt that is not the last.
fn tell(attempt: &Attempt, attempts: u32, cause: Option<&str>, too_heavy: bool, transaction: &str) {
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    tracing::warn!(
        failure = ?attempt.failure,
        cause,
        attempts,
        attempts_max = attempts_max(attempt.failure),
        pause_ms = millis(attempt.pause),
        left_ms = millis(patience_left(attempt).saturating_sub(attempt.pause)),
        too_heavy,
        %transaction,
        "upstream request failed, trying again"
    );
}

/// Waits for a turn. While the lane is paused, that is charged to the budget.
pub(super) async fn enter(
    visitor: &mut Visitor,
    budget: &mut RetryBudget,
) -> Result<Pass, FetchError> {
    match visitor.enter(budget.left()).await {
        Ok(Entered { pass, held }) => {
            budget.held(held);
            Ok(pass)
        }
        Err(NotEntered::Full { queued }) => Err(FetchError::QueueFull { queued }),
        Err(NotEntered::Impatient { held, paused_for }) => {
            budget.held(held);
            Err(busy(budget.ledger(), paused_for))
        }
    }
}
