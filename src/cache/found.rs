//! What is found when an answer is looked for.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::entry::Entry;
use super::kept::Kept;
use super::policy::{self, Verdict};
use super::spool::Reader;
use super::uses::Uses;
use super::{Cache, CacheKey, Failure, Look, Wish};
use crate::clock::Clock;

/// Where an answer was found.
#[derive(Debug)]
pub enum Found<E: Failure> {
    /// Stored, and given at once.
    Stored(Hit<E>),
    /// Nowhere, or not as it is wanted: a fill was started.
    Filling(Coming<E>),
    /// In a fill that another client's question had started.
    Joined(Coming<E>),
    /// Nowhere, and the client wants nothing that is not stored.
    Absent,
}

/// A stored answer that is given.
#[derive(Debug, Clone)]
pub struct Hit<E> {
    /// The answer.
    pub entry: Arc<Entry>,
    /// Time since its oldest page was asked for.
    pub age: Duration,
    /// Why it may be given.
    pub state: HitState<E>,
}

/// Why a stored answer may be given.
#[derive(Debug, Clone)]
pub enum HitState<E> {
    /// It is fresh.
    Fresh {
        /// For so much longer.
        remaining: Duration,
    },
    /// It is stale, and a new one is being made.
    Stale {
        /// Time since it was fresh.
        over: Duration,
    },
    /// It is stale, and no new one could be had.
    Failed {
        /// Time since it was fresh.
        over: Duration,
        /// Why there is no new one.
        error: E,
    },
}

/// An answer that is being made.
#[derive(Debug)]
pub struct Coming<E: Failure> {
    /// Reads it.
    pub reader: Reader<E>,
    /// What may be given in its place when it fails before it has begun.
    pub fallback: Option<Fallback<E>>,
}

/// A stale answer that may be given when no new one can be had, or none soon.
#[derive(Debug, Clone)]
pub struct Fallback<E> {
    kept: Arc<Kept<E>>,
    wish: Wish,
    clock: Arc<dyn Clock>,
    uses: Uses,
}

/// A stored answer that was looked at. It counts as given when it is.
#[derive(Debug)]
pub struct Peeked<E> {
    /// Time since its oldest page was asked for.
    pub age: Duration,
    /// Why it may be given at once; `None`: only when no new one can be had, or none soon.
    pub state: Option<HitState<E>>,
    later: Fallback<E>,
}

impl<E: Clone> Peeked<E> {
    /// The answer.
    pub fn entry(&self) -> &Arc<Entry> {
        &self.later.kept.entry
    }

    /// Gives it, if that may be done at once.
    pub fn give(self) -> Option<Hit<E>> {
        let Fallback {
            kept, clock, uses, ..
        } = self.later;
        let state = self.state?;
        kept.count_hit(uses.at(clock.now(), Instant::now()));
        Some(Hit {
            entry: Arc::clone(&kept.entry),
            age: self.age,
            state,
        })
    }

    /// Holds it ready.
    pub fn later(self) -> Fallback<E> {
        self.later
    }
}

impl<E: Clone> Fallback<E> {
    /// An answer for a client with this wish.
    pub(super) fn new(kept: Arc<Kept<E>>, wish: Wish, clock: Arc<dyn Clock>, uses: Uses) -> Self {
        Self {
            kept,
            wish,
            clock,
            uses,
        }
    }

    /// Gives it, because of this; `None` when it has become too old while the client waited, which may have been for
    /// minutes.
    pub fn give(&self, error: E) -> Option<Hit<E>> {
        self.hit(|over| HitState::Failed { over, error })
    }

    /// Gives it, because a new one takes long; `None` when it has become too old.
    pub fn give_meanwhile(&self) -> Option<Hit<E>> {
        self.hit(|over| HitState::Stale { over })
    }

    /// The answer.
    pub fn entry(&self) -> &Arc<Entry> {
        &self.kept.entry
    }

    fn hit(&self, state: impl FnOnce(Duration) -> HitState<E>) -> Option<Hit<E>> {
        let Self { kept, wish, .. } = self;
        let (wall, steady) = (self.clock.now(), Instant::now());
        let age = kept.age(wall, steady);
        if kept.entry.is_spoiled() || policy::judge(age, wish) == Verdict::Useless {
            return None;
        }
        kept.count_hit(self.uses.at(wall, steady));
        let over = age.saturating_sub(wish.lifetime.fresh);
        Some(Hit {
            entry: Arc::clone(&kept.entry),
            age,
            state: state(over),
        })
    }
}

impl<E: Failure> Fallback<E> {
    /// Upstream could not say what this answer says, though older: for a while nobody asks again.
    pub fn failed(&self, error: &E) {
        let pause = error.retry_after();
        self.kept.failed(error.clone(), pause, Instant::now());
    }
}

impl<E: Failure> Cache<E> {
    /// Gives the fresh answer in memory, when there is one.
    pub fn fresh(&self, key: &CacheKey, wish: &Wish) -> Option<Hit<E>> {
        let look = self.look(key, wish)?;
        match look.verdict {
            Verdict::Fresh { remaining } => Some(look.give(HitState::Fresh { remaining })),
            Verdict::Stale { .. } | Verdict::IfError { .. } | Verdict::Useless => None,
        }
    }

    /// Looks at what is in memory and of use to such a client; has nothing made.
    pub fn peek(&self, key: &CacheKey, wish: &Wish) -> Option<Peeked<E>> {
        let Look {
            kept, age, verdict, ..
        } = self.look(key, wish)?;
        let state = match (verdict, kept.pausing(Instant::now())) {
            (Verdict::Useless, _) => return None,
            (Verdict::Fresh { remaining }, _) => Some(HitState::Fresh { remaining }),
            (Verdict::Stale { over } | Verdict::IfError { over }, Some(error)) => {
                Some(HitState::Failed { over, error })
            }
            (Verdict::Stale { over }, None) => Some(HitState::Stale { over }),
            (Verdict::IfError { .. }, None) => None,
        };
        let later = Fallback::new(kept, *wish, Arc::clone(&self.clock), self.uses);
        Some(Peeked { age, state, later })
    }
}
