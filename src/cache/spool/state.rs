//! What a writer and its readers share, and the rules of their pace. Nothing here waits.

use std::collections::VecDeque;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::allowance::Share;
use super::places::{Idle, Places};
use super::purpose::Purpose;
use super::slot::Slot;
use super::standstill::Standstill;
use crate::cache::Failure;
use crate::cache::digest::Digester;
use crate::cache::entry::Block;
use crate::cache::record::Record;
use crate::cache::{Content, Segment};

/// How much of an answer stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// All of it, in memory.
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
    /// How it must be kept to become an entry at its end; empty when it will not become one.
    storable: &'static [Keep],
    /// Whether it is made though nobody reads it.
    pub(super) in_background: bool,
    pub(super) digester: Digester,
    /// Rows of the first part.
    pub(super) first_rows: u64,
    /// Set when everybody has left an answer that is not worth finishing; it stays so.
    abandoned: bool,
    pub(super) end: Option<Result<(), E>>,
    places: Places,
    /// Of the writer, for lack of readers.
    standstill: Standstill,
    /// After a longer one nobody joins.
    standstill_max: Duration,
    /// What nobody needs any more. To be taken out, and dropped when the lock is free again: that may take a while.
    gone: Vec<Slot>,
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

impl<E: Failure> State<E> {
    /// Nothing yet.
    pub(super) fn new(share: Share, purpose: Purpose, files_stay: bool) -> Self {
        Self {
            content: None,
            slots: VecDeque::new(),
            first: 0,
            share,
            keep: Keep::Memory,
            storable: match (purpose.storable, files_stay) {
                (true, true) => &[Keep::Memory, Keep::File],
                (true, false) => &[Keep::Memory],
                (false, _) => &[],
            },
            in_background: purpose.in_background,
            digester: Digester::default(),
            first_rows: 0,
            abandoned: false,
            end: None,
            places: Places::default(),
            standstill: Standstill::default(),
            standstill_max: purpose.fresh.max(STANDSTILL_JOINED_MIN),
            gone: Vec::new(),
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

    /// What nobody needs any more.
    pub(super) fn take_gone(&mut self) -> Vec<Slot> {
        std::mem::take(&mut self.gone)
    }

    /// A new reader's number; `None` when the beginning is gone, the answer is about to stop, or it has stood still for
    /// so long that its parts are of very different ages.
    pub(super) fn join(&mut self, now: Instant) -> Option<u64> {
        let stale = self.standstill.longest(now) > self.standstill_max;
        if self.keep == Keep::Untaken || self.abandoned || stale {
            return None;
        }
        Some(self.places.join(now))
    }

    /// A reader leaves. `worth_finishing`: for those who come later, if it will be stored.
    pub(super) fn leave(&mut self, reader: u64, worth_finishing: bool) {
        self.places.leave(reader);
        self.drop_taken();
        self.reconsider(worth_finishing);
    }

    /// From now on it is made though nobody reads it.
    pub(super) fn make_in_background(&mut self) {
        self.in_background = true;
    }

    /// The answer will not become an entry.
    pub(super) fn unlist(&mut self) {
        self.storable = &[];
        self.reconsider(false);
    }

    /// Whether an answer that nobody reads goes on: it is worth finishing, and will be stored.
    pub(super) fn reconsider(&mut self, worth_finishing: bool) {
        let worth = (worth_finishing || self.in_background) && self.stays();
        let nobody = self.places.deserted() || (self.in_background && self.places.len() == 0);
        self.abandoned |= nobody && !worth;
    }

    /// Whether all of it stays where it can become an entry.
    fn stays(&self) -> bool {
        self.storable.contains(&self.keep)
    }

    /// Whether it is worth fetching more; takes note of the time for which it is not.
    pub(super) fn room(&mut self, now: Instant) -> Room {
        let room = self.look_for_room();
        match room {
            Room::Yes => self.standstill.end(now),
            Room::No | Room::HeldAt(_) => self.standstill.begin(now),
        }
        room
    }

    fn look_for_room(&self) -> Room {
        let (Some(slowest), Some(fastest)) = (self.places.slowest(), self.places.fastest()) else {
            // Finished for the sake of those who come later, or not at all.
            return if self.abandoned { Room::No } else { Room::Yes };
        };
        if self.in_background && self.stays() {
            // A reader who came later must not keep it from those who come after.
            return Room::Yes;
        }
        let written = self.written();
        // Nobody has read yet: perhaps nobody will (`HEAD`). After that, one part may lie ready.
        let ahead = usize::from(fastest > 0);
        if fastest + ahead < written {
            return Room::No;
        }
        if self.keep != Keep::Untaken || slowest + BEHIND_MAX >= written {
            return Room::Yes;
        }
        if self.places.somebody_waits_for(written) {
            Room::HeldAt(slowest)
        } else {
            Room::No
        }
    }

    /// Adds a part, in memory for now. `beyond` is what to do with parts that memory has no room for. Says how
    /// the answer is kept from now on.
    pub(super) fn push(&mut self, segment: Segment, beyond: Keep, worth_finishing: bool) -> Keep {
        let fits = self.share.take(segment.text.stored_len());
        if self.written() == 0 {
            self.first_rows = segment.rows;
        }
        self.slots.push_back(Slot::Memory(segment));
        if self.keep == Keep::Memory && !fits {
            self.keep = beyond;
        }
        self.drop_taken();
        self.reconsider(worth_finishing);
        self.keep
    }

    /// Where a part of so many bytes goes if other answers leave room for it.
    pub(super) fn destination(&self, bytes: usize) -> Keep {
        match self.keep {
            Keep::Memory if !self.share.may_hold(bytes) => Keep::File,
            keep => keep,
        }
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

    /// Ends the answer, and says whether it had not ended yet: the first end counts. Nobody joins it after that.
    pub(super) fn end(&mut self, end: Result<(), E>) -> bool {
        if self.end.is_some() {
            return false;
        }
        self.end = Some(end);
        self.let_go();
        true
    }

    /// All parts, when they stay where they can become an entry.
    pub(super) fn blocks(&self) -> Option<Vec<Block>> {
        let block = |slot: &Slot| match slot {
            Slot::Memory(segment) => Block::Memory(segment.clone()),
            Slot::File { record, .. } => Block::File(record.clone()),
        };
        self.stays().then(|| self.slots.iter().map(block).collect())
    }

    /// Drops the readers who still hold the answer at this part; returns how many.
    pub(super) fn drop_readers_at(&mut self, part: usize) -> usize {
        if self.look_for_room() != Room::HeldAt(part) {
            return 0;
        }
        let dropped = self.places.drop_at(part);
        self.drop_taken();
        dropped
    }

    /// The readers of an answer that has ended who have taken nothing for so long, though something is held for them.
    pub(super) fn idle(&self, for_long: Duration, now: Instant) -> Vec<Idle> {
        let filed = |slot: &Slot| matches!(slot, Slot::File { .. });
        if self.end.is_none() || (self.share.bytes() == 0 && !self.slots.iter().any(filed)) {
            return Vec::new();
        }
        self.places.idle(for_long, self.written(), now)
    }

    /// Drops those of `idle` who have taken nothing since; returns how many.
    pub(super) fn drop_idle(&mut self, idle: &[Idle]) -> usize {
        let dropped = self.places.drop_idle(idle);
        self.drop_taken();
        dropped
    }

    /// What a reader is given next; `None` behind the end. Those who were dropped get [`Failure::interrupted`].
    pub(super) fn take(&mut self, reader: u64, now: Instant) -> Poll<Option<Result<Next, E>>> {
        let Some(next) = self.places.next(reader) else {
            return Poll::Ready(Some(Err(E::interrupted())));
        };
        let slot = next
            .checked_sub(self.first)
            .and_then(|at| self.slots.get(at));
        let next = match (slot, &self.end) {
            (Some(Slot::Memory(segment)), _) => Next::Segment(segment.clone()),
            (Some(Slot::File { record, recent }), _) => match recent {
                Some(segment) => Next::Segment(segment.clone()),
                None => return Poll::Ready(Some(Ok(Next::Record(record.clone())))),
            },
            (None, None) => {
                self.places.wait(reader);
                return Poll::Pending;
            }
            (None, Some(Ok(()))) => return Poll::Ready(None),
            (None, Some(Err(error))) => return Poll::Ready(Some(Err(error.clone()))),
        };
        self.advance(reader, now);
        Poll::Ready(Some(Ok(next)))
    }

    /// A reader has taken a part, unless it was dropped meanwhile.
    pub(super) fn advance(&mut self, reader: u64, now: Instant) -> bool {
        let here = self.places.advance(reader, now);
        self.drop_taken();
        here
    }

    fn drop_taken(&mut self) {
        if self.keep != Keep::Untaken {
            return;
        }
        // Nobody joins any more: when nobody reads, nobody will.
        let needed_from = self.places.slowest().unwrap_or_else(|| self.written());
        while self.first < needed_from {
            let Some(slot) = self.slots.pop_front() else {
                break;
            };
            self.share.give_back(slot.bytes());
            self.gone.push(slot);
            self.first += 1;
        }
    }
}

/// A standstill that is no longer does not keep anybody from joining, however short the time to live.
const STANDSTILL_JOINED_MIN: Duration = Duration::from_mins(1);

/// How many parts the slowest reader of an answer that does not stay may be behind.
const BEHIND_MAX: usize = 4;

/// How many parts of an answer in a file stay in memory, too. With the one that is being written they are those
/// between the writer and the fastest reader.
pub(super) const RECENT: usize = 1;
