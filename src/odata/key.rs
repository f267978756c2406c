//! `Set(key)` as a filter: upstream answers 404 to the one and knows the other.

use super::quotes::{Span, is_blank, is_identifier, spans, split, split_once};
use super::schema::EntityType;

/// Why a key is not one of the set's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The type has no key.
    #[error("rows of this set have no key; use `$filter`")]
    NoKey,
    /// Not as many values as the key has properties, or values without names where there are several.
    #[error("the key is incomplete; write {expected}")]
    Incomplete {
        /// The key in full.
        expected: String,
    },
    /// A name that is no property of the key.
    #[error("`{name}` is not part of the key; write {expected}")]
    Unknown {
        /// The name.
        name: String,
        /// The key in full.
        expected: String,
    },
    /// The same property twice.
    #[error("`{name}` appears twice in the key; write {expected}")]
    Twice {
        /// The property.
        name: String,
        /// The key in full.
        expected: String,
    },
    /// A value that its type does not have. The value itself is not told: it may be a person's name.
    #[error("the value of `{name}` is not an {kind}; write {expected}")]
    Value {
        /// The property.
        name: String,
        /// Its type.
        kind: String,
        /// The key in full.
        expected: String,
    },
}

/// The `$filter` that finds the row with that key: what stands between the parentheses, decoded. Version 3
/// literals and quoted GUIDs and dates are understood; the filter has them as version 4 wants.
///
/// `Id=5` becomes `Id eq 5`.
pub fn filter(entity: &EntityType, key: &str) -> Result<String, KeyError> {
    let terms: Vec<String> = parts(entity, key)?
        .iter()
        .map(|part| format!("{} eq {}", part.name, part.literal))
        .collect();
    Ok(terms.join(" and "))
}

/// One property of a key and the value that it is to have.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// The property, as `$metadata` writes it.
    pub(super) name: &'a str,
    /// Its type.
    pub(super) kind: &'a str,
    /// The value, as version 4 writes it.
    pub(super) literal: String,
}

/// What a key says of each of the key's properties, in the order of `$metadata`.
pub(super) fn parts<'a>(entity: &'a EntityType, key: &str) -> Result<Vec<Part<'a>>, KeyError> {
    if entity.key.is_empty() {
        return Err(KeyError::NoKey);
    }
    let expected = || expected(entity);
    let mut values: Vec<Option<String>> = vec![None; entity.key.len()];
    for piece in split(key, ',') {
        let (slot, text) = slot(entity, piece.trim_matches(is_blank))?;
        let (Some(name), Some(value)) = (entity.key.get(slot), values.get_mut(slot)) else {
            continue;
        };
        let kind = kind(entity, name);
        let written = literal(kind, text).ok_or_else(|| KeyError::Value {
            name: name.clone(),
            kind: kind.to_owned(),
            expected: expected(),
        })?;
        if value.replace(written).is_some() {
            let (name, expected) = (name.clone(), expected());
            return Err(KeyError::Twice { name, expected });
        }
    }
    let part = |(name, value): (&'a String, Option<String>)| {
        Some(Part {
            name,
            kind: kind(entity, name),
            literal: value?,
        })
    };
    let parts: Option<Vec<Part<'a>>> = entity.key.iter().zip(values).map(part).collect();
    parts.ok_or_else(|| KeyError::Incomplete {
        expected: expected(),
    })
}

/// Which property of the key a piece is for, and its literal.
fn slot<'a>(entity: &EntityType, piece: &'a str) -> Result<(usize, &'a str), KeyError> {
    let named = split_once(piece, '=')
        .map(|(name, text)| (name.trim_matches(is_blank), text.trim_matches(is_blank)))
        .filter(|(name, _)| is_identifier(name));
    let Some((name, text)) = named else {
        return match entity.key.len() {
            1 => Ok((0, piece)),
            _ => Err(KeyError::Incomplete {
                expected: expected(entity),
            }),
        };
    };
    let exact = entity.key.iter().position(|other| other == name);
    let folded = || {
        let same = |other: &String| other.eq_ignore_ascii_case(name);
        entity.key.iter().position(same)
    };
    let slot = exact.or_else(folded).ok_or_else(|| KeyError::Unknown {
        name: name.to_owned(),
        expected: expected(entity),
    })?;
    Ok((slot, text))
}

