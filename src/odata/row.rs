//! What a row is known by, and when it began: read from its bytes, which stay as they are.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use xxhash_rust::xxh3::Xxh3;

use super::scan::Scan;
use super::schema::EntityType;

/// What is to be read of every row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowReader {
    known_by: KnownBy,
    /// The key's columns, and the date's when it is wanted and no part of the key.
    columns: Vec<String>,
    /// How many of them are the key's.
    key_columns: usize,
    /// Which of them is the date's.
    date_at: Option<usize>,
}

/// What tells rows apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KnownBy {
    Key,
    /// The whole text: a key may be stored with more precision than it is written with, so that the keys of different
    /// rows look alike.
    Text,
    /// The value of the first member, whatever it is.
    FirstMember,
}

/// What was read of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFacts {
    /// A digest of what the row is known by, as written. 128 bits, because two rows with one digest would be taken for
    /// one row.
    pub key: u128,
    /// The date; `None` when it is null, or was not wanted.
    pub date: Option<Timestamp>,
    /// Where the row is.
    pub span: Range<usize>,
}

impl RowReader {
    /// Reads the key of `entity`, and a column that holds a date.
    pub fn of(entity: &EntityType, date: Option<&str>) -> Self {
        let kind = |name: &String| entity.properties.get(name).map(String::as_str);
        let inexact = entity
            .key
            .iter()
            .any(|name| kind(name).is_some_and(|kind| INEXACT.contains(&kind)));
        let mut columns = entity.key.clone();
        let date_at = date.map(|date| {
            let in_key = columns.iter().position(|name| name == date);
            in_key.unwrap_or_else(|| {
                columns.push(date.to_owned());
                columns.len() - 1
            })
        });
        Self {
            known_by: if inexact { KnownBy::Text } else { KnownBy::Key },
            key_columns: entity.key.len(),
            columns,
            date_at,
        }
    }

    /// Reads the first member of rows of which no key is known. Upstream writes the key first (samples), so that rows
    /// that begin alike may be the same.
    pub fn of_first_members() -> Self {
        Self {
            known_by: KnownBy::FirstMember,
            columns: Vec::new(),
            key_columns: 0,
            date_at: None,
        }
    }

    /// The facts of every row in `rows`, which holds rows as in [`super::page::Page::rows`]. `None` when a row lacks
    /// one of the columns, when a part of a key is null, or when a date cannot be read.
    pub fn read(&self, rows: &[u8]) -> Option<Vec<RowFacts>> {
        let mut facts = Vec::new();
        let mut scan = Scan::new(rows);
        let slots = if self.known_by == KnownBy::FirstMember {
            1
        } else {
            self.columns.len()
        };
        let mut values = vec![None; slots];
        let mut nth = 0;
        while let Some(span) = scan.row(|name, value| {
            let slot = self.slot(nth, rows.get(name).unwrap_or_default());
            if let Some(slot) = slot.and_then(|slot| values.get_mut(slot)) {
                *slot = Some(value);
            }
            nth += 1;
        }) {
            facts.push(self.facts(rows, span, &mut values)?);
            nth = 0;
        }
        Some(facts)
    }

    /// Where the value of the row's `nth` member, from 0, is wanted.
    fn slot(&self, nth: usize, name: &[u8]) -> Option<usize> {
        if self.known_by == KnownBy::FirstMember {
            return (nth == 0).then_some(0);
        }
        let mut columns = self.columns.iter();
        columns.position(|column| column.as_bytes() == name)
    }

    fn facts(
        &self,
        rows: &[u8],
        span: Range<usize>,
        values: &mut [Option<Range<usize>>],
    ) -> Option<RowFacts> {
        let mut key = Xxh3::new();
        if self.known_by == KnownBy::Text {
            key.update(rows.get(span.clone())?);
        }
        let mut date = None;
        for (at, value) in values.iter_mut().enumerate() {
            let value = rows.get(value.take()?)?.trim_ascii();
            let of_key = at < self.key_columns || self.known_by == KnownBy::FirstMember;
            if of_key && value == b"null" {
                return None;
            }
            if of_key && self.known_by != KnownBy::Text {
                key.update(value);
                key.update(&[0]);
            }
            if self.date_at == Some(at) && value != b"null" {
                date = Some(moment(value)?);
            }
        }
        Some(RowFacts {
            key: key.digest128(),
            date,
            span,
        })
    }
}

