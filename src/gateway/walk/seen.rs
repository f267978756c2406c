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
    /// The latest date of those that were forgotten.
    forgotten: Option<Timestamp>,
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

    /// Whether a row came before.
    pub(super) fn knows(&self, row: &RowFacts) -> bool {
        self.known.contains(&row.key)
    }

    /// Whether nothing was forgotten.
    pub(super) fn knows_all(&self) -> bool {
        self.forgotten.is_none()
    }

    /// Whether all rows that came with this date or a later one are known still, and they are `most` at most.
    pub(super) fn knows_all_since(&self, from: Timestamp, most: u64) -> bool {
        if self.forgotten.is_some_and(|forgotten| forgotten >= from) {
            return false;
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let later = |(date, _): &&(Option<Timestamp>, u128)| date.is_some_and(|date| date >= from);
        let found = self.order.iter().rev().take_while(later);
        found.take(most.saturating_add(1)).count() <= most
    }

    /// Forgets rows of which enough came later, and that are not as young as `last`, nearly: a range that begins anew
    /// shows those again.
    fn forget(&mut self, last: Option<Timestamp>) {
        let young = last.and_then(|last| last.checked_sub(YOUNG).ok());
        while self.order.len() > REMEMBERED {
            let Some((date, key)) = self.order.front().copied() else {
                return;
            };
            if young.is_some_and(|young| date >= Some(young)) && self.order.len() <= REMEMBERED_MAX
            {
                return;
            }
            self.forgotten = self.forgotten.max(date);
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
pub(super) const REMEMBERED: usize = 65_536;

/// Rows to remember when all of them have the same date, nearly. They take 80 MiB.
const REMEMBERED_MAX: usize = 1_048_576;

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
    fn rows_of_the_last_seconds_are_not_forgotten_soon() {
        let mut seen = Seen::default();
        let many = REMEMBERED as u128 * 2;
        seen.note(&dated((0..many).map(|key| (key, Some(100)))))
            .unwrap();
        assert_eq!(seen.order.len() as u128, many);
        let at = |second| Timestamp::from_second(second).unwrap();
        let count = u64::try_from(many).unwrap();
        assert!(seen.knows_all_since(at(100), count));
        assert!(!seen.knows_all_since(at(100), count - 1));
        assert!(seen.knows_all_since(at(101), 0));
        seen.note(&dated([(many, Some(103))])).unwrap();
        assert_eq!(seen.order.len(), REMEMBERED);
        assert!(seen.knows_all_since(at(101), 1));
        assert!(!seen.knows_all_since(at(100), u64::MAX));
    }

    #[test]
    fn even_they_are_bounded() {
        let mut seen = Seen::default();
        let many = REMEMBERED_MAX as u128 + 1000;
        seen.note(&dated((0..many).map(|key| (key, Some(100)))))
            .unwrap();
        assert_eq!(seen.order.len(), REMEMBERED_MAX);
        let at = Timestamp::from_second(99).unwrap();
        assert!(!seen.knows_all_since(at, u64::MAX));
    }
}
