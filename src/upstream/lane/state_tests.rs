//! Random histories of a lane: what always holds, whatever comes in whatever order.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::LaneSettings;
use super::ages::{DUE_BEFORE_MAX, passed_over_max};
use super::queue::{Arrival, GrantNumber, Place};
use super::state::{Full, RESERVED_FOR, State, Throttle};
use super::visit::{ByClass, Class, Party, Turn};

#[derive(Debug, Clone, Copy)]
enum Event {
    Enter(Class, u8),
    /// One that waits goes away; which, counts from the one that waits longest.
    Leave(usize),
    /// One that waits does so in another class from now on, for another party.
    Rank(usize, Class, u8),
    Succeed(usize),
    Fail(usize),
    /// With what upstream asked for, in seconds.
    Throttle(usize, Option<u64>),
    /// So many seconds go by.
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    let class = || prop::sample::select(Class::ALL.as_slice());
    prop_oneof![
        4 => (class(), 0..4_u8).prop_map(|(class, party)| Event::Enter(class, party)),
        1 => (0..9_usize).prop_map(Event::Leave),
        1 => (0..9_usize, class(), 0..4_u8).prop_map(|(i, class, party)| Event::Rank(i, class, party)),
        3 => (0..9_usize).prop_map(Event::Succeed),
        1 => (0..9_usize).prop_map(Event::Fail),
        1 => (0..9_usize, prop::option::of(0..200_u64)).prop_map(|(i, s)| Event::Throttle(i, s)),
        1 => (0..400_u64).prop_map(Event::Wait),
    ]
}

/// A lane, and what is known of it from outside.
struct History {
    state: State<Arrival>,
    max: usize,
    began: Instant,
    now: Instant,
    waiting: BTreeMap<Arrival, (Class, u8)>,
    under_way: Vec<(GrantNumber, Class)>,
    /// For how long in all that had any.
    busy: Duration,
    /// When the last client's query ended.
    client_ended: Option<Instant>,
    passed_over: ByClass<u32>,
    last_grants: HashMap<(Class, u8), GrantNumber>,
}

impl History {
    fn new(max: usize) -> Self {
        let settings = LaneSettings {
            concurrency: NonZeroUsize::new(max).unwrap(),
            queue_limit: 0,
        };
        let now = Instant::now();
        Self {
            state: State::new(settings),
            max,
            began: now,
            now,
            waiting: BTreeMap::new(),
            under_way: Vec::new(),
            busy: Duration::ZERO,
            client_ended: None,
            passed_over: ByClass::default(),
            last_grants: HashMap::new(),
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Enter(class, party) => self.enter(class, party),
            Event::Leave(which) => {
                if let Some(arrival) = self.waiting.keys().nth(which).copied() {
                    self.state.leave(arrival);
                    self.waiting.remove(&arrival);
                }
            }
            Event::Rank(which, class, party) => {
                if let Some(arrival) = self.waiting.keys().nth(which).copied() {
                    self.state.set_rank(arrival, class, Party::of(&[party]));
                    self.waiting.insert(arrival, (class, party));
                }
            }
            Event::Succeed(which) => {
                if self.end(which).is_some() {
                    self.state.succeeded(self.now);
                }
            }
            Event::Fail(which) => {
                if self.end(which).is_some() {
                    self.state.released(self.now);
                }
            }
            Event::Throttle(which, asked) => self.throttle(which, asked),
            Event::Wait(seconds) => {
                let wait = Duration::from_secs(seconds);
                self.now += wait;
                if !self.under_way.is_empty() {
                    self.busy += wait;
                }
            }
        }
        while self.let_in().is_some() {}
        self.check();
    }

    fn enter(&mut self, class: Class, party: u8) {
        let arrival = self.state.arrive();
        let place = Place {
            class,
            party: Party::of(&[party]),
            turn: Turn::Next,
            what: "Users".into(),
            since: self.now,
            call: arrival,
        };
        let entered = self.state.enter(arrival, place, self.now);
        assert_eq!(entered, Ok(()));
        self.waiting.insert(arrival, (class, party));
    }

    fn end(&mut self, which: usize) -> Option<GrantNumber> {
        let ends = which < self.under_way.len();
        let (number, class) = ends.then(|| self.under_way.remove(which))?;
        self.state.ended(class, self.now);
        if class != Class::Background {
            self.client_ended = Some(self.now);
        }
        Some(number)
    }

    /// Whether those that nobody waits for have to stay back: a client waits, or has just been here.
    fn is_reserved(&self) -> bool {
        let just = |ended: Instant| self.now < ended + RESERVED_FOR;
        let mut waiting = self.waiting.values();
        waiting.any(|(class, _)| *class != Class::Background) || self.client_ended.is_some_and(just)
    }

    fn throttle(&mut self, which: usize, asked: Option<u64>) {
        let Some(number) = self.end(which) else {
            return;
        };
        let before = (self.state.level().now(), self.state.paused_for(self.now));
        let throttle = Throttle {
            too_many: true,
            asked: asked.map(Duration::from_secs),
            jitter: 0.0,
        };
        let pause = self.state.throttled(number, throttle, self.now);
        assert!(pause >= Duration::from_millis(500));
        assert!(pause >= before.1.unwrap_or_default(), "a pause only grows");
        assert!(self.state.level().now() >= before.0 / 2);
        assert!(self.state.grant(self.now).is_none());
        self.state.released(self.now);
    }

