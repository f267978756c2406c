//! What the service publishes: tables with their types, keys, properties and navigation, read from `model.json`.
//!
//! A *table* is an entity type and, mostly, the entity set that holds its rows; a few types are reached by
//! navigation only and have no set.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// The whole model.
#[derive(Debug)]
pub(crate) struct Model {
    tables: Vec<Table>,
    by_set: HashMap<String, usize>,
    enums: HashMap<String, Vec<i64>>,
}

/// An entity type and its set.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) id: usize,
    /// The entity set, when there is one.
    pub(crate) set: Option<String>,
    /// The full name of the entity type.
    pub(crate) kind: String,
    /// Columns that make up the key, in published order.
    pub(crate) key: Vec<usize>,
    pub(crate) properties: Vec<Property>,
    pub(crate) navigation: Vec<Navigation>,
}

/// One column.
#[derive(Debug)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) edm: Edm,
    pub(crate) nullable: bool,
    /// The name of the enumeration behind an integer.
    pub(crate) enumeration: Option<String>,
}

/// One navigation property.
#[derive(Debug)]
pub(crate) struct Navigation {
    pub(crate) name: String,
    pub(crate) target: usize,
    pub(crate) many: bool,
    pub(crate) link: Link,
}

/// How related rows are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// This column holds the key of the target.
    Foreign(usize),
    /// That column of the target holds our key.
    Inverse(usize),
    /// No column is published; the estate knows.
    Hidden,
}

/// The primitive types in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Edm {
    Boolean,
    Int16,
    Int32,
    Int64,
    Double,
    String,
    Guid,
    DateTimeOffset,
}

impl Model {
    /// The model, read once.
    pub(crate) fn published() -> &'static Self {
        &MODEL
    }

    pub(crate) fn tables(&self) -> &[Table] {
        &self.tables
    }

    pub(crate) fn table(&self, id: usize) -> Option<&Table> {
        self.tables.get(id)
    }

    /// Finds an entity set; the service does not mind the case of names.
    pub(crate) fn set(&self, name: &str) -> Option<&Table> {
        self.by_set
            .get(&name.to_ascii_lowercase())
            .and_then(|id| self.tables.get(*id))
    }

    /// The numbers of an enumeration; empty when they are not published.
    pub(crate) fn numbers(&self, enumeration: &str) -> &[i64] {
        self.enums.get(enumeration).map_or(&[], Vec::as_slice)
    }
}

impl Table {
    /// The entity set, or the type name for tables without one.
    pub(crate) fn name(&self) -> &str {
        self.set.as_deref().unwrap_or(&self.kind)
    }

    /// The position of a column, whatever the case of its name.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.properties
            .iter()
            .position(|property| property.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn navigation(&self, name: &str) -> Option<&Navigation> {
        self.navigation
            .iter()
            .find(|navigation| navigation.name.eq_ignore_ascii_case(name))
    }
}

impl Edm {
    /// The name without its namespace.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Boolean => "Boolean",
            Self::Int16 => "Int16",
            Self::Int32 => "Int32",
            Self::Int64 => "Int64",
            Self::Double => "Double",
            Self::String => "String",
            Self::Guid => "Guid",
            Self::DateTimeOffset => "DateTimeOffset",
        }
    }
}

#[derive(Debug, Deserialize)]
struct RawModel {
    enums: HashMap<String, Vec<i64>>,
    tables: Vec<RawTable>,
}

#[derive(Debug, Deserialize)]
struct RawTable {
    set: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    key: Vec<String>,
    properties: Vec<RawProperty>,
    navigation: Vec<RawNavigation>,
}

/// Name, type, nullable, and perhaps an enumeration.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum RawProperty {
    Coded(String, Edm, bool, String),
    Plain(String, Edm, bool),
}

#[derive(Debug, Deserialize)]
struct RawNavigation {
    name: String,
    target: String,
    #[serde(default)]
    many: bool,
    foreign: Option<String>,
    inverse: Option<String>,
}

impl RawModel {
    /// Replaces names by positions; a name that leads nowhere makes the model unusable.
    fn resolve(self) -> Option<Model> {
        let kinds: HashMap<&str, usize> = self
            .tables
            .iter()
            .enumerate()
            .map(|(id, table)| (table.kind.as_str(), id))
            .collect();
        let tables = self
            .tables
            .iter()
            .enumerate()
            .map(|(id, table)| {
                Some(Table {
                    id,
                    set: table.set.clone(),
                    kind: table.kind.clone(),
                    key: table
                        .key
                        .iter()
                        .map(|name| table.column(name))
                        .collect::<Option<_>>()?,
                    properties: table.properties.iter().map(RawProperty::resolve).collect(),
                    navigation: table
                        .navigation
                        .iter()
                        .map(|navigation| self.navigation(table, navigation, &kinds))
                        .collect::<Option<_>>()?,
                })
            })
            .collect::<Option<Vec<_>>>()?;
        let by_set = tables
            .iter()
            .filter_map(|table| Some((table.set.as_ref()?.to_ascii_lowercase(), table.id)))
            .collect();
        Some(Model {
            tables,
            by_set,
            enums: self.enums,
        })
    }

    fn navigation(
        &self,
        source: &RawTable,
        raw: &RawNavigation,
        kinds: &HashMap<&str, usize>,
    ) -> Option<Navigation> {
        let target = *kinds.get(raw.target.as_str())?;
        let link = match (&raw.foreign, &raw.inverse) {
            (Some(column), _) => Link::Foreign(source.column(column)?),
            (None, Some(column)) => Link::Inverse(self.tables.get(target)?.column(column)?),
            (None, None) => Link::Hidden,
        };
        Some(Navigation {
            name: raw.name.clone(),
            target,
            many: raw.many,
            link,
        })
    }
}

impl RawTable {
    fn column(&self, name: &str) -> Option<usize> {
        self.properties
            .iter()
            .position(|property| property.name() == name)
    }
}

impl RawProperty {
    fn name(&self) -> &str {
        match self {
            Self::Coded(name, ..) | Self::Plain(name, ..) => name,
        }
    }

    fn resolve(&self) -> Property {
        let (name, edm, nullable, enumeration) = match self {
            Self::Coded(name, edm, nullable, code) => (name, *edm, *nullable, Some(code.clone())),
            Self::Plain(name, edm, nullable) => (name, *edm, *nullable, None),
        };
        Property {
            name: name.clone(),
            edm,
            nullable,
            enumeration,
        }
    }
}

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the file is part of the program, and a test reads it"
    )]
    serde_json::from_str::<RawModel>(include_str!("model.json"))
        .ok()
        .and_then(RawModel::resolve)
        .expect("model.json is complete")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_every_set_and_finds_it_in_any_case() {
        let model = Model::published();
        assert_eq!(
            model
                .tables()
                .iter()
                .filter(|table| table.set.is_some())
                .count(),
            79
        );
        assert_eq!(model.set("sessions").map(Table::name), Some("Sessions"));
        assert!(model.set("Session").is_none());
    }

    #[test]
    fn every_table_has_a_key() {
        for table in Model::published().tables() {
            assert!(!table.key.is_empty(), "{}", table.name());
        }
    }
}
