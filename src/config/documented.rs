//! The reference in `docs` names every setting, with its default and its variable, and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::example::{defaults, plain};
use super::file;
use super::keys::{self, DefaultValue, Key};
use super::raw::Raw;

const REFERENCE: &str = include_str!("../../docs/configuration.md");

#[test]
fn reference_has_every_setting_with_its_default() {
    let expected: BTreeMap<String, String> = keys::KEYS
        .iter()
        .map(|key| (name(key), default(key)))
        .collect();
    assert_eq!(settings(), expected);
}

#[test]
fn reference_has_every_variable() {
    let expected: BTreeSet<String> = keys::KEYS
        .iter()
        .filter(|key| keys::list_of_tables(key.name).is_none())
        .map(variable)
        .collect();
    let written: BTreeSet<String> = REFERENCE
        .lines()
        .filter(|line| line.starts_with(PREFIX))
        .map(|line| line.split(['=', ' ']).next().unwrap_or(line).to_owned())
        .collect();
    assert_eq!(written, expected);
}

/// They are too long for a row of the table.
#[test]
fn reference_has_the_default_rules() {
    let (_, after) = REFERENCE.split_once("### The default rules").unwrap();
    let (_, after) = after.split_once("```toml\n").unwrap();
    let (text, _) = after.split_once("```").unwrap();
    let mut problems = Vec::new();
    let layer = file::layer(Path::new("reference"), text, &mut problems).unwrap();
    assert_eq!(problems, []);
    let written = Raw::merge(vec![layer]).unwrap();
    let rules = |raw: &Raw| plain(raw.get("cache.rules").unwrap());
    assert_eq!(rules(&written), rules(&defaults()));
}

/// Name and default in each row of a table that begins with a setting: ``| `name` | `default` | …``.
fn settings() -> BTreeMap<String, String> {
    let rows = REFERENCE.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?;
        let default = cells.next()?.trim_matches('`');
        keys::find(&name.replace("NAME", "main").replace(".N.", ".1."))
            .or_else(|| panic!("`{name}` is no setting"))?;
        Some((name.to_owned(), default.to_owned()))
    });
    rows.collect()
}

/// As people read it, with words where the name is theirs to choose.
fn name(key: &Key) -> String {
    key.name
        .replace("sites.*", "sites.NAME")
        .replace(".*.", ".N.")
}

fn variable(key: &Key) -> String {
    format!("{PREFIX}{}", name(key).to_uppercase().replace('.', "__"))
}

/// In TOML; what a rule leaves out has no default of its own.
fn default(key: &Key) -> String {
    match key.default {
        DefaultValue::Text(text) => format!("\"{text}\""),
        DefaultValue::Count(count) => count.to_string(),
        DefaultValue::List(texts) => list(texts),
        DefaultValue::Rules(_) => "[four rules](#the-default-rules)".to_owned(),
        DefaultValue::Absent => "–".to_owned(),
    }
}

fn list(texts: &[&str]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("\"{text}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

const PREFIX: &str = "CITRIX_ODATA_PROXY__";
