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

#[cfg(test)]
mod tests {
    use super::*;

    fn question(text: &str) -> Question {
        let (path, query) = text
            .split_once('?')
            .map_or((text, None), |(p, q)| (p, Some(q)));
        Question::parse(path, query).unwrap()
    }

    /// `parent: skip, top, count, columns`, one for each candidate.
    #[track_caller]
    fn check(asked: &str, expected: &[&str]) {
        let found: Vec<String> = candidates(&question(asked))
            .into_iter()
            .map(|Candidate { parent, derivation }| {
                let how = match derivation {
                    Derivation::Rows {
                        skip,
                        top,
                        count,
                        select,
                    } => {
                        let top = top.map_or("all".to_owned(), |top| top.to_string());
                        let count = if count { " counted" } else { "" };
                        let select =
                            select.map_or(String::new(), |s| format!(" of {}", s.join(",")));
                        format!("skip {skip} take {top}{count}{select}")
                    }
                    Derivation::Count => "count".to_owned(),
                    Derivation::Entity { key } => format!("key {key}"),
                };
                format!("{}: {how}", parent.canonical())
            })
            .collect();
        assert_eq!(found, expected, "{asked}");
    }

    #[test]
    fn ranges_and_counts_are_cut_from_all_rows() {
        check("S", &[]);
        check("S?$top=5", &["S: skip 0 take 5"]);
        check("S?$skip=7", &["S: skip 7 take all"]);
        check(
            "S?$skip=7&$top=5&$count=true",
            &["S: skip 7 take 5 counted"],
        );
        check("S?$count=true", &["S: skip 0 take all counted"]);
        check("S?$count=false", &["S: skip 0 take all"]);
        check("S?$top=0", &["S: skip 0 take 0"]);
    }

    #[test]
    fn what_chooses_rows_stays_with_the_parent() {
        check(
            "S?$filter=A eq 1&$top=5",
            &["S?$filter=A%20eq%201: skip 0 take 5"],
        );
        check(
            "S?$orderby=A&$search=x&$expand=N&$top=5",
            &["S?$expand=N&$orderby=A&$search=x: skip 0 take 5"],
        );
        check(
            "S?$apply=groupby((A))&$skip=1",
            &["S?$apply=groupby((A)): skip 1 take all"],
        );
        check("S?b=2&a=1&a=0&$top=5", &["S?a=1&a=0&b=2: skip 0 take 5"]);
        check(
            "S?$filter=A eq @p&@p=1&$top=5",
            &["S?$filter=A%20eq%20@p&@p=1: skip 0 take 5"],
        );
        check("S?$filter=A eq 1", &[]);
    }

    #[test]
    fn columns_come_from_the_same_columns_first() {
        check("S?$select=B,A", &["S: skip 0 take all of B,A"]);
        check(
            "S?$select=B,A&$top=5&$filter=C&x=1",
            &[
                "S?$filter=C&$select=B,A&x=1: skip 0 take 5",
                "S?$filter=C&x=1: skip 0 take 5 of B,A",
            ],
        );
        for select in ["*", "A,*", "N/A", "Ns.T/A", "Ns.*", "A,,B", ""] {
            check(&format!("S?$select={select}"), &[]);
        }
        check("S?$select=A&$expand=N", &[]);
        check("S?$select=A&$compute=B add 1 as C", &[]);
        check(
            "S?$select=A&$apply=identity&$top=1",
            &["S?$apply=identity&$select=A: skip 0 take 1"],
        );
    }

    #[test]
    fn counts_and_keys_come_from_collections() {
        check("S/$count", &["S: count"]);
        check(
            "S/$count?$filter=A&$search=b&x=1&x=2",
            &["S?$filter=A&$search=b&x=1&x=2: count"],
        );
        check("S/$count?$top=5", &[]);
        check("S('a%2Fb')", &["S: key 'a/b'"]);
        for other in [
            "S(5)?$select=A",
            "S(5)?x=1",
            "S(5)/N",
            "S(5)/$value",
            "S/N.T",
        ] {
            check(other, &[]);
        }
        for other in ["", "$metadata", "$batch"] {
            check(other, &[]);
        }
    }

    #[test]
    fn what_is_not_understood_has_no_parent() {
        for options in [
            "$top=x",
            "$top=-1",
            "$top=",
            "$skip=1.0",
            "$top=99999999999999999999",
            "$count=1",
            "$count=True",
            "$count=",
            "$top=5&$skiptoken=a",
            "$top=5&$deltatoken=a",
            "$top=5&$format=xml",
            "$top=5&$index=1",
            "$top=5&$schemaversion=1",
            "$top=5&$unknown=1",
        ] {
            check(&format!("S?{options}"), &[]);
        }
    }

    #[test]
    fn a_part_is_exact_as_far_as_the_order_is_upstreams() {
        // Rows, how many of them in order, skip, top → exact.
        for (rows, ordered, skip, top, exact) in [
            (100, 100, 0, Some(5), true),
            (100, 100, 95, Some(50), true),
            (100, 100, 50, None, true),
            (100, 10, 0, Some(10), true),
            (100, 10, 5, Some(5), true),
            (100, 10, 0, Some(11), false),
            (100, 10, 5, Some(6), false),
            (100, 10, 10, Some(1), false),
            (100, 10, 5, None, false),
            (100, 0, 0, Some(1), false),
            (100, 0, 0, Some(99), false),
            // All rows, in whatever order.
            (100, 0, 0, None, true),
            (100, 0, 0, Some(100), true),
            (100, 0, 0, Some(u64::MAX), true),
            // None.
            (100, 0, 0, Some(0), true),
            (100, 0, 50, Some(0), true),
            (100, 0, 100, None, true),
            (100, 0, u64::MAX, Some(u64::MAX), true),
            (0, 0, 0, Some(5), true),
            (0, 0, 5, None, true),
        ] {
            let part = Derivation::Rows {
                skip,
                top,
                count: true,
                select: None,
            };
            assert_eq!(
                part.is_exact(rows, ordered),
                exact,
                "{part:?} {rows} {ordered}"
            );
        }
        assert!(Derivation::Count.is_exact(100, 0));
        let key = "1".to_owned();
        assert!(Derivation::Entity { key }.is_exact(100, 0));
    }
}
