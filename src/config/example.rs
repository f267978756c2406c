//! The example file is the defaults, and it is complete.

use std::collections::BTreeSet;
use std::path::Path;

use config::{Value, ValueKind};

use super::file;
use super::keys::{self, DefaultValue, Key, Kind};
use super::raw::{Layer, Raw};

const EXAMPLE: &str = include_str!("../../config/citrix-odata-proxy.example.toml");

fn example() -> Raw {
    let mut problems = Vec::new();
    let layer = file::layer(Path::new("example.toml"), EXAMPLE, &mut problems).unwrap();
    assert_eq!(problems, []);
    Raw::merge(vec![layer]).unwrap()
}

pub(super) fn defaults() -> Raw {
    let mut layer = Layer::default();
    layer.add_site("main", "test");
    Raw::merge(vec![layer]).unwrap()
}

/// Without origins.
pub(super) fn plain(value: &Value) -> String {
    match &value.kind {
        ValueKind::Table(table) => {
            let mut parts: Vec<_> = table
                .iter()
                .map(|(name, value)| format!("{name}={}", plain(value)))
                .collect();
            parts.sort();
            format!("{{{}}}", parts.join(","))
        }
        ValueKind::Array(values) => {
            format!(
                "[{}]",
                values.iter().map(plain).collect::<Vec<_>>().join(",")
            )
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn example_equals_the_defaults() {
    let (example, defaults) = (example(), defaults());
    for key in keys::KEYS {
        let name = key.name.replace("sites.*", "sites.main");
        if matches!(key.default, DefaultValue::Absent) {
            continue;
        }
        let (written, default) = (example.get(&name).unwrap(), defaults.get(&name).unwrap());
        assert_eq!(plain(written), plain(default), "{name}");
    }
}

#[test]
fn example_has_every_key() {
    let example = example();
    let from_file = |name: &str| {
        let origin = example.get(name).and_then(Value::origin);
        origin.is_some_and(|origin| origin.starts_with("example.toml, line"))
    };
    let missing: BTreeSet<&str> = keys::KEYS
        .iter()
        .filter(|key| match key.name.rsplit_once(".*.") {
            // A table need not set everything; the comment above it must name what it can.
            Some((_, part)) if key.is_in_list() => !EXAMPLE.contains(part),
            _ if is_no_list(key) => !EXAMPLE.contains(&format!("# [[{}]]", key.name)),
            _ => !from_file(&key.name.replace("sites.*", "sites.main")),
        })
        .map(|key| key.name)
        .collect();
    assert_eq!(missing, BTreeSet::new());
}

/// A list of tables of which there are none by default, so that there can be one in a comment only.
fn is_no_list(key: &Key) -> bool {
    let empty = matches!(key.default, DefaultValue::List(&[]));
    empty && matches!(key.kind, Kind::Tables)
}

#[test]
fn every_setting_in_the_example_is_explained() {
    let lines: Vec<&str> = EXAMPLE.lines().collect();
    let mut unexplained = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let block = lines[..at].iter().rev().take_while(|line| !line.is_empty());
        let explained = block.clone().any(|line| line.starts_with('#'));
        if line.contains(" = ") && !line.starts_with('#') && !explained {
            unexplained.push(*line);
        }
    }
    assert_eq!(unexplained, [""; 0]);
}
