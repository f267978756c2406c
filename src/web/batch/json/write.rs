//! Writes the answer to a JSON batch. Pure.

use std::collections::VecDeque;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::super::item::Label;

/// Writes one answer after the other.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    /// How many answers have begun.
    begun: usize,
    body: Body,
}

/// How the body of the answer under way is written, by its type.
#[derive(Debug, Default)]
enum Body {
    /// There is none so far: the member begins with its first byte.
    #[default]
    None,
    /// This, from its first byte on.
    Awaited(Kind),
    /// Part of it is out.
    Begun(Kind),
}

#[derive(Debug)]
enum Kind {
    /// Stands there as it is.
    Json,
    /// Is a string.
    Text,
    /// Is a string of base64url; up to two bytes wait for a third.
    Binary(Vec<u8>),
}

impl Writer {
    /// What stands before an answer.
    pub(crate) fn begin(&mut self, out: &mut VecDeque<Bytes>) {
        let text = if self.begun == 0 { START } else { "," };
        self.begun += 1;
        out.push_back(Bytes::from_static(text.as_bytes()));
    }

    /// The head of an answer.
    pub(crate) fn head(&mut self, label: &Label, head: &Parts, out: &mut VecDeque<Bytes>) {
        self.body = Body::Awaited(Kind::of(&head.headers));
        let head = Head {
            id: label.id.as_deref().unwrap_or_default(),
            atomicity_group: label.group.as_deref(),
            status: head.status.as_u16(),
            headers: Headers(&head.headers),
        };
        // Strings and numbers can always be written; the object stays open.
        let mut text = serde_json::to_vec(&head).unwrap_or_default();
        text.pop();
        out.push_back(text.into());
    }

    /// A piece of its body.
    pub(crate) fn data(&mut self, bytes: Bytes, out: &mut VecDeque<Bytes>) {
        if bytes.is_empty() {
            return;
        }
        self.body = match std::mem::take(&mut self.body) {
            Body::Awaited(kind) => {
                out.push_back(Bytes::from_static(kind.start().as_bytes()));
                Body::Begun(kind)
            }
            body => body,
        };
        match &mut self.body {
            Body::Begun(Kind::Json) => out.push_back(bytes),
            Body::Begun(Kind::Text) => out.push_back(escaped(bytes)),
            Body::Begun(Kind::Binary(rest)) => {
                rest.extend_from_slice(&bytes);
                let whole = rest.len() - rest.len() % 3;
                let bytes: Vec<u8> = rest.drain(..whole).collect();
                out.push_back(URL_SAFE_NO_PAD.encode(bytes).into());
            }
            Body::None | Body::Awaited(_) => {}
        }
    }

    /// What stands behind an answer.
    pub(crate) fn end_one(&mut self, out: &mut VecDeque<Bytes>) {
        let text = match std::mem::take(&mut self.body) {
            Body::None | Body::Awaited(_) | Body::Begun(Kind::Json) => "}".to_owned(),
            Body::Begun(Kind::Text) => "\"}".to_owned(),
            Body::Begun(Kind::Binary(rest)) => URL_SAFE_NO_PAD.encode(rest) + "\"}",
        };
        out.push_back(text.into());
    }

    /// What stands behind the last answer.
    pub(crate) fn end(&self, out: &mut VecDeque<Bytes>) {
        if self.begun == 0 {
            out.push_back(Bytes::from_static(START.as_bytes()));
        }
        out.push_back(Bytes::from_static(b"]}"));
    }
}

impl Kind {
    fn of(headers: &HeaderMap) -> Self {
        let media_type = headers.get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok());
        let name = media_type.unwrap_or_default().split(';').next();
        match name.unwrap_or_default().trim() {
            "application/json" => Self::Json,
            name if name.starts_with("text/") => Self::Text,
            _ => Self::Binary(Vec::new()),
        }
    }

    fn start(&self) -> &'static str {
        match self {
            Self::Json => ",\"body\":",
            Self::Text | Self::Binary(_) => ",\"body\":\"",
        }
    }
}

/// A piece of UTF-8 as it stands within quotes. What is escaped is ASCII, so a piece may end within a letter.
fn escaped(bytes: Bytes) -> Bytes {
    let plain = |byte: &u8| *byte >= b' ' && !b"\"\\".contains(byte);
    if bytes.iter().all(plain) {
        return bytes;
    }
    let mut text = Vec::with_capacity(bytes.len() + 16);
    for byte in &bytes {
        match byte {
            b'"' | b'\\' => text.extend_from_slice(&[b'\\', *byte]),
            b'\n' => text.extend_from_slice(b"\\n"),
            b'\r' => text.extend_from_slice(b"\\r"),
            b'\t' => text.extend_from_slice(b"\\t"),
            byte if *byte < b' ' => text.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            byte => text.push(*byte),
        }
    }
    text.into()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    atomicity_group: Option<&'a str>,
    status: u16,
    headers: Headers<'a>,
}

