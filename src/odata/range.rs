//! Questions that walk a collection by a date column instead of by `$skip`. Pure.
//!
//! Upstream's `$skip` counts rows off from the beginning, so each page is slower than the one before (field reports:
//! from 35 rows a second down to 13 behind 300,000). A page that is asked for by "from this date on, in the order of
//! that date" costs the same wherever it is, as long as the column is indexed.

use jiff::{SignedDuration, Timestamp};

use super::question::{Question, Resource};
use super::quotes::{Span, spans};
use super::schema::EntityType;

/// A collection that can be walked by a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeWalk {
    /// What the client asked, without a count.
    asked: Question,
    /// The date's column, as `$metadata` writes it.
    column: String,
    /// Column and key: the order in which rows are asked for.
    order: String,
    nullable: bool,
}

impl RangeWalk {
    /// The walk through what `asked` finds by `column`; `None` when the rows would not be the same ones, or when
    /// they do not show what the walk has to see: the date and the key.
    pub fn of(asked: &Question, entity: &EntityType, column: &str) -> Option<Self> {
        if !is_whole_scan(asked) {
            return None;
        }
        let column = date_column(entity, column)?;
        let shown = |name: &String| is_selected(asked, name);
        if entity.key.is_empty() || !shown(column) || !entity.key.iter().all(shown) {
            return None;
        }
        // Rows of one date are in the order of their keys, so that pages within it do not overlap.
        let keys = entity.key.iter().filter(|name| *name != column);
        let order: Vec<&str> = std::iter::once(column)
            .chain(keys)
            .map(String::as_str)
            .collect();
        Some(Self {
            asked: asked.without("$count"),
            column: column.clone(),
            order: order.join(","),
            nullable: !entity.required.contains(column),
        })
    }

    /// Whether the type has a date column of that name.
    pub fn knows(entity: &EntityType, column: &str) -> bool {
        date_column(entity, column).is_some()
    }

    /// The date's column.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// All rows that have a date, in its order.
    pub fn dated(&self) -> Question {
        let question = self.asked.with("$orderby", &self.order);
        if self.nullable {
            self.filtered(&question, &format!("{} ne null", self.column))
        } else {
            question
        }
    }

    /// The rows with this date or a later one, in its order.
    pub fn since(&self, from: Timestamp) -> Question {
        let question = self.asked.with("$orderby", &self.order);
        self.filtered(&question, &format!("{} ge {from}", self.column))
    }

    /// The rows without a date, when there can be any.
    pub fn undated(&self) -> Option<Question> {
        let undated = || self.filtered(&self.asked, &format!("{} eq null", self.column));
        self.nullable.then(undated)
    }

    /// The client's filter stays, in parentheses: it may hold an `or`.
    fn filtered(&self, question: &Question, condition: &str) -> Question {
        let filter = match self.asked.option("$filter") {
            Some(filter) => format!("({filter}) and {condition}"),
            None => condition.to_owned(),
        };
        question.with("$filter", &filter)
    }
}

/// The date column of that name, as `$metadata` writes it; `None` when there is none, or when it is no date.
pub fn date_column<'a>(entity: &'a EntityType, column: &str) -> Option<&'a String> {
    let mut named = entity.properties.iter();
    let (column, kind) = named.find(|(name, _)| name.eq_ignore_ascii_case(column))?;
    (kind == "Edm.DateTimeOffset").then_some(column)
}

/// Where the next range may begin when rows up to `last` were seen, so that none is passed over.
///
/// Times are shown with less precision than they are stored with (three digits of seven; field reports), cut off or
/// rounded. A rounded one may lie behind rows that were not seen yet, so the range begins a second before.
pub fn begin_before(last: Timestamp) -> Timestamp {
    last.checked_sub(SignedDuration::from_secs(1))
        .unwrap_or(last)
}

/// Whether a question asks for a whole collection in any order, so that its rows may be asked for in another way: no
/// `$top` either, because a client that pages by `$top` and `$skip` counts on one order for both.
pub fn is_whole_scan(asked: &Question) -> bool {
    let harmless = |(name, _): &(String, String)| {
        matches!(name.as_str(), "$filter" | "$select" | "$expand" | "$count")
            || !name.starts_with('$')
    };
    matches!(asked.resource(), Resource::Collection(_)) && asked.options().iter().all(harmless)
}

/// Whether upstream can count what a question finds without looking at every row: no functions and no lambdas in its
/// filter.
pub fn counts_cheaply(asked: &Question) -> bool {
    let Some(filter) = asked.option("$filter") else {
        return true;
    };
    let mut before = ' ';
    for span in spans(filter) {
        let Span::Plain(plain) = span else {
            before = '\'';
            continue;
        };
        for c in plain.chars() {
            if c == '(' && (before.is_ascii_alphanumeric() || before == '_') {
                return false;
            }
            before = c;
        }
    }
    true
}