/// The key in full, with an example of each type: `(Id=5)`.
fn expected(entity: &EntityType) -> String {
    let parts: Vec<String> = entity
        .key
        .iter()
        .map(|name| {
            let kind = kind(entity, name);
            format!("{name}={}", example(kind))
        })
        .collect();
    format!("`({})`", parts.join(","))
}

fn kind<'a>(entity: &'a EntityType, name: &str) -> &'a str {
    let kind = entity.properties.get(name);
    kind.map_or("Edm.PrimitiveType", String::as_str)
}

fn example(kind: &str) -> &'static str {
    match kind {
        "Edm.String" => "'text'",
        "Edm.Guid" => "01234567-89ab-cdef-0123-456789abcdef",
        "Edm.DateTimeOffset" => "2026-01-31T00:00:00Z",
        "Edm.Date" => "2026-01-31",
        "Edm.TimeOfDay" => "12:30:00",
        "Edm.Duration" => "duration'PT5M'",
        "Edm.Boolean" => "true",
        "Edm.Decimal" | "Edm.Double" | "Edm.Single" => "5.5",
        _ => "5",
    }
}

/// A literal as version 4 writes it; `None` when it is not one of that type.
fn literal(kind: &str, text: &str) -> Option<String> {
    match kind {
        "Edm.String" => string_body(text).map(|_| text.to_owned()),
        "Edm.Guid" => bare(text, &["guid"])
            .filter(|t| is_guid(t))
            .map(str::to_owned),
        "Edm.DateTimeOffset" => date_time(bare(text, &["datetimeoffset", "datetime"])?),
        "Edm.Date" => bare(text, &["date"])
            .filter(|t| is_date(t))
            .map(str::to_owned),
        "Edm.TimeOfDay" => bare(text, &["timeofday", "time"])
            .filter(|t| is_time(t))
            .map(str::to_owned),
        "Edm.Duration" => bare(text, &["duration"])
            .filter(|t| t.trim_start_matches('-').starts_with('P') && is_word(t))
            .map(|t| format!("duration'{t}'")),
        "Edm.Boolean" => Some(text.to_ascii_lowercase()).filter(|t| t == "true" || t == "false"),
        "Edm.Decimal" | "Edm.Double" | "Edm.Single" => {
            let text = text.trim_end_matches(['m', 'M', 'd', 'D', 'f', 'F']);
            let number = text
                .bytes()
                .all(|c| c.is_ascii_digit() || b"+-.eE".contains(&c));
            (number && text.parse::<f64>().is_ok()).then(|| text.to_owned())
        }
        "Edm.Byte" => integer(text, 0, i64::from(u8::MAX)),
        "Edm.SByte" => integer(text, i64::from(i8::MIN), i64::from(i8::MAX)),
        "Edm.Int16" => integer(text, i64::from(i16::MIN), i64::from(i16::MAX)),
        "Edm.Int32" => integer(text, i64::from(i32::MIN), i64::from(i32::MAX)),
        // Enumerations and what else there may be: numbers, or names in quotes behind the type's name.
        _ => integer(text, i64::MIN, i64::MAX).or_else(|| {
            let (prefix, rest) = text.split_at_checked(text.find('\'')?)?;
            let sound = prefix.split('.').all(is_identifier) && string_body(rest).is_some();
            sound.then(|| text.to_owned())
        }),
    }
}

/// What stands between the quotes of one well-formed string literal, quotes still doubled.
pub(super) fn string_body(text: &str) -> Option<&str> {
    let single = |span| matches!(span, Span::Quoted(quoted) if quoted.starts_with('\''));
    let sound = !text.is_empty() && spans(text).all(single);
    text.strip_prefix('\'')?
        .strip_suffix('\'')
        .filter(|_| sound)
}

/// The text itself, or without quotes and one of the prefixes: `guid'…'`, `'…'`.
fn bare<'a>(text: &'a str, prefixes: &[&str]) -> Option<&'a str> {
    let Some(quote) = text.find('\'') else {
        return Some(text);
    };
    let (prefix, quoted) = text.split_at_checked(quote)?;
    let known = prefix.is_empty() || prefixes.iter().any(|p| p.eq_ignore_ascii_case(prefix));
    string_body(quoted).filter(|_| known)
}

