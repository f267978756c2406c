//! Who reads an answer, and how far each of them is.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// Those who read. Who left is not here any more, nor is who was dropped.
#[derive(Debug, Default)]
pub(super) struct Places {
    places: BTreeMap<u64, Place>,
    readers_ever: u64,
}

/// How far a reader is.
#[derive(Debug)]
struct Place {
    /// The number of the part that it takes next.
    next: usize,
    /// When it took the one before, or came.
    since: Instant,
    /// Whether it asked for that one and found nothing.
    waits: bool,
}

/// A reader who had taken nothing for long when somebody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Idle {
    reader: u64,
    /// The number of the part that it would take next.
    next: usize,
}

impl Places {
    /// A new reader's number.
    pub(super) fn join(&mut self, now: Instant) -> u64 {
        let reader = self.readers_ever;
        self.readers_ever += 1;
        let place = Place {
            next: 0,
            since: now,
            waits: false,
        };
        self.places.insert(reader, place);
        reader
    }

    pub(super) fn leave(&mut self, reader: u64) {
        self.places.remove(&reader);
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether all who ever read have left.
    pub(super) fn deserted(&self) -> bool {
        self.readers_ever > 0 && self.places.is_empty()
    }

    /// The part that a reader takes next; `None` when it is not here any more.
    pub(super) fn next(&self, reader: u64) -> Option<usize> {
        self.places.get(&reader).map(|place| place.next)
    }

    /// A reader has taken a part, unless it is not here any more.
    pub(super) fn advance(&mut self, reader: u64, now: Instant) -> bool {
        let Some(place) = self.places.get_mut(&reader) else {
            return false;
        };
        place.next += 1;
        place.since = now;
        place.waits = false;
        true
    }

    /// A reader has asked for the part that it takes next, and found nothing.
    pub(super) fn wait(&mut self, reader: u64) {
        if let Some(place) = self.places.get_mut(&reader) {
            place.waits = true;
        }
    }

    /// Whether somebody has asked for this part and found nothing.
    pub(super) fn somebody_waits_for(&self, part: usize) -> bool {
        let mut places = self.places.values();
        places.any(|place| place.waits && place.next == part)
    }

    /// The part that the slowest takes next; `None` when nobody reads.
    pub(super) fn slowest(&self) -> Option<usize> {
        self.places.values().map(|place| place.next).min()
    }

    /// The part that the fastest takes next; `None` when nobody reads.
    pub(super) fn fastest(&self) -> Option<usize> {
        self.places.values().map(|place| place.next).max()
    }

    /// Drops those who take this part next; returns how many.
    pub(super) fn drop_at(&mut self, part: usize) -> usize {
        let before = self.places.len();
        self.places.retain(|_, place| place.next != part);
        before - self.places.len()
    }

    /// Those who have taken nothing for so long, though there is a part before `written` for them.
    pub(super) fn idle(&self, for_long: Duration, written: usize, now: Instant) -> Vec<Idle> {
        let is_idle = |place: &Place| {
            place.next < written && now.saturating_duration_since(place.since) >= for_long
        };
        let idle = self.places.iter().filter(|(_, place)| is_idle(place));
        let idle = idle.map(|(reader, place)| Idle {
            reader: *reader,
            next: place.next,
        });
        idle.collect()
    }

    /// Drops those of `idle` who have taken nothing since; returns how many.
    pub(super) fn drop_idle(&mut self, idle: &[Idle]) -> usize {
        let before = self.places.len();
        self.places.retain(|reader, place| {
            let now = Idle {
                reader: *reader,
                next: place.next,
            };
            !idle.contains(&now)
        });
        before - self.places.len()
    }
}
