//! The three clocks of an answer.

use std::time::Duration;

/// How long an answer may be given, and under what condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lifetime {
    /// From when it was asked for: it is given without asking upstream. Zero: it is not stored, and the other two
    /// mean nothing.
    pub fresh: Duration,
    /// From the end of `fresh`: it is given at once while one refresh runs behind it (RFC 5861 section 3).
    pub while_revalidate: Duration,
    /// From the end of `fresh`: it is given when the refresh fails (RFC 5861 section 4).
    pub if_error: Duration,
}

impl Lifetime {
    /// The age from which on an answer is of no use to anybody. Zero when it is not stored.
    pub fn useful(&self) -> Duration {
        if self.fresh.is_zero() {
            return Duration::ZERO;
        }
        self.fresh
            .saturating_add(self.while_revalidate.max(self.if_error))
    }
}