/// Digits with a sign; `5L` of version 3 is 5.
fn integer(text: &str, min: i64, max: i64) -> Option<String> {
    let digits = text.strip_suffix(['l', 'L']).unwrap_or(text);
    let number: i64 = digits.parse().ok()?;
    (min..=max).contains(&number).then(|| number.to_string())
}

/// A date and time with its offset. Without one it is UTC, as in all of upstream's columns; upstream takes
/// a date alone.
fn date_time(text: &str) -> Option<String> {
    let Some((date, time)) = text.split_once(['T', 't']) else {
        return is_date(text).then(|| text.to_owned());
    };
    let (clock, offset) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => time.split_at_checked(at)?,
        None => (time, "Z"),
    };
    let offset_sound = match offset.strip_prefix(['+', '-']) {
        Some(hours) => fits(hours, "99:99"),
        None => offset.eq_ignore_ascii_case("z"),
    };
    (is_date(date) && is_time(clock) && offset_sound)
        .then(|| format!("{date}T{clock}{}", offset.to_ascii_uppercase()))
}

fn is_date(text: &str) -> bool {
    fits(text, "9999-99-99")
}

fn is_time(text: &str) -> bool {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = !fraction.is_empty() && fraction.bytes().all(|c| c.is_ascii_digit());
    let long = fits(clock, "99:99:99");
    (long || (fits(clock, "99:99") && !text.contains('.'))) && digits
}

