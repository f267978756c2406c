//! Rows that came before, to recognise those that come twice. Pure.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use jiff::{SignedDuration, Timestamp};

use crate::odata::row::RowFacts;

/// Keys of rows, as [`RowFacts::key`] has them.
pub(super) type Keys = HashSet<u128, BuildHasherDefault<DigestHasher>>;

/// The rows that came last.
///
/// Rows that move, because others were added before them, come again soon: a page begins so many rows too early as were
/// added since the last one. So it is enough to know the last ones, however long the walk is.
#[derive(Debug, Default)]
pub(super) struct Seen {
    known: Keys,
    /// In the order in which they came.
    order: VecDeque<(Option<Timestamp>, u128)>,
}

impl Seen {
    /// Notes the rows of a page, and returns those that did not come before. `None` when two rows of this one page
    /// have the same key, so that it does not tell rows apart.
    pub(super) fn note<'a>(&mut self, page: &'a [RowFacts]) -> Option<Vec<&'a RowFacts>> {
        if !are_distinct(page) {
            return None;
        }
        let mut fresh = Vec::with_capacity(page.len());
        for row in page {
            if self.known.insert(row.key) {
                self.order.push_back((row.date, row.key));
                fresh.push(row);
            }
        }
        self.forget(page.last().and_then(|row| row.date));
        Some(fresh)
    }

    /// How many of those that are known have this date or a later one.
    pub(super) fn since(&self, from: Timestamp) -> u64 {
        let later = |(date, _): &&(Option<Timestamp>, u128)| date.is_some_and(|date| date >= from);
        self.order.iter().rev().take_while(later).count() as u64
    }

    /// Forgets rows of which enough came later, and that are not as young as `last`, nearly: a range that begins anew
    /// shows those again.
    fn forget(&mut self, last: Option<Timestamp>) {
        let young = last.and_then(|last| last.checked_sub(YOUNG).ok());
        while self.order.len() > REMEMBERED {
            let Some((date, key)) = self.order.front().copied() else {
                return;
            };
            if young.is_some_and(|young| date >= Some(young)) {
                return;
            }
            self.order.pop_front();
            self.known.remove(&key);
        }
    }
}

/// Whether each row has a key of its own.
pub(super) fn are_distinct(page: &[RowFacts]) -> bool {
    let mut keys = Keys::with_capacity_and_hasher(page.len(), BuildHasherDefault::default());
    page.iter().all(|row| keys.insert(row.key))
}

/// Takes a digest as it is: it was hashed already, and hashing again would take longer than the rest of a look-up.
#[derive(Debug, Default)]
pub(super) struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn write(&mut self, digest: &[u8]) {
        if let Some((low, _)) = digest.split_first_chunk() {
            self.0 = u64::from_ne_bytes(*low);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Rows to remember. So many rows may be added between two pages, while upstream wants a pause, say, before one that
/// comes twice is not noticed. They take 5 MiB.
const REMEMBERED: usize = 65_536;

/// Twice the second by which ranges overlap.
const YOUNG: SignedDuration = SignedDuration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn page(keys: impl IntoIterator<Item = u128>) -> Vec<RowFacts> {
        dated(keys.into_iter().map(|key| (key, None)))
    }

    fn dated(rows: impl IntoIterator<Item = (u128, Option<i64>)>) -> Vec<RowFacts> {
        let facts = |(at, (key, second)): (usize, (u128, Option<i64>))| RowFacts {
            key,
            date: second.map(|second| Timestamp::from_second(second).unwrap()),
            span: at..at,
        };
        rows.into_iter().enumerate().map(facts).collect()
    }

    fn fresh(seen: &mut Seen, rows: &[RowFacts]) -> Vec<usize> {
        let fresh = seen.note(rows).unwrap();
        fresh.into_iter().map(|row| row.span.start).collect()
    }

    #[test]
    fn rows_that_came_before_are_not_fresh() {
        let mut seen = Seen::default();
        assert_eq!(fresh(&mut seen, &page([1, 2, 3])), [0, 1, 2]);
        assert_eq!(fresh(&mut seen, &page([3, 4, 2, 5])), [1, 3]);
        assert_eq!(seen.note(&page([6, 7, 6])), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut seen = Seen::default();
        for first in (0..10).map(|page| page * 20_000) {
            seen.note(&page(first..first + 20_000)).unwrap();
        }
        assert_eq!(seen.order.len(), REMEMBERED);
        assert_eq!(seen.known.len(), REMEMBERED);
        assert_eq!(fresh(&mut seen, &page([199_999, 0])), [1]);
    }

    #[test]
    fn rows_of_the_last_seconds_are_never_forgotten() {
        let mut seen = Seen::default();
        let many = REMEMBERED as u128 * 2;
        seen.note(&dated((0..many).map(|key| (key, Some(100)))))
            .unwrap();
        assert_eq!(seen.order.len() as u128, many);
        assert_eq!(
            seen.since(Timestamp::from_second(100).unwrap()),
            u64::try_from(many).unwrap()
        );
        assert_eq!(seen.since(Timestamp::from_second(101).unwrap()), 0);
        seen.note(&dated([(many, Some(103))])).unwrap();
        assert_eq!(seen.order.len(), REMEMBERED);
    }
}
