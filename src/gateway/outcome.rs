//! How an answer came about: spelled once for `Cache-Status`, the log and the metrics.

use std::time::Duration;

use crate::cache::{Found, Freshness, Way, Wish};

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

    /// The value of `Cache-Status` (RFC 9211), for an answer whose pages are walked in this `way`. Its `detail` says
    /// the way of an answer that is being made now; how a stored one was made is forgotten.
    pub fn cache_status(&self, way: Option<Way>) -> String {
        let name = "citrix-odata-proxy";
        let detail = match way {
            Some(way) => format!("; detail={}", way.as_str()),
            None => String::new(),
        };
        let kept = |stored: &Stored| {
            if *stored == Stored::Yes {
                "; stored"
            } else {
                ""
            }
        };
        match self {
            Self::Hit { remaining, .. } => format!("{name}; hit; ttl={}", remaining.as_secs()),
            Self::Miss { stored } => format!("{name}; fwd=uri-miss{}{detail}", kept(stored)),
            Self::Joined => format!("{name}; fwd=uri-miss; collapsed{detail}"),
            Self::Forced { stored } => format!("{name}; fwd=request{}{detail}", kept(stored)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_status_says_how_an_answer_is_made() {
        let hit = Outcome::Hit {
            age: Duration::from_secs(7),
            remaining: Duration::from_secs(293),
        };
        let (yes, no) = (Stored::Yes, Stored::No);
        for (outcome, way, expected) in [
            (hit, Some(Way::Range), "hit; ttl=293"),
            (Outcome::Miss { stored: yes }, None, "fwd=uri-miss; stored"),
            (
                Outcome::Miss { stored: yes },
                Some(Way::Range),
                "fwd=uri-miss; stored; detail=range",
            ),
            (
                Outcome::Miss { stored: no },
                Some(Way::Links),
                "fwd=uri-miss; detail=links",
            ),
            (Outcome::Joined, None, "fwd=uri-miss; collapsed"),
            (
                Outcome::Joined,
                Some(Way::Range),
                "fwd=uri-miss; collapsed; detail=range",
            ),
            (
                Outcome::Forced { stored: yes },
                Some(Way::Links),
                "fwd=request; stored; detail=links",
            ),
        ] {
            let expected = format!("citrix-odata-proxy; {expected}");
            assert_eq!(outcome.cache_status(way), expected);
        }
    }
}