/// As an object. The length is left out: it is that of the body outside of JSON.
struct Headers<'a>(&'a HeaderMap);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let shown = |(name, value): (&'_ HeaderName, &HeaderValue)| {
            let value = value.to_str().ok()?.to_owned();
            (*name != header::CONTENT_LENGTH).then(|| (name.as_str().to_owned(), value))
        };
        for (name, value) in self.0.iter().filter_map(shown) {
            map.serialize_entry(&name, &value)?;
        }
        map.end()
    }
}

const START: &str = "{\"responses\":[";

#[cfg(test)]
mod tests {
    use http::Response;
    use serde_json::{Value, json};

    use super::*;

    /// The answer to a batch with these answers: a type, and pieces of a body.
    fn written(answers: &[(&str, &[&[u8]])]) -> String {
        let (mut writer, mut out) = (Writer::default(), VecDeque::new());
        for (at, (media_type, pieces)) in answers.iter().enumerate() {
            let mut response = Response::builder().header("content-length", "7");
            if !media_type.is_empty() {
                response = response.header("content-type", *media_type);
            }
            let (head, ()) = response.body(()).unwrap().into_parts();
            let label = Label {
                id: Some(format!("\"{at}")),
                group: (at == 1).then(|| "g".to_owned()),
            };
            writer.begin(&mut out);
            writer.head(&label, &head, &mut out);
            for piece in *pieces {
                writer.data(Bytes::copy_from_slice(piece), &mut out);
            }
            writer.end_one(&mut out);
        }
        writer.end(&mut out);
        String::from_utf8(out.iter().flatten().copied().collect()).unwrap()
    }

    fn bodies(answers: &[(&str, &[&[u8]])]) -> Vec<Value> {
        let written: Value = serde_json::from_str(&written(answers)).unwrap();
        let responses = written["responses"].as_array().unwrap();
        responses
            .iter()
            .map(|response| response["body"].clone())
            .collect()
    }

    #[test]
    fn json_stands_there_as_it_is() {
        let json = "application/json;odata.metadata=minimal";
        let found = written(&[(json, &[b"{\"a\" : 1.00", b"", b" }"]), (json, &[b"[]"])]);
        let head = format!("\"status\":200,\"headers\":{{\"content-type\":\"{json}\"}},\"body\":");
        assert_eq!(
            found,
            format!(
                "{{\"responses\":[{{\"id\":\"\\\"0\",{head}{{\"a\" : 1.00 }}}},\
                 {{\"id\":\"\\\"1\",\"atomicityGroup\":\"g\",{head}[]}}]}}"
            )
        );
    }

    #[test]
    fn other_bodies_are_strings() {
        let e = "é".as_bytes();
        let text: [&[u8]; 4] = [b"a\"b\\", &e[..1], &e[1..], b"\r\n\t\x01"];
        let xml: [&[u8]; 3] = [b"<a", b"", b"b/>"];
        let found = bodies(&[
            ("text/plain;charset=utf-8", &text),
            ("text/plain", &[b"110"]),
            ("application/xml", &xml),
            ("application/xml", &[b"<", b"a"]),
        ]);
        assert_eq!(
            found,
            [
                json!("a\"b\\é\r\n\t\u{1}"),
                json!("110"),
                json!("PGFiLz4"),
                json!("PGE")
            ]
        );
    }

    #[test]
    fn what_has_no_body_has_no_member_for_it() {
        for media_type in ["", "application/json", "text/plain", "application/xml"] {
            let found = written(&[(media_type, &[])]);
            assert!(!found.contains("body"), "{found}");
            serde_json::from_str::<Value>(&found).unwrap();
        }
        assert_eq!(written(&[]), "{\"responses\":[]}");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_come_back(pieces: Vec<Vec<u8>>) {
            let slices: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let found = bodies(&[("application/octet-stream", &slices)]);
            let found = found[0].as_str().unwrap_or_default();
            proptest::prop_assert_eq!(URL_SAFE_NO_PAD.decode(found).unwrap(), pieces.concat());
        }

        #[test]
        fn any_text_comes_back(text in ".{0,40}", cut in 0_usize..40) {
            let (one, other) = text.as_bytes().split_at(cut.min(text.len()));
            let found = bodies(&[("text/plain", &[one, other])]);
            proptest::prop_assert_eq!(found[0].as_str().unwrap_or_default(), text);
        }
    }
}
