//! The reference in `docs` names every setting, with its default and its variable, and no other.

use std::collections::{BTreeMap, BTreeSet};

use super::keys::{self, DefaultRule, DefaultValue, Key};

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
        .filter(|key| !key.name.starts_with("cache.rules"))
        .map(variable)
        .collect();
    let written: BTreeSet<String> = REFERENCE
        .lines()
        .filter(|line| line.starts_with(PREFIX))
        .map(|line| line.split(['=', ' ']).next().unwrap_or(line).to_owned())
        .collect();
    assert_eq!(written, expected);
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
        .replace("rules.*", "rules.N")
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
        DefaultValue::Rules(rules) => {
            let rules: Vec<String> = rules.iter().map(rule).collect();
            format!("[{}]", rules.join(", "))
        }
        DefaultValue::Absent => "–".to_owned(),
    }
}

fn rule(rule: &DefaultRule) -> String {
    format!("{{ sets = {}, ttl = \"{}\" }}", list(rule.sets), rule.ttl)
}

fn list(texts: &[&str]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("\"{text}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

const PREFIX: &str = "CITRIX_ODATA_PROXY__";
