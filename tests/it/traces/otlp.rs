//! What a collector is sent: OTLP in protobuf, read by its field numbers and without a library.

use std::collections::BTreeMap;
use std::fmt::Write;

/// One span of a batch, with the resource that it came from.
#[derive(Debug, Clone, Default)]
pub(super) struct Span {
    pub(super) trace: String,
    pub(super) id: String,
    /// Empty for the first of its trace.
    pub(super) parent: String,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) failed: bool,
    /// Nanoseconds since 1970.
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) attributes: BTreeMap<String, String>,
    /// Traces and spans.
    pub(super) links: Vec<(String, String)>,
    pub(super) resource: BTreeMap<String, String>,
}

/// What a span is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    #[default]
    Other,
    Internal,
    Server,
    Client,
}

impl Span {
    /// An attribute; empty when there is none.
    pub(super) fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// All spans of an `ExportTraceServiceRequest`.
pub(super) fn spans(body: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    for (_, resource_spans) in fields(body) {
        let resource_spans = fields(resource_spans.bytes());
        let of = |wanted| move |(number, value)| (number == wanted).then_some(value);
        let resource = resource_spans.iter().copied().find_map(of(1));
        let resource = resource.map(|resource| attributes(&fields(resource.bytes()), 1));
        for scope_spans in resource_spans.iter().copied().filter_map(of(2)) {
            let spans_of_scope = fields(scope_spans.bytes());
            spans.extend(spans_of_scope.into_iter().filter_map(of(2)).map(|value| {
                let resource = resource.clone().unwrap_or_default();
                span(value.bytes(), resource)
            }));
        }
    }
    spans
}

fn span(message: &[u8], resource: BTreeMap<String, String>) -> Span {
    let all = fields(message);
    let mut span = Span {
        attributes: attributes(&all, 9),
        resource,
        ..Span::default()
    };
    for (number, value) in all {
        match number {
            1 => span.trace = hex(value.bytes()),
            2 => span.id = hex(value.bytes()),
            4 => span.parent = hex(value.bytes()),
            5 => span.name = value.text(),
            6 => {
                span.kind = match value.number() {
                    1 => Kind::Internal,
                    2 => Kind::Server,
                    3 => Kind::Client,
                    _ => Kind::Other,
                }
            }
            7 => span.from = value.number(),
            8 => span.to = value.number(),
            13 => {
                let link = fields(value.bytes());
                let part = |wanted| {
                    let found = link.iter().find(|(number, _)| *number == wanted);
                    hex(found.unwrap().1.bytes())
                };
                span.links.push((part(1), part(2)));
            }
            15 => {
                let code = |(number, value): (u64, Value<'_>)| number == 3 && value.number() == 2;
                span.failed = fields(value.bytes()).into_iter().any(code);
            }
            _ => {}
        }
    }
    span
}

/// Keys and values; those that are no text as one.
fn attributes(message: &[(u64, Value<'_>)], number: u64) -> BTreeMap<String, String> {
    let pairs = message.iter().filter(|(found, _)| *found == number);
    let pairs = pairs.map(|(_, pair)| {
        let (mut key, mut text) = (String::new(), String::new());
        for (number, value) in fields(pair.bytes()) {
            match number {
                1 => key = value.text(),
                2 => {
                    let (kind, value) = fields(value.bytes())[0];
                    text = match kind {
                        1 => value.text(),
                        3 => value.number().to_string(),
                        other => panic!("an attribute of kind {other}"),
                    };
                }
                _ => {}
            }
        }
        (key, text)
    });
    let pairs: Vec<(String, String)> = pairs.collect();
    let map: BTreeMap<String, String> = pairs.iter().cloned().collect();
    assert_eq!(map.len(), pairs.len(), "no key comes twice: {pairs:?}");
    map
}

/// The value of a field.
#[derive(Debug, Clone, Copy)]
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    fn number(self) -> u64 {
        match self {
            Self::Number(number) => number,
            Self::Bytes(bytes) => panic!("bytes: {bytes:?}"),
        }
    }

    fn bytes(self) -> &'a [u8] {
        match self {
            Self::Number(number) => panic!("a number: {number}"),
            Self::Bytes(bytes) => bytes,
        }
    }

    fn text(self) -> String {
        String::from_utf8(self.bytes().to_vec()).unwrap()
    }
}

/// The fields of a message, by number.
fn fields(mut message: &[u8]) -> Vec<(u64, Value<'_>)> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message);
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut message)),
            1 => Value::Number(u64::from_le_bytes(
                take(&mut message, 8).try_into().unwrap(),
            )),
            2 => {
                let length = varint(&mut message);
                Value::Bytes(take(&mut message, usize::try_from(length).unwrap()))
            }
            5 => Value::Number(u64::from(u32::from_le_bytes(
                take(&mut message, 4).try_into().unwrap(),
            ))),
            other => panic!("wire type {other}"),
        };
        found.push((tag >> 3, value));
    }
    found
}

fn take<'a>(message: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = message.split_at(length);
    *message = rest;
    taken
}

fn varint(message: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let byte = take(message, 1)[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}
