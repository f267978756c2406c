//! One JSON body of upstream, taken apart without touching its rows.
//!
//! The envelope (OData JSON Format 4.0, sections 4.5 and 12) is read; rows stay the bytes that upstream
//! wrote. `serde_json` checks the syntax of every byte on the way, so a cut or malformed body is an error here
//! and never reaches a client.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// An object whose `value` is an array: a page of a collection, or a service document.
    Collection(Page),
    /// Any other object: an entity, a property. The bytes are the whole object.
    Single(Bytes),
}

/// A page of rows and what its envelope says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// `@odata.context`, decoded.
    pub context: Option<String>,
    /// `@odata.count` as written: a number, or a string with `IEEE754Compatible=true`.
    pub count: Option<Bytes>,
    /// `@odata.nextLink`, decoded.
    pub next: Option<String>,
    /// Other annotations, as `"name":value`, in order.
    pub annotations: Vec<Bytes>,
    /// The rows with the commas between them, without the brackets.
    pub rows: Bytes,
    /// How many rows.
    pub row_count: u64,
}

/// Takes a body apart. The error says what is wrong and where, never what the body holds.
pub fn parse(body: &Bytes) -> Result<Document, MalformedBody> {
    let body = without_byte_order_mark(body);
    let envelope: Envelope<'_> =
        serde_json::from_slice(&body).map_err(|error| MalformedBody::Syntax {
            line: error.line(),
            column: error.column(),
            cut: error.is_eof(),
        })?;
    if envelope.members.iter().any(|(name, _)| name == "error") {
        return Err(MalformedBody::Error);
    }
    let Some(Rows {
        span,
        count: row_count,
    }) = envelope.rows
    else {
        return Ok(Document::Single(body));
    };
    let mut page = Page {
        row_count,
        ..Page::default()
    };
    if let Some(span) = span {
        let start = span.start.wrapping_sub(body.as_ptr().addr());
        page.rows = body.slice(start..start + span.len());
    }
    for (name, value) in envelope.members {
        match name
            .strip_prefix('@')
            .map(|name| name.strip_prefix("odata.").unwrap_or(name))
        {
            Some("context") => page.context = text(value),
            Some("nextLink") => page.next = next_link(value)?,
            Some("count") => page.count = Some(body.slice_ref(value.get().as_bytes())),
            // A delta link leads to upstream's own change tracking, which is not offered here.
            Some("deltaLink") => {}
            _ if name.to_ascii_lowercase().ends_with("nextlink") => {
                return Err(MalformedBody::NextLink);
            }
            _ => page
                .annotations
                .push(format!("{}:{}", quoted(&name), value.get()).into()),
        }
    }
    Ok(Document::Collection(page))
}

/// The first `rows` rows of `text`, which holds rows as in [`Page::rows`]; all when there are fewer.
pub fn first_rows(text: &Bytes, rows: u64) -> Bytes {
    let ends = row_spans(text);
    let kept = usize::try_from(rows).unwrap_or(usize::MAX);
    match kept.checked_sub(1).map(|last| ends.get(last)) {
        None => Bytes::new(),
        Some(Some(span)) => text.slice(..span.end),
        Some(None) => text.clone(),
    }
}

/// Where each row of `text` begins and ends.
pub fn row_spans(text: &Bytes) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<&RawValue>();
        let Some(Ok(row)) = values.next() else { break };
        let end = at + values.byte_offset();
        spans.push(end - row.get().len()..end);
        let Some(comma) = rest
            .get(end - at..)
            .and_then(|rest| memchr::memchr(b',', rest))
        else {
            break;
        };
        at = end + comma + 1;
    }
    spans
}

/// A body that is not the JSON that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedBody {
    /// No JSON, or not all of it.
    #[error("{} at line {line}, column {column}", if *cut { "JSON ends too early" } else { "no valid JSON" })]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// Whether the text just stops.
        cut: bool,
    },
    /// An error with status 200, or behind rows (OData JSON Format 4.0, section 19).
    #[error("an error in place of data")]
    Error,
    /// A next link that is no text, or whose name is written in an unknown way. Taken for "no more pages" it
    /// would leave rows out.
    #[error("a next link that cannot be read")]
    NextLink,
}

/// The members of the outermost object.
struct Envelope<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
    rows: Option<Rows>,
}

/// Where the rows are in memory (addresses, empty when there are none), and how many.
struct Rows {
    span: Option<Range<usize>>,
    count: u64,
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut envelope = Envelope {
            members: Vec::new(),
            rows: None,
        };
        let mut has_value = false;
        while let Some(Name(name)) = map.next_key()? {
            if name == "value" {
                if std::mem::replace(&mut has_value, true) {
                    return Err(serde::de::Error::duplicate_field("value"));
                }
                envelope.rows = map.next_value_seed(RowsSeed)?;
            } else {
                envelope.members.push((name, map.next_value()?));
            }
        }
        Ok(envelope)
    }
}

/// A member's name, borrowed unless it is written with escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Counts the elements of an array and finds where they are; `None` when `value` is no array.
struct RowsSeed;

impl<'de> DeserializeSeed<'de> for RowsSeed {
    type Value = Option<Rows>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RowsSeed {
    type Value = Option<Rows>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut rows = Rows {
            span: None,
            count: 0,
        };
        while let Some(row) = seq.next_element::<&RawValue>()? {
            let text = row.get();
            let begin = text.as_ptr().addr();
            let end = begin + text.len();
            rows.span = Some(rows.span.map_or(begin, |span| span.start)..end);
            rows.count += 1;
        }
        Ok(Some(rows))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

fn next_link(value: &RawValue) -> Result<Option<String>, MalformedBody> {
    serde_json::from_str(value.get()).map_err(|_| MalformedBody::NextLink)
}

/// The text of a JSON string; `None` for `null` and anything else.
fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

/// RFC 8259 section 8.1 lets a reader ignore it.
fn without_byte_order_mark(body: &Bytes) -> Bytes {
    match body.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => body.slice_ref(rest),
        None => body.clone(),
    }
}

#[cfg(test)]
mod tests;
