//! Who is next: by class, fair among the parties of a class, first come first served within a party.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::time::Instant;

use super::ages::Ages;
use super::forecast::Forecast;
use super::visit::{ByClass, Class, Party, Turn};

/// When a request came first, in an order without ties. It keeps it when it has failed and asks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrival(pub(super) u64);

/// The number of a grant, from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct GrantNumber(pub(super) u64);

/// One that waits; `C` is how it is called.
#[derive(Debug)]
pub(super) struct Place<C> {
    pub(super) class: Class,
    pub(super) party: Party,
    /// [`Turn::Next`], too, for a first page that has been let in before.
    pub(super) turn: Turn,
    pub(super) what: Arc<str>,
    pub(super) since: Instant,
    pub(super) call: C,
}

/// Those that wait.
#[derive(Debug)]
pub(super) struct Queue<C> {
    places: BTreeMap<Arrival, Place<C>>,
    ages: Ages,
    /// The last grant of each party in each class.
    last_grants: HashMap<(Class, Party), GrantNumber>,
}

impl<C> Queue<C> {
    pub(super) fn new() -> Self {
        Self {
            places: BTreeMap::new(),
            ages: Ages::default(),
            last_grants: HashMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Those that wait and may keep one of `class` out of a full queue: what nobody waits for keeps out only what is like
    /// it.
    pub(super) fn rivals(&self, class: Class) -> impl Iterator<Item = &Place<C>> {
        let counts = move |other| other != Class::Background || class == Class::Background;
        let waiting = self.places.values();
        waiting.filter(move |place| counts(place.class))
    }

    /// Whether one waits that somebody waits for.
    pub(super) fn is_awaited(&self) -> bool {
        let mut waiting = self.places.values();
        waiting.any(|place| place.class != Class::Background)
    }

    pub(super) fn add(&mut self, arrival: Arrival, place: Place<C>) {
        self.places.insert(arrival, place);
    }

    /// Gives a place up; does nothing when it was granted.
    pub(super) fn remove(&mut self, arrival: Arrival) {
        self.places.remove(&arrival);
    }

    /// Has one that waits do so in another class, and for another party, without losing its place in the order of
    /// arrivals; does nothing when it was granted.
    pub(super) fn set_rank(&mut self, arrival: Arrival, class: Class, party: Party) {
        if let Some(place) = self.places.get_mut(&arrival) {
            (place.class, place.party) = (class, party);
        }
    }

    /// Takes out the one whose turn it is. `reserved`: what nobody waits for stays back unless it is due, even when there
    /// is nothing else. Goes through all that wait: hundreds, where a page takes milliseconds.
    pub(super) fn take_next(
        &mut self,
        number: GrantNumber,
        reserved: bool,
    ) -> Option<(Arrival, Place<C>)> {
        let waits = self.waits();
        let class = self.ages.next(waits)?;
        if reserved && class == Class::Background && !self.ages.is_due(class) {
            return None;
        }
        let mine = self.places.iter().filter(|(_, p)| p.class == class);
        let next = mine.min_by_key(|(arrival, p)| (self.last_grant(class, p.party), **arrival));
        let arrival = *next?.0;
        let place = self.places.remove(&arrival)?;
        self.ages.granted(class, waits);
        self.last_grants.insert((class, place.party), number);
        self.forget_old_parties();
        Some((arrival, place))
    }

    /// Those that wait, in the order in which they would be granted if nobody came any more.
    pub(super) fn in_order(&self) -> Vec<(Arrival, &Place<C>)> {
        let mut forecast = Forecast::new(self.ages);
        for (arrival, place) in &self.places {
            let last_grant = self.last_grant(place.class, place.party);
            forecast.add(place.class, place.party, last_grant, *arrival);
        }
        let arrivals = forecast.into_order().into_iter();
        arrivals
            .filter_map(|arrival| self.places.get_key_value(&arrival))
            .map(|(arrival, place)| (*arrival, place))
            .collect()
    }

    /// A party without a grant comes before all that had one.
    fn last_grant(&self, class: Class, party: Party) -> GrantNumber {
        let last = self.last_grants.get(&(class, party));
        last.copied().unwrap_or_default()
    }

    fn waits(&self) -> ByClass<bool> {
        let mut waits = ByClass::default();
        for place in self.places.values() {
            *waits.of_mut(place.class) = true;
        }
        waits
    }

    /// Clients come and go for months. Who is forgotten counts as new, and the oldest were next among the known ones
    /// anyhow.
    fn forget_old_parties(&mut self) {
        if self.last_grants.len() <= PARTIES_MAX {
            return;
        }
        let mut numbers: Vec<GrantNumber> = self.last_grants.values().copied().collect();
        numbers.sort_unstable();
        let middle = numbers.get(numbers.len() / 2).copied().unwrap_or_default();
        self.last_grants.retain(|_, number| *number > middle);
    }
}

/// So many parties are remembered, each class by itself.
const PARTIES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue of requests like `i1` (class, party), in the order of their arrival.
    fn queue(requests: &[&'static str]) -> Queue<()> {
        let mut queue = Queue::new();
        for (arrival, request) in (0..).zip(requests) {
            let (class, party) = request.split_at(1);
            let mut classes = Class::ALL.into_iter();
            let place = Place {
                class: classes.find(|c| c.name().starts_with(class)).unwrap(),
                party: Party::of(party.as_bytes()),
                turn: Turn::First,
                what: (*request).into(),
                since: Instant::now(),
                call: (),
            };
            queue.add(Arrival(arrival), place);
        }
        queue
    }

    #[tokio::test(start_paused = true)]
    async fn order_of_grants() {
        let cases = [
            // by class
            ("s1 i1 m1", "m1 i1 s1"),
            ("b0 s1 b0 i1 m1", "m1 i1 s1 b0 b0"),
            // first come, first served
            ("s1 s1 s1", "s1 s1 s1"),
            // in turn among parties, whoever has many
            ("s1 s1 s1 s1 s2 s3 s3", "s1 s2 s3 s1 s3 s1 s1"),
            ("s1 s1 i2 i2 i3", "i2 i3 i2 s1 s1"),
            // nobody starves
            ("s1 i1 i1 i1 i1 i1 i1", "i1 i1 i1 i1 s1 i1 i1"),
            (
                "b0 b0 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1",
                "s1 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1 s1 b0 s1 s1 b0",
            ),
        ];
        for (requests, expected) in cases {
            let requests: Vec<_> = requests.split(' ').collect();
            let mut queue = queue(&requests);
            let forecast: Vec<_> = queue.in_order().iter().map(|(a, _)| *a).collect();
            let taken = (1..).map_while(|number| queue.take_next(GrantNumber(number), false));
            let (arrivals, places): (Vec<_>, Vec<_>) = taken.unzip();
            let granted: Vec<&str> = places.iter().map(|place| &*place.what).collect();
            assert_eq!(granted.join(" "), expected);
            assert_eq!(arrivals, forecast, "{requests:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn few_parties_are_remembered() {
        let mut queue = Queue::new();
        for number in 1..10_000_u64 {
            let place = Place {
                class: Class::Scan,
                party: Party::of(&number.to_be_bytes()),
                turn: Turn::First,
                what: "Users".into(),
                since: Instant::now(),
                call: (),
            };
            queue.add(Arrival(number), place);
            queue.take_next(GrantNumber(number), false).unwrap();
            assert!(queue.last_grants.len() <= PARTIES_MAX);
        }
        let last = Party::of(&9999_u64.to_be_bytes());
        assert_eq!(queue.last_grant(Class::Scan, last), GrantNumber(9999));
    }
}
