//! The functions of expressions.

use crate::demo::moment::{self, DAY, HOUR, MINUTE, SECOND, TICKS};
use crate::demo::value::Value;

use super::QueryError;
use super::expr::{Expr, Kind};
use super::lexer::guid;

/// A function by its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Contains,
    StartsWith,
    EndsWith,
    ToLower,
    ToUpper,
    Trim,
    Length,
    IndexOf,
    Substring,
    Concat,
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Date,
    Now,
    Round,
    Floor,
    Ceiling,
    Cast(Kind),
}

impl Function {
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "contains" => Self::Contains,
            "startswith" => Self::StartsWith,
            "endswith" => Self::EndsWith,
            "tolower" => Self::ToLower,
            "toupper" => Self::ToUpper,
            "trim" => Self::Trim,
            "length" => Self::Length,
            "indexof" => Self::IndexOf,
            "substring" => Self::Substring,
            "concat" => Self::Concat,
            "year" => Self::Year,
            "month" => Self::Month,
            "day" => Self::Day,
            "hour" => Self::Hour,
            "minute" => Self::Minute,
            "second" => Self::Second,
            "date" => Self::Date,
            "now" => Self::Now,
            "round" => Self::Round,
            "floor" => Self::Floor,
            "ceiling" => Self::Ceiling,
            "cast" => Self::Cast(Kind::Null),
            _ => return None,
        })
    }

    /// The cast to a type of this name.
    pub(crate) fn cast_to(name: &str) -> Result<Self, QueryError> {
        Ok(Self::Cast(
            match name.strip_prefix("Edm.").unwrap_or(name) {
                "DateTimeOffset" => Kind::Date,
                "String" => Kind::Text,
                "Guid" => Kind::Guid,
                "Boolean" => Kind::Truth,
                "Int16" | "Int32" | "Int64" | "Double" | "Single" | "Decimal" | "Byte" => {
                    Kind::Number
                }
                _ => {
                    return Err(QueryError(format!(
                        "The type '{name}' of a cast is not known."
                    )));
                }
            },
        ))
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Contains | Self::StartsWith | Self::EndsWith => Kind::Truth,
            Self::ToLower | Self::ToUpper | Self::Trim | Self::Substring | Self::Concat => {
                Kind::Text
            }
            Self::Date | Self::Now => Kind::Date,
            Self::Cast(kind) => kind,
            _ => Kind::Number,
        }
    }

    /// Refuses arguments that do not fit.
    pub(crate) fn check(self, name: &str, arguments: &[Expr]) -> Result<(), QueryError> {
        let expected: &[Kind] = match self {
            Self::Contains | Self::StartsWith | Self::EndsWith | Self::IndexOf | Self::Concat => {
                &[Kind::Text, Kind::Text]
            }
            Self::ToLower | Self::ToUpper | Self::Trim | Self::Length => &[Kind::Text],
            Self::Substring if arguments.len() == 2 => &[Kind::Text, Kind::Number],
            Self::Substring => &[Kind::Text, Kind::Number, Kind::Number],
            Self::Now => &[],
            Self::Round | Self::Floor | Self::Ceiling => &[Kind::Number],
            Self::Cast(_) => &[Kind::Null, Kind::Null],
            _ => &[Kind::Date],
        };
        let fits = arguments.len() == expected.len()
            && arguments
                .iter()
                .zip(expected)
                .all(|(argument, kind)| Kind::of(argument).comparable(*kind));
        if fits {
            return Ok(());
        }
        Err(QueryError(format!(
            "No function signature for the function with name '{name}' matches the specified arguments."
        )))
    }

    /// The result; null arguments give null.
    pub(crate) fn call(self, arguments: &[Value], now: i64) -> Value {
        match (self, arguments) {
            (Self::Now, _) => Value::at(now),
            (Self::Cast(kind), [value]) => cast(value, kind),
            (function, [Value::Text(first), Value::Text(second)]) => {
                function.of_texts(first, second)
            }
            (Self::Substring, [Value::Text(text), Value::Int(from), rest @ ..]) => {
                let from = usize::try_from(*from).unwrap_or(0);
                let length = match rest {
                    [Value::Int(length), ..] => usize::try_from(*length).unwrap_or(0),
                    _ => usize::MAX,
                };
                Value::text(text.chars().skip(from).take(length).collect::<String>())
            }
            (function, [Value::Text(text)]) => function.of_text(text),
            (function, [Value::Date(moment)]) => function.of_date(moment.div_euclid(TICKS)),
            (function, [Value::Double(number)]) => function.of_number(*number),
            (Self::Round | Self::Floor | Self::Ceiling, [Value::Int(number)]) => {
                Value::Int(*number)
            }
            _ => Value::Null,
        }
    }

    fn of_texts(self, first: &str, second: &str) -> Value {
        match self {
            Self::Contains => Value::Bool(first.contains(second)),
            Self::StartsWith => Value::Bool(first.starts_with(second)),
            Self::EndsWith => Value::Bool(first.ends_with(second)),
            Self::Concat => Value::text(format!("{first}{second}")),
            Self::IndexOf => Value::Int(first.find(second).map_or(-1, |place| {
                count(
                    first
                        .get(..place)
                        .map_or(0, |before| before.chars().count()),
                )
            })),
            _ => Value::Null,
        }
    }

    fn of_text(self, text: &str) -> Value {
        match self {
            Self::ToLower => Value::text(text.to_lowercase()),
            Self::ToUpper => Value::text(text.to_uppercase()),
            Self::Trim => Value::text(text.trim().to_owned()),
            Self::Length => Value::Int(count(text.chars().count())),
            _ => Value::Null,
        }
    }

    fn of_date(self, moment: i64) -> Value {
        let (year, month, day) = moment::civil(moment);
        match self {
            Self::Year => Value::Int(year),
            Self::Month => Value::Int(month),
            Self::Day => Value::Int(day),
            Self::Hour => Value::Int(moment.rem_euclid(DAY) / HOUR),
            Self::Minute => Value::Int(moment.rem_euclid(HOUR) / MINUTE),
            Self::Second => Value::Int(moment.rem_euclid(MINUTE) / SECOND),
            Self::Date => Value::at(moment - moment.rem_euclid(DAY)),
            _ => Value::Null,
        }
    }

    fn of_number(self, number: f64) -> Value {
        Value::Double(match self {
            Self::Round => number.round(),
            Self::Floor => number.floor(),
            Self::Ceiling => number.ceil(),
            _ => return Value::Null,
        })
    }
}

fn cast(value: &Value, kind: Kind) -> Value {
    match (value, kind) {
        (Value::Text(text), Kind::Date) => moment::read(text).map_or(Value::Null, Value::Date),
        (Value::Text(text), Kind::Guid) => guid(text).map_or(Value::Null, Value::Guid),
        (Value::Text(text), Kind::Number) => text.parse().map_or(Value::Null, Value::Double),
        (Value::Text(_) | Value::Null, _) => value.clone(),
        (other, Kind::Text) => Value::text(other.literal()),
        (other, _) => other.clone(),
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
