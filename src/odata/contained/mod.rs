//! Answers that are part of a stored one: some of its rows, some of their columns, a row by its key.
//!
//! [`candidates`] says which stored answers may hold the answer to a question, [`Extraction`] reads one of them piece by
//! piece and writes the part that is asked for. Rows stay the bytes that upstream wrote. Whatever is not certain gives no
//! answer, so that upstream is asked: a body that is not what was expected, a column that is missing, a key of a type
//! whose values have many spellings.
//!
//! Knows nothing of where answers are kept, nor how fresh they are.
//!
//! A range of rows needs upstream's own order as far as it reaches, and a table that was read by date has that order only at
//! its beginning. A key is compared by its type, and dates and fractions, which have many spellings, not at all; with
//! `$select`, a row that says something of itself (`@odata.id`) is left to upstream.

mod columns;
mod edges;
mod entity;
mod key_value;
mod marked;
mod opening;
mod parents;
mod reader;
mod rows;

use std::ops::ControlFlow;

pub use self::columns::Columns;
pub use self::entity::KeyPredicate;
pub use self::parents::{Candidate, Derivation, candidates};
pub use self::rows::{Cut, RowCount};

use self::entity::Entity;
use self::reader::{Reader, Stop};
use self::rows::Rows;
use super::neutral::{NeutralText, Piece};

/// A part of a stored collection in the making.
#[derive(Debug)]
pub struct Extraction {
    reader: Reader,
    aim: Aim,
    stopped: Option<Stop>,
}

#[derive(Debug)]
enum Aim {
    Rows(Rows),
    Entity(Entity),
}

/// A part of a stored collection, as a body of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extract {
    /// The whole body.
    pub text: NeutralText,
    /// How many rows it has: for an entity, one.
    pub rows: u64,
}

impl Extraction {
    /// A collection of some of the rows, `bytes_max` bytes at most.
    pub fn rows(cut: Cut, bytes_max: usize) -> Self {
        Self {
            reader: Reader::new(cut.skip, bytes_max),
            aim: Aim::Rows(Rows::new(cut, bytes_max)),
            stopped: None,
        }
    }

    /// The row with that key, `bytes_max` bytes at most. All of the text has to be read, because a key that comes twice
    /// is no key; a row before it that is larger than the bound may end the search, too.
    pub fn entity(key: KeyPredicate, bytes_max: usize) -> Self {
        Self {
            reader: Reader::new(0, bytes_max),
            aim: Aim::Entity(Entity::new(key, bytes_max)),
            stopped: None,
        }
    }

    /// Reads the next piece of the stored text, cut anywhere. `Break` when no further piece is of use, be it that all is
    /// there, or that nothing can come of it.
    pub fn push(&mut self, piece: &Piece) -> ControlFlow<()> {
        if self.stopped.is_none() {
            let read = match &mut self.aim {
                Aim::Rows(rows) => self.reader.push(piece, rows),
                Aim::Entity(entity) => self.reader.push(piece, entity),
            };
            self.stopped = read.break_value();
        }
        match self.stopped {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    }

    /// What was asked for. `None` when it is not in the text (an entity), too large, not certain, or when the text ended
    /// too early.
    pub fn finish(self) -> Option<Extract> {
        let complete = match self.stopped {
            Some(stop) => stop == Stop::Enough,
            None => self.reader.is_closed(),
        };
        if !complete {
            return None;
        }
        let (out, rows) = match self.aim {
            Aim::Rows(rows) => rows.finish()?,
            Aim::Entity(entity) => (entity.finish()?, 1),
        };
        Some(Extract {
            text: out.finish(),
            rows,
        })
    }
}

#[cfg(test)]
mod tests;