    /// Lets one in, and checks that it was the right one.
    fn let_in(&mut self) -> Option<Arrival> {
        let grant = self.state.grant(self.now)?;
        let arrival = grant.call;
        assert!(self.state.paused_for(self.now).is_none());
        assert!(self.state.in_flight() <= self.state.level().now());
        let waited = self.waiting.remove(&arrival);
        let (class, party) = waited.expect("granted once");
        if class == Class::Background && self.is_reserved() {
            let passed_over = *self.passed_over.of(class);
            assert!(passed_over >= passed_over_max(class), "in clients' way");
        }
        let last = |party| self.last_grants.get(&(class, party)).copied();
        let rivals = self.waiting.iter().filter(|(_, rival)| rival.0 == class);
        for (rival, (_, other)) in rivals {
            if *other == party {
                assert!(arrival < *rival, "first come, first served");
            } else {
                assert!(last(party) <= last(*other), "in turn");
            }
        }
        self.passed_over = ByClass::from_fn(|other| {
            let waits = self.waiting.values().any(|(class, _)| *class == other);
            match other {
                other if other != class && waits => self.passed_over.of(other) + 1,
                _ => 0,
            }
        });
        for other in Class::ALL {
            assert!(*self.passed_over.of(other) <= passed_over_max(other) + DUE_BEFORE_MAX);
        }
        self.last_grants.insert((class, party), grant.number);
        self.under_way.push((grant.number, class));
        Some(arrival)
    }

    fn check(&self) {
        let level = self.state.level().now();
        assert!((1..=self.max).contains(&level));
        assert_eq!(self.state.in_flight(), self.under_way.len());
        assert_eq!(self.state.counts(self.now).busy, self.busy);
        assert!(self.state.in_flight() <= self.max);
        let waiting: Vec<_> = self.waiting.keys().copied().collect();
        let mut known: Vec<_> = self.order();
        let paused = self.state.paused_for(self.now).is_some();
        let full = self.state.in_flight() >= level;
        let mut classes = self.waiting.values().map(|(class, _)| *class);
        let stays_back = self.is_reserved() && classes.all(|class| class == Class::Background);
        let has_reason = paused || full || stays_back;
        assert!(known.is_empty() || has_reason, "waits for nothing");
        known.sort_unstable();
        assert_eq!(known, waiting, "nobody is lost");
        let counts = self.state.counts(self.now);
        assert!(counts.paused <= self.now - self.began);
    }

    fn order(&self) -> Vec<Arrival> {
        let order = self.state.queue().in_order();
        order.into_iter().map(|(arrival, _)| arrival).collect()
    }

    /// Nobody comes any more, and all goes well.
    fn runs_dry(mut self) {
        let order = self.order();
        self.now += Duration::from_hours(1);
        let mut granted = Vec::new();
        loop {
            while let Some(arrival) = self.let_in() {
                granted.push(arrival);
            }
            if self.end(0).is_none() {
                break;
            }
            self.state.succeeded(self.now);
            self.now += RESERVED_FOR;
        }
        assert_eq!(granted, order, "as it was foretold");
        assert_eq!(self.state.queue().len(), 0);
        assert_eq!(self.state.in_flight(), 0);
    }
}

proptest! {
    #[test]
    fn invariants_hold_whatever_happens(
        max in 1..6_usize,
        events in prop::collection::vec(event(), 0..100),
    ) {
        let mut history = History::new(max);
        for event in events {
            history.happens(event);
        }
        history.runs_dry();
    }
}

#[test]
fn growth_counts_throttled_answers_in_a_row_whoever_got_them() {
    let mut history = History::new(1);
    let mut pauses = Vec::new();
    for _ in 0..9 {
        history.happens(Event::Enter(Class::Scan, 0));
        history.happens(Event::Throttle(0, None));
        let pause = history.state.paused_for(history.now).unwrap();
        pauses.push(pause.as_millis());
        history.happens(Event::Wait(120));
        if pauses.len() == 7 {
            history.happens(Event::Enter(Class::Scan, 0));
            history.happens(Event::Succeed(0));
        }
    }
    assert_eq!(
        pauses,
        [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 500, 1000]
    );
    let counts = history.state.counts(history.now);
    assert_eq!(counts.paused, Duration::from_secs(47));
    assert_eq!(*counts.grants.of(Class::Scan), 10);
}

#[test]
fn queries_under_way_together_are_throttled_once() {
    let mut history = History::new(4);
    for _ in 0..30 {
        history.happens(Event::Enter(Class::Scan, 0));
    }
    while history.under_way.len() < 4 {
        history.happens(Event::Succeed(0));
    }
    for _ in 0..4 {
        history.happens(Event::Throttle(0, None));
        assert_eq!(history.state.level().now(), 2);
        let pause = history.state.paused_for(history.now).unwrap();
        assert_eq!(pause, Duration::from_millis(500));
    }
    history.happens(Event::Wait(1));
    assert_eq!(history.under_way.len(), 2);
    for _ in 0..2 {
        history.happens(Event::Throttle(0, None));
        assert_eq!(history.state.level().now(), 1);
    }
}

#[test]
fn a_free_lane_has_no_queue_to_be_full() {
    let mut history = History::new(1);
    let enter = |history: &mut History, turn| {
        let arrival = history.state.arrive();
        let place = Place {
            class: Class::Scan,
            party: Party::default(),
            turn,
            what: "Users".into(),
            since: history.now,
            call: arrival,
        };
        let entered = history.state.enter(arrival, place, history.now);
        history.state.grant(history.now);
        entered
    };
    assert_eq!(enter(&mut history, Turn::First), Ok(()));
    assert_eq!(enter(&mut history, Turn::First), Err(Full { queued: 0 }));
    assert_eq!(enter(&mut history, Turn::Next), Ok(()));
    assert_eq!(enter(&mut history, Turn::First), Err(Full { queued: 1 }));
}
