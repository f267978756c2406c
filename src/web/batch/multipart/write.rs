//! Writes the answer to a multipart batch. Pure, but for the boundary, which nobody can guess.
//!
//! Names of headers are written as people write them, and `Content-Type` of a part without parameters: some clients compare
//! them letter by letter. Bodies end at the delimiter; those of known length say it, too.

use std::collections::VecDeque;
use std::fmt::Write;

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderName, HeaderValue, header};
use ring::rand::{SecureRandom, SystemRandom};

use super::super::super::hex;
use super::super::super::request_id::RequestId;
use super::super::item::Label;

/// Writes one answer after the other.
#[derive(Debug)]
pub(crate) struct Writer {
    boundary: String,
    /// Whether a delimiter stands before.
    has_begun: bool,
}

impl Writer {
    /// A writer with a boundary of its own.
    pub(crate) fn new() -> Self {
        Self::with(boundary())
    }

    fn with(boundary: String) -> Self {
        Self {
            boundary,
            has_begun: false,
        }
    }

    /// `multipart/mixed` with the boundary. It comes last and without quotes: some clients take what is behind the `=`.
    pub(crate) fn content_type(&self) -> Option<HeaderValue> {
        HeaderValue::try_from(format!("multipart/mixed; boundary={}", self.boundary)).ok()
    }

    /// What stands before an answer.
    pub(crate) fn begin(&mut self, out: &mut VecDeque<Bytes>) {
        let line_end = if self.has_begun { "\r\n" } else { "" };
        self.has_begun = true;
        out.push_back(format!("{line_end}--{}", self.boundary).into());
    }

    /// The head of an answer.
    pub(crate) fn head(label: &Label, head: &Parts, out: &mut VecDeque<Bytes>) {
        let mut text = String::from(
            "\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n",
        );
        if let Some(id) = &label.id {
            push(&mut text, "Content-ID", id);
        }
        text.push_str("\r\nHTTP/1.1 ");
        text.push_str(head.status.as_str());
        text.push(' ');
        text.push_str(head.status.canonical_reason().unwrap_or_default());
        text.push_str("\r\n");
        for (name, value) in &head.headers {
            if let Ok(value) = value.to_str() {
                push(&mut text, &spelled(name), value);
            }
        }
        text.push_str("\r\n");
        out.push_back(text.into());
    }

    /// What stands behind the last answer.
    pub(crate) fn end(&self, out: &mut VecDeque<Bytes>) {
        let line_end = if self.has_begun { "\r\n" } else { "" };
        out.push_back(format!("{line_end}--{}--\r\n", self.boundary).into());
    }
}

fn push(text: &mut String, name: &str, value: &str) {
    let _ = write!(text, "{name}: {value}\r\n");
}

/// `Content-Type` for `content-type`.
fn spelled(name: &HeaderName) -> String {
    if name == header::ETAG {
        return "ETag".to_owned();
    }
    let words = name.as_str().split('-').map(|word| {
        if word == "odata" {
            return "OData".to_owned();
        }
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        first.to_ascii_uppercase() + rest
    });
    words.collect::<Vec<_>>().join("-")
}

/// 128 bits that no row can hold but by chance. Should the system have no randomness, the name of a request must do.
fn boundary() -> String {
    let mut bytes = [0; 16];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        return format!("batchresponse_{}", RequestId::next());
    }
    let bits = u128::from_be_bytes(bytes);
    #[expect(clippy::cast_possible_truncation, reason = "the other half")]
    let halves = [(bits >> 64) as u64, bits as u64].map(hex::digits);
    let digits = String::from_utf8_lossy(halves.as_flattened()).into_owned();
    format!("batchresponse_{digits}")
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    fn text(out: &VecDeque<Bytes>) -> String {
        let bytes: Vec<u8> = out.iter().flatten().copied().collect();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn answers_stand_between_delimiters() {
        let (mut writer, mut out) = (Writer::with("b".to_owned()), VecDeque::new());
        let response = Response::builder()
            .header("content-type", "text/plain")
            .header("odata-version", "4.0")
            .header("etag", "\"e\"")
            .header("cache-status", "x");
        let (head, ()) = response.body(()).unwrap().into_parts();
        let label = |id: Option<&str>| Label {
            id: id.map(str::to_owned),
            group: None,
        };
        for id in [Some("1"), None] {
            writer.begin(&mut out);
            Writer::head(&label(id), &head, &mut out);
            out.push_back("12".into());
        }
        writer.end(&mut out);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nOData-Version: 4.0\r\nETag: \"e\"\r\nCache-Status: x\r\n\r\n";
        let part = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n";
        assert_eq!(
            text(&out),
            format!(
                "--b\r\n{part}Content-ID: 1\r\n\r\n{head}12\r\n--b\r\n{part}\r\n{head}12\r\n--b--\r\n"
            )
        );
    }

    #[test]
    fn an_answer_to_nothing_is_only_its_end() {
        let mut out = VecDeque::new();
        Writer::with("b".to_owned()).end(&mut out);
        assert_eq!(text(&out), "--b--\r\n");
    }

    #[test]
    fn boundaries_are_sound_and_differ() {
        let [one, other] = [boundary(), boundary()];
        assert_ne!(one, other);
        assert_eq!(one.len(), "batchresponse_".len() + 32);
        let content_type = Writer::with(one.clone()).content_type().unwrap();
        assert_eq!(content_type, format!("multipart/mixed; boundary={one}"));
    }
}
