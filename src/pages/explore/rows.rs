//! Rows as they came, made ready for a table. Pure.
//!
//! Numbers keep the digits that they were written with, and text stays text: whoever shows a [`Cell`] escapes it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::knowledge::{Knowledge, Labels};
use crate::odata::csdl::{Column, SetEntry};

/// A page of rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rows {
    /// Names of the columns, in the order of `$metadata`; what that does not know comes last.
    pub heads: Vec<Head>,
    /// As many cells in each as there are heads.
    pub lines: Vec<Vec<Cell>>,
    /// `@odata.count`.
    pub count: Option<String>,
}

/// The head of a column.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The column.
    pub name: String,
    /// Whether its values are numbers, which stand at the right.
    pub is_number: bool,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// The row does not say.
    Absent,
    Null,
    /// A number, or true and false, as written.
    Plain(String),
    /// The number of an enumeration, with its name.
    Labelled {
        number: String,
        name: String,
    },
    Time(Timestamp),
    Text(String),
    /// Rows that are expanded, or a structure.
    Nested {
        /// For instance `3 rows`.
        what: String,
        /// As JSON.
        json: String,
    },
}

impl Rows {
    /// Reads the body of an answer; `None` when it holds no rows.
    pub(super) fn read(body: &[u8], set: &SetEntry, knowledge: &Knowledge) -> Option<Self> {
        let body: Body<'_> = serde_json::from_slice(body).ok()?;
        let said: BTreeSet<&str> = body
            .value
            .iter()
            .flat_map(BTreeMap::keys)
            .map(String::as_str)
            .filter(|name| !name.contains('@'))
            .collect();
        let columns = set.columns.iter().map(|column| column.name.as_str());
        let expanded = set.links.iter().map(|link| link.name.as_str());
        let mut names: Vec<&str> = columns
            .chain(expanded)
            .filter(|name| said.contains(name))
            .collect();
        let known: BTreeSet<&str> = names.iter().copied().collect();
        names.extend(said.difference(&known));
        let meaning: Vec<Option<Labels>> = names
            .iter()
            .map(|name| knowledge.labels(&set.name, set.column(name)?))
            .collect();
        let lines = body.value.iter().map(|row| {
            let cell = |(name, labels): (&&str, &Option<Labels>)| match row.get(*name) {
                Some(value) => Cell::of(value.get(), set.column(name), labels.as_ref()),
                None => Cell::Absent,
            };
            names.iter().zip(&meaning).map(cell).collect()
        });
        let lines: Vec<Vec<Cell>> = lines.collect();
        let heads = names.iter().enumerate().map(|(index, name)| Head {
            name: (*name).to_owned(),
            is_number: lines
                .iter()
                .filter_map(|row| row.get(index))
                .any(|cell| matches!(cell, Cell::Plain(text) if text.starts_with(|c: char| c.is_ascii_digit() || c == '-'))),
        });
        Some(Self {
            heads: heads.collect(),
            lines,
            count: body
                .count
                .map(|count| count.get().trim_matches('"').to_owned()),
        })
    }
}

impl Cell {
    /// A value as it is written in JSON.
    fn of(json: &str, column: Option<&Column>, labels: Option<&Labels>) -> Self {
        let kind = column.map_or("", |column| column.kind.as_str());
        match json.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b'"') => {
                let text: String = serde_json::from_str(json).unwrap_or_default();
                match text.parse() {
                    Ok(at) if kind == "Edm.DateTimeOffset" || kind.is_empty() => Self::Time(at),
                    _ => Self::Text(text),
                }
            }
            Some(b'[') => {
                let items = serde_json::from_str::<Vec<&RawValue>>(json).unwrap_or_default();
                Self::Nested {
                    what: match items.len() {
                        0 => "none".to_owned(),
                        1 => "1 row".to_owned(),
                        n => format!("{n} rows"),
                    },
                    json: tidy(json),
                }
            }
            Some(b'{') => Self::Nested {
                what: "1 row".to_owned(),
                json: tidy(json),
            },
            _ => {
                let name = labels.and_then(|labels| labels.name(json.parse().ok()?));
                match name {
                    Some(name) => Self::Labelled {
                        number: json.to_owned(),
                        name: name.to_owned(),
                    },
                    None => Self::Plain(json.to_owned()),
                }
            }
        }
    }
}

