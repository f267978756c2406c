//! An answer's three clocks.

use std::time::Duration;

/// How long an answer may be given, by what it is about (RFC 9111 section 4.2, RFC 5861). Upstream says nothing of that; it
/// is the operator's rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lifetime {
    /// Given without a question to upstream. Zero: not stored at all.
    pub fresh: Duration,
    /// Given for so much longer at once, while a new one is made in the background.
    pub while_revalidate: Duration,
    /// Given for so much longer than it is fresh when no new one can be had.
    pub if_error: Duration,
}

impl Lifetime {
    /// The age from which on an answer is of no use to anybody.
    pub fn useful(&self) -> Duration {
        if self.fresh.is_zero() {
            return Duration::ZERO;
        }
        self.fresh
            .saturating_add(self.while_revalidate.max(self.if_error))
    }
}
