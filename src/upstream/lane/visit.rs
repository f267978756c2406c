//! What a request says of itself when it queues.

use std::sync::Arc;

use super::awaited::Awaited;

/// Where in an answer a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is an answer's first page: refused when the queue is full.
    First,
    /// It is a later page: never refused, because an answer that has begun would be lost.
    Next,
}

/// What a request is for; the lane grants those that come first here before those that come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// `$metadata` and the service document: without them a client can do nothing.
    Metadata,
    /// A small question that somebody waits for: a key, a count, a preview of at most 1000 rows.
    Interactive,
    /// A page of a whole collection.
    Scan,
    /// For an answer that nobody waits for at the moment, whatever it is: it is asked for before anybody wants it, or
    /// finished after all have left.
    Background,
}

/// Who asks, for fairness: requests of one client share a turn. Says nothing about who that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Party(u64);

/// One request's place in the order of the lane.
#[derive(Debug, Clone)]
pub struct Visit {
    /// What it is for, while somebody waits for it.
    pub class: Class,
    /// Whether somebody does. As long as nobody does it queues as [`Class::Background`].
    pub awaited: Awaited,
    /// Where in its answer it stands.
    pub turn: Turn,
    /// Who asks.
    pub party: Party,
    /// What is asked, for the operator: an entity set or `$metadata`, never values.
    pub what: Arc<str>,
}

/// One thing for each class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ByClass<T> {
    metadata: T,
    interactive: T,
    scan: T,
    background: T,
}

impl Class {
    /// All of them, in the order in which they are granted.
    pub const ALL: [Self; 4] = [
        Self::Metadata,
        Self::Interactive,
        Self::Scan,
        Self::Background,
    ];

    /// Its name in logs, metrics and the status.
    pub fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Interactive => "interactive",
            Self::Scan => "scan",
            Self::Background => "background",
        }
    }
}

impl Visit {
    /// The class and the party with which it queues now. What nobody waits for is on nobody's account, and takes turns
    /// with all that is like it.
    pub(super) fn rank(&self) -> (Class, Party) {
        if self.awaited.now() {
            (self.class, self.party)
        } else {
            (Class::Background, Party::default())
        }
    }
}

impl Party {
    /// The party that is known by these bytes.
    pub fn of(known_by: &[u8]) -> Self {
        Self(xxhash_rust::xxh3::xxh3_64(known_by))
    }
}

impl<T> ByClass<T> {
    /// What `make` makes for each class.
    pub fn from_fn(mut make: impl FnMut(Class) -> T) -> Self {
        Self {
            metadata: make(Class::Metadata),
            interactive: make(Class::Interactive),
            scan: make(Class::Scan),
            background: make(Class::Background),
        }
    }

    /// The one of `class`.
    pub fn of(&self, class: Class) -> &T {
        match class {
            Class::Metadata => &self.metadata,
            Class::Interactive => &self.interactive,
            Class::Scan => &self.scan,
            Class::Background => &self.background,
        }
    }

    /// The one of `class`, to be changed.
    pub fn of_mut(&mut self, class: Class) -> &mut T {
        match class {
            Class::Metadata => &mut self.metadata,
            Class::Interactive => &mut self.interactive,
            Class::Scan => &mut self.scan,
            Class::Background => &mut self.background,
        }
    }
}