/// Each member on a line of its own, and the whole not longer than fits into a cell.
fn tidy(json: &str) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(json).ok();
    let pretty = value.and_then(|value| serde_json::to_string_pretty(&value).ok());
    let text = pretty.unwrap_or_else(|| json.to_owned());
    match text.char_indices().nth(NESTED_CHARS_MAX) {
        Some((at, _)) => format!("{}\n… cut here", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    value: Vec<BTreeMap<String, &'a RawValue>>,
    #[serde(borrow, default, rename = "@odata.count")]
    count: Option<&'a RawValue>,
}

/// Characters of what is nested that a cell shows.
const NESTED_CHARS_MAX: usize = 4000;

#[cfg(test)]
mod tests {
    use super::super::knowledge::knowledge;
    use super::*;
    use crate::odata::csdl::Link;

    fn set() -> SetEntry {
        let column = |(name, kind): (&str, &str)| Column {
            name: name.to_owned(),
            kind: kind.to_owned(),
            nullable: true,
            members: Vec::new(),
        };
        SetEntry {
            name: "Sessions".to_owned(),
            type_name: "N.Session".to_owned(),
            key: Vec::new(),
            columns: [
                ("Zone", "Edm.String"),
                ("StartDate", "Edm.DateTimeOffset"),
                ("ConnectionState", "Edm.Int32"),
                ("Cost", "Edm.Decimal"),
            ]
            .map(column)
            .to_vec(),
            links: vec![Link {
                name: "User".to_owned(),
                set: None,
                target: "N.User".to_owned(),
                collection: false,
            }],
        }
    }

    #[test]
    fn rows_are_put_in_order_and_read_by_type() {
        let body = br#"{"@odata.context":"x","@odata.count":12,"value":[
            {"User":{"Id":1},"Cost":1.50000000000000000001,"ConnectionState":5,"StartDate":"2026-01-31T10:00:00.1234567Z",
             "Zone":"2026-01-31T10:00:00Z","Aggregate":[1,2],"Zone@odata.type":"x"},
            {"Zone":null,"ConnectionState":77,"StartDate":"odd"}]}"#;
        let rows = Rows::read(body, &set(), knowledge()).unwrap();
        let heads: Vec<(&str, bool)> = rows
            .heads
            .iter()
            .map(|head| (head.name.as_str(), head.is_number))
            .collect();
        assert_eq!(
            heads,
            [
                ("Zone", false),
                ("StartDate", false),
                ("ConnectionState", true),
                ("Cost", true),
                ("User", false),
                ("Aggregate", false),
            ]
        );
        let text = |text: &str| Cell::Text(text.to_owned());
        assert_eq!(
            rows.lines,
            [
                vec![
                    text("2026-01-31T10:00:00Z"),
                    Cell::Time("2026-01-31T10:00:00.1234567Z".parse().unwrap()),
                    Cell::Labelled {
                        number: "5".to_owned(),
                        name: "Active".to_owned(),
                    },
                    Cell::Plain("1.50000000000000000001".to_owned()),
                    Cell::Nested {
                        what: "1 row".to_owned(),
                        json: "{\n  \"Id\": 1\n}".to_owned(),
                    },
                    Cell::Nested {
                        what: "2 rows".to_owned(),
                        json: "[\n  1,\n  2\n]".to_owned(),
                    },
                ],
                vec![
                    Cell::Null,
                    text("odd"),
                    Cell::Plain("77".to_owned()),
                    Cell::Absent,
                    Cell::Absent,
                    Cell::Absent,
                ],
            ]
        );
        assert_eq!(rows.count.as_deref(), Some("12"));
    }

    #[test]
    fn what_holds_no_rows_is_told_apart() {
        for body in [
            &b"{}"[..],
            b"12",
            b"{\"value\":5}",
            b"{\"value\":[1]}",
            b"<x/>",
        ] {
            assert_eq!(Rows::read(body, &set(), knowledge()), None);
        }
        let none = Rows::read(b"{\"value\":[]}", &set(), knowledge()).unwrap();
        assert!(none.heads.is_empty() && none.lines.is_empty());
    }

    #[test]
    fn what_is_nested_is_cut() {
        let long = format!("[\"{}\"]", "é".repeat(9000));
        let Cell::Nested { json, .. } = Cell::of(&long, None, None) else {
            panic!("not nested");
        };
        assert!(json.ends_with("… cut here") && json.chars().count() < 4100);
    }
}
