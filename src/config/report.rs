//! The settings in force with their origins, for people; secrets are masked.

use std::fmt;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use config::{Value, ValueKind};

use super::Config;
use super::keys::{self, Key, Kind};
use super::raw::{DEFAULT_ORIGIN, Raw};

/// The settings in force. Shown, it is a settings file with the origins as comments.
#[derive(Debug, Clone)]
pub struct Report {
    file: Option<PathBuf>,
    lines: Vec<Line>,
}

/// One setting.
#[derive(Debug, Clone)]
struct Line {
    name: String,
    /// In TOML; masked if it is a secret.
    value: String,
    origin: String,
}

impl Report {
    pub(super) fn new(raw: &Raw, config: &Config, file: Option<&Path>) -> Self {
        let (of_site, others): (Vec<_>, Vec<_>) = keys::KEYS
            .iter()
            .filter(|key| !key.is_in_list())
            .partition(|key| key.name.starts_with("sites.*."));
        let others = others
            .into_iter()
            .map(|key| (key.name.to_owned(), key.kind));
        let sites = raw.sites().keys().flat_map(|site| {
            let named = |key: &&Key| (key.name.replace('*', site), key.kind);
            of_site.iter().map(named).collect::<Vec<_>>()
        });
        let lines = others
            .chain(sites)
            .filter_map(|(name, kind)| line(raw, name, kind))
            .collect();
        let mut report = Self {
            file: file.map(Path::to_path_buf),
            lines,
        };
        report.fill_in(config);
        report
    }

    /// Says what follows from a setting that is not set.
    fn fill_in(&mut self, config: &Config) {
        for (name, site) in &config.sites {
            if let Some(origin) = site.client_secret_source.outside_settings() {
                let name = format!("sites.{name}.client_secret");
                if let Some(line) = self.lines.iter_mut().find(|line| line.name == name) {
                    line.value = quote("***");
                    line.origin = origin;
                }
            }
        }
        let data_dir = quote(&config.data_dir.display().to_string());
        let endpoints = config.sites.iter().map(|(name, site)| {
            let endpoint = site.endpoint.as_str().trim_end_matches('/').to_owned();
            (
                format!("sites.{name}.upstream.endpoint"),
                quote(&endpoint),
                "from the region",
            )
        });
        let folder = ("data_dir".to_owned(), data_dir, "the platform's folder");
        let share = (
            "server.limits.connections_per_address".to_owned(),
            config.server.limits.connections_per_address.to_string(),
            "a quarter of all",
        );
        for (name, value, why) in endpoints.chain([folder, share]) {
            let unset = |line: &&mut Line| line.name == name && line.value == "\"\"";
            if let Some(line) = self.lines.iter_mut().find(unset) {
                line.value = value;
                line.origin = format!("{DEFAULT_ORIGIN}, {why}");
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "# settings file: {}", file.display())?,
            None => write!(f, "# settings file: none")?,
        }
        for line in &self.lines {
            let setting = format!("{} = {}", line.name, line.value);
            write!(f, "\n{setting:<COLUMN$}  # {}", line.origin)?;
        }
        Ok(())
    }
}

fn line(raw: &Raw, name: String, kind: Kind) -> Option<Line> {
    let value = raw.get(&name)?;
    let set = !matches!(&value.kind, ValueKind::String(text) if text.is_empty());
    Some(Line {
        value: match kind {
            Kind::Secret if set => quote("***"),
            Kind::List => as_list(value),
            _ => as_toml(value),
        },
        origin: value.origin().unwrap_or(DEFAULT_ORIGIN).to_owned(),
        name,
    })
}

/// A list that was written as one text with commas is shown as the list it is.
fn as_list(value: &Value) -> String {
    match &value.kind {
        ValueKind::String(text) => {
            let parts = text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty());
            brackets(parts.map(quote))
        }
        _ => as_toml(value),
    }
}

fn as_toml(value: &Value) -> String {
    match &value.kind {
        ValueKind::Array(values) => brackets(values.iter().map(as_toml)),
        ValueKind::Table(table) => {
            let mut parts: Vec<String> = table
                .iter()
                .map(|(name, value)| format!("{name} = {}", as_toml(value)))
                .collect();
            parts.sort();
            format!("{{ {} }}", parts.join(", "))
        }
        ValueKind::String(text) => quote(text),
        other => other.to_string(),
    }
}

fn brackets(parts: impl Iterator<Item = String>) -> String {
    format!("[{}]", parts.collect::<Vec<_>>().join(", "))
}

/// A text in TOML: in single quotes if that saves a Windows path from doubled backslashes.
pub fn quote(text: &str) -> String {
    if text.contains('\\') && !text.contains(|c: char| c == '\'' || c.is_control()) {
        return format!("'{text}'");
    }
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Where the comments begin, unless a setting is longer.
const COLUMN: usize = 56;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_toml_does() {
        for text in [
            "plain",
            r"C:\folder\it's",
            r"C:\folder",
            "a\"b",
            "tab\tä",
            "",
        ] {
            let document = format!("value = {}", quote(text));
            let read: toml::Table = document.parse().unwrap();
            assert_eq!(read["value"].as_str(), Some(text), "{document}");
        }
    }
}
