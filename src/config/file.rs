//! The text of a settings file → a layer, each value with its line.
//!
//! Pure: `load` reads the bytes. The TOML parser's own rendering of an error is not used, because it quotes
//! the line, and the line may hold a secret.

use std::path::{Path, PathBuf};

use config::{Value, ValueKind};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{self, Kind};
use super::problem::Problem;
use super::raw::Layer;

/// Reads `text`, the content of `path`. A setting that cannot be used is reported and left out; text that is
/// not TOML is an error.
pub(super) fn layer(
    path: &Path,
    text: &str,
    problems: &mut Vec<Problem>,
) -> Result<Layer, Problem> {
    // One mistake makes the parser stumble several times; the first stumble says what there is to say.
    let document = DeTable::parse(text).map_err(|error| syntax_error(path, text, &error))?;
    let mut reading = Reading {
        path,
        text,
        layer: Layer::default(),
        problems,
    };
    reading.table("", document.get_ref());
    Ok(reading.layer)
}

struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    layer: Layer,
    problems: &'a mut Vec<Problem>,
}

impl Reading<'_> {
    fn table(&mut self, outer: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = match outer {
                "" => key.get_ref().clone().into_owned(),
                outer => format!("{outer}.{}", key.get_ref()),
            };
            let origin = self.origin(key.span().start);
            if outer == "sites" && !is_part(key.get_ref()) {
                self.problems.push(bad_site(&name, &origin));
                if let DeValue::Table(inner) = value.get_ref() {
                    self.stray("sites.NAME", inner);
                }
                continue;
            }
            match (keys::find(&name), value.get_ref()) {
                (Some(key), value) => self.setting(key.kind, &name, value, &origin),
                (None, DeValue::Table(inner)) if keys::is_section(&name) => {
                    if outer == "sites" {
                        self.layer.add_site(key.get_ref(), &origin);
                    }
                    self.table(&name, inner);
                }
                (None, _) if keys::is_section(&name) => self.problems.push(
                    Problem::new(&name, "this is a section, not a setting")
                        .from(Some(&origin))
                        .hint(format!(
                            "begin a section with a line `[{name}]`, its settings below it"
                        )),
                ),
                (None, _) => self.problems.push(unknown(&name, &origin)),
            }
        }
    }

    /// What stands below a name that cannot be part of a setting's name: only what is unknown can be told.
    fn stray(&mut self, outer: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = format!("{outer}.{}", key.get_ref());
            match value.get_ref() {
                DeValue::Table(inner) if keys::is_section(&name) => self.stray(&name, inner),
                _ if keys::find(&name).is_some() => {}
                _ => {
                    let origin = self.origin(key.span().start);
                    self.problems.push(unknown(&name, &origin));
                }
            }
        }
    }

    fn setting(&mut self, kind: Kind, name: &str, value: &DeValue<'_>, origin: &str) {
        let value = match (kind, value) {
            (Kind::Path, DeValue::String(text)) => {
                let folder = self.path.parent().map(Path::to_path_buf);
                absolute(&folder.unwrap_or_default(), text.trim()).into()
            }
            (Kind::Tables, DeValue::Array(tables)) => {
                let tables = tables.iter().enumerate();
                let tables: Vec<Value> = tables
                    .map(|(at, table)| self.in_list(&format!("{name}.{}", at + 1), table))
                    .collect();
                tables.into()
            }
            (_, value) => self.plain(value),
        };
        self.layer.set(name, value, origin);
    }

    /// One table of a list; unknown settings in it are reported and left out.
    fn in_list(&mut self, name: &str, table: &Spanned<DeValue<'_>>) -> Value {
        let origin = self.origin(table.span().start);
        let DeValue::Table(table) = table.get_ref() else {
            return Value::new(Some(&origin), self.plain(table.get_ref()));
        };
        let mut known = config::Map::new();
        for (key, value) in table {
            let inner = format!("{name}.{}", key.get_ref());
            let origin = self.origin(key.span().start);
            if keys::find(&inner).is_some() {
                let value = Value::new(Some(&origin), self.plain(value.get_ref()));
                known.insert(key.get_ref().clone().into_owned(), value);
            } else {
                self.problems.push(unknown(&inner, &origin));
            }
        }
        Value::new(Some(&origin), ValueKind::Table(known))
    }

    /// A value as it is; what no setting accepts becomes nothing, which `check` then refuses.
    fn plain(&self, value: &DeValue<'_>) -> ValueKind {
        match value {
            DeValue::String(text) => text.clone().into_owned().into(),
            DeValue::Boolean(value) => (*value).into(),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(ValueKind::Nil, Into::into),
            DeValue::Float(number) => number
                .as_str()
                .parse::<f64>()
                .map_or(ValueKind::Nil, Into::into),
            DeValue::Array(values) => {
                let values = values.iter().map(|value| {
                    let origin = self.origin(value.span().start);
                    Value::new(Some(&origin), self.plain(value.get_ref()))
                });
                values.collect::<Vec<_>>().into()
            }
            DeValue::Datetime(_) | DeValue::Table(_) => ValueKind::Nil,
        }
    }

    fn origin(&self, at: usize) -> String {
        let (line, _) = position(self.text, at);
        format!("{}, line {line}", self.path.display())
    }
}

