//! One cell of a row: how it compares, and how it is written as JSON.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::io::Write as _;

use super::moment::{self, Precision, TICKS};

/// A primitive value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Cow<'static, str>),
    /// Ticks of 100 ns since 1970, UTC: as fine as the service's database stores.
    Date(i64),
    Guid(u128),
}

/// The cells of a row, in schema order.
pub(crate) type Row = Vec<Value>;

impl Value {
    pub(crate) fn text(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Text(text.into())
    }

    /// A date from milliseconds since 1970.
    pub(crate) fn at(moment: i64) -> Self {
        Self::Date(moment.saturating_mul(TICKS))
    }

    /// The same, where there may be none.
    pub(crate) fn date(moment: Option<i64>) -> Self {
        moment.map_or(Self::Null, Self::at)
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The order of two values of comparable types; null compares with nothing.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(left), Self::Bool(right)) => Some(left.cmp(right)),
            (Self::Int(left), Self::Int(right)) | (Self::Date(left), Self::Date(right)) => {
                Some(left.cmp(right))
            }
            (Self::Text(left), Self::Text(right)) => Some(left.cmp(right)),
            (Self::Guid(left), Self::Guid(right)) => Some(left.cmp(right)),
            (Self::Int(_) | Self::Double(_), Self::Int(_) | Self::Double(_)) => {
                self.number()?.partial_cmp(&other.number()?)
            }
            _ => None,
        }
    }

    /// The order that `$orderby` sorts by: null first.
    pub(crate) fn sort_order(&self, other: &Self) -> Ordering {
        match (self.is_null(), other.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.compare(other).unwrap_or(Ordering::Equal),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "that is how integers meet doubles"
    )]
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            _ => None,
        }
    }

    /// A number that equal values share and different ones practically never do.
    pub(crate) fn fingerprint(&self) -> u64 {
        let (tag, high, low) = match self {
            Self::Null => (0, 0, 0),
            Self::Bool(truth) => (1, 0, u64::from(*truth)),
            Self::Int(number) => (2, 0, number.cast_unsigned()),
            Self::Double(number) => (3, 0, number.to_bits()),
            Self::Text(text) => (4, text.len() as u64, {
                text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
                    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
                })
            }),
            Self::Date(moment) => (5, 0, moment.cast_unsigned()),
            Self::Guid(guid) => {
                let bytes = guid.to_be_bytes();
                let (high, low) = bytes.split_at(8);
                let half = |half: &[u8]| {
                    half.iter()
                        .fold(0, |number, byte| number << 8 | u64::from(*byte))
                };
                (6, half(high), half(low))
            }
        };
        super::estate::dice::mix(tag, high, low)
    }

    /// Appends the value as JSON, dates with all their digits.
    pub(crate) fn write_json(&self, out: &mut Vec<u8>) {
        self.write_shown(Precision::FULL, out);
    }

    /// Appends the value as JSON, dates as the service shows them.
    pub(crate) fn write_shown(&self, precision: Precision, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Int(number) => write_integer(*number, out),
            // The service always writes a decimal point.
            Self::Double(number) => ignore(write!(out, "{number:?}")),
            Self::Text(text) => write_text(text, out),
            Self::Date(moment) => {
                out.push(b'"');
                moment::write(*moment, precision, out);
                out.push(b'"');
            }
            Self::Guid(guid) => {
                out.push(b'"');
                write_guid(*guid, out);
                out.push(b'"');
            }
        }
    }

    /// The value as a literal in a URL.
    pub(crate) fn literal(&self) -> String {
        let mut out = Vec::new();
        match self {
            Self::Text(text) => return format!("'{}'", text.replace('\'', "''")),
            Self::Date(moment) => moment::write(*moment, Precision::FULL, &mut out),
            Self::Guid(guid) => write_guid(*guid, &mut out),
            other => other.write_json(&mut out),
        }
        String::from_utf8(out).unwrap_or_default()
    }
}

/// Appends a string with its quotes.
pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    if text
        .bytes()
        .any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\')
    {
        for character in text.chars() {
            match character {
                '"' => out.extend_from_slice(b"\\\""),
                '\\' => out.extend_from_slice(b"\\\\"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                '\t' => out.extend_from_slice(b"\\t"),
                control if control < ' ' => ignore(write!(out, "\\u{:04x}", u32::from(control))),
                other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    } else {
        out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
}

/// Appends a whole number.
pub(crate) fn write_integer(number: i64, out: &mut Vec<u8>) {
    if number < 0 {
        out.push(b'-');
    }
    let mut rest = number.unsigned_abs();
    let start = out.len();
    loop {
        out.push(digit(rest % 10));
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

/// The character of a decimal digit.
pub(crate) fn digit(number: u64) -> u8 {
    b'0' + u8::try_from(number % 10).unwrap_or(0)
}

fn write_guid(guid: u128, out: &mut Vec<u8>) {
    for (position, byte) in guid.to_be_bytes().into_iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        for nibble in [byte >> 4, byte & 15] {
            out.push(if nibble < 10 {
                b'0' + nibble
            } else {
                b'a' - 10 + nibble
            });
        }
    }
}

/// Writing to memory cannot fail.
fn ignore(_: std::io::Result<()>) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &Value, expected: &str) {
        let mut out = Vec::new();
        value.write_json(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn writes_json() {
        check(&Value::Null, "null");
        check(&Value::Int(i64::MIN), "-9223372036854775808");
        check(&Value::Int(0), "0");
        check(&Value::Double(5.0), "5.0");
        check(&Value::Double(0.125), "0.125");
        check(
            &Value::text("O'Brien \"Müller\"\n\u{1}\\"),
            r#""O'Brien \"Müller\"\n\u0001\\""#,
        );
        check(
            &Value::Guid(0x1234_5678_9abc_def0_0011_2233_4455_66ff),
            "\"12345678-9abc-def0-0011-2233445566ff\"",
        );
    }

    #[test]
    fn compares_numbers_across_types_and_null_with_nothing() {
        assert_eq!(
            Value::Int(2).compare(&Value::Double(2.5)),
            Some(Ordering::Less)
        );
        assert_eq!(Value::Null.compare(&Value::Int(1)), None);
        assert_eq!(Value::Null.sort_order(&Value::Int(1)), Ordering::Less);
    }
}
