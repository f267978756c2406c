//! Reads a multipart batch. Pure.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use memchr::memmem;

use super::super::super::list;
use super::super::ITEMS_MAX;
use super::super::error::BatchError;
use super::super::item::{Item, Request, refusal, writes_together};
use super::head;

/// The requests of a batch whose parts this boundary separates.
pub(crate) fn read(body: &Bytes, boundary: &str) -> Result<Vec<Item>, BatchError> {
    let parts = parts(body, boundary)?;
    Ok(parts.into_iter().map(item).collect())
}

/// What stands between the delimiters (RFC 2046, section 5.1.1), [`ITEMS_MAX`] parts at most. What stands before the first
/// and behind the last means nothing. Lines may end with LF alone.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<&'a [u8]>, BatchError> {
    let dashed = format!("--{boundary}");
    let mut parts = Vec::new();
    // Where the part under way begins.
    let mut begin = None;
    for at in memmem::find_iter(body, &dashed) {
        let (before, from) = body.split_at_checked(at).unwrap_or_default();
        if !(before.is_empty() || before.ends_with(b"\n")) {
            continue;
        }
        let behind = from.get(dashed.len()..).unwrap_or_default();
        let (is_last, behind) = match behind.strip_prefix(b"--") {
            Some(behind) => (true, behind),
            None => (false, behind),
        };
        // Anything but blanks makes it another boundary that begins like this one, or data.
        let Some(next) = after_blank_line(behind) else {
            continue;
        };
        if let Some(begin) = begin.take() {
            if parts.len() == ITEMS_MAX {
                return Err(BatchError::TooMany);
            }
            parts.push(
                body.get(begin..at)
                    .map(without_line_end)
                    .unwrap_or_default(),
            );
        } else if is_last {
            // A batch of nothing.
            return Ok(parts);
        }
        if is_last {
            return Ok(parts);
        }
        begin = Some(body.len() - next.len());
    }
    Err(match begin {
        Some(_) => BatchError::NoEnd,
        None => BatchError::NoDelimiter,
    })
}

/// What is behind the end of a line that holds nothing but blanks; the end of all will do for that.
fn after_blank_line(bytes: &[u8]) -> Option<&[u8]> {
    let blanks = bytes
        .iter()
        .take_while(|byte| b" \t".contains(byte))
        .count();
    let rest = bytes.get(blanks..)?;
    let rest = rest.strip_prefix(b"\r").unwrap_or(rest);
    if rest.is_empty() {
        return Some(rest);
    }
    rest.strip_prefix(b"\n")
}

/// The line end before a delimiter belongs to that.
fn without_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// The request in a part.
fn item(part: &[u8]) -> Item {
    let mut left = part;
    let fields = match head::fields(&mut left) {
        Ok(fields) => fields,
        Err(wrong) => {
            return Item {
                request: Request::Refused(refusal(wrong)),
                ..Item::default()
            };
        }
    };
    let id = id(&fields);
    let request = match content(&fields) {
        Content::Request => match head::request(left) {
            Ok(inner) => {
                // Old clients write it among the headers of the request.
                let id = id.or_else(|| self::id(&inner.headers));
                return Item {
                    id,
                    request: Request::Inner(inner),
                    ..Item::default()
                };
            }
            Err(wrong) => refusal(wrong),
        },
        Content::ChangeSet => writes_together(),
        Content::Encoded => refusal("Its `Content-Transfer-Encoding` is not `binary`."),
        Content::Other => refusal("Its part is not of the type `application/http`."),
    };
    Item {
        id,
        request: Request::Refused(request),
        ..Item::default()
    }
}

/// What the headers of a part say of it.
enum Content {
    Request,
    ChangeSet,
    /// In quoted-printable or base64, which is for mail.
    Encoded,
    Other,
}

fn content(fields: &HeaderMap) -> Content {
    let value = |name: HeaderName| {
        let value = fields.get(name).map(HeaderValue::to_str);
        value.and_then(Result::ok).unwrap_or_default()
    };
    let encoding = value(TRANSFER_ENCODING).trim().to_ascii_lowercase();
    if !["", "binary", "8bit", "7bit"].contains(&&*encoding) {
        return Content::Encoded;
    }
    let media_type = list::split(value(header::CONTENT_TYPE), ';').next();
    let media_type = media_type.unwrap_or_default().to_ascii_lowercase();
    match &*media_type {
        "" | "application/http" => Content::Request,
        "multipart/mixed" => Content::ChangeSet,
        _ => Content::Other,
    }
}

fn id(fields: &HeaderMap) -> Option<String> {
    let id = fields.get(CONTENT_ID)?.to_str().ok()?;
    Some(id.to_owned())
}

const CONTENT_ID: HeaderName = HeaderName::from_static("content-id");
const TRANSFER_ENCODING: HeaderName = HeaderName::from_static("content-transfer-encoding");

#[cfg(test)]
mod tests {
    use super::*;