fn syntax_error(path: &Path, text: &str, error: &toml::de::Error) -> Problem {
    let at = error.span().map_or(text.len(), |span| span.start);
    let (line, column) = position(text, at);
    let written = text.lines().nth(line - 1).unwrap_or_default();
    let origin = format!("{}, line {line}, column {column}", path.display());
    let problem = Problem::new("settings file", format!("not TOML: {}", error.message()));
    let problem = problem.from(Some(&origin));
    match syntax_hint(written) {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// `text` as a path from `folder`; an empty one stays empty, which means "not set".
pub(super) fn absolute(folder: &Path, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let path: PathBuf = folder.join(text);
    path.to_str()
        .map_or_else(|| text.to_owned(), ToOwned::to_owned)
}

/// Whether a site's settings can be named with this name in the middle. It may be no name for a site for all that:
/// `check` says so, with everything else that is wrong with the site.
fn is_part(name: &str) -> bool {
    let letter = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    !name.is_empty() && name.bytes().all(letter)
}

pub(super) fn unknown(name: &str, origin: &str) -> Problem {
    let problem = Problem::new(name, "there is no such setting").from(Some(origin));
    match keys::nearest(name) {
        Some(near) => problem.hint(format!("the nearest one is `{near}`")),
        None => problem.hint("the example file lists every setting"),
    }
}

pub(super) fn bad_site(name: &str, origin: &str) -> Problem {
    Problem::new(name, "this is not a name for a site")
        .from(Some(origin))
        .hint("use 1 to 64 lower-case letters, digits, `-` and `_`, the first a letter or digit")
}

/// Line and column, from one, of the byte at `at`.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(start..).unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// What people get wrong, by the look of the line.
fn syntax_hint(line: &str) -> Option<&'static str> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let value = line.split_once('=').map(|(_, value)| value.trim());
    if line.contains(['\u{201C}', '\u{201D}', '\u{201E}', '\u{2018}', '\u{2019}']) {
        return Some("use straight quotes, not the curly ones of a word processor");
    }
    match value {
        Some(value) if value.starts_with('"') && value.contains('\\') => Some(
            "in double quotes a backslash must be doubled; put a Windows path in single quotes: 'C:\\folder\\file'",
        ),
        Some(value) if value.starts_with(|c: char| c.is_alphabetic() || c == '\\') => {
            Some("put the value in quotes")
        }
        Some("") => Some("write a value after the `=`; an empty text is \"\""),
        None if !line.starts_with('[') && line.contains(':') => {
            Some("write `name = \"value\"`, with an equals sign")
        }
        _ => None,
    }
}
