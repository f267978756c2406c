//! What is known of the answers on disk, in memory. Pure.
//!
//! Of each so much as it takes to find it, to choose which ones have to go, and to say what it answers: some 700 bytes when the
//! question is as long as those of reports.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::format::Key;
use super::name::Name;
use crate::cache::CacheKey;
use crate::cache::kept::{Asked, Used};

/// The answers on disk.
#[derive(Debug)]
pub(super) struct Index {
    answers: HashMap<Name, Shelved>,
    /// Of all files together.
    bytes: u64,
    limits: Limits,
    /// Whether every answer on disk is known. Until then those that are not may be there all the same.
    complete: bool,
    /// Those that must not be taken for such.
    gone: HashSet<Name>,
}

/// How much may be on disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes of all files together.
    pub(super) bytes: u64,
    /// How many files.
    pub(super) answers: usize,
}

impl Limits {
    /// A little less.
    fn lowered(self) -> Self {
        Self {
            bytes: self.bytes - self.bytes / SPARE,
            answers: self.answers - self.answers / SPARE_ANSWERS,
        }
    }
}

/// An answer on disk.
#[derive(Debug, Clone)]
pub(super) struct Shelved {
    /// What it answers, as JSON; `None` when that is long, and has to be read from the file.
    key: Option<Arc<str>>,
    /// The writing that it comes from: what is written later has a larger number. 0: that of another run.
    pub(super) writing: u64,
    /// Bytes of its file.
    pub(super) bytes: u64,
    pub(super) asked: Asked,
    pub(super) used: Arc<Used>,
    /// The use that its file tells of.
    saved: i64,
}

impl Shelved {
    /// An answer whose file tells of its last use.
    pub(super) fn new(key: &Key, writing: u64, bytes: u64, asked: Asked, used: Arc<Used>) -> Self {
        let key = serde_json::to_string(key).ok();
        Self {
            key: key.filter(|key| key.len() <= KEY_BYTES_MAX).map(Into::into),
            writing,
            bytes,
            asked,
            saved: used.milliseconds(),
            used,
        }
    }

    /// What it answers; `None` when its file has to be read for that.
    pub(super) fn key(&self) -> Option<CacheKey> {
        let key: Key = serde_json::from_str(self.key.as_deref()?).ok()?;
        key.read()
    }
}

/// What the index knows of an answer.
#[derive(Debug)]
pub(super) enum Known {
    /// It is there.
    There(Shelved),
    /// It is not.
    Absent,
    /// The folder has not been looked through yet.
    Perhaps,
}

impl Index {
    /// Nothing is known yet.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            answers: HashMap::new(),
            bytes: 0,
            limits,
            complete: false,
            gone: HashSet::new(),
        }
    }

    /// What is known of that answer.
    pub(super) fn get(&self, name: Name) -> Known {
        match self.answers.get(&name) {
            Some(shelved) => Known::There(shelved.clone()),
            None if self.complete || self.gone.contains(&name) => Known::Absent,
            None => Known::Perhaps,
        }
    }

    /// An answer was written.
    pub(super) fn insert(&mut self, name: Name, shelved: Shelved) {
        self.gone.remove(&name);
        self.bytes = self.bytes.saturating_add(shelved.bytes);
        if let Some(before) = self.answers.insert(name, shelved) {
            self.bytes = self.bytes.saturating_sub(before.bytes);
        }
    }

    /// An answer of another run was found, unless more is known of it already.
    pub(super) fn discover(&mut self, name: Name, shelved: impl FnOnce() -> Shelved) {
        if matches!(self.get(name), Known::Perhaps) {
            self.insert(name, shelved());
        }
    }

    /// An answer is not there, or must not be found any more. Returns whether it was known.
    pub(super) fn remove(&mut self, name: Name) -> bool {
        if !self.complete {
            self.gone.insert(name);
        }
        let Some(removed) = self.answers.remove(&name) else {
            return false;
        };
        self.bytes = self.bytes.saturating_sub(removed.bytes);
        true
    }

    /// All files were looked at.
    pub(super) fn completed(&mut self) {
        self.complete = true;
        self.gone = HashSet::new();
        self.answers.shrink_to_fit();
    }

    /// How many there are, and the bytes of their files.
    pub(super) fn size(&self) -> (usize, u64) {
        (self.answers.len(), self.bytes)
    }

    /// Takes out the answers that were not used for longest, until there is room for a file of so many bytes. A little
    /// more room than that is made, because looking for them goes through all.
    pub(super) fn make_room(&mut self, bytes: u64) -> Vec<Name> {
        if self.fits(bytes, self.limits) {
            return Vec::new();
        }
        let lowered = self.limits.lowered();
        let mut by_use: Vec<(i64, Name)> = self
            .answers
            .iter()
            .map(|(name, shelved)| (shelved.used.milliseconds(), *name))
            .collect();
        by_use.sort_unstable_by_key(|(used, _)| *used);
        let mut removed = Vec::new();
        for (_, name) in by_use {
            if self.fits(bytes, lowered) {
                break;
            }
            self.remove(name);
            removed.push(name);
        }
        removed
    }

    fn fits(&self, bytes: u64, limits: Limits) -> bool {
        let (answers, used) = self.size();
        answers < limits.answers && used.saturating_add(bytes) <= limits.bytes
    }

    /// The answers for whose file the last use is not noted and at least so many milliseconds younger than the one that is;
    /// they count as noted then. With each its last use.
    pub(super) fn take_unsaved(&mut self, milliseconds: i64) -> Vec<(Name, i64)> {
        let mut unsaved = Vec::new();
        for (name, shelved) in &mut self.answers {
            let used = shelved.used.milliseconds();
            if used != shelved.saved && used.saturating_sub(shelved.saved) >= milliseconds {
                shelved.saved = used;
                unsaved.push((*name, used));
            }
        }
        unsaved
    }

    /// All answers that were written before the writing of that number.
    pub(super) fn before(&self, writing: u64) -> Vec<(Name, Shelved)> {
        let all = self.answers.iter();
        let before = all.filter(|(_, shelved)| shelved.writing < writing);
        before
            .map(|(name, shelved)| (*name, shelved.clone()))
            .collect()
    }
}