    fn split(body: &str) -> Result<Vec<String>, BatchError> {
        let parts = parts(body.as_bytes(), "b")?;
        let text = |part: &[u8]| String::from_utf8(part.to_vec()).unwrap();
        Ok(parts.into_iter().map(text).collect())
    }

    #[test]
    fn parts_stand_between_delimiters() {
        for (body, expected) in [
            ("--b\nA\n--b--", Ok(&["A"][..])),
            ("--b\nA\n\n--b\nB\n--b--\n", Ok(&["A\n", "B"])),
            ("\n--b \t\nA\n--b--\t\n", Ok(&["A"])),
            (
                "preamble\n--b\nA\n--b--\nepilogue\n--b\nB\n--b--",
                Ok(&["A"]),
            ),
            ("--b\n--b--", Ok(&[""])),
            ("--b--", Ok(&[])),
            (
                "--b\nA --b\n--bb\n--b-\n --b\n--b--c\n--b--",
                Ok(&["A --b\n--bb\n--b-\n --b\n--b--c"]),
            ),
            ("--b\nA\n--b", Err(BatchError::NoEnd)),
            ("--b\nA\n--b\n", Err(BatchError::NoEnd)),
            ("--b\nA\n--c--", Err(BatchError::NoEnd)),
            ("--c\nA\n--c--", Err(BatchError::NoDelimiter)),
            ("", Err(BatchError::NoDelimiter)),
        ] {
            let expected = expected.map(|parts| {
                parts
                    .iter()
                    .map(|part| (*part).to_owned())
                    .collect::<Vec<_>>()
            });
            assert_eq!(split(body), expected, "{body:?}");
            let crlf = |text: &str| text.replace('\n', "\r\n");
            let expected = expected.map(|parts| parts.iter().map(|part| crlf(part)).collect());
            assert_eq!(split(&crlf(body)), expected, "{body:?} with CRLF");
        }
    }

    #[test]
    fn a_thousand_parts_and_no_more() {
        let parts = |count| format!("{}--b--", "--b\nA\n".repeat(count));
        assert_eq!(split(&parts(1000)).map(|parts| parts.len()), Ok(1000));
        assert_eq!(split(&parts(1001)), Err(BatchError::TooMany));
        assert_eq!(split(&parts(100_000)), Err(BatchError::TooMany));
    }

    /// `id: METHOD URL`, or `id: status`.
    fn read_one(part: &str) -> String {
        let body = format!("--b\n{part}\n--b--");
        let items = read(&body.into(), "b").unwrap();
        let [item] = &*items else {
            panic!("{items:?}");
        };
        let id = item.id.as_deref().unwrap_or("-");
        match &item.request {
            Request::Inner(inner) => format!("{id}: {} {}", inner.method, inner.url),
            Request::Refused(problem) => format!("{id}: {}", problem.status.as_u16()),
        }
    }

    #[test]
    fn a_part_is_a_request() {
        for (part, expected) in [
            (
                "Content-Type: application/http\n\nGET A HTTP/1.1\n\n",
                "-: GET A",
            ),
            (
                "content-type: Application/HTTP; msgtype=request\nContent-Transfer-Encoding: binary\nContent-ID: 7\nContent-Length: 3\n\nGET A\nAccept: x\n",
                "7: GET A",
            ),
            ("Content-ID: 1\n\nGET A\nContent-ID: 2\n", "1: GET A"),
            ("\nGET A\nContent-ID: 2\n", "2: GET A"),
            ("Content-Type: application/http\n\n", "-: 400"),
            ("Content-ID: 3\nContent-Type: text/plain\n\nGET A", "3: 400"),
            ("Content-Transfer-Encoding: base64\n\nR0VUIEE=", "-: 400"),
            ("GET A HTTP/1.1", "-: 400"),
            ("", "-: 400"),
            (
                "Content-Type: multipart/mixed; boundary=c\n\n--c\nContent-Type: application/http\n\nPOST A\n\n--c--",
                "-: 405",
            ),
        ] {
            assert_eq!(read_one(part), expected, "{part:?}");
            assert_eq!(read_one(&part.replace('\n', "\r\n")), expected, "{part:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(body: Vec<u8>, boundary in ".{0,3}") {
            let _ = read(&body.into(), &boundary);
        }

        #[test]
        fn near_misses_do_not_either(body in "(--b|--|b|\n|\r\n| |A|:){0,40}") {
            let _ = read(&body.into(), "b");
        }

        /// Whatever has no delimiter in it comes out as it went in.
        #[test]
        fn parts_come_out_as_they_went_in(parts in proptest::collection::vec("[-ab\r\n ]{0,12}", 0..9)) {
            let boundary = "batch_1";
            let body: Vec<String> = parts.iter().map(|part| format!("--{boundary}\r\n{part}\r\n")).collect();
            let body = format!("{}--{boundary}--\r\n", body.concat());
            let found = super::parts(body.as_bytes(), boundary).unwrap();
            let expected: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
            proptest::prop_assert_eq!(found, expected);
        }
    }
}
