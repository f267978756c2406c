//! Reading one raw value as what it should be; what is wrong is noted, not returned.

use std::path::PathBuf;
use std::time::Duration;

use config::{Value, ValueKind};

use crate::config::keys::{self, Kind};
use crate::config::problem::Problem;
use crate::config::raw::Raw;
use crate::config::units;

/// What a setting means, or the mark that there is a problem with it, which is noted.
pub(crate) type Read<T> = Result<T, Noted>;

/// A problem was noted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noted;

/// Reads raw values.
pub(crate) struct Reader<'a> {
    raw: &'a Raw,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(raw: &'a Raw, problems: &'a mut Vec<Problem>) -> Self {
        Self { raw, problems }
    }

    /// Notes a problem with the setting `name`.
    pub(crate) fn refuse<T>(&mut self, name: &str, what: impl Into<String>, hint: &str) -> Read<T> {
        let origin = self.raw.get(name).and_then(Value::origin);
        self.note(Problem::new(name, what).from(origin).hint(hint))
    }

    /// Notes a problem.
    pub(crate) fn note<T>(&mut self, problem: Problem) -> Read<T> {
        self.problems.push(problem);
        Err(Noted)
    }

    /// The setting as it is.
    pub(crate) fn value(&mut self, name: &str) -> Read<&'a Value> {
        match self.raw.get(name) {
            Some(value) => Ok(value),
            None => self.note(Problem::new(name, "this has no value and no default")),
        }
    }

    /// What the setting may be.
    fn kind(&mut self, name: &str) -> Read<Kind> {
        match keys::find(name) {
            Some(key) => Ok(key.kind),
            None => self.note(Problem::new(name, "there is no such setting")),
        }
    }

    /// A text without blanks around it; empty when it is not set.
    pub(crate) fn text(&mut self, name: &str) -> Read<String> {
        let value = self.value(name)?;
        self.text_of(name, value)
    }

    /// The same for a value of which `name` is the place.
    pub(crate) fn text_of(&mut self, name: &str, value: &Value) -> Read<String> {
        match &value.kind {
            ValueKind::String(text) => Ok(text.trim().to_owned()),
            // The value itself is not quoted: it might be a secret.
            other => {
                let what = format!("this must be text, not {}", describe(other));
                let problem = Problem::new(name, what).from(value.origin());
                self.note(problem.hint("put it in quotes"))
            }
        }
    }

    /// An absolute path, or `None` within when it is not set.
    pub(crate) fn path(&mut self, name: &str) -> Read<Option<PathBuf>> {
        let text = self.text(name)?;
        if text.contains(char::is_control) {
            return self.refuse(
                name,
                "the path contains a control character",
                "in double quotes a backslash must be doubled; put a Windows path in single quotes: 'C:\\folder\\file'",
            );
        }
        Ok((!text.is_empty()).then(|| PathBuf::from(text)))
    }

    /// One of the words that the setting allows, as the value at the same place of `meanings`.
    pub(crate) fn choice<T: Copy>(&mut self, name: &str, meanings: &[T]) -> Read<T> {
        let text = self.text(name)?;
        let words = match self.kind(name)? {
            Kind::Choice(words) => words,
            _ => &[],
        };
        let at = words
            .iter()
            .position(|word| word.eq_ignore_ascii_case(&text));
        match at.and_then(|at| meanings.get(at)) {
            Some(meaning) => Ok(*meaning),
            None => self.refuse(
                name,
                format!("`{text}` is not known here"),
                &format!("known: {}", words.join(", ")),
            ),
        }
    }

    /// `on` or `off`, or what TOML and others have for them: `true` or `false`.
    pub(crate) fn switch(&mut self, name: &str) -> Read<bool> {
        match &self.value(name)?.kind {
            ValueKind::Boolean(on) => Ok(*on),
            ValueKind::String(text) if text.trim().eq_ignore_ascii_case("true") => Ok(true),
            ValueKind::String(text) if text.trim().eq_ignore_ascii_case("false") => Ok(false),
            _ => self.choice(name, &[true, false]),
        }
    }

    /// A whole number within the setting's limits.
    pub(crate) fn count(&mut self, name: &str) -> Read<usize> {
        let (min, max) = match self.kind(name)? {
            Kind::Count { min, max } => (min, max),
            _ => (0, 0),
        };
        let number: Option<usize> = match &self.value(name)?.kind {
            ValueKind::I64(number) => usize::try_from(*number).ok(),
            ValueKind::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match number.filter(|number| (min..=max).contains(number)) {
            Some(number) => Ok(number),
            None => self.refuse(
                name,
                "this is not a number within the limits",
                &format!("write a whole number from {min} to {max}"),
            ),
        }
    }

    /// The same, or `None` within when it is not set.
    pub(crate) fn count_if_set(&mut self, name: &str) -> Read<Option<usize>> {
        match &self.value(name)?.kind {
            ValueKind::String(text) if text.trim().is_empty() => Ok(None),
            _ => self.count(name).map(Some),
        }
    }

    /// A duration within the setting's limits.
    pub(crate) fn duration(&mut self, name: &str) -> Read<Duration> {
        let value = self.value(name)?;
        self.duration_of(name, value)
    }

    /// The same for a value of which `name` is the place.
    pub(crate) fn duration_of(&mut self, name: &str, value: &Value) -> Read<Duration> {
        let (min, max) = match self.kind(name)? {
            Kind::Duration { min, max } => (min, max),
            _ => (Duration::ZERO, Duration::ZERO),
        };
        let read = match &value.kind {
            ValueKind::String(text) => units::duration(text.trim()),
            ValueKind::I64(number) => Err(format!("`{number}` has no unit")),
            other => Err(format!("this must be text, not {}", describe(other))),
        };
        let read = read.and_then(|duration| match duration {
            short if short < min => Err(format!(
                "this is less than {}",
                humantime::format_duration(min)
            )),
            long if long > max => Err(format!(
                "this is more than {}",
                humantime::format_duration(max)
            )),
            fine => Ok(fine),
        });
        read.or_else(|what| {
            let problem = Problem::new(name, what).from(value.origin());
            self.note(problem.hint("write a duration like \"30s\", \"5m\" or \"1h 30m\""))
        })
    }

    /// A number of bytes.
    pub(crate) fn size(&mut self, name: &str) -> Read<u64> {
        let read = match &self.value(name)?.kind {
            ValueKind::String(text) => units::size(text.trim()),
            ValueKind::I64(number) => {
                u64::try_from(*number).map_err(|_| format!("`{number}` is not a size"))
            }
            other => Err(format!("this must be text, not {}", describe(other))),
        };
        match read {
            Ok(size) => Ok(size),
            Err(what) => self.refuse(
                name,
                what,
                "write a size like \"256MiB\", \"4GiB\" or a number of bytes",
            ),
        }
    }

    /// Texts, none empty: a list, or one text with commas.
    pub(crate) fn list(&mut self, name: &str) -> Read<Vec<String>> {
        let value = self.value(name)?;
        self.list_of(name, value)
    }

    /// The same for a value of which `name` is the place.
    pub(crate) fn list_of(&mut self, name: &str, value: &Value) -> Read<Vec<String>> {
        let texts: Option<Vec<&str>> = match &value.kind {
            ValueKind::String(text) => Some(text.split(',').collect()),
            ValueKind::Array(values) => values.iter().map(as_text).collect(),
            _ => None,
        };
        match texts {
            Some(texts) => {
                let texts = texts.into_iter().map(str::trim);
                Ok(texts
                    .filter(|text| !text.is_empty())
                    .map(ToOwned::to_owned)
                    .collect())
            }
            None => self.note(
                Problem::new(name, "this must be a list of texts")
                    .from(value.origin())
                    .hint("write it like [\"one\", \"two\"]; in a variable, one,two"),
            ),
        }
    }
}

fn as_text(value: &Value) -> Option<&str> {
    match &value.kind {
        ValueKind::String(text) => Some(text),
        _ => None,
    }
}

fn describe(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::String(_) => "text",
        ValueKind::Boolean(_) => "true or false",
        ValueKind::Array(_) => "a list",
        ValueKind::Table(_) => "a table",
        ValueKind::Nil => "a date or table",
        _ => "a number",
    }
}