/// Of the room, one part in so many is made free when it is full.
const SPARE: u64 = 32;
const SPARE_ANSWERS: usize = 32;

/// Longer keys are not held in memory.
const KEY_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tokio::time::Instant;

    use super::*;
    use crate::odata::name::SiteId;
    use crate::odata::question::Question;
    use crate::odata::representation::Representation;

    fn key(number: u64, query: &str) -> CacheKey {
        let query = format!("$filter=UserId eq {number}{query}");
        let question = Question::parse("Sessions", Some(&query)).unwrap();
        let site = SiteId::new("main").unwrap();
        CacheKey::new(site, question, Representation::default(), None)
    }

    /// An answer of 100 bytes that was used in that second.
    fn shelved(key: &CacheKey, writing: u64, second: i64) -> Shelved {
        let now = Timestamp::from_second(second).unwrap();
        let asked = Asked::at(now, Instant::now());
        Shelved::new(&Key::of(key), writing, 100, asked, Used::at(now))
    }

    fn index(bytes: u64, answers: usize) -> Index {
        Index::new(Limits { bytes, answers })
    }

    #[test]
    fn however_many_come_those_used_last_stay() {
        let mut index = index(u64::MAX, 1000);
        index.completed();
        let names: Vec<Name> = (0..5000).map(|n| Name::new(1, &key(n, ""))).collect();
        let mut removed = 0;
        for (n, name) in (0..).zip(&names) {
            removed += index.make_room(100).len();
            let (writing, second) = (n + 1, i64::try_from(n).unwrap());
            index.insert(*name, shelved(&key(n, ""), writing, second));
            let (answers, bytes) = index.size();
            assert!(answers <= 1000 && bytes == answers as u64 * 100);
        }
        let there = |name: &Name| matches!(index.get(*name), Known::There(_));
        let (answers, _) = index.size();
        assert!(answers > 900 && removed + answers == 5000);
        let (gone, stay) = names.split_at(removed);
        assert!(!gone.iter().any(there) && stay.iter().all(there));
    }

    #[test]
    fn bytes_are_bounded_and_counted_once() {
        let mut index = index(450, 1000);
        for n in 0..4 {
            let name = Name::new(1, &key(n, ""));
            for _ in 0..2 {
                index.insert(name, shelved(&key(n, ""), 1, i64::try_from(n).unwrap()));
            }
        }
        assert_eq!(index.size(), (4, 400));
        assert!(index.make_room(50).is_empty());
        // A thirty-second part is made free besides.
        assert_eq!(index.make_room(136), [Name::new(1, &key(0, ""))]);
        assert_eq!(index.make_room(450).len(), 3);
        assert_eq!(index.size(), (0, 0));
    }

    #[test]
    fn what_is_gone_is_not_found_again_by_looking_through_the_folder() {
        let mut index = index(1000, 1000);
        let [one, two] = [1, 2].map(|n| Name::new(1, &key(n, "")));
        assert!(matches!(index.get(one), Known::Perhaps));
        index.remove(one);
        for name in [one, two] {
            index.discover(name, || shelved(&key(1, ""), 0, 1));
        }
        assert!(matches!(index.get(one), Known::Absent));
        assert!(matches!(index.get(two), Known::There(_)));
        index.insert(one, shelved(&key(1, ""), 7, 1));
        index.discover(one, || shelved(&key(1, ""), 0, 1));
        index.completed();
        assert_eq!(index.before(7).len(), 1);
        assert_eq!(index.before(8).len(), 2);
    }

    #[test]
    fn uses_are_noted_when_they_are_much_later() {
        let mut index = index(1000, 1000);
        let name = Name::new(1, &key(1, ""));
        let shelved = shelved(&key(1, ""), 1, 1000);
        let used = Arc::clone(&shelved.used);
        index.insert(name, shelved);
        assert!(index.take_unsaved(0).is_empty());
        used.touch(Timestamp::from_second(1599).unwrap());
        assert!(index.take_unsaved(600_000).is_empty());
        used.touch(Timestamp::from_second(1600).unwrap());
        assert_eq!(index.take_unsaved(600_000), [(name, 1_600_000)]);
        assert!(index.take_unsaved(0).is_empty());
    }

    #[test]
    fn long_keys_are_not_held() {
        let short = key(1, "");
        assert_eq!(shelved(&short, 1, 1).key(), Some(short));
        let long = key(1, &format!(" or Name eq '{}'", "x".repeat(1000)));
        assert_eq!(shelved(&long, 1, 1).key(), None);
    }
}
