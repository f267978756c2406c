//! In which order those that wait would be granted if nobody came any more, in less than quadratic time.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::ages::Ages;
use super::queue::{Arrival, GrantNumber};
use super::visit::{ByClass, Class, Party};

/// The grants to come. Within a class they do not depend on the other classes, so each is played through by itself
/// and the classes are put together by their ages.
#[derive(Debug)]
pub(super) struct Forecast {
    ages: Ages,
    rounds: ByClass<Round>,
}

/// The parties of one class, in turn.
#[derive(Debug, Default)]
struct Round {
    waiting: HashMap<Party, VecDeque<Arrival>>,
    /// Each party once: by its last grant, and by its first request.
    due: BTreeSet<(GrantNumber, Arrival, Party)>,
    /// The last grant of all.
    latest: GrantNumber,
}

impl Forecast {
    pub(super) fn new(ages: Ages) -> Self {
        Self {
            ages,
            rounds: ByClass::default(),
        }
    }

    /// Adds one that waits. They must come in the order of their arrivals.
    pub(super) fn add(
        &mut self,
        class: Class,
        party: Party,
        last_grant: GrantNumber,
        arrival: Arrival,
    ) {
        let round = self.rounds.of_mut(class);
        let mine = round.waiting.entry(party).or_default();
        if mine.is_empty() {
            round.due.insert((last_grant, arrival, party));
            round.latest = round.latest.max(last_grant);
        }
        mine.push_back(arrival);
    }

    pub(super) fn into_order(mut self) -> Vec<Arrival> {
        let mut order = Vec::new();
        loop {
            let waits = ByClass::from_fn(|class| !self.rounds.of(class).due.is_empty());
            let Some(class) = self.ages.next(waits) else {
                return order;
            };
            self.ages.granted(class, waits);
            order.extend(self.rounds.of_mut(class).take_next());
        }
    }
}

impl Round {
    fn take_next(&mut self) -> Option<Arrival> {
        let (_, arrival, party) = self.due.pop_first()?;
        let mine = self.waiting.get_mut(&party)?;
        mine.pop_front();
        if let Some(next) = mine.front() {
            self.latest = GrantNumber(self.latest.0 + 1);
            self.due.insert((self.latest, *next, party));
        }
        Some(arrival)
    }
}
