//! What is known of the answers on disk, in memory. Pure.
//!
//! Of each so much as it takes to find it, to choose which ones have to go, and to say what it answers: some 400 bytes.

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
