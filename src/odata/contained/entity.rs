//! The row with a given key, as an entity of its own.

use std::ops::{ControlFlow, Range};

use super::key_value::KeyValue;
use super::marked::{Held, Marked, Output};
use super::opening::Opening;
use super::reader::{Stop, Visitor, fit};
use crate::odata::key;
use crate::odata::scan::Scan;
use crate::odata::schema::EntityType;

/// What a row's key columns must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPredicate {
    columns: Vec<KeyColumn>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct KeyColumn {
    name: String,
    /// How a row begins whose first member this is: `{"Id":`.
    begins: Vec<u8>,
    value: KeyValue,
}

impl KeyPredicate {
    /// Reads what stood between the parentheses of `Set(key)`. `None` when that is no key of the type, or has values whose
    /// equality their text does not show (dates, numbers with fractions).
    pub fn new(entity: &EntityType, key: &str) -> Option<Self> {
        let parts = key::parts(entity, key).ok()?;
        let column = |part: &key::Part<'_>| {
            Some(KeyColumn {
                name: part.name.to_owned(),
                begins: format!("{{\"{}\":", part.name).into_bytes(),
                value: KeyValue::of(part)?,
            })
        };
        let columns = parts.iter().map(column).collect::<Option<_>>()?;
        Some(Self { columns })
    }

    /// Whether it is the row's key; `None` when the row does not say.
    fn holds(&self, row: &[u8]) -> Option<bool> {
        match self.first_member(row) {
            Some(false) => Some(false),
            Some(true) if self.columns.len() == 1 => Some(true),
            _ => self.members(row),
        }
    }

    /// The same as far as the row's first member tells, which mostly is the key: then rows need not be read any further.
    fn first_member(&self, row: &[u8]) -> Option<bool> {
        let (column, rest) = self
            .columns
            .iter()
            .find_map(|column| Some((column, row.strip_prefix(column.begins.as_slice())?)))?;
        let end = match rest.strip_prefix(b"\"") {
            Some(inside) => {
                let end = memchr::memchr2(b'"', b'\\', inside)?;
                (inside.get(end) == Some(&b'"')).then_some(end + 2)?
            }
            None => memchr::memchr2(b',', b'}', rest)?,
        };
        column.value.is(rest.get(..end)?)
    }

    fn members(&self, row: &[u8]) -> Option<bool> {
        let mut values: Vec<Option<Range<usize>>> = vec![None; self.columns.len()];
        let mut clear = true;
        Scan::new(row).row(|name, value| {
            let name = row.get(name).unwrap_or_default();
            clear &= !name.contains(&b'\\');
            let mut columns = self.columns.iter();
            let column = columns.position(|column| column.name.as_bytes() == name);
            if let Some(slot) = column.and_then(|column| values.get_mut(column)) {
                clear &= slot.replace(value).is_none();
            }
        })?;
        let mut same = clear.then_some(true)?;
        for (column, value) in self.columns.iter().zip(values) {
            same &= column.value.is(row.get(value?)?.trim_ascii())?;
        }
        Some(same)
    }
}

/// A search for one row.
#[derive(Debug)]
pub(super) struct Entity {
    key: KeyPredicate,
    opening: Held,
    out: Output,
    found: bool,
}

impl Entity {
    pub(super) fn new(key: KeyPredicate, bytes_max: usize) -> Self {
        Self {
            key,
            opening: Held::default(),
            out: Output::new(bytes_max),
            found: false,
        }
    }

    /// The body, when the row was found.
    pub(super) fn finish(self) -> Option<Output> {
        self.found.then_some(self.out)
    }

    /// As [`crate::odata::splice::entity`] writes it.
    fn write(&mut self, row: Marked<'_>) -> Option<()> {
        self.out.write(b"{")?;
        let opening = Opening::read(self.opening.text())?;
        opening.write_context("/$entity", &mut self.out)?;
        self.out.write_part(row, 1..row.bytes.len())
    }
}

impl Visitor for Entity {
    fn opening(&mut self, text: Marked<'_>) -> ControlFlow<Stop> {
        self.opening.copy(text);
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: Marked<'_>) -> ControlFlow<Stop> {
        match self.key.holds(row.bytes) {
            Some(false) => ControlFlow::Continue(()),
            // A second row of that key: one of them is not what it seems.
            Some(true) if self.found => fit(None),
            Some(true) => {
                self.found = true;
                fit(self.write(row))
            }
            None => fit(None),
        }
    }
}
