//! What a writer and its readers share, and the rules of their pace. Nothing here waits.

use std::collections::{BTreeMap, VecDeque};
use std::task::Poll;

use super::allowance::Share;
use super::record::Record;
use super::slot::Slot;
use crate::cache::{Content, Segment};

/// How much of an answer stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// All of it, in memory: at its end it may become an entry.
    Memory,
    /// All of it: its beginning in memory, the rest in a file.
    File,
    /// What somebody has not taken yet.
    Untaken,
}

/// What a reader is given next.
#[derive(Debug)]
pub(super) enum Next {
    /// A part; the reader has moved on.
    Segment(Segment),
    /// A part that has to be read first; the reader moves on by [`State::advance`].
    Record(Record),
}

#[derive(Debug)]
pub(super) struct State<E> {
    pub(super) content: Option<Content>,
    slots: VecDeque<Slot>,
    /// The number of the first part in `slots`.
    first: usize,
    /// For what is in memory.
    share: Share,
    keep: Keep,
    /// Whether the answer may become an entry at its end.
    storable: bool,
    /// Set when everybody has left an answer that is not worth finishing; it stays so.
    abandoned: bool,
    pub(super) end: Option<Result<(), E>>,
    /// Those who read. Who left is not here any more, nor is who was dropped.
    places: BTreeMap<u64, Place>,
    readers_ever: u64,
}

/// How far a reader is.
#[derive(Debug, Default)]
struct Place {
    /// The number of the part that it takes next.
    next: usize,
    /// Whether it asked for that one and found nothing.
    waits: bool,
}

/// Whether it is worth fetching more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Yes,
    /// What there is has not been taken yet.
    No,
    /// Somebody waits for more, and only those who are at this part are in the way.
    HeldAt(usize),
}

impl<E: Clone> State<E> {
    pub(super) fn new(share: Share, storable: bool) -> Self {
        Self {
            content: None,
            slots: VecDeque::new(),
            first: 0,
            share,
            keep: Keep::Memory,
            storable,
            abandoned: false,
            end: None,
            places: BTreeMap::new(),
            readers_ever: 0,
        }
    }

    /// How many parts were written.
    pub(super) fn written(&self) -> usize {
        self.first + self.slots.len()
    }

    /// How many read.
    pub(super) fn readers(&self) -> usize {
        self.places.len()
    }

    /// Bytes of the allowance that it takes.
    #[cfg(test)]
    pub(super) fn retained(&self) -> usize {
        self.share.bytes()
    }

    pub(super) fn abandoned(&self) -> bool {
        self.abandoned
    }

    /// A new reader's number; `None` when the beginning is gone, or the answer has failed or is about to stop.
    pub(super) fn join(&mut self) -> Option<u64> {
        let failed = matches!(self.end, Some(Err(_)));
        if self.keep == Keep::Untaken || self.abandoned || failed {
            return None;
        }
        let id = self.readers_ever;
        self.readers_ever += 1;
        self.places.insert(id, Place::default());
        Some(id)
    }

    /// A reader leaves.
    pub(super) fn leave(&mut self, reader: u64, nearly_done: bool) {
        self.places.remove(&reader);
        self.drop_taken();
        self.reconsider(nearly_done);
    }

    /// The answer will not become an entry.
    pub(super) fn unlist(&mut self) {
        self.storable = false;
        self.reconsider(false);
    }

    /// Whether an answer that nobody reads is worth finishing: not much is missing, and it will be stored.
    fn reconsider(&mut self, nearly_done: bool) {
        let worth = nearly_done && self.storable && self.keep == Keep::Memory;
        let deserted = self.readers_ever > 0 && self.places.is_empty();
        self.abandoned |= deserted && !worth;
    }

    /// The part that the slowest reader takes next.
    fn slowest(&self) -> usize {
        let next = self.places.values().map(|place| place.next);
        next.min().unwrap_or(0)
    }

    pub(super) fn room(&self) -> Room {
        let next = self.places.values().map(|place| place.next);
        let Some(fastest) = next.max() else {
            // Finished for the sake of those who come later, or not at all.
            return if self.abandoned { Room::No } else { Room::Yes };
        };
        let (slowest, written) = (self.slowest(), self.written());
        // Nobody has read yet: perhaps nobody will (`HEAD`). After that, one part may lie ready.
        let ahead = usize::from(fastest > 0);
        if fastest + ahead < written {
            return Room::No;
        }
        if self.keep != Keep::Untaken || slowest + BEHIND_MAX >= written {
            return Room::Yes;
        }
        let waits = |place: &Place| place.waits && place.next == written;
        if self.places.values().any(waits) {
            Room::HeldAt(slowest)
        } else {
            Room::No
        }
    }