/// Types whose values are written with less precision than they may be stored with.
const INEXACT: [&str; 5] = [
    "Edm.DateTimeOffset",
    "Edm.TimeOfDay",
    "Edm.Duration",
    "Edm.Double",
    "Edm.Single",
];

/// Those rows of `rows` at `spans`, in that order, with commas between them. Not copied where they stand side by side, as
/// they mostly do.
pub fn joined(rows: &Bytes, spans: &[Range<usize>]) -> Bytes {
    let side_by_side = |(this, next): (&Range<usize>, &Range<usize>)| {
        let gap = rows.get(this.end..next.start);
        gap.is_some_and(|gap| gap.trim_ascii() == b",")
    };
    if let (Some(first), Some(last)) = (spans.first(), spans.last())
        && spans.iter().zip(spans.iter().skip(1)).all(side_by_side)
    {
        return rows.slice(first.start..last.end);
    }
    let mut kept = BytesMut::with_capacity(spans.iter().map(|span| span.len() + 1).sum());
    for span in spans {
        if !kept.is_empty() {
            kept.extend_from_slice(b",");
        }
        kept.extend_from_slice(rows.get(span.clone()).unwrap_or_default());
    }
    kept.freeze()
}

/// A JSON string that holds a date and time with an offset. The last days that .NET knows are behind the last moment of
/// the library, and stand for "never".
fn moment(value: &[u8]) -> Option<Timestamp> {
    let text = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let text = str::from_utf8(text).ok()?;
    let never = || text.starts_with("9999-12-3").then_some(Timestamp::MAX);
    text.parse().ok().or_else(never)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reader(key: &[&str], date: Option<&str>) -> RowReader {
        reader_of("Edm.Int32", key, date)
    }

    fn reader_of(kind: &str, key: &[&str], date: Option<&str>) -> RowReader {
        let entity = EntityType {
            key: key.iter().map(|&name| name.to_owned()).collect(),
            properties: key
                .iter()
                .map(|&name| (name.to_owned(), kind.to_owned()))
                .collect(),
            ..EntityType::default()
        };
        RowReader::of(&entity, date)
    }

    #[test]
    fn keys_that_may_look_alike_are_not_trusted() {
        let rows = br#"{"D":"2026-03-02T08:00:00Z","V":1},{"D":"2026-03-02T08:00:00Z","V":2},{"D":"2026-03-02T08:00:00Z","V":1}"#;
        let facts = reader_of("Edm.DateTimeOffset", &["D"], Some("D"))
            .read(rows)
            .unwrap();
        assert_ne!(facts[0].key, facts[1].key);
        assert_eq!(facts[0].key, facts[2].key);
        assert!(facts.iter().all(|row| row.date.is_some()));
    }

    #[test]
    fn first_members_need_no_key() {
        let rows = br#"{"A":1,"B":2},{"A":1,"B":3},{"Z":{"A":1}}"#;
        let facts = RowReader::of_first_members().read(rows).unwrap();
        assert_eq!(facts[0].key, facts[1].key);
        assert_ne!(facts[0].key, facts[2].key);
    }

    #[test]
    fn never_is_the_last_moment() {
        let rows = br#"{"Id":1,"D":"9999-12-31T23:59:59.9999999Z"}"#;
        let facts = reader(&["Id"], Some("D")).read(rows).unwrap();
        assert_eq!(facts[0].date, Some(Timestamp::MAX));
    }

    #[test]
    fn keys_and_dates_are_found_at_the_rows_own_level() {
        let rows = Bytes::from_static(
            br#"{"Id":"a","D":"2026-03-02T08:00:00.5Z","M":{"Id":"x","D":null},"L":[{"Id":1}]} , {"T":"},{\"Id\":9","D" : null , "Id" : "b" }"#,
        );
        let facts = reader(&["Id"], Some("D")).read(&rows).unwrap();
        assert_eq!(facts.len(), 2);
        assert_eq!(facts[0].date.unwrap().to_string(), "2026-03-02T08:00:00.5Z");
        assert_eq!(facts[1].date, None);
        assert_ne!(facts[0].key, facts[1].key);
        let spans: Vec<_> = facts.iter().map(|facts| facts.span.clone()).collect();
        assert_eq!(
            &rows[spans[1].clone()],
            br#"{"T":"},{\"Id\":9","D" : null , "Id" : "b" }"#
        );
        assert_eq!(joined(&rows, &spans[1..]), &rows[spans[1].clone()]);
        assert_eq!(joined(&rows, &[]), "");
    }

    #[test]
    fn rows_side_by_side_are_not_copied() {
        let rows = Bytes::from_static(br#"{"Id":1},{"Id":2} , {"Id":3},{"Id":4}"#);
        let facts = reader(&["Id"], None).read(&rows).unwrap();
        let spans: Vec<_> = facts.iter().map(|row| row.span.clone()).collect();
        let piece = joined(&rows, &spans[1..3]);
        assert_eq!(piece, r#"{"Id":2} , {"Id":3}"#);
        assert_eq!(piece.as_ptr(), rows[9..].as_ptr());
        let apart = joined(&rows, &[spans[0].clone(), spans[2].clone()]);
        assert_eq!(apart, r#"{"Id":1},{"Id":3}"#);
    }

    #[test]
    fn a_composite_key_is_more_than_its_letters() {
        let rows = br#"{"A":"x","B":"yz"},{"A":"xy","B":"z"},{"B":"yz","A":"x","C":1}"#;
        let facts = reader(&["A", "B"], None).read(rows).unwrap();
        assert_ne!(facts[0].key, facts[1].key);
        assert_eq!(facts[0].key, facts[2].key);
    }

    #[test]
    fn what_cannot_be_told_is_told_so() {
        for rows in [
            r#"{"Id":1}"#,
            r#"{"D":"2026-03-02T08:00:00Z"}"#,
            r#"{"Id":null,"D":"2026-03-02T08:00:00Z"}"#,
            r#"{"Id":1,"D":"yesterday"}"#,
            r#"{"Id":1,"D":5}"#,
            r#"{"Id":1,"D":"2026-03-02T08:00:00Z"},{"Id":2}"#,
            r#"{"M":{"Id":1,"D":"2026-03-02T08:00:00Z"}}"#,
        ] {
            let facts = reader(&["Id"], Some("D")).read(rows.as_bytes());
            assert_eq!(facts, None, "{rows}");
        }
        assert_eq!(reader(&["Id"], None).read(b" ").unwrap(), []);
    }

    proptest! {
        #[test]
        fn spans_are_those_of_a_parser(texts in prop::collection::vec("[a-z{}\\[\\]:, \"\\\\]{0,12}", 0..8)) {
            let row = |(at, text): (usize, &String)| serde_json::json!({ "t": text, "n": [{ "Id": text }], "Id": at }).to_string();
            let rows: Vec<String> = texts.iter().enumerate().map(row).collect();
            let text = Bytes::from(rows.join(", "));
            let facts = reader(&["Id"], None).read(&text).unwrap();
            let spans: Vec<_> = facts.into_iter().map(|facts| facts.span).collect();
            prop_assert_eq!(spans, super::super::page::row_spans(&text));
        }

        #[test]
        fn any_text_ends_the_walk(text in "[{}\\[\\]:,\"\\\\a0 ]{0,40}") {
            reader(&["a"], Some("0")).read(text.as_bytes());
        }
    }
}
