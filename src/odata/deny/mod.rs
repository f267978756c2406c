//! Sets that are not shown, because their rows carry secrets.
//!
//! A set can be reached by other ways than its name: `$expand`, navigation in a path or a filter, a type
//! cast. Upstream would follow them all, so a question is searched for every word that leads there. Where
//! a question cannot be understood for certain it is refused: these rows carry passwords.
//!
//! Deny-listed sets are searched for in every question, because navigation, `$expand`, filters and casts reach them, too. What
//! cannot be understood for certain is refused.

use std::collections::BTreeSet;
use std::sync::Arc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::question::{Question, Resource};
use super::reach::{fold, option_words, path_words, readable};
use super::schema::Schema;
use crate::memo::Memo;

/// Entity sets that are not shown.
#[derive(Debug, Clone)]
pub struct DenyList {
    /// Over folded names.
    globs: GlobSet,
    /// Names that were judged before.
    judged: Arc<Memo<bool>>,
}

/// Why a deny list cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{glob}` is not a pattern for entity sets; write a name, with `*` for any letters")]
pub struct DenyListError {
    /// The pattern.
    pub glob: String,
    /// What is wrong with it.
    #[source]
    source: globset::Error,
}

/// The types of a schema that lead to secrets, by full name.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// Entity types that only denied sets have and that no shown type derives from: not to be shown.
    pub(super) hidden: BTreeSet<String>,
    /// Types whose rows may be those of a denied set: not to be navigated to.
    pub(super) guarded: BTreeSet<String>,
}

impl DenyList {
    /// Reads patterns as `NotificationEmail*`; case does not matter.
    pub fn new(globs: &[impl AsRef<str>]) -> Result<Self, DenyListError> {
        let mut set = GlobSetBuilder::new();
        let fault = |glob: &str, source| DenyListError {
            glob: glob.to_owned(),
            source,
        };
        for glob in globs.iter().map(AsRef::as_ref) {
            let folded = GlobBuilder::new(&fold(glob)).build();
            set.add(folded.map_err(|source| fault(glob, source))?);
        }
        let globs = set.build().map_err(|source| fault("*", source))?;
        let judged = Arc::new(Memo::of_names());
        Ok(Self { globs, judged })
    }

    /// Whether nothing is denied.
    pub fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }

    /// Whether the set of that name is not shown.
    pub fn denies(&self, set: &str) -> bool {
        self.judged.get(set, || self.globs.is_match(fold(set)))
    }

    /// Whether the question leaves its set or might: then [`DenyList::denies`] for the set is not enough,
    /// and it takes [`DenyList::crosses`].
    pub fn needs_schema(&self, question: &Question) -> bool {
        if self.is_empty() {
            return false;
        }
        let leaves_path = match question.resource() {
            Resource::ServiceDocument
            | Resource::Metadata
            | Resource::Batch
            | Resource::Collection(_)
            | Resource::Count(_) => false,
            Resource::Entity { rest, .. } => !rest.is_empty(),
            Resource::Other(_) => true,
        };
        leaves_path
            || question
                .options()
                .iter()
                .any(|(name, value)| leaves_set(name, value))
    }

    /// What the question reaches that is not shown: the name of a set, a navigation property or a type.
    pub fn crosses(&self, question: &Question, schema: &Schema) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let trap = Trap::new(self, schema);
        let name = path_words(question).find(|word| self.denies(word) || trap.holds(word));
        let name = name.or_else(|| option_words(question).find(|word| trap.holds(word)));
        name.or_else(|| trap.star(question, schema))
            .or_else(|| everything(question))
    }

    /// The same while `$metadata` is not at hand: any word that the patterns match. Navigation properties
    /// that are named otherwise than the set that they lead to are not seen; refuse what
    /// [`DenyList::needs_schema`] where that is too little.
    pub fn crosses_by_name(&self, question: &Question) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let expand = question.option("$expand").unwrap_or_default();
        path_words(question)
            .chain(option_words(question))
            .find(|word| word.split('.').any(|name| self.denies(name)))
            .or_else(|| has_star(expand).then(|| "*".to_owned()))
            .or_else(|| everything(question))
    }

    /// The types of `schema` that lead to what is not shown.
    pub(super) fn secrets(&self, schema: &Schema) -> Secrets {
        let sets_of = |type_name: &str, denied: bool| {
            let mut sets = schema.sets.iter();
            sets.any(|(set, kind)| kind == type_name && self.denies(set) == denied)
        };
        // The nearest type in its lineage that has a set decides; a type without any is judged by its name.
        let secret = |type_name: &str| {
            for ancestor in schema.lineage(type_name) {
                match (sets_of(ancestor, false), sets_of(ancestor, true)) {
                    (true, _) => return false,
                    (false, true) => return true,
                    (false, false) => {}
                }
            }
            let keyed = schema
                .types
                .get(type_name)
                .is_some_and(|t| !t.key.is_empty());
            keyed && self.denies(short(type_name))
        };
        let secrets: BTreeSet<&str> = schema
            .types
            .keys()
            .map(String::as_str)
            .filter(|t| secret(t))
            .collect();
        let hidden = secrets
            .iter()
            .filter(|t| schema.derived(t).all(|d| secrets.contains(d)));
        let guarded = schema.types.keys().filter(|t| {
            let shown = sets_of(t, false);
            secrets.contains(t.as_str())
                || (!shown && schema.derived(t).any(|d| secrets.contains(d)))
        });
        Secrets {
            hidden: hidden.map(|t| (*t).to_owned()).collect(),
            guarded: guarded.cloned().collect(),
        }
    }
}

