//! One table of a list: `[[warm]]`, `[[server.keys]]`.

use config::{Map, Value, ValueKind};

use super::reader::{Read, Reader};
use crate::config::problem::Problem;

/// One table of a list.
pub(super) struct Table<'a> {
    /// `warm.1`
    name: String,
    origin: Option<&'a str>,
    parts: &'a Map<String, Value>,
}

impl<'a> Table<'a> {
    /// All tables of the list `name`, those that are none left out and noted; `hint` says how one is written.
    pub(super) fn all(reader: &mut Reader<'a>, name: &str, hint: &str) -> Read<Vec<Read<Self>>> {
        let value = reader.value(name)?;
        let ValueKind::Array(values) = &value.kind else {
            return reader.refuse(name, "this must be a list of tables", hint);
        };
        let tables = values
            .iter()
            .enumerate()
            .map(|(at, value)| Self::of(reader, format!("{name}.{}", at + 1), value, hint));
        Ok(tables.collect())
    }

    fn of(reader: &mut Reader<'_>, name: String, value: &'a Value, hint: &str) -> Read<Self> {
        let origin = value.origin();
        let ValueKind::Table(parts) = &value.kind else {
            let problem = Problem::new(name, "this must be a table").from(origin);
            return reader.note(problem.hint(hint));
        };
        Ok(Self {
            name,
            origin,
            parts,
        })
    }

    /// What is set, with its name; an empty text is not.
    pub(super) fn part(&self, part: &str) -> Option<(String, &'a Value)> {
        let set = |value: &&Value| !matches!(&value.kind, ValueKind::String(text) if text.trim().is_empty());
        let value = self.parts.get(part).filter(set)?;
        Some((format!("{}.{part}", self.name), value))
    }

    /// A problem with the table as a whole.
    pub(super) fn refuse<T>(&self, reader: &mut Reader<'_>, what: &str, hint: &str) -> Read<T> {
        let problem = Problem::new(self.name.as_str(), what).from(self.origin);
        reader.note(problem.hint(hint))
    }
}
