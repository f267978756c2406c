//! What somebody typed as a literal of OData 4.0 (ABNF `primitiveLiteral`), by the column's type. Pure.

use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::knowledge::Labels;

/// The literal for `text` in a column of this type; else what would be one, to follow "write". Whatever is typed, it is one
/// literal: it cannot go on as another condition.
pub(super) fn literal(
    kind: &str,
    labels: Option<&Labels>,
    text: &str,
) -> Result<String, &'static str> {
    // In a text blanks count.
    if kind == "Edm.String" {
        return Ok(format!("'{}'", text.replace('\'', "''")));
    }
    let text = text.trim();
    if let Some(labels) = labels {
        return member(kind, labels, text);
    }
    match kind {
        "Edm.Guid" => guid(text).ok_or("a GUID such as 01234567-89ab-cdef-0123-456789abcdef"),
        "Edm.DateTimeOffset" => moment(text)
            .map(|at| at.to_string())
            .ok_or("a date such as 2026-01-31, or a time such as 2026-01-31T18:30:00Z"),
        "Edm.Date" => parsed::<civil::Date>(text).ok_or("a date such as 2026-01-31"),
        "Edm.TimeOfDay" => parsed::<civil::Time>(text).ok_or("a time such as 18:30:00"),
        "Edm.Duration" => text
            .parse::<SignedDuration>()
            .map(|duration| format!("duration'{duration}'"))
            .map_err(|_| "a duration such as PT5M"),
        "Edm.Boolean" => match text.to_ascii_lowercase().as_str() {
            yes @ "true" => Ok(yes.to_owned()),
            no @ "false" => Ok(no.to_owned()),
            _ => Err("true or false"),
        },
        "Edm.Decimal" | "Edm.Double" | "Edm.Single" => number(text).ok_or("a number such as 12.5"),
        "Edm.Byte" => integer(text, 0, u8::MAX.into()),
        "Edm.SByte" => integer(text, i8::MIN.into(), i8::MAX.into()),
        "Edm.Int16" => integer(text, i16::MIN.into(), i16::MAX.into()),
        "Edm.Int32" => integer(text, i32::MIN.into(), i32::MAX.into()),
        "Edm.Int64" => integer(text, i64::MIN, i64::MAX),
        _ => Err("the condition into the query by hand: its type is not for forms"),
    }
}

/// Whether conditions of a form can be about a column of this type.
pub(super) fn is_comparable(kind: &str, labels: Option<&Labels>) -> bool {
    let known = literal(kind, labels, "0");
    let refused = literal("", None, "0");
    !kind.starts_with("Collection(") && (labels.is_some() || known != refused)
}

/// A time as somebody writes it; without an offset it is UTC, as all of Citrix's columns are.
fn moment(text: &str) -> Option<Timestamp> {
    let text = text
        .strip_suffix(['z'])
        .map_or_else(|| text.to_owned(), |rest| format!("{rest}Z"));
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    // An offset that could not be read must not be passed over.
    let local = text.parse::<civil::DateTime>().ok()?;
    let zoneless = text.len() <= "2026-01-31T18:30:00.123456789".len()
        && !text.ends_with('Z')
        && !text.contains('[');
    let at = TimeZone::UTC.to_timestamp(local).ok()?;
    zoneless.then_some(at)
}

/// The number of a member of an enumeration, whose name or number was typed. Citrix's columns are plain integers; a column
/// that `$metadata` says to be an enumeration wants the name.
fn member(kind: &str, labels: &Labels, text: &str) -> Result<String, &'static str> {
    let number = labels.number(text).or_else(|| text.parse().ok());
    let number = number.ok_or("one of the names, or a number")?;
    if !labels.typed {
        return integer(&number.to_string(), i64::MIN, i64::MAX);
    }
    let name = labels.name(number).ok_or("one of the names")?;
    Ok(format!("{kind}'{name}'"))
}

fn guid(text: &str) -> Option<String> {
    let bare = text.trim_matches(['{', '}', '\'', '"']);
    let pieces: Vec<&str> = bare.split('-').collect();
    let lens: Vec<usize> = pieces.iter().map(|piece| piece.len()).collect();
    let hex = pieces
        .iter()
        .all(|piece| piece.bytes().all(|c| c.is_ascii_hexdigit()));
    (lens == [8, 4, 4, 4, 12] && hex).then(|| bare.to_ascii_lowercase())
}

fn integer(text: &str, min: i64, max: i64) -> Result<String, &'static str> {
    let number: Option<i64> = text.parse().ok();
    let number = number.filter(|number| (min..=max).contains(number));
    number
        .map(|number| number.to_string())
        .ok_or("a whole number that the column can hold")
}

fn number(text: &str) -> Option<String> {
    let plain = text
        .bytes()
        .all(|c| c.is_ascii_digit() || b"+-.eE".contains(&c));
    let finite = text.parse::<f64>().is_ok_and(f64::is_finite);
    (plain && finite).then(|| text.to_owned())
}

