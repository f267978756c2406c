//! What `$metadata` says, as far as the proxy needs it: sets, types, keys, properties, navigation.

use std::collections::BTreeMap;

/// The entity sets of a service and their types.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// Entity set name → full name of its entity type, as written.
    pub sets: BTreeMap<String, String>,
    /// Full type name (`Namespace.Name`) → type, entity and complex types alike, inheritance resolved.
    pub types: BTreeMap<String, EntityType>,
}

/// An entity (or complex) type with everything that it inherits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntityType {
    /// Names of the key properties, in the order of `$metadata`; empty for complex types.
    pub key: Vec<String>,
    /// Structural properties: name → type (`Edm.Guid`, `Collection(Edm.String)`, …).
    pub properties: BTreeMap<String, String>,
    /// Navigation properties by name.
    pub navigation: BTreeMap<String, Navigation>,
}

/// Where a navigation property leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Navigation {
    /// Full name of the target type, without `Collection(…)`.
    pub target: String,
    /// Whether it leads to many.
    pub collection: bool,
}

impl Schema {
    /// The set of that name and its type: the exact name first, then without regard to case, as upstream
    /// does. The name returned is the one that `$metadata` writes.
    pub fn set(&self, name: &str) -> Option<(&str, &EntityType)> {
        let exact = self.sets.get_key_value(name);
        let folded = || {
            self.sets
                .iter()
                .find(|(set, _)| set.eq_ignore_ascii_case(name))
        };
        let (set, type_name) = exact.or_else(folded)?;
        Some((set, self.types.get(type_name)?))
    }

    /// The sets whose names are nearest to `name`, best first, three at most.
    pub fn nearest_sets(&self, name: &str) -> Vec<&str> {
        let name = name.to_ascii_lowercase();
        let mut near: Vec<(f64, &str)> = self
            .sets
            .keys()
            .map(|set| {
                (
                    strsim::jaro_winkler(&set.to_ascii_lowercase(), &name),
                    set.as_str(),
                )
            })
            .filter(|(likeness, _)| *likeness > LIKENESS_MIN)
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        near.into_iter().take(3).map(|(_, set)| set).collect()
    }
}

/// Names less alike than this (Jaro–Winkler, 0 to 1) are not offered as "did you mean".
const LIKENESS_MIN: f64 = 0.8;
