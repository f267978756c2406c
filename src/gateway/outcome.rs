//! How an answer came about: spelled once for `Cache-Status`, the log and the metrics.

use std::time::Duration;

use crate::cache::{Found, Freshness, Wish};

/// How an answer came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Stored and fresh.
    Hit {
        /// Since its oldest page was asked for.
        age: Duration,
        /// How much longer it is fresh.
        remaining: Duration,
    },
    /// Fetched now.
    Miss {
        /// Whether it is kept.
        stored: Stored,
    },
    /// Another client had asked the same and its fetch was shared.
    Joined,
    /// Fetched now because the client insisted.
    Forced {
        /// Whether it is kept.
        stored: Stored,
    },
}

/// Whether a fetched answer is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// Yes, if it ends well, turns out not to be too large, and is not purged before its end. It is said in
    /// the head, when none of this is known yet: an intention, not a promise.
    Yes,
    /// No: its time to live is zero.
    No,
}

impl Outcome {
    /// How what was found came about.
    pub(super) fn of<E: Clone>(found: &Found<E>, wish: Wish) -> Self {
        let stored = if wish.ttl.is_zero() {
            Stored::No
        } else {
            Stored::Yes
        };
        match found {
            Found::Stored { age, remaining, .. } => Self::Hit {
                age: *age,
                remaining: *remaining,
            },
            Found::Joined(_) => Self::Joined,
            Found::Filling(_) if wish.freshness == Freshness::Fetch => Self::Forced { stored },
            Found::Filling(_) => Self::Miss { stored },
        }
    }

    /// A word for logs and metric labels.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Hit { .. } => "hit",
            Self::Miss { .. } => "miss",
            Self::Joined => "joined",
            Self::Forced { .. } => "forced",
        }
    }

    /// The value of `Cache-Status` (RFC 9211).
    pub fn cache_status(&self) -> String {
        let name = "citrix-odata-proxy";
        let kept = |stored: &Stored| {
            if *stored == Stored::Yes {
                "; stored"
            } else {
                ""
            }
        };
        match self {
            Self::Hit { remaining, .. } => format!("{name}; hit; ttl={}", remaining.as_secs()),
            Self::Miss { stored } => format!("{name}; fwd=uri-miss{}", kept(stored)),
            Self::Joined => format!("{name}; fwd=uri-miss; collapsed"),
            Self::Forced { stored } => format!("{name}; fwd=request{}", kept(stored)),
        }
    }
}
