//! The answers that are stored, as an operator sees them.

mod sets;

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::error::SharedError;
use super::lifetime::Lifetimes;
use crate::cache::{CacheKey, Lifetime, Stored};
use crate::odata::name::SiteId;
use crate::odata::representation::Representation;
use crate::odata::shape::shape;
use crate::telemetry::chain;

/// Which stored answers are meant; the default is all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Which<'a> {
    /// Those of one site.
    pub site: Option<&'a SiteId>,
    /// Those to questions that begin at this entity set, whatever its letters' case.
    pub set: Option<&'a str>,
}

impl Which<'_> {
    /// Whether the answer to `key` is meant.
    pub(super) fn covers(&self, key: &CacheKey) -> bool {
        let names = |wanted: &str| {
            key.set()
                .is_some_and(|set| set.as_str().eq_ignore_ascii_case(wanted))
        };
        self.site.is_none_or(|site| key.site() == site) && self.set.is_none_or(names)
    }
}

pub use self::sets::{States, StoredSet};

/// Some of the stored answers.
#[derive(Debug, Clone, Default)]
pub struct StoredAnswers {
    /// The latest: what was asked for last comes first.
    pub latest: Vec<StoredAnswer>,
    /// How many there are in all.
    pub total: usize,
    /// All of them by entity set: the sets that were used last, in order of their names.
    pub sets: Vec<StoredSet>,
    /// How many sets there are in all.
    pub sets_total: usize,
}

/// How much of the stored answers is told. There may be tens of thousands, and only what is told is put into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// So many answers.
    pub answers: usize,
    /// So many sets.
    pub sets: usize,
    /// So many answers of each of these.
    pub of_each_set: usize,
}

/// A stored answer.
#[derive(Debug, Clone)]
pub struct StoredAnswer {
    /// The site that gave it.
    pub site: SiteId,
    /// The entity set that its question begins at, when there is one.
    pub set: Option<String>,
    /// The question without its values.
    pub shape: String,
    /// How it is written, when that is not the default.
    pub representation: Option<Representation>,
    /// Rows on each of our pages, when the client wanted pages.
    pub page_size: Option<NonZeroU32>,
    /// Rows in all.
    pub rows: u64,
    /// Upstream responses that it was made of.
    pub pages: u64,
    /// Bytes in memory, those of its key included.
    pub bytes: u64,
    /// Bytes of its text without the service root.
    pub text_bytes: u64,
    /// When its oldest page was asked for.
    pub fetched_at: Timestamp,
    /// Time since then.
    pub age: Duration,
    /// How much longer it is fresh; negative when it is stale.
    pub fresh_for: SignedDuration,
    /// What can be had of it now.
    pub state: StoredState,
    /// Why no new one could be had the last time.
    pub failure: Option<String>,
    /// How often it was given since it was stored.
    pub hits: u64,
    /// Time that upstream took for it.
    pub upstream_time: Duration,
    /// Where it is kept.
    pub place: Place,
}

/// What can be had of a stored answer, by the present rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredState {
    /// It is given as it is.
    Fresh,
    /// A new one is being made.
    Refreshing,
    /// It is stale, and the last attempt to have a new one failed.
    Failed,
    /// It is stale, and may be given while, or if no, new one can be had.
    Stale,
    /// Nobody is given it any more. It leaves when it is asked for, or when its place is needed.
    Expired,
}

/// Where an answer is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In memory.
    Memory,
    /// On disk alone, because it is too large for memory.
    Disk,
}

impl StoredState {
    fn of(age: Duration, lifetime: Lifetime, refreshing: bool, failed: bool) -> Self {
        if refreshing {
            Self::Refreshing
        } else if age < lifetime.fresh {
            Self::Fresh
        } else if age >= lifetime.useful() {
            Self::Expired
        } else if failed {
            Self::Failed
        } else {
            Self::Stale
        }
    }

    /// A word for the JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Refreshing => "refreshing",
            Self::Failed => "failed",
            Self::Stale => "stale",
            Self::Expired => "expired",
        }
    }
}

impl Place {
    /// A word for the JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Disk => "disk",
        }
    }
}

impl StoredAnswers {
    /// Of those that `which` means, as many as are to be `told`.
    pub(super) fn of(
        mut stored: Vec<Stored<SharedError>>,
        which: Which<'_>,
        lifetimes: &Lifetimes,
        told: Told,
    ) -> Self {
        stored.retain(|stored| which.covers(&stored.key));
        let total = stored.len();
        let (sets, sets_total) = sets::sets(&stored, lifetimes, told);
        let latest = latest(stored.iter().collect(), lifetimes, told.answers);
        Self {
            latest,
            total,
            sets,
            sets_total,
        }
    }
}

/// The `max` latest, in words.
fn latest(
    mut stored: Vec<&Stored<SharedError>>,
    lifetimes: &Lifetimes,
    max: usize,
) -> Vec<StoredAnswer> {
    if max < stored.len() {
        stored.select_nth_unstable_by_key(max, |stored| stored.age);
        stored.truncate(max);
    }
    let describe = |stored| StoredAnswer::of(stored, lifetimes);
    let mut latest: Vec<_> = stored.into_iter().map(describe).collect();
    // Those of the same age keep their order from one look to the next.
    latest.sort_by(|a, b| (a.age, &a.shape).cmp(&(b.age, &b.shape)));
    latest
}

impl StoredAnswer {
    fn of(stored: &Stored<SharedError>, lifetimes: &Lifetimes) -> Self {
        let Stored { key, age, .. } = stored;
        let facts = &stored.entry.facts;
        let lifetime = lifetimes.of(key.question());
        let (failure, refreshing) = (stored.failure.as_ref(), stored.refreshing);
        let default = Representation::default();
        Self {
            site: key.site().clone(),
            set: key.set().map(ToString::to_string),
            shape: shape(key.question()),
            representation: Some(key.representation()).filter(|chosen| *chosen != default),
            page_size: key.page_size(),
            rows: facts.rows,
            pages: facts.pages,
            bytes: bytes(stored),
            text_bytes: facts.text_len,
            fetched_at: facts.fetched_at,
            age: *age,
            fresh_for: signed(lifetime.fresh).saturating_sub(signed(*age)),
            state: StoredState::of(*age, lifetime, refreshing, failure.is_some()),
            failure: failure.map(|error| chain(error)),
            hits: stored.hits,
            upstream_time: facts.upstream_time,
            place: if stored.entry.is_filed() {
                Place::Disk
            } else {
                Place::Memory
            },
        }
    }
}

/// In memory, those of its key included.
fn bytes(stored: &Stored<SharedError>) -> u64 {
    (stored.entry.stored_len() + stored.key.stored_len()) as u64
}

/// Times beyond 2⁶³ s count as that.
fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests;
