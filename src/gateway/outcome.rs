//! How an answer came about: spelled once for `Cache-Status`, the log and the metrics.

use std::sync::Arc;
use std::time::Duration;

use super::error::SharedError;
use crate::cache::{Directives, Found, Hit, HitState, Way, Wish};

/// How an answer came about.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Stored and fresh.
    Hit {
        /// Since its oldest page was asked for.
        age: Duration,
        /// How much longer it is fresh.
        remaining: Duration,
    },
    /// Stored and stale, and given while a new one is made (RFC 5861, section 3).
    Stale {
        /// Since its oldest page was asked for.
        age: Duration,
        /// Since it was fresh.
        over: Duration,
        /// Whether this client has waited for the new one, which took long; otherwise it was given at once.
        asked: bool,
    },
    /// Stored and stale, and given because no new one could be had (RFC 5861, section 4).
    StaleIfError {
        /// Since its oldest page was asked for.
        age: Duration,
        /// Since it was fresh.
        over: Duration,
        /// Why there is no new one.
        error: SharedError,
        /// Whether upstream was asked for this client; otherwise it was asked in vain just before.
        asked: bool,
    },
    /// Cut out of a stored answer that contains it.
    Contained {
        /// Of the whole: since its oldest page was asked for.
        age: Duration,
        /// How much longer the whole is fresh; zero when it is stale.
        remaining: Duration,
        /// Since it was fresh; zero when it is.
        over: Duration,
    },
    /// Fetched now.
    Miss {
        /// Whether it is kept.
        stored: Stored,
        /// Whether there was a stale one, which may be given only if this one could not be had.
        stale: bool,
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
    /// No: its time to live is zero, or the client forbids it.
    No,
}

impl Outcome {
    /// How what was found came about.
    pub(super) fn of(found: &Found<SharedError>, wish: &Wish) -> Self {
        let stored = if wish.may_store() {
            Stored::Yes
        } else {
            Stored::No
        };
        let Directives {
            no_cache,
            max_age,
            min_fresh,
            ..
        } = wish.directives;
        let insists = no_cache || max_age.is_some() || min_fresh.is_some();
        match found {
            Found::Stored(hit) => Self::of_hit(hit, false),
            Found::Joined(_) => Self::Joined,
            Found::Filling(_) if insists => Self::Forced { stored },
            Found::Filling(coming) => Self::Miss {
                stored,
                stale: coming.fallback.is_some(),
            },
            Found::Absent => Self::Miss {
                stored,
                stale: false,
            },
        }
    }

    /// How a part of a stored answer came about. That there is no newer one, and why, is told before all else.
    pub(super) fn contained(whole: &Hit<SharedError>) -> Self {
        let (remaining, over) = match whole.state {
            HitState::Fresh { remaining } => (remaining, Duration::ZERO),
            HitState::Stale { over } => (Duration::ZERO, over),
            HitState::Failed { .. } => return Self::of_hit(whole, false),
        };
        Self::Contained {
            age: whole.age,
            remaining,
            over,
        }
    }

    /// How a stored answer came about; `asked` when upstream was asked for it.
    pub(super) fn of_hit(hit: &Hit<SharedError>, asked: bool) -> Self {
        let age = hit.age;
        match &hit.state {
            HitState::Fresh { remaining } => Self::Hit {
                age,
                remaining: *remaining,
            },
            HitState::Stale { over } => Self::Stale {
                age,
                over: *over,
                asked,
            },
            HitState::Failed { over, error } => Self::StaleIfError {
                age,
                over: *over,
                error: Arc::clone(error),
                asked,
            },
        }
    }

