//! What `$metadata` says, as far as the proxy needs it: sets, types, keys, properties, navigation.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Full name of the type that it directly derives from.
    pub base: Option<String>,
    /// Names of the key properties, in the order of `$metadata`; empty for complex types.
    pub key: Vec<String>,
    /// Structural properties: name → type (`Edm.Guid`, `Collection(Edm.String)`, …).
    pub properties: BTreeMap<String, String>,
    /// Those of them that are never null: `Nullable="false"`, and the key.
    pub required: BTreeSet<String>,
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
        let (set, type_name) = named(&self.sets, name)?;
        Some((set, self.types.get(type_name)?))
    }

    /// The full name of a set's type; the set's name as in [`Schema::set`].
    pub fn type_of_set(&self, name: &str) -> Option<&str> {
        let (set, _) = self.set(name)?;
        self.sets.get(set).map(String::as_str)
    }

    /// A type's name and those of the types that it derives from, nearest first.
    pub fn lineage<'a>(&'a self, type_name: &'a str) -> impl Iterator<Item = &'a str> {
        let base = |name: &&'a str| self.types.get(*name)?.base.as_deref();
        // No type has more ancestors than there are types, unless they form a ring.
        std::iter::successors(Some(type_name), base).take(self.types.len() + 1)
    }

    /// The types that derive from a type, directly or not.
    pub fn derived<'a>(&'a self, base: &'a str) -> impl Iterator<Item = &'a str> {
        let derives = move |other: &&str| self.lineage(other).skip(1).any(|name| name == base);
        self.types.keys().map(String::as_str).filter(derives)
    }

    /// The sets that hold entities of exactly that type.
    pub fn sets_of_type(&self, type_name: &str) -> Vec<&str> {
        let of_type = self
            .sets
            .iter()
            .filter(|(_, set_type)| *set_type == type_name);
        of_type.map(|(set, _)| set.as_str()).collect()
    }

    /// The sets whose names are nearest to `name`, best first, three at most.
    pub fn nearest_sets(&self, name: &str) -> Vec<&str> {
        nearest(self.sets.keys().map(String::as_str), name)
    }
}

impl EntityType {
    /// The navigation property of that name: the exact name first, then without regard to case.
    pub fn navigation_named(&self, name: &str) -> Option<(&str, &Navigation)> {
        named(&self.navigation, name)
    }
}

/// Those of `names` that are nearest to `name`, best first, three at most.
pub(super) fn nearest<'a>(names: impl Iterator<Item = &'a str>, name: &str) -> Vec<&'a str> {
    let name = name.to_ascii_lowercase();
    let likeness = |other: &str| strsim::jaro_winkler(&other.to_ascii_lowercase(), &name);
    let mut near: Vec<(f64, &str)> = names
        .map(|other| (likeness(other), other))
        .filter(|(likeness, _)| *likeness > LIKENESS_MIN)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().take(3).map(|(_, other)| other).collect()
}

fn named<'a, T>(members: &'a BTreeMap<String, T>, name: &str) -> Option<(&'a str, &'a T)> {
    members
        .get_key_value(name)
        .or_else(|| members.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)))
        .map(|(name, member)| (name.as_str(), member))
}

/// Names less alike than this (Jaro–Winkler, 0 to 1) are not offered as "did you mean".
const LIKENESS_MIN: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        let named = |name: &str| (name.to_owned(), format!("N.{name}"));
        let typed = |base: Option<&str>| EntityType {
            base: base.map(str::to_owned),
            properties: BTreeMap::from([("Id".to_owned(), "Edm.Int32".to_owned())]),
            ..EntityType::default()
        };
        Schema {
            sets: BTreeMap::from(["Sessions", "SessionMetrics", "Users", "users"].map(named)),
            types: BTreeMap::from([
                ("N.Sessions".to_owned(), typed(Some("N.Ring"))),
                ("N.Ring".to_owned(), typed(Some("N.Sessions"))),
                ("N.Users".to_owned(), typed(None)),
                ("N.users".to_owned(), typed(None)),
            ]),
        }
    }

    #[test]
    fn names_fold_case_but_exact_ones_win() {
        let schema = schema();
        assert_eq!(schema.set("SESSIONS").unwrap().0, "Sessions");
        assert_eq!(schema.set("users").unwrap().0, "users");
        assert_eq!(schema.type_of_set("sessions"), Some("N.Sessions"));
        assert!(schema.set("Machines").is_none());
        let (_, users) = schema.set("Users").unwrap();
        assert_eq!(users.navigation_named("ID"), None);
    }

    #[test]
    fn near_names_are_offered() {
        assert_eq!(schema().nearest_sets("Session").first(), Some(&"Sessions"));
        assert!(schema().nearest_sets("Zzz").is_empty());
    }

    #[test]
    fn rings_of_types_end() {
        let schema = schema();
        assert!(schema.lineage("N.Sessions").count() <= 5);
        assert_eq!(schema.lineage("N.Users").collect::<Vec<_>>(), ["N.Users"]);
    }
}
