//! What is measured: a size, an encoding and a number of connections.

use std::fmt;
use std::str::FromStr;

/// The size of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Medium,
    Large,
}

/// The form in which an answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Gzip,
}

/// One cell of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) size: Size,
    pub(crate) encoding: Encoding,
    /// Connections at once, each with one question at a time.
    pub(crate) connections: usize,
}

impl Size {
    pub(crate) const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// As people write it.
    fn name(self) -> &'static str {
        match self {
            Self::Small => "1k",
            Self::Medium => "100k",
            Self::Large => "10m",
        }
    }

    /// The least length of its body, uncompressed.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Small => 1_000,
            Self::Medium => 100_000,
            Self::Large => 10_000_000,
        }
    }

    /// The entity set that has this size.
    pub(crate) fn set(self) -> &'static str {
        match self {
            Self::Small => "SmallSessions",
            Self::Medium => "MediumSessions",
            Self::Large => "LargeSessions",
        }
    }
}

impl Encoding {
    const ALL: [Self; 2] = [Self::Plain, Self::Gzip];

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
        }
    }
}

impl Cell {
    /// Every cell, in the order of the table.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Size::ALL.into_iter().flat_map(|size| {
            Encoding::ALL.into_iter().flat_map(move |encoding| {
                CONNECTIONS.into_iter().map(move |connections| Self {
                    size,
                    encoding,
                    connections,
                })
            })
        })
    }

    /// The names of size, encoding and connections.
    pub(crate) fn names(self) -> [String; 3] {
        [
            self.size.name().to_owned(),
            self.encoding.name().to_owned(),
            self.connections.to_string(),
        ]
    }

    /// The request of this cell.
    pub(crate) fn request(self, host: impl fmt::Display) -> String {
        let accept = match self.encoding {
            Encoding::Plain => "",
            Encoding::Gzip => "Accept-Encoding: gzip\r\n",
        };
        let set = self.size.set();
        format!("GET /monitorodata/{set} HTTP/1.1\r\nHost: {host}\r\n{accept}\r\n")
    }
}

/// A choice of cells: `SIZE,ENCODING,CONNECTIONS`, with `*` for any.
#[derive(Debug, Clone)]
pub(crate) struct Only([String; 3]);

impl Only {
    pub(crate) fn holds(&self, cell: Cell) -> bool {
        let Self(wanted) = self;
        let names = cell.names();
        wanted
            .iter()
            .zip(&names)
            .all(|(wanted, name)| wanted == "*" || wanted.eq_ignore_ascii_case(name))
    }
}

impl FromStr for Only {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<String> = text.split(',').map(|part| part.trim().to_owned()).collect();
        let only = parts
            .try_into()
            .map(Self)
            .map_err(|_| "three parts are wanted: SIZE,ENCODING,CONNECTIONS".to_owned())?;
        if Cell::all().any(|cell| only.holds(cell)) {
            return Ok(only);
        }
        Err(
            "sizes are 1k, 100k and 10m, encodings plain and gzip, connections 1, 16 and 64"
                .to_owned(),
        )
    }
}

const CONNECTIONS: [usize; 3] = [1, 16, 64];
