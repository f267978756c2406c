//! The two formats of a batch, side by side.

use std::collections::VecDeque;

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::super::list;
use super::super::problem::Problem;
use super::error::BatchError;
use super::item::{Item, Label};
use super::{json, multipart};

/// In which a batch came. Its answer comes in the same: clients that send `Accept: application/json` with every request
/// send it with multipart batches, too, and read multipart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `multipart/mixed`.
    Multipart {
        /// What separates the parts.
        boundary: String,
    },
    /// `application/json`.
    Json,
}

impl Format {
    /// By the `Content-Type` of a batch.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let media_type = headers.get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok());
        let mut parts = list::split(media_type.unwrap_or_default(), ';');
        let name = parts.next().unwrap_or_default();
        if name.eq_ignore_ascii_case("application/json") {
            return Ok(Self::Json);
        }
        if !name.eq_ignore_ascii_case("multipart/mixed") {
            return Err(unsupported_media_type());
        }
        let boundary = parts
            .map(list::pair)
            .find(|(name, _)| name.eq_ignore_ascii_case("boundary"))
            .and_then(|(_, value)| value)
            .filter(|value| (1..=BOUNDARY_BYTES_MAX).contains(&value.len()));
        let boundary = boundary.ok_or_else(|| Problem::from(&BatchError::NoBoundary))?;
        Ok(Self::Multipart {
            boundary: boundary.to_owned(),
        })
    }

    /// Its requests.
    pub(crate) fn read(&self, body: &Bytes) -> Result<Vec<Item>, BatchError> {
        match self {
            Self::Multipart { boundary } => multipart::read(body, boundary),
            Self::Json => json::read(body),
        }
    }

    /// A writer for its answer.
    pub(crate) fn writer(&self) -> Writer {
        match self {
            Self::Multipart { .. } => Writer::Multipart(multipart::Writer::new()),
            Self::Json => Writer::Json(json::Writer::default()),
        }
    }
}

/// Writes answers in the format of the batch.
#[derive(Debug)]
pub(crate) enum Writer {
    /// As parts.
    Multipart(multipart::Writer),
    /// As objects.
    Json(json::Writer),
}

impl Writer {
    /// Its `Content-Type`.
    pub(crate) fn content_type(&self) -> Option<HeaderValue> {
        match self {
            Self::Multipart(writer) => writer.content_type(),
            Self::Json(_) => Some(HeaderValue::from_static("application/json")),
        }
    }

    /// What stands before an answer.
    pub(crate) fn begin(&mut self, out: &mut VecDeque<Bytes>) {
        match self {
            Self::Multipart(writer) => writer.begin(out),
            Self::Json(writer) => writer.begin(out),
        }
    }

    /// The head of an answer.
    pub(crate) fn head(&mut self, label: &Label, head: &Parts, out: &mut VecDeque<Bytes>) {
        match self {
            Self::Multipart(_) => multipart::Writer::head(label, head, out),
            Self::Json(writer) => writer.head(label, head, out),
        }
    }

    /// A piece of its body.
    pub(crate) fn data(&mut self, bytes: Bytes, out: &mut VecDeque<Bytes>) {
        match self {
            Self::Multipart(_) => out.push_back(bytes),
            Self::Json(writer) => writer.data(bytes, out),
        }
    }

    /// What stands behind an answer.
    pub(crate) fn end_one(&mut self, out: &mut VecDeque<Bytes>) {
        match self {
            // The next delimiter ends it.
            Self::Multipart(_) => {}
            Self::Json(writer) => writer.end_one(out),
        }
    }

    /// What stands behind the last answer.
    pub(crate) fn end(&self, out: &mut VecDeque<Bytes>) {
        match self {
            Self::Multipart(writer) => writer.end(out),
            Self::Json(writer) => writer.end(out),
        }
    }
}

fn unsupported_media_type() -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UnsupportedMediaType",
        "A batch comes in one of two forms. Send it with `Content-Type: multipart/mixed; boundary=…` or \
         `Content-Type: application/json`.",
    )
}

/// RFC 2046, section 5.1.1.
const BOUNDARY_BYTES_MAX: usize = 70;

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn the_format_is_that_of_the_content_type() {
        let long = "b".repeat(71);
        for (media_type, expected) in [
            ("application/json", Ok("json")),
            ("Application/JSON; odata.metadata=minimal", Ok("json")),
            ("multipart/mixed; boundary=b_1", Ok("b_1")),
            ("multipart/mixed;boundary=\"b (1)\"", Ok("b (1)")),
            ("Multipart/Mixed; charset=utf-8; BOUNDARY=b1 ", Ok("b1")),
            ("multipart/mixed; boundary=a=b", Ok("a=b")),
            ("multipart/mixed", Err(400)),
            ("multipart/mixed; boundary=", Err(400)),
            (&format!("multipart/mixed; boundary={long}"), Err(400)),
            ("multipart/form-data; boundary=b", Err(415)),
            ("text/plain", Err(415)),
            ("", Err(415)),
        ] {
            let found = Format::of(&headers("content-type", media_type));
            let found = found.map_err(|problem| problem.status.as_u16());
            let expected = expected.map(|expected| match expected {
                "json" => Format::Json,
                boundary => Format::Multipart {
                    boundary: boundary.to_owned(),
                },
            });
            assert_eq!(found, expected, "{media_type}");
        }
        assert_eq!(Format::of(&HeaderMap::new()).unwrap_err().status, 415);
    }
}
