//! Header values that are lists: `a, b;q=0.5, c="x,y"`.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The members of all lines of a header, trimmed; commas between quotes do not separate.
pub(crate) fn members(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|line| HeaderValue::to_str(line).ok())
        .flat_map(|line| split(line, ','))
}

/// The parts of `text` between `separator`s, trimmed and not empty; those between quotes do not count.
pub(crate) fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |c: char| {
        let quote = c == '"' && !escaped;
        escaped = c == '\\' && quoted && !escaped;
        quoted ^= quote;
        c == separator && !quoted
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

/// `name=value` with blanks around both and quotes around the value removed.
pub(crate) fn pair(text: &str) -> (&str, Option<&str>) {
    match text.split_once('=') {
        Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
        None => (text.trim(), None),
    }
}

/// A member's weight: its `q` parameter, 1 when it has none, 0 when that is not a number.
pub(crate) fn weight(member: &str) -> f32 {
    split(member, ';')
        .skip(1)
        .map(pair)
        .find(|(name, _)| name.eq_ignore_ascii_case("q"))
        .map_or(1.0, |(_, value)| {
            value.and_then(|value| value.parse().ok()).unwrap_or(0.0)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_protect_separators() {
        for (text, expected) in [
            ("a, b;c=\"x,y\",, d ", &["a", "b;c=\"x,y\"", "d"][..]),
            (r#"a="\",", b"#, &[r#"a="\",""#, "b"]),
            (" , ", &[]),
        ] {
            assert_eq!(split(text, ',').collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn weights() {
        for (member, expected) in [
            ("gzip", 1.0),
            ("gzip;q=0", 0.0),
            ("gzip; Q=0.5", 0.5),
            ("gzip;level=1;q=0.25", 0.25),
            ("gzip;q=much", 0.0),
        ] {
            assert!((weight(member) - expected).abs() < f32::EPSILON, "{member}");
        }
    }
}
