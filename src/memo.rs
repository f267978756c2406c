//! What was decided about a text, remembered: for pure functions that are asked the same over and over.
//!
//! Report tools ask the same few questions all day. Whoever has a cheap hit to give should not read, fold and match the same
//! text for it each time.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::sync::{PoisonError, RwLock};

/// Decisions by text; bounded, whatever texts clients invent.
pub struct Memo<V> {
    known: RwLock<HashMap<Box<str>, V>>,
    texts_max: usize,
    bytes_max: usize,
}

impl<V: Clone> Memo<V> {
    /// Remembers up to `texts_max` texts, none of them longer than `bytes_max` bytes.
    pub fn new(texts_max: usize, bytes_max: usize) -> Self {
        Self {
            known: RwLock::default(),
            texts_max,
            bytes_max,
        }
    }

    /// Remembers what is decided about names of entity sets.
    pub fn of_names() -> Self {
        Self::new(NAMES_MAX, NAME_BYTES_MAX)
    }

    /// What `decide` says of `text`, or said of it before. It has to depend on nothing else.
    pub fn get(&self, text: &str, decide: impl FnOnce() -> V) -> V {
        let Ok(decided) = self.try_get(text, || Ok::<_, Infallible>(decide()));
        decided
    }

    /// The same, when it may fail. Errors are not remembered.
    pub fn try_get<E>(&self, text: &str, decide: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        if text.len() > self.bytes_max {
            return decide();
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(decided) = known.get(text) {
            return Ok(decided.clone());
        }
        drop(known);
        let decided = decide()?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // Those that are asked often are back at once, and nobody has to keep a record of use.
        if known.len() >= self.texts_max {
            known.clear();
        }
        known.insert(text.into(), decided.clone());
        Ok(decided)
    }
}

impl<V> fmt::Debug for Memo<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo")
            .field("texts_max", &self.texts_max)
            .finish_non_exhaustive()
    }
}

/// Citrix has some eighty sets; clients may invent more.
const NAMES_MAX: usize = 512;

/// No set has a longer name.
const NAME_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A memo of lengths, and how often a length was counted.
    fn asked(memo: &Memo<usize>, text: &str) -> (usize, u32) {
        let times = Cell::new(0);
        let count = || {
            times.set(times.get() + 1);
            text.len()
        };
        (memo.get(text, count), times.get())
    }

    #[test]
    fn a_text_is_judged_once() {
        let memo = Memo::new(10, 10);
        assert_eq!(asked(&memo, "abc"), (3, 1));
        assert_eq!(asked(&memo, "abc"), (3, 0));
        assert_eq!(asked(&memo, "abcd"), (4, 1));
    }

    #[test]
    fn errors_are_not_remembered() {
        let memo = Memo::new(10, 10);
        assert_eq!(memo.try_get("abc", || Err("no")), Err("no"));
        assert_eq!(memo.try_get("abc", || Ok::<_, ()>(1)), Ok(1));
    }

    #[test]
    fn there_are_never_more_texts_than_it_may_hold() {
        let memo = Memo::new(10, 5);
        for n in 0..1000 {
            assert_eq!(asked(&memo, &n.to_string()).1, 1);
            assert!(memo.known.read().unwrap().len() <= 10);
        }
        assert_eq!(asked(&memo, "too long"), (8, 1));
        assert_eq!(asked(&memo, "too long"), (8, 1), "not remembered");
    }
}