/// Whether the rows show a column. The framework folds case in `$select`.
pub fn is_selected(asked: &Question, column: &str) -> bool {
    let Some(select) = asked.option("$select") else {
        return true;
    };
    let mut names = select.split(',');
    names.any(|name| name == "*" || name.eq_ignore_ascii_case(column))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn question(text: &str) -> Question {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        Question::parse(path, Some(query)).unwrap()
    }

    fn sessions() -> EntityType {
        let property = |(name, kind): (&str, &str)| (name.to_owned(), kind.to_owned());
        EntityType {
            key: vec!["SessionKey".to_owned()],
            properties: BTreeMap::from(
                [
                    ("SessionKey", "Edm.Guid"),
                    ("StartDate", "Edm.DateTimeOffset"),
                    ("Logged", "Edm.DateTimeOffset"),
                    ("Name", "Edm.String"),
                ]
                .map(property),
            ),
            required: BTreeSet::from(["Logged".to_owned()]),
            ..EntityType::default()
        }
    }

    fn decoded(question: &Question) -> String {
        question.canonical().replace("%20", " ")
    }

    #[test]
    fn ranges_keep_what_the_client_asked() {
        let asked = question("Sessions?$filter=A eq 1 or B eq 2&$expand=User&$count=true&x=1");
        let walk = RangeWalk::of(&asked, &sessions(), "startdate").unwrap();
        assert_eq!(walk.column(), "StartDate");
        let kept = "Sessions?$expand=User&$filter=(A eq 1 or B eq 2) and StartDate";
        assert_eq!(
            decoded(&walk.dated()),
            format!("{kept} ne null&$orderby=StartDate,SessionKey&x=1")
        );
        let from: Timestamp = "2026-03-02T08:00:00.123Z".parse().unwrap();
        assert_eq!(
            decoded(&walk.since(begin_before(from))),
            format!("{kept} ge 2026-03-02T07:59:59.123Z&$orderby=StartDate,SessionKey&x=1")
        );
        assert_eq!(
            decoded(&walk.undated().unwrap()),
            format!("{kept} eq null&x=1")
        );
    }

    #[test]
    fn a_column_without_nulls_needs_no_question_about_them() {
        let walk = RangeWalk::of(&question("Sessions"), &sessions(), "Logged").unwrap();
        assert_eq!(
            walk.dated().canonical(),
            "Sessions?$orderby=Logged,SessionKey"
        );
        assert_eq!(walk.undated(), None);
    }

    #[test]
    fn not_every_question_can_be_walked() {
        for (asked, column, expected) in [
            ("Sessions", "StartDate", true),
            ("Sessions?$select=StartDate,SessionKey", "StartDate", true),
            ("Sessions?$select=*", "StartDate", true),
            (
                "Sessions?$select=startdate,SESSIONKEY,Name",
                "StartDate",
                true,
            ),
            ("Sessions?$select=StartDate,Name", "StartDate", false),
            ("Sessions?$select=SessionKey", "StartDate", false),
            ("Sessions?$orderby=Name", "StartDate", false),
            ("Sessions?$skip=5", "StartDate", false),
            ("Sessions?$top=5000", "StartDate", false),
            ("Sessions?$skiptoken=x", "StartDate", false),
            ("Sessions?$apply=aggregate($count as N)", "StartDate", false),
            ("Sessions?$search=x", "StartDate", false),
            ("Sessions", "Name", false),
            ("Sessions", "Nothing", false),
            ("Sessions(1)/Sessions", "StartDate", false),
        ] {
            let walk = RangeWalk::of(&question(asked), &sessions(), column);
            assert_eq!(walk.is_some(), expected, "{asked} by {column}");
        }
        let keyless = EntityType {
            key: Vec::new(),
            ..sessions()
        };
        let walk = RangeWalk::of(&question("Sessions"), &keyless, "StartDate");
        assert_eq!(walk, None);
    }

    #[test]
    fn cheap_counts() {
        for (filter, expected) in [
            ("StartDate ge 2026-01-01T00:00:00Z", true),
            ("(A eq 1) and (B eq 'x(y)')", true),
            ("not (A eq 1)", true),
            ("contains(Name,'x')", false),
            ("Users/any(u:u/Id eq 1)", false),
        ] {
            let asked = question("Sessions").with("$filter", filter);
            assert_eq!(counts_cheaply(&asked), expected, "{filter}");
        }
        assert!(counts_cheaply(&question("Sessions")));
    }
}