/// Folded words of a schema that lead to what is not shown.
#[derive(Debug)]
struct Trap {
    /// Denied sets, and navigation properties that lead to guarded types.
    names: BTreeSet<String>,
    /// Guarded types without their namespace.
    types: BTreeSet<String>,
    /// Full names of the types that are not guarded but have such a navigation property.
    doors: BTreeSet<String>,
}

impl Trap {
    fn new(deny: &DenyList, schema: &Schema) -> Self {
        let guarded = deny.secrets(schema).guarded;
        let denied = schema.sets.keys().filter(|set| deny.denies(set));
        let mut trap = Self {
            names: denied.map(|set| fold(set)).collect(),
            types: guarded.iter().map(|t| fold(short(t))).collect(),
            doors: BTreeSet::new(),
        };
        for (type_name, entity) in &schema.types {
            for (name, navigation) in &entity.navigation {
                if guarded.contains(&navigation.target) {
                    trap.names.insert(fold(name));
                    if !guarded.contains(type_name) {
                        trap.doors.insert(type_name.clone());
                    }
                }
            }
        }
        trap
    }

    /// Words of a cast have a dot: any type has a namespace or an alias in front.
    fn holds(&self, word: &str) -> bool {
        let cast = word.contains('.');
        word.split('.')
            .map(fold)
            .any(|name| self.names.contains(&name) || (cast && self.types.contains(&name)))
    }

    /// `$expand=*` goes through every navigation property of a type, that of an inner `*` of another type.
    fn star(&self, question: &Question, schema: &Schema) -> Option<String> {
        let expand = question.option("$expand").filter(|value| has_star(value))?;
        let outer = expand == "*" && question.option("$levels").is_none();
        let type_name = question
            .set()
            .filter(|_| outer && matches!(question.resource(), Resource::Collection(_)))
            .and_then(|set| schema.type_of_set(set.as_str()));
        let door = |name: &str| {
            schema
                .lineage(name)
                .any(|ancestor| Some(ancestor) == type_name)
        };
        let mut doors = self.doors.iter();
        let found = doors.any(|name| type_name.is_none() || door(name));
        found.then(|| "*".to_owned())
    }
}

/// `$all`: the rows of all sets.
fn everything(question: &Question) -> Option<String> {
    match question.resource() {
        Resource::Other(segments) => segments
            .iter()
            .map(|segment| fold(segment))
            .find(|segment| segment == "$all"),
        _ => None,
    }
}

fn has_star(expand: &str) -> bool {
    expand.contains('*')
}

/// Whether an option's text might navigate.
fn leaves_set(name: &str, value: &str) -> bool {
    let name = fold(name);
    let navigates = |text: &String| text.contains('/') || fold(text).contains("expand");
    name.contains("expand")
        || name.contains("apply")
        || (name.contains("select") && value.contains('('))
        || readable(value).iter().any(navigates)
}

/// The name without its namespace.
fn short(type_name: &str) -> &str {
    type_name.rsplit('.').next().unwrap_or(type_name)
}

#[cfg(test)]
mod tests;