pub(super) fn is_guid(text: &str) -> bool {
    fits(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
}

fn is_word(text: &str) -> bool {
    text.bytes()
        .all(|c| c.is_ascii_alphanumeric() || c == b'.' || c == b'-')
}

/// Whether the text has the pattern's form: `9` is a digit, `x` a hexadecimal one, others are themselves.
fn fits(text: &str, pattern: &str) -> bool {
    let same = |(c, p): (u8, u8)| match p {
        b'9' => c.is_ascii_digit(),
        b'x' => c.is_ascii_hexdigit(),
        _ => c == p,
    };
    text.len() == pattern.len() && text.bytes().zip(pattern.bytes()).all(same)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn entity(key: &[(&str, &str)]) -> EntityType {
        let pair = |(name, kind): &(&str, &str)| ((*name).to_owned(), (*kind).to_owned());
        EntityType {
            key: key.iter().map(|(name, _)| (*name).to_owned()).collect(),
            properties: key.iter().map(pair).collect::<BTreeMap<_, _>>(),
            ..EntityType::default()
        }
    }

    #[track_caller]
    fn check(key: &[(&str, &str)], text: &str, filter_or_error: &str) {
        let filtered = filter(&entity(key), text).unwrap_or_else(|error| error.to_string());
        assert_eq!(filtered, filter_or_error);
    }

    const GUID: &str = "0a1b2c3d-0000-1111-2222-333344445555";

    #[test]
    fn single_keys_become_filters() {
        let id: &[(&str, &str)] = &[("Id", "Edm.Int32")];
        check(id, "5", "Id eq 5");
        check(id, " -5 ", "Id eq -5");
        check(id, "ID = 5", "Id eq 5");
        check(id, "5L", "Id eq 5");
        check(id, "007", "Id eq 7");
        let name: &[(&str, &str)] = &[("Name", "Edm.String")];
        check(name, "'x''y'", "Name eq 'x''y'");
        check(name, "'a=b, c'", "Name eq 'a=b, c'");
        check(name, "Name='(x)'", "Name eq '(x)'");
        check(name, "''", "Name eq ''");
        let key: &[(&str, &str)] = &[("K", "Edm.Guid")];
        for spelling in [
            GUID.to_owned(),
            format!("guid'{GUID}'"),
            format!("K='{GUID}'"),
        ] {
            check(key, &spelling, &format!("K eq {GUID}"));
        }
        let on: &[(&str, &str)] = &[("On", "Edm.Boolean")];
        check(on, "True", "On eq true");
        let size: &[(&str, &str)] = &[("Size", "Edm.Decimal")];
        check(size, "1.50M", "Size eq 1.50");
        let state: &[(&str, &str)] = &[("State", "N.State")];
        check(state, "N.State'Up'", "State eq N.State'Up'");
        check(state, "3", "State eq 3");
    }

    #[test]
    fn dates_are_written_bare() {
        let at: &[(&str, &str)] = &[("At", "Edm.DateTimeOffset")];
        check(at, "2026-01-01T00:00:00Z", "At eq 2026-01-01T00:00:00Z");
        check(
            at,
            "datetime'2026-01-01T00:00:00'",
            "At eq 2026-01-01T00:00:00Z",
        );
        check(
            at,
            "datetimeoffset'2026-01-01T00:00:00.5z'",
            "At eq 2026-01-01T00:00:00.5Z",
        );
        check(
            at,
            "'2026-01-01T00:00+02:00'",
            "At eq 2026-01-01T00:00+02:00",
        );
        check(at, "2026-01-01", "At eq 2026-01-01");
    }

    #[test]
    fn composite_keys_follow_the_order_of_metadata() {
        let key: &[(&str, &str)] = &[
            ("MachineId", "Edm.Guid"),
            ("CollectedDate", "Edm.DateTimeOffset"),
        ];
        check(
            key,
            &format!("collecteddate=2026-01-01T00:00:00Z , MachineId={GUID}"),
            &format!("MachineId eq {GUID} and CollectedDate eq 2026-01-01T00:00:00Z"),
        );
        let hint = "write `(MachineId=01234567-89ab-cdef-0123-456789abcdef,CollectedDate=2026-01-31T00:00:00Z)`";
        check(key, GUID, &format!("the key is incomplete; {hint}"));
        check(
            key,
            &format!("MachineId={GUID}"),
            &format!("the key is incomplete; {hint}"),
        );
        check(
            key,
            &format!("MachineId={GUID},machineid={GUID}"),
            &format!("`MachineId` appears twice in the key; {hint}"),
        );
        check(key, "Id=5", &format!("`Id` is not part of the key; {hint}"));
    }

    #[test]
    fn values_of_other_types_are_refused() {
        let check = |kind: &str, text: &str| {
            let error = filter(&entity(&[("K", kind)]), text).unwrap_err();
            assert!(
                matches!(error, KeyError::Value { .. }),
                "{kind} {text}: {error}"
            );
            assert!(text.len() < 2 || !error.to_string().contains(text));
        };
        check("Edm.Int32", "3000000000");
        check("Edm.Int32", "5 or 1 eq 1");
        check("Edm.Int32", "'5'");
        check("Edm.Int32", "");
        check("Edm.Byte", "-1");
        check("Edm.String", "bob");
        check("Edm.String", "'a' or 'b'");
        check("Edm.String", "'a'b'");
        check("Edm.String", "\"a\"");
        check("Edm.String", "'");
        check("Edm.Guid", "0a1b2c3d");
        check("Edm.Guid", "date'2026-01-01'");
        check("Edm.DateTimeOffset", "2026-01-01T00:00:00Z or true");
        check("Edm.DateTimeOffset", "2026-1-1");
        check("Edm.DateTimeOffset", "2026-01-01T");
        check("Edm.Boolean", "1");
        check("Edm.Double", "inf");
        check("N.State", "Up");
        check("N.State", "x y'Up'");
        assert_eq!(filter(&EntityType::default(), "5"), Err(KeyError::NoKey));
    }

    proptest! {
        #[test]
        fn a_filter_is_one_comparison(kind in "Edm.(String|Guid|Int32|DateTimeOffset|Double|Date|TimeOfDay|Duration)|N.E", text in "\\PC*|[0-9a-zT:.'=, +-]{0,30}") {
            if let Ok(filter) = filter(&entity(&[("K", &kind)]), &text) {
                let value = filter.strip_prefix("K eq ").unwrap();
                let plain = spans(value).filter(|span| matches!(span, Span::Plain(_)));
                prop_assert!(plain.into_iter().all(|s| !matches!(s, Span::Plain(p) if p.contains([' ', '(', ')']))));
            }
        }
    }
}
