//! How long a query takes, and when the service gives it up.

use std::time::Duration;

use super::fault::FaultKind;
use super::knobs::{Knobs, TimeLimitShape};
use super::question::Question;
use super::reply::Reply;

/// What a query costs, as far as that is known before its rows are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Latency, skipped rows and faults.
    base: Duration,
    row_cost: Duration,
    limit: Option<Duration>,
    shape: TimeLimitShape,
}

impl Effort {
    pub(crate) fn of(knobs: &Knobs, question: &Question) -> Self {
        let slower = match question.fault {
            Some(FaultKind::Slow(more)) => more,
            _ => Duration::ZERO,
        };
        Self {
            base: knobs
                .latency
                .saturating_add(cost(knobs.skip_cost, question.skip))
                .saturating_add(slower),
            row_cost: knobs.row_cost,
            limit: knobs.time_limit,
            shape: knobs.time_limit_shape,
        }
    }

    /// What the query gets, and how long after its arrival: its answer, unless that would come too late.
    pub(crate) fn of_reply(self, mut reply: Reply) -> (Reply, Duration) {
        let length = self.base.saturating_add(cost(self.row_cost, reply.rows));
        let Some(limit) = self.limit.filter(|limit| length > *limit) else {
            return (reply, length);
        };
        let given_up = match self.shape {
            TimeLimitShape::GatewayTimeout => Reply::status(504, None),
            TimeLimitShape::InternalError => Reply::status(500, None),
            TimeLimitShape::Cut => {
                reply.cut = Some(reply.body.len() / 2);
                reply
            }
        };
        (given_up, limit)
    }
}

fn cost(each: Duration, rows: u64) -> Duration {
    each.saturating_mul(u32::try_from(rows).unwrap_or(u32::MAX))
}
