//! Which stored answers may hold the answer to a question, and how it is cut from them.

use crate::odata::name::EntitySet;
use crate::odata::question::{Question, Resource};
use crate::odata::quotes::is_identifier;

/// A question whose stored answer holds that of another question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The question to look for.
    pub parent: Question,
    /// What to do with its answer.
    pub derivation: Derivation,
}

/// How an answer is made of another, which is a collection and complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Derivation {
    /// Some of its rows.
    Rows {
        /// `$skip`.
        skip: u64,
        /// `$top`; all rows without.
        top: Option<u64>,
        /// Whether to tell how many rows the collection has.
        count: bool,
        /// `$select`, where the collection has more columns: names that are still to be looked up
        /// ([`super::Columns::new`]).
        select: Option<Vec<String>>,
    },
    /// The number of its rows, as text.
    Count,
    /// The row with that key ([`super::KeyPredicate::new`]).
    Entity {
        /// What stood between the parentheses.
        key: String,
    },
}

impl Derivation {
    /// Whether the part is the one that upstream would give. `rows` is how many rows the collection has; the first
    /// `ordered_rows` of them stand in upstream's own order, the others in an order of ours (by date).
    ///
    /// A range of rows needs the order as far as the range reaches. No order is needed to give all rows, or none.
    pub fn is_exact(&self, rows: u64, ordered_rows: u64) -> bool {
        match self {
            Self::Rows { skip, top, .. } => {
                let end = top.map_or(rows, |top| skip.saturating_add(top).min(rows));
                let all = *skip == 0 && end == rows;
                let none = *skip >= end;
                all || none || end <= ordered_rows
            }
            Self::Count | Self::Entity { .. } => true,
        }
    }
}

/// The questions whose stored answers, if complete, hold the answer to `question`, best first: the smallest. None of them
/// is `question` itself, and none has `$top` or `$skip`.
///
/// Options that choose rows or their order stay in the parent, and so do custom ones, which nobody knows. A `$format` that
/// is settled must have been taken out.
pub fn candidates(question: &Question) -> Vec<Candidate> {
    match question.resource() {
        Resource::Collection(_) => of_collection(question),
        Resource::Count(set) => of_count(question, set).into_iter().collect(),
        Resource::Entity { set, key, rest } if rest.is_empty() => {
            of_entity(question, set, key).into_iter().collect()
        }
        Resource::ServiceDocument
        | Resource::Metadata
        | Resource::Batch
        | Resource::Entity { .. }
        | Resource::Other(_) => Vec::new(),
    }
}

fn of_collection(question: &Question) -> Vec<Candidate> {
    if !has_only(question, &COLLECTION_OPTIONS) {
        return Vec::new();
    }
    let unreadable =
        |name: &str, number: Option<u64>| question.option(name).is_some() && number.is_none();
    let count = match question.option("$count") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Vec::new(),
    };
    if unreadable("$top", question.top()) || unreadable("$skip", question.skip()) {
        return Vec::new();
    }
    let rows = |select: Option<Vec<String>>| Derivation::Rows {
        skip: question.skip().unwrap_or(0),
        top: question.top(),
        count,
        select,
    };
    let all_rows = ["$top", "$skip", "$count"]
        .iter()
        .fold(question.clone(), |parent, name| parent.without(name));
    let mut candidates = Vec::new();
    if all_rows != *question {
        candidates.push(Candidate {
            parent: all_rows.clone(),
            derivation: rows(None),
        });
    }
    if let Some(columns) = plain_select(question) {
        candidates.push(Candidate {
            parent: all_rows.without("$select"),
            derivation: rows(Some(columns)),
        });
    }
    candidates
}

/// The names in `$select`, when they are nothing but names, and no other option has a say in the columns.
fn plain_select(question: &Question) -> Option<Vec<String>> {
    let shaped = |name: &&str| question.option(name).is_some();
    if ["$expand", "$apply", "$compute"].iter().any(shaped) {
        return None;
    }
    let names: Vec<String> = question
        .option("$select")?
        .split(',')
        .map(str::to_owned)
        .collect();
    names
        .iter()
        .all(|name| is_identifier(name))
        .then_some(names)
}

/// A count is that of the rows which the same options choose.
fn of_count(question: &Question, set: &EntitySet) -> Option<Candidate> {
    let known = has_only(question, &COUNT_OPTIONS);
    known.then(|| Candidate {
        parent: question.about_collection(set.clone()),
        derivation: Derivation::Count,
    })
}

fn of_entity(question: &Question, set: &EntitySet, key: &str) -> Option<Candidate> {
    question.options().is_empty().then(|| Candidate {
        parent: Question::collection(set.clone()),
        derivation: Derivation::Entity {
            key: key.to_owned(),
        },
    })
}

/// Whether all system options are among those.
fn has_only(question: &Question, known: &[&str]) -> bool {
    let mut options = question.options().iter();
    options.all(|(name, _)| !name.starts_with('$') || known.contains(&name.as_str()))
}

/// What may be asked of a collection. Tokens are not among them: only who gave them knows what they stand for.
const COLLECTION_OPTIONS: [&str; 10] = [
    "$apply", "$compute", "$count", "$expand", "$filter", "$orderby", "$search", "$select",
    "$skip", "$top",
];

/// What may be asked of a count (OData 4.0 Protocol, section 11.2.9).
const COUNT_OPTIONS: [&str; 3] = ["$apply", "$filter", "$search"];