    /// A word for logs and metric labels.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Hit { .. } => "hit",
            Self::Stale { .. } => "stale",
            Self::StaleIfError { .. } => "stale-if-error",
            Self::Contained { .. } => "contained",
            Self::Miss { .. } => "miss",
            Self::Joined => "joined",
            Self::Forced { .. } => "forced",
        }
    }

    /// Time since the oldest page of a stored answer was asked for.
    pub fn age(&self) -> Option<Duration> {
        match self {
            Self::Hit { age, .. }
            | Self::Stale { age, .. }
            | Self::StaleIfError { age, .. }
            | Self::Contained { age, .. } => Some(*age),
            Self::Miss { .. } | Self::Joined | Self::Forced { .. } => None,
        }
    }

    /// Why no new answer could be had, when a stale one is given for that.
    pub fn error(&self) -> Option<&SharedError> {
        match self {
            Self::StaleIfError { error, .. } => Some(error),
            _ => None,
        }
    }

    /// The value of `Cache-Status` (RFC 9211), for an answer whose pages are walked in this `way`, or that is given
    /// because of an error with this `code`. Its `detail` says the way of an answer that is being made now (how a stored
    /// one was made is forgotten), and why a stale one is given. The time to live of a stale answer is negative.
    pub fn cache_status(&self, way: Option<Way>, code: &str) -> String {
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
        // Not `-0`.
        let ttl = |over: &Duration| match over.as_secs() {
            0 => "0".to_owned(),
            over => format!("-{over}"),
        };
        // A hit is what was not forwarded for this client (section 2.1).
        let how = |asked: &bool| if *asked { "fwd=stale" } else { "hit" };
        match self {
            // The one that is told most; without the detour over a formatter.
            Self::Hit { remaining, .. } => {
                let ttl = remaining.as_secs().to_string();
                [name, "; hit; ttl=", &ttl].concat()
            }
            Self::Stale { over, asked, .. } => {
                let (how, ttl) = (how(asked), ttl(over));
                format!("{name}; {how}; ttl={ttl}; detail=stale-while-revalidate")
            }
            Self::StaleIfError {
                over, asked, error, ..
            } => {
                let (how, ttl) = (how(asked), ttl(over));
                // Without it, upstream would have answered with the status that this answer has (section 2.3).
                let status = error.upstream_status().filter(|_| *asked);
                let status =
                    status.map_or_else(String::new, |status| format!("; fwd-status={status}"));
                format!("{name}; {how}{status}; ttl={ttl}; detail=stale-if-error/{code}")
            }
            Self::Contained {
                remaining, over, ..
            } => {
                let ttl = if remaining.is_zero() {
                    ttl(over)
                } else {
                    remaining.as_secs().to_string()
                };
                format!("{name}; hit; ttl={ttl}; detail=contained")
            }
            Self::Miss { stored, stale } => {
                let why = if *stale { "stale" } else { "uri-miss" };
                format!("{name}; fwd={why}{}{detail}", kept(stored))
            }
            Self::Joined => format!("{name}; fwd=uri-miss; collapsed{detail}"),
            Self::Forced { stored } => format!("{name}; fwd=request{}{detail}", kept(stored)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::AnswerError;
    use crate::upstream::{BadResponse, FetchError};

    #[test]
    fn cache_status_says_how_an_answer_is_made() {
        let seconds = Duration::from_secs;
        let hit = Outcome::Hit {
            age: seconds(7),
            remaining: seconds(293),
        };
        let contained = |remaining, over| Outcome::Contained {
            age: seconds(100),
            remaining: seconds(remaining),
            over: seconds(over),
        };
        let miss = |stored, stale| Outcome::Miss { stored, stale };
        let (yes, no) = (Stored::Yes, Stored::No);
        let (range, links) = (Some(Way::Range), Some(Way::Links));
        for (outcome, way, expected) in [
            (hit, range, "hit; ttl=293"),
            (contained(200, 0), range, "hit; ttl=200; detail=contained"),
            (contained(0, 0), None, "hit; ttl=0; detail=contained"),
            (contained(0, 9), None, "hit; ttl=-9; detail=contained"),
            (miss(yes, false), None, "fwd=uri-miss; stored"),
            (miss(yes, true), links, "fwd=stale; stored; detail=links"),
            (
                miss(yes, false),
                range,
                "fwd=uri-miss; stored; detail=range",
            ),
            (miss(no, false), links, "fwd=uri-miss; detail=links"),
            (Outcome::Joined, None, "fwd=uri-miss; collapsed"),
            (
                Outcome::Joined,
                range,
                "fwd=uri-miss; collapsed; detail=range",
            ),
            (
                Outcome::Forced { stored: yes },
                links,
                "fwd=request; stored; detail=links",
            ),
        ] {
            let expected = format!("citrix-odata-proxy; {expected}");
            assert_eq!(outcome.cache_status(way, "UpstreamBusy"), expected);
        }
    }

    #[test]
    fn a_stale_answer_is_a_hit_for_who_did_not_wait() {
        let (age, over) = (Duration::from_secs(307), Duration::from_secs(7));
        for (asked, how) in [(false, "hit"), (true, "fwd=stale")] {
            let error = AnswerError::Interrupted.into();
            for (outcome, detail) in [
                (
                    Outcome::Stale { age, over, asked },
                    "stale-while-revalidate",
                ),
                (
                    Outcome::StaleIfError {
                        age,
                        over,
                        error,
                        asked,
                    },
                    "stale-if-error/UpstreamBusy",
                ),
            ] {
                let expected = format!("citrix-odata-proxy; {how}; ttl=-7; detail={detail}");
                assert_eq!(outcome.cache_status(None, "UpstreamBusy"), expected);
            }
        }
    }

    #[test]
    fn the_status_is_told_that_upstream_answered_with() {
        let refused = || {
            let response = BadResponse::Status { status: 418 };
            AnswerError::Fetch(FetchError::BadResponse(response))
        };
        for (asked, how) in [(false, "hit"), (true, "fwd=stale; fwd-status=418")] {
            let outcome = Outcome::StaleIfError {
                age: Duration::from_secs(9),
                over: Duration::ZERO,
                error: refused().into(),
                asked,
            };
            let expected = format!("citrix-odata-proxy; {how}; ttl=0; detail=stale-if-error/X");
            assert_eq!(outcome.cache_status(None, "X"), expected);
        }
    }
}
