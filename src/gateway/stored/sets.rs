//! The stored answers by the entity set that they are about.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use super::{StoredAnswer, StoredState, Told, latest};
use crate::cache::{Lifetime, Stored};
use crate::gateway::error::SharedError;
use crate::gateway::lifetime::Lifetimes;
use crate::odata::name::{EntitySet, SiteId};

/// The stored answers of a site to questions that begin at one entity set.
#[derive(Debug, Clone)]
pub struct StoredSet {
    /// The site that gave them.
    pub site: SiteId,
    /// The set; none for the service document and `$metadata`.
    pub set: Option<String>,
    /// How many there are in each state.
    pub states: States,
    /// Rows of the one that has most.
    pub rows: u64,
    /// Bytes of all in memory, those of their keys included.
    pub bytes: u64,
    /// How often they were given since they were stored, all together.
    pub hits: u64,
    /// Age of the youngest.
    pub age: Duration,
    /// Time that upstream took for the youngest.
    pub upstream_time: Duration,
    /// Time since one of them was given, or made.
    pub idle: Duration,
    /// The latest of them.
    pub latest: Vec<StoredAnswer>,
}

/// How many stored answers are in each [`StoredState`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct States {
    /// Given as they are.
    pub fresh: usize,
    /// New ones are being made.
    pub refreshing: usize,
    /// Stale, and no new ones could be had.
    pub failed: usize,
    /// Stale, and still of use.
    pub stale: usize,
    /// Of no use any more.
    pub expired: usize,
}

impl States {
    /// All of them.
    pub fn total(&self) -> usize {
        self.fresh + self.refreshing + self.failed + self.stale + self.expired
    }

    fn count(&mut self, state: StoredState) {
        let count = match state {
            StoredState::Fresh => &mut self.fresh,
            StoredState::Refreshing => &mut self.refreshing,
            StoredState::Failed => &mut self.failed,
            StoredState::Stale => &mut self.stale,
            StoredState::Expired => &mut self.expired,
        };
        *count += 1;
    }
}

/// The answers of a set while they are gone through.
struct Group<'a> {
    answers: Vec<&'a Stored<SharedError>>,
    states: States,
    bytes: u64,
    hits: u64,
    rows: u64,
    /// Age of the youngest, and what upstream took for it.
    youngest: (Duration, Duration),
    idle: Duration,
    /// The same for all answers of a set.
    lifetime: Option<Lifetime>,
}

/// The sets that were used last, and how many there are in all. Goes through `stored` once.
pub(super) fn sets(
    stored: &[Stored<SharedError>],
    lifetimes: &Lifetimes,
    told: Told,
) -> (Vec<StoredSet>, usize) {
    let mut groups: HashMap<(&SiteId, Option<&str>), Group<'_>> = HashMap::new();
    for answer in stored {
        let set = answer.key.set().map(EntitySet::as_str);
        let group = groups.entry((answer.key.site(), set)).or_default();
        let lifetime = match set {
            Some(_) => *group
                .lifetime
                .get_or_insert_with(|| lifetimes.of(answer.key.question())),
            None => lifetimes.of(answer.key.question()),
        };
        group.add(answer, lifetime);
    }
    let total = groups.len();
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_unstable_by(|(a, one), (b, other)| (one.idle, a).cmp(&(other.idle, b)));
    groups.truncate(told.sets);
    groups.sort_unstable_by_key(|(name, _)| *name);
    let described = groups.into_iter().map(|((site, set), group)| StoredSet {
        site: site.clone(),
        set: set.map(ToOwned::to_owned),
        states: group.states,
        rows: group.rows,
        bytes: group.bytes,
        hits: group.hits,
        age: group.youngest.0,
        upstream_time: group.youngest.1,
        idle: group.idle,
        latest: latest(group.answers, lifetimes, told.of_each_set),
    });
    (described.collect(), total)
}

impl Default for Group<'_> {
    fn default() -> Self {
        Self {
            answers: Vec::new(),
            states: States::default(),
            bytes: 0,
            hits: 0,
            rows: 0,
            youngest: (Duration::MAX, Duration::ZERO),
            idle: Duration::MAX,
            lifetime: None,
        }
    }
}

impl<'a> Group<'a> {
    fn add(&mut self, answer: &'a Stored<SharedError>, lifetime: Lifetime) {
        let facts = &answer.entry.facts;
        let failed = answer.failure.is_some();
        let state = StoredState::of(answer.age, lifetime, answer.refreshing, failed);
        self.states.count(state);
        self.bytes += super::bytes(answer);
        self.hits += answer.hits;
        self.rows = self.rows.max(facts.rows);
        let younger = (answer.age, facts.upstream_time);
        // Of two of the same age, the one that took longer: so it does not depend on the order.
        let order = |(age, took): (Duration, Duration)| (age, Reverse(took));
        if order(younger) < order(self.youngest) {
            self.youngest = younger;
        }
        self.idle = self.idle.min(answer.idle);
        self.answers.push(answer);
    }
}