    /// Adds a part, in memory for now. `beyond` is what to do with parts that memory has no room for. Says how
    /// the answer is kept from now on.
    pub(super) fn push(&mut self, segment: Segment, beyond: Keep, nearly_done: bool) -> Keep {
        let fits = self.share.take(segment.text.stored_len());
        self.slots.push_back(Slot::Memory(segment));
        if self.keep == Keep::Memory && !fits {
            self.keep = beyond;
        }
        self.drop_taken();
        self.reconsider(nearly_done);
        self.keep
    }

    /// The last part is in a file now. Parts before it need not stay in memory.
    pub(super) fn filed(&mut self, record: Record) {
        if let Some(slot) = self.slots.back_mut() {
            slot.file(record);
        }
        let old = self.slots.len().checked_sub(RECENT + 1);
        if let Some(slot) = old.and_then(|old| self.slots.get_mut(old)) {
            let before = slot.bytes();
            slot.forget_recent();
            self.share.give_back(before - slot.bytes());
        }
    }

    /// From now on only what somebody has not taken stays.
    pub(super) fn let_go(&mut self) {
        self.keep = Keep::Untaken;
        self.drop_taken();
    }

    /// Ends the answer; the first end counts. Nobody joins an answer with a part in a file after that.
    pub(super) fn end(&mut self, end: Result<(), E>) {
        self.end.get_or_insert(end);
        if self.keep == Keep::File {
            self.let_go();
        }
    }

    /// All parts, when they are in memory.
    pub(super) fn whole(&self) -> Option<Vec<Segment>> {
        let slots = self.slots.iter();
        let segments = slots.map(|slot| slot.segment().cloned()).collect();
        (self.keep == Keep::Memory).then_some(segments)?
    }

    /// What is in memory is counted elsewhere from now on.
    pub(super) fn hand_over(&mut self) {
        self.share.give_back_all();
    }

    /// Drops the readers who still hold the answer at this part; returns how many.
    pub(super) fn drop_readers_at(&mut self, part: usize) -> usize {
        if self.room() != Room::HeldAt(part) {
            return 0;
        }
        let before = self.places.len();
        self.places.retain(|_, place| place.next != part);
        self.drop_taken();
        before - self.places.len()
    }

    /// What a reader is given next; `None` behind the end. Those who were dropped get `interrupted`.
    pub(super) fn take(&mut self, reader: u64, interrupted: &E) -> Poll<Option<Result<Next, E>>> {
        let Some(place) = self.places.get_mut(&reader) else {
            return Poll::Ready(Some(Err(interrupted.clone())));
        };
        let slot = place
            .next
            .checked_sub(self.first)
            .and_then(|at| self.slots.get(at));
        let next = match (slot, &self.end) {
            (Some(Slot::Memory(segment)), _) => Next::Segment(segment.clone()),
            (Some(Slot::File { record, recent }), _) => match recent {
                Some(segment) => Next::Segment(segment.clone()),
                None => return Poll::Ready(Some(Ok(Next::Record(record.clone())))),
            },
            (None, None) => {
                place.waits = true;
                return Poll::Pending;
            }
            (None, Some(Ok(()))) => return Poll::Ready(None),
            (None, Some(Err(error))) => return Poll::Ready(Some(Err(error.clone()))),
        };
        self.advance(reader);
        Poll::Ready(Some(Ok(next)))
    }

    /// A reader has taken a part, unless it was dropped meanwhile.
    pub(super) fn advance(&mut self, reader: u64) -> bool {
        let Some(place) = self.places.get_mut(&reader) else {
            return false;
        };
        place.next += 1;
        place.waits = false;
        self.drop_taken();
        true
    }

    fn drop_taken(&mut self) {
        let slowest = self.slowest();
        while self.keep == Keep::Untaken && self.first < slowest {
            let Some(slot) = self.slots.pop_front() else {
                break;
            };
            self.share.give_back(slot.bytes());
            self.first += 1;
        }
    }
}

/// How many parts the slowest reader of an answer that does not stay may be behind.
const BEHIND_MAX: usize = 4;

/// How many parts of an answer in a file stay in memory, too. With the one that is being written they are those
/// between the writer and the fastest reader.
pub(super) const RECENT: usize = 1;