fn parsed<T: std::str::FromStr + ToString>(text: &str) -> Option<String> {
    text.parse::<T>().ok().map(|value| value.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::knowledge::Sure;
    use super::*;

    fn labels(typed: bool) -> Labels {
        Labels {
            members: vec![("Connected".to_owned(), 1), ("Active".to_owned(), 5)],
            sure: Sure::Documented,
            typed,
        }
    }

    #[test]
    fn each_type_has_its_form() {
        for (kind, text, expected) in [
            ("Edm.String", "O'Brien", "'O''Brien'"),
            ("Edm.String", " a ", "' a '"),
            ("Edm.String", "", "''"),
            (
                "Edm.Guid",
                " {01234567-89AB-cdef-0123-456789abcdef} ",
                "01234567-89ab-cdef-0123-456789abcdef",
            ),
            ("Edm.DateTimeOffset", "2026-01-31", "2026-01-31T00:00:00Z"),
            (
                "Edm.DateTimeOffset",
                "2026-01-31T18:30",
                "2026-01-31T18:30:00Z",
            ),
            (
                "Edm.DateTimeOffset",
                "2026-01-31 18:30:05",
                "2026-01-31T18:30:05Z",
            ),
            (
                "Edm.DateTimeOffset",
                "2026-01-31T18:30:05.25Z",
                "2026-01-31T18:30:05.25Z",
            ),
            (
                "Edm.DateTimeOffset",
                "2026-01-31t18:30:05z",
                "2026-01-31T18:30:05Z",
            ),
            (
                "Edm.DateTimeOffset",
                "2026-01-31T18:30:00+02:00",
                "2026-01-31T16:30:00Z",
            ),
            ("Edm.Date", "2026-01-31", "2026-01-31"),
            ("Edm.TimeOfDay", "18:30", "18:30:00"),
            ("Edm.Duration", "PT5M", "duration'PT5M'"),
            ("Edm.Boolean", "True", "true"),
            ("Edm.Double", "12.5", "12.5"),
            ("Edm.Decimal", "-1e3", "-1e3"),
            ("Edm.Byte", "255", "255"),
            ("Edm.SByte", "-128", "-128"),
            ("Edm.Int16", "-5", "-5"),
            ("Edm.Int32", "007", "7"),
            ("Edm.Int64", "9223372036854775807", "9223372036854775807"),
        ] {
            assert_eq!(
                literal(kind, None, text),
                Ok(expected.to_owned()),
                "{kind} {text}"
            );
        }
    }

    #[test]
    fn what_a_type_does_not_have_is_refused() {
        for (kind, text) in [
            ("Edm.Guid", "0123"),
            ("Edm.Guid", "01234567-89ab-cdef-0123-456789abcdeg"),
            ("Edm.DateTimeOffset", "yesterday"),
            ("Edm.DateTimeOffset", "2026-02-30"),
            ("Edm.DateTimeOffset", "2026-01-31T25:00"),
            ("Edm.DateTimeOffset", "2026-01-31 or 1 eq 1"),
            ("Edm.DateTimeOffset", "2026-01-31T10:00[Europe/Oslo]"),
            ("Edm.Date", "31.1.2026"),
            ("Edm.Boolean", "1"),
            ("Edm.Double", "NaN"),
            ("Edm.Double", "1 or 1"),
            ("Edm.Byte", "256"),
            ("Edm.Int32", "3000000000"),
            ("Edm.Int32", "5 or 1 eq 1"),
            ("Edm.Int32", ""),
            ("Edm.Stream", "x"),
            ("N.Complex", "1"),
        ] {
            assert!(literal(kind, None, text).is_err(), "{kind} {text}");
        }
    }

    #[test]
    fn members_are_numbers_unless_the_type_is_an_enumeration() {
        for (typed, kind, text, expected) in [
            (false, "Edm.Int32", "active", Ok("5")),
            (false, "Edm.Int32", "5", Ok("5")),
            (false, "Edm.Int32", "77", Ok("77")),
            (false, "Edm.Int32", "Idle", Err(())),
            (true, "N.State", "active", Ok("N.State'Active'")),
            (true, "N.State", "1", Ok("N.State'Connected'")),
            (true, "N.State", "77", Err(())),
        ] {
            let found = literal(kind, Some(&labels(typed)), text);
            let expected = expected.map(str::to_owned);
            assert_eq!(found.map_err(|_| ()), expected, "{kind} {text}");
        }
    }

    #[test]
    fn forms_ask_about_what_has_literals() {
        for (kind, expected) in [
            ("Edm.String", true),
            ("Edm.Guid", true),
            ("Edm.Int32", true),
            ("Edm.Stream", false),
            ("N.Complex", false),
            ("Collection(Edm.String)", false),
        ] {
            assert_eq!(is_comparable(kind, None), expected, "{kind}");
        }
        assert!(is_comparable("N.State", Some(&labels(true))));
    }

    proptest! {
        #[test]
        fn any_text_is_one_string(text in any::<String>()) {
            let literal = literal("Edm.String", None, &text).unwrap();
            let inside = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap();
            prop_assert!(inside.split("''").all(|piece| !piece.contains('\'')));
            prop_assert_eq!(inside.replace("''", "'"), text);
        }

        #[test]
        fn other_literals_are_one_word(kind in "Edm\\.(Guid|DateTimeOffset|Date|TimeOfDay|Duration|Boolean|Decimal|Byte|Int32|Int64)", text in "[0-9a-fPTZ:.' +-]{0,40}|\\PC*") {
            if let Ok(literal) = literal(&kind, None, &text) {
                let bare = literal.strip_prefix("duration'").and_then(|rest| rest.strip_suffix('\'')).unwrap_or(&literal);
                prop_assert!(!bare.is_empty() && bare.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-.:".contains(&c)), "{}", literal);
            }
        }
    }
}
