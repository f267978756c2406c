//! `$select` from rows that have more columns.

use std::ops::Range;

use super::marked::{Marked, Output};
use crate::odata::scan::Scan;
use crate::odata::schema::EntityType;

/// The columns that are wanted of every row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// In the order of the client.
    names: Vec<String>,
}

impl Columns {
    /// The columns of those names. `None` when one is not a structural property, to the letter, or comes twice: what is
    /// then to be shown is upstream's to say.
    pub fn new(entity: &EntityType, names: &[String]) -> Option<Self> {
        let declared = |name: &String| entity.properties.contains_key(name);
        let twice = |(at, name): (usize, &String)| names.iter().take(at).any(|n| n == name);
        let sound =
            !names.is_empty() && names.iter().all(declared) && !names.iter().enumerate().any(twice);
        sound.then(|| Self {
            names: names.to_vec(),
        })
    }

    /// The select-list of a context URL: `(A,B)` (OData 4.0 Protocol, section 10.8).
    pub(super) fn list(&self) -> String {
        format!("({})", self.names.join(","))
    }

    /// Writes the row with these columns and their annotations, each as it is written there and in the same order.
    ///
    /// `None` when the row lacks one of them, or says something of itself (`@odata.id`, an operation): whether that
    /// stays is upstream's to say.
    #[must_use]
    pub(super) fn write(&self, row: Marked<'_>, out: &mut Output) -> Option<()> {
        let mut members = Vec::new();
        let mut found = vec![false; self.names.len()];
        let mut clear = true;
        Scan::new(row.bytes).row(|name, value| {
            let text = row.bytes.get(name.clone()).unwrap_or_default();
            match self.wanted(text) {
                Wanted::Column(column) => {
                    let twice = found
                        .get_mut(column)
                        .map(|found| std::mem::replace(found, true));
                    clear &= twice == Some(false);
                }
                Wanted::Annotation => {}
                Wanted::Not => return,
                Wanted::Unclear => clear = false,
            }
            members.push(name.start - 1..trimmed_end(row.bytes, value));
        })?;
        if !clear || found.contains(&false) {
            return None;
        }
        out.write(b"{")?;
        for (nth, member) in members.into_iter().enumerate() {
            if nth > 0 {
                out.write(b",")?;
            }
            out.write_part(row, member)?;
        }
        out.write(b"}")
    }

    fn wanted(&self, name: &[u8]) -> Wanted {
        let Some(at) = memchr::memchr3(b'@', b'#', b'\\', name) else {
            return self.column(name).map_or(Wanted::Not, Wanted::Column);
        };
        let (property, annotation) = name.split_at(at);
        let of_property = !property.is_empty() && annotation.starts_with(b"@");
        if !of_property || annotation.contains(&b'\\') {
            Wanted::Unclear
        } else if self.column(property).is_some() {
            Wanted::Annotation
        } else {
            Wanted::Not
        }
    }

    /// Which of the columns has that name.
    fn column(&self, name: &[u8]) -> Option<usize> {
        let mut names = self.names.iter();
        names.position(|column| column.as_bytes() == name)
    }
}

/// What a member of a row is to the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// One of them, by its place among them.
    Column(usize),
    /// Of a wanted column.
    Annotation,
    Not,
    /// It speaks of the whole row, or its name is written with escapes.
    Unclear,
}

/// Where a value ends without the blanks behind it.
fn trimmed_end(text: &[u8], value: Range<usize>) -> usize {
    let written = text.get(value.clone()).unwrap_or_default();
    value.start + written.trim_ascii_end().len()
}
