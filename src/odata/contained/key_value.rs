//! The values of keys, compared by what they mean.

use crate::odata::key::{self, Part};

/// A value of a type whose values can be told apart by their text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyValue {
    /// In lower case.
    Guid(String),
    Integer(i64),
    Text(String),
    Boolean(bool),
}

impl KeyValue {
    /// The value of a part of a key. `None` for all other types: dates, decimals and the like have many spellings, and
    /// may be stored with more precision than they are written with.
    pub(super) fn of(part: &Part<'_>) -> Option<Self> {
        let literal = part.literal.as_str();
        match part.kind {
            "Edm.Guid" => Some(Self::Guid(literal.to_ascii_lowercase())),
            "Edm.String" => Some(Self::Text(key::string_body(literal)?.replace("''", "'"))),
            "Edm.Boolean" => literal.parse().ok().map(Self::Boolean),
            "Edm.Byte" | "Edm.SByte" | "Edm.Int16" | "Edm.Int32" | "Edm.Int64" => {
                literal.parse().ok().map(Self::Integer)
            }
            _ => None,
        }
    }

    /// Whether this is the value that `written`, a JSON value, stands for. `None` when that is not a value of the type.
    pub(super) fn is(&self, written: &[u8]) -> Option<bool> {
        match self {
            Self::Guid(guid) => {
                let written = inside(written)?;
                key::is_guid(str::from_utf8(written).ok()?)
                    .then(|| guid.as_bytes().eq_ignore_ascii_case(written))
            }
            Self::Text(text) if written.contains(&b'\\') => {
                let written: String = serde_json::from_slice(written).ok()?;
                Some(written == *text)
            }
            Self::Text(text) => Some(inside(written)? == text.as_bytes()),
            // With `IEEE754Compatible=true` long ones are strings.
            Self::Integer(number) => {
                let digits = str::from_utf8(inside(written).unwrap_or(written)).ok()?;
                Some(digits.parse::<i64>().ok()? == *number)
            }
            Self::Boolean(value) => match written {
                b"true" => Some(*value),
                b"false" => Some(!*value),
                _ => None,
            },
        }
    }
}

/// What stands between the quotes of a JSON string.
fn inside(written: &[u8]) -> Option<&[u8]> {
    written.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: &str, literal: &str, written: &str, expected: Option<bool>) {
        let part = Part {
            name: "K",
            kind,
            literal: literal.to_owned(),
        };
        let value = KeyValue::of(&part).unwrap();
        assert_eq!(
            value.is(written.as_bytes()),
            expected,
            "{literal} {written}"
        );
    }

    #[test]
    fn values_are_compared_by_type() {
        let guid = "6F9619FF-8b86-d011-b42d-00c04fc964ff";
        let lower = format!("\"{}\"", guid.to_ascii_lowercase());
        check("Edm.Guid", guid, &lower, Some(true));
        check(
            "Edm.Guid",
            guid,
            &lower.replace("ff\"", "fe\""),
            Some(false),
        );
        check("Edm.Guid", guid, "\"6f9619ff\"", None);
        check("Edm.Guid", guid, "null", None);
        check("Edm.Int64", "5", "5", Some(true));
        check("Edm.Int64", "5", "\"5\"", Some(true));
        check("Edm.Int32", "5", "-5", Some(false));
        check("Edm.Int32", "5", "5.0", None);
        check("Edm.String", "'it''s'", "\"it's\"", Some(true));
        check("Edm.String", "'ä\"'", r#""\u00e4\"""#, Some(true));
        check("Edm.String", "'a'", "\"A\"", Some(false));
        check("Edm.String", "'a'", r#""\ud800""#, None);
        check("Edm.String", "'null'", "null", None);
        check("Edm.Boolean", "true", "true", Some(true));
        check("Edm.Boolean", "true", "false", Some(false));
        check("Edm.Boolean", "true", "1", None);
    }

    #[test]
    fn other_types_are_not_compared() {
        for (kind, literal) in [
            ("Edm.DateTimeOffset", "2026-01-31T00:00:00Z"),
            ("Edm.Decimal", "5.5"),
            ("Edm.Double", "5"),
            ("N.Kind", "5"),
        ] {
            let part = Part {
                name: "K",
                kind,
                literal: literal.to_owned(),
            };
            assert_eq!(KeyValue::of(&part), None);
        }
    }
}
