//! Percent-encoding: each piece of a URL is decoded exactly once and written one way.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::question::ParseError;

/// Decodes a path segment; `+` is itself.
pub(super) fn decode_segment(piece: &str) -> Result<String, ParseError> {
    let bad = || ParseError::PercentEncoding {
        text: piece.chars().take(SHOWN_CHARS_MAX).collect(),
    };
    if !piece.contains('%') {
        return Ok(piece.to_owned());
    }
    if !escapes_are_whole(piece) {
        return Err(bad());
    }
    let text = percent_decode_str(piece).decode_utf8().map_err(|_| bad())?;
    Ok(text.into_owned())
}

/// Decodes a name or value of the query, where `+` is a space: the standard gives it no meaning, but
/// upstream's framework reads it so and many clients write it. A plus sign proper arrives as `%2B`.
pub(super) fn decode_query(piece: &str) -> Result<String, ParseError> {
    if piece.contains('+') {
        decode_segment(&piece.replace('+', " "))
    } else {
        decode_segment(piece)
    }
}

/// Writes a path segment; a slash in it stays `%2F`.
pub(super) fn encode_segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Writes the name of an option; an equals sign in it would end it.
pub(super) fn encode_name(text: &str) -> String {
    utf8_percent_encode(text, NAME).to_string()
}

/// Writes the value of an option.
pub(super) fn encode_value(text: &str) -> String {
    utf8_percent_encode(text, VALUE).to_string()
}

fn escapes_are_whole(piece: &str) -> bool {
    piece.split('%').skip(1).all(|rest| {
        let mut digits = rest.bytes();
        let mut digit = || digits.next().is_some_and(|c| c.is_ascii_hexdigit());
        digit() && digit()
    })
}

/// RFC 3986 unreserved characters, and the delimiters that OData uses and that mean nothing to a URL here.
const NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b',')
    .remove(b':')
    .remove(b';')
    .remove(b'@')
    .remove(b'*')
    .remove(b'!');
const SEGMENT: &AsciiSet = &NAME.remove(b'=');
const VALUE: &AsciiSet = &SEGMENT.remove(b'/');

/// As much of a faulty piece as an error shows.
const SHOWN_CHARS_MAX: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_once_and_strictly() {
        let check = |piece: &str, text: Option<&str>| {
            assert_eq!(decode_query(piece).ok().as_deref(), text, "{piece}");
        };
        check("a+b%20c", Some("a b c"));
        check("a%2Bb%2bc", Some("a+b+c"));
        check("%2541", Some("%41"));
        check("%C3%A9", Some("é"));
        check("é", Some("é"));
        check("%", None);
        check("%4", None);
        check("%zz", None);
        check("%+1", None);
        check("%FF", None);
        assert_eq!(decode_segment("a+b").unwrap(), "a+b");
    }

    #[test]
    fn keeps_readable_what_a_url_may_hold() {
        assert_eq!(encode_value("$'(),:;/@=*!-._~"), "$'(),:;/@=*!-._~");
        assert_eq!(encode_value(" +&#%?é\""), "%20%2B%26%23%25%3F%C3%A9%22");
        assert_eq!(encode_segment("Id='a/b'"), "Id='a%2Fb'");
        assert_eq!(encode_name("a=b/c"), "a%3Db%2Fc");
    }
}
