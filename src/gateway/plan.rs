//! How a question is answered. Pure: question and schema in, plan out.
//!
//! Citrix Cloud answers `Set(key)` and `Set/$count` with 404 (field reports), so both are asked in other
//! words: a key becomes a `$filter`, a count becomes `$count=true&$top=0`, and what a key's navigation property
//! leads to becomes an `$expand` of that one row.

use std::num::NonZeroU32;

use super::error::AnswerError;
use crate::odata::key;
use crate::odata::name::EntitySet;
use crate::odata::question::{Question, Resource};
use crate::odata::representation::is_json_format;
use crate::odata::schema::{EntityType, Schema};

/// How a question is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plan {
    /// Upstream's service document, without blocked sets.
    ServiceDocument,
    /// Upstream's `$metadata`, without blocked sets.
    Metadata,
    /// All pages of `ask`, joined; or, with `page`, one page of our own size.
    Collection {
        /// What upstream is asked.
        ask: Question,
        /// Rows at most, when the client said so.
        top: Option<u64>,
        /// The page that the client wants.
        page: Option<OwnPage>,
    },
    /// The number that `ask` counts, as text.
    Count {
        /// What upstream is asked.
        ask: Question,
    },
    /// The one row that `ask` finds.
    Entity {
        /// What upstream is asked.
        ask: Question,
        /// For messages.
        row: RowName,
    },
    /// What a navigation property of the one row that `ask` finds leads to.
    Related {
        /// What upstream is asked: the row, expanded.
        ask: Question,
        /// For messages.
        row: RowName,
        /// The navigation property, as `$metadata` writes it.
        navigation: String,
        /// What is wanted of it.
        wanted: Wanted,
    },
}

/// A page whose size the client chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnPage {
    /// Its size.
    pub(super) size: NonZeroU32,
    /// What the client asks to get the page behind it; `None` when this page is the last by its number.
    pub(super) next: Option<Question>,
}

/// A row, as the client named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowName {
    pub(super) set: EntitySet,
    pub(super) key: String,
}

/// What is wanted of a navigation property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The entity.
    One {
        /// The fragment of its context URL.
        context: String,
    },
    /// The collection.
    Many {
        /// The fragment of its context URL.
        context: String,
    },
    /// How many there are.
    Count,
}

impl Plan {
    /// What upstream is asked, when it is not one of its two documents.
    pub(super) fn ask(&self) -> Option<&Question> {
        match self {
            Self::ServiceDocument | Self::Metadata => None,
            Self::Collection { ask, .. }
            | Self::Count { ask }
            | Self::Entity { ask, .. }
            | Self::Related { ask, .. } => Some(ask),
        }
    }

    /// The page size that is applied.
    pub(super) fn page_size(&self) -> Option<NonZeroU32> {
        match self {
            Self::Collection {
                page: Some(page), ..
            } => Some(page.size),
            _ => None,
        }
    }
}

/// The question without a `$format` that is settled, as JSON always is: what it says is in the representation, and
/// upstream reads it from `Accept`.
pub(super) fn without_settled_format(question: &Question) -> Question {
    match settled_format(question) {
        Some(_) => question.without("$format"),
        None => question.clone(),
    }
}

fn settled_format(question: &Question) -> Option<&str> {
    question
        .option("$format")
        .filter(|format| is_json_format(format))
}

/// Plans the answer to `question`. `schema` is needed for questions with a key.
///
/// `now` marks the pages of one walk, when it begins here: milliseconds since 1970.
pub(super) fn plan(
    question: &Question,
    page_size: Option<NonZeroU32>,
    schema: Option<&Schema>,
    now: i64,
) -> Result<Plan, AnswerError> {
    let format = settled_format(question);
    let question = &without_settled_format(question);
    match question.resource() {
        Resource::ServiceDocument => Ok(Plan::ServiceDocument),
        Resource::Metadata => Ok(Plan::Metadata),
        Resource::Batch => Err(AnswerError::Unsupported { what: "`$batch`" }),
        Resource::Count(set) => Ok(Plan::Count {
            ask: count(set, question),
        }),
        Resource::Entity { set, key, rest } => by_key(question, set, key, rest, schema),
        Resource::Collection(_) => collection(question, format, page_size, now),
        Resource::Other(_) => Ok(whole(question)),
    }
}

fn whole(question: &Question) -> Plan {
    Plan::Collection {
        ask: question.clone(),
        top: question.top(),
        page: None,
    }
}

/// Only what chooses rows matters to a count (OData 4.0 Protocol, section 11.2.9).
fn count(set: &EntitySet, question: &Question) -> Question {
    let chooses =
        |name: &str| matches!(name, "$filter" | "$search" | "$apply") || !name.starts_with('$');
    let options = question.options().iter().filter(|(name, _)| chooses(name));
    let ask = options.fold(Question::collection(set.clone()), |ask, (name, value)| {
        ask.with(name, value)
    });
    ask.with("$count", "true").with("$top", "0")
}

/// Pages of the client's size are questions of their own: `$skip` and `$top` say which rows, and the link to
/// the next one carries both in a `$skiptoken`. Nothing has to be remembered between them: a `format` that the
/// client asked for is in the link, too, or numbers would become text or text numbers from page to page.
fn collection(
    question: &Question,
    format: Option<&str>,
    page_size: Option<NonZeroU32>,
    now: i64,
) -> Result<Plan, AnswerError> {
    let token = question.option("$skiptoken").and_then(PageToken::read);
    let (size, offset, walk) = match (&token, page_size) {
        (Some(token), wanted) => (wanted.unwrap_or(token.size), token.offset, token.walk),
        (None, Some(size)) if question.option("$skiptoken").is_none() => (size, 0, now),
        (None, _) => return Ok(whole(question)),
    };
    let top = number(question, "$top")?;
    let left = top.map(|top| top.saturating_sub(offset));
    let page_rows = u64::from(size.get());
    let rows = left.map_or(page_rows, |left| left.min(page_rows));
    let skip = number(question, "$skip")?.unwrap_or(0).checked_add(offset);
    let behind = offset.checked_add(page_rows);
    let (Some(skip), Some(behind)) = (skip, behind) else {
        return Err(AnswerError::InvalidOption {
            reason: "`$skip` is too large".to_owned(),
        });
    };
    let mut ask = question
        .without("$skiptoken")
        .with("$top", &rows.to_string());
    if skip > 0 {
        ask = ask.with("$skip", &skip.to_string());
    }
    if token.is_some() {
        // Counted once, on the first page.
        ask = ask.without("$count");
    }
    let more = left.is_none_or(|left| left > page_rows);
    let behind = PageToken {
        offset: behind,
        size,
        walk,
    };
    let next = more.then(|| {
        let next = question.with("$skiptoken", &behind.write());
        match format {
            Some(format) => next.with("$format", format),
            None => next,
        }
    });
    Ok(Plan::Collection {
        ask,
        top: Some(rows),
        page: Some(OwnPage { size, next }),
    })
}

/// A number option that we have to reckon with; others are upstream's to judge.
fn number(question: &Question, option: &str) -> Result<Option<u64>, AnswerError> {
    let number = |text: &str| text.parse().ok();
    match question.option(option) {
        None => Ok(None),
        Some(text) => number(text)
            .map(Some)
            .ok_or_else(|| AnswerError::InvalidOption {
                reason: format!("`{option}` is not a number"),
            }),
    }
}

/// Our own `$skiptoken`: how many rows were delivered, the page size, and when the walk began. The last keeps
/// walks apart in the cache: pages of different ages must not be put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PageToken {
    offset: u64,
    size: NonZeroU32,
    walk: i64,
}

impl PageToken {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("page-")?.split('-');
        let token = Self {
            offset: parts.next()?.parse().ok()?,
            size: parts.next()?.parse().ok()?,
            walk: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(token)
    }

    fn write(self) -> String {
        format!("page-{}-{}-{}", self.offset, self.size, self.walk)
    }
}

fn by_key(
    question: &Question,
    set: &EntitySet,
    key: &str,
    rest: &[String],
    schema: Option<&Schema>,
) -> Result<Plan, AnswerError> {
    let Some((set_name, entity)) = schema.and_then(|schema| schema.set(set.as_str())) else {
        return Err(AnswerError::UnknownSet {
            set: set.to_string(),
            near: Vec::new(),
        });
    };
    let invalid = |error: key::KeyError| AnswerError::InvalidOption {
        reason: error.to_string(),
    };
    let filter = key::filter(entity, key).map_err(invalid)?;
    let set = EntitySet::new(set_name).unwrap_or_else(|| set.clone());
    let row = RowName {
        set: set.clone(),
        key: key.to_owned(),
    };
    let found = Question::collection(set).with("$filter", &filter);
    match rest {
        [] => Ok(Plan::Entity {
            ask: shaped(found, question)?,
            row,
        }),
        [segment] | [segment, _] => {
            let counted = rest.get(1).map(String::as_str) == Some("$count");
            let Some((name, navigation)) = entity
                .navigation_named(segment)
                .filter(|_| rest.len() == 1 || counted)
            else {
                return Ok(whole(question));
            };
            let wanted = wanted(
                question,
                schema,
                &navigation.target,
                navigation.collection,
                counted,
            );
            Ok(Plan::Related {
                ask: expanded(&found, entity, name, question, &wanted)?,
                row,
                navigation: name.to_owned(),
                wanted,
            })
        }
        _ => Ok(whole(question)),
    }
}

/// The row's key columns and the navigation property with the client's own options inside.
fn expanded(
    found: &Question,
    entity: &EntityType,
    navigation: &str,
    question: &Question,
    wanted: &Wanted,
) -> Result<Question, AnswerError> {
    let mut nested: Vec<String> = Vec::new();
    let mut ask = found.with("$select", &entity.key.join(","));
    for (name, value) in question.options() {
        let counts = *wanted == Wanted::Count;
        match name.as_str() {
            "$format" => {}
            "$count" | "$top" | "$skip" | "$orderby" if counts => {}
            "$select" | "$expand" | "$filter" | "$orderby" | "$top" | "$skip" | "$count"
            | "$search" | "$levels" | "$compute" => nested.push(inside_parentheses(name, value)?),
            system if system.starts_with('$') => return Err(does_not_go_with_a_key(system)),
            _ => ask = ask.with(name, value),
        }
    }
    if *wanted == Wanted::Count {
        nested.extend(["$count=true".to_owned(), "$top=0".to_owned()]);
    }
    let options = if nested.is_empty() {
        String::new()
    } else {
        format!("({})", nested.join(";"))
    };
    Ok(ask.with("$expand", &format!("{navigation}{options}")))
}

/// An option as it is written inside an `$expand`. A value that would end there, or begin another option, is
/// refused: it would say more than its own option may.
fn inside_parentheses(name: &str, value: &str) -> Result<String, AnswerError> {
    let (mut depth, mut quoted) = (0_u32, false);
    for c in value.chars() {
        match c {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            ')' => return Err(unbalanced(name)),
            ';' if depth == 0 => return Err(unbalanced(name)),
            _ => {}
        }
    }
    if quoted || depth > 0 {
        return Err(unbalanced(name));
    }
    Ok(format!("{name}={value}"))
}

fn unbalanced(name: &str) -> AnswerError {
    AnswerError::InvalidOption {
        reason: format!(
            "`{name}` has a `;` that does not belong there, or parentheses or quotes without their counterparts"
        ),
    }
}

fn does_not_go_with_a_key(name: &str) -> AnswerError {
    AnswerError::InvalidOption {
        reason: format!("`{name}` does not go with a key"),
    }
}

fn wanted(
    question: &Question,
    schema: Option<&Schema>,
    target: &str,
    collection: bool,
    counted: bool,
) -> Wanted {
    if counted {
        return Wanted::Count;
    }
    let sets = schema
        .map(|schema| schema.sets_of_type(target))
        .unwrap_or_default();
    let columns = question
        .option("$select")
        .map(|columns| format!("({columns})"))
        .unwrap_or_default();
    let context = match (sets.as_slice(), collection) {
        ([set], true) => format!("#{set}{columns}"),
        ([set], false) => format!("#{set}{columns}/$entity"),
        (_, true) => format!("#Collection({target})"),
        (_, false) => format!("#{target}"),
    };
    if collection {
        Wanted::Many { context }
    } else {
        Wanted::One { context }
    }
}

/// `found` with the options of `Set(key)`: those that shape a row.
fn shaped(found: Question, question: &Question) -> Result<Question, AnswerError> {
    let mut ask = found;
    for (name, value) in question.options() {
        match name.as_str() {
            "$format" => {}
            system if system.starts_with('$') && !matches!(system, "$select" | "$expand") => {
                return Err(does_not_go_with_a_key(system));
            }
            _ => ask = ask.with(name, value),
        }
    }
    Ok(ask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::odata::csdl;

    fn schema() -> Schema {
        let xml = r#"<Edmx xmlns="http://docs.oasis-open.org/odata/ns/edmx"><DataServices>
            <Schema Namespace="M" xmlns="http://docs.oasis-open.org/odata/ns/edm">
            <EntityType Name="Machine"><Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.Guid"/>
                <NavigationProperty Name="Sessions" Type="Collection(M.Session)"/></EntityType>
            <EntityType Name="Session"><Key><PropertyRef Name="SessionKey"/></Key>
                <Property Name="SessionKey" Type="Edm.Int64"/><Property Name="Name" Type="Edm.String"/>
                <NavigationProperty Name="Machine" Type="M.Machine"/><NavigationProperty Name="Cost" Type="M.Cost"/></EntityType>
            <EntityType Name="Cost"><Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.Int32"/></EntityType>
            <EntityContainer Name="C"><EntitySet Name="Machines" EntityType="M.Machine"/>
                <EntitySet Name="Sessions" EntityType="M.Session"/></EntityContainer>
            </Schema></DataServices></Edmx>"#;
        csdl::parse(xml.as_bytes()).unwrap()
    }

    fn planned(question: &str, page_size: Option<u32>) -> Result<Plan, AnswerError> {
        let (path, query) = question.split_once('?').unwrap_or((question, ""));
        let question = Question::parse(path, Some(query)).unwrap();
        plan(
            &question,
            page_size.and_then(NonZeroU32::new),
            Some(&schema()),
            7,
        )
    }

    /// What upstream is asked, and what becomes of its answer.
    fn check(question: &str, page_size: Option<u32>, expected: &str) {
        let shown = match planned(question, page_size) {
            Ok(Plan::ServiceDocument) => "service document".to_owned(),
            Ok(Plan::Metadata) => "metadata".to_owned(),
            Ok(Plan::Collection { ask, top, page }) => {
                let top = top
                    .map(|top| format!(" | at most {top}"))
                    .unwrap_or_default();
                let next = page.map(|page| match page.next {
                    Some(next) => format!(" | then {}", next.canonical()),
                    None => " | the last page".to_owned(),
                });
                format!("{}{top}{}", ask.canonical(), next.unwrap_or_default())
            }
            Ok(Plan::Count { ask }) => format!("count {}", ask.canonical()),
            Ok(Plan::Entity { ask, .. }) => format!("one of {}", ask.canonical()),
            Ok(Plan::Related {
                ask,
                navigation,
                wanted,
                ..
            }) => {
                let wanted = match wanted {
                    Wanted::One { context } => format!("one, {context}"),
                    Wanted::Many { context } => format!("many, {context}"),
                    Wanted::Count => "count".to_owned(),
                };
                format!("{navigation} ({wanted}) of {}", ask.canonical())
            }
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(shown, expected, "{question}");
    }

    #[test]
    fn collections_are_asked_as_they_are() {
        check("", None, "service document");
        check("$metadata", None, "metadata");
        check("Sessions", None, "Sessions");
        check(
            "Sessions?$top=2500&$skip=3",
            None,
            "Sessions?$skip=3&$top=2500 | at most 2500",
        );
        check("Sessions?$skiptoken=abc", None, "Sessions?$skiptoken=abc");
        check(
            "Sessions?$skiptoken=abc",
            Some(5),
            "Sessions?$skiptoken=abc",
        );
        check("Sessions/M.Session", None, "Sessions/M.Session");
        check("$batch", None, "error: `$batch` is not supported");
    }

    #[test]
    fn pages_of_the_clients_size_are_questions_of_their_own() {
        check(
            "Sessions",
            Some(100),
            "Sessions?$top=100 | at most 100 | then Sessions?$skiptoken=page-100-100-7",
        );
        check(
            "Sessions?$skiptoken=page-100-100-7",
            None,
            "Sessions?$skip=100&$top=100 | at most 100 | then Sessions?$skiptoken=page-200-100-7",
        );
        check(
            "Sessions?$count=true&$skip=7&$top=150",
            Some(100),
            "Sessions?$count=true&$skip=7&$top=100 | at most 100 | then Sessions?$count=true&$skip=7&$skiptoken=page-100-100-7&$top=150",
        );
        check(
            "Sessions?$count=true&$skip=7&$skiptoken=page-100-100-7&$top=150",
            None,
            "Sessions?$skip=107&$top=50 | at most 50 | the last page",
        );
        check(
            "Sessions?$top=3",
            Some(3),
            "Sessions?$top=3 | at most 3 | the last page",
        );
    }

    #[test]
    fn links_to_our_own_pages_repeat_the_format() {
        check(
            "Sessions?$format=application/json;odata.metadata=none",
            Some(100),
            "Sessions?$top=100 | at most 100 | then Sessions?$format=application/json;odata.metadata=none&$skiptoken=page-100-100-7",
        );
        check(
            "Sessions?$format=json&$skiptoken=page-100-100-7",
            None,
            "Sessions?$skip=100&$top=100 | at most 100 | then Sessions?$format=json&$skiptoken=page-200-100-7",
        );
        check("Sessions?$format=json", None, "Sessions");
        check(
            "Sessions?$format=json&$skiptoken=abc",
            Some(5),
            "Sessions?$skiptoken=abc",
        );
        check(
            "Sessions/M.Session?$format=json",
            None,
            "Sessions/M.Session",
        );
        // What is not JSON is upstream's to judge.
        check("Sessions?$format=atom", None, "Sessions?$format=atom");
        check(
            "Sessions?$format=atom",
            Some(100),
            "Sessions?$format=atom&$top=100 | at most 100 | then Sessions?$format=atom&$skiptoken=page-100-100-7",
        );
    }

    #[test]
    fn counts_become_empty_pages() {
        check("Sessions/$count", None, "count Sessions?$count=true&$top=0");
        check(
            "Sessions/$count?$filter=Name eq 'a'&$orderby=Name&$top=5&$expand=Machine",
            None,
            "count Sessions?$count=true&$filter=Name%20eq%20'a'&$top=0",
        );
    }

    #[test]
    fn keys_become_filters() {
        check(
            "Sessions(5)",
            None,
            "one of Sessions?$filter=SessionKey%20eq%205",
        );
        check(
            "sessions(SessionKey=5)?$select=Name",
            None,
            "one of Sessions?$filter=SessionKey%20eq%205&$select=Name",
        );
        check("Users(5)", None, "error: no entity set `Users`");
        check(
            "Sessions(5)?$top=1",
            None,
            "error: `$top` does not go with a key",
        );
        check("Sessions?$top=x", Some(5), "error: `$top` is not a number");
        check(
            "Sessions?$skiptoken=page-18446744073709551615-5-7",
            None,
            "error: `$skip` is too large",
        );
        assert!(matches!(
            planned("Sessions(x)", None),
            Err(AnswerError::InvalidOption { .. })
        ));
    }

    #[test]
    fn what_a_row_leads_to_becomes_an_expand() {
        check(
            "Sessions(5)/Machine",
            None,
            "Machine (one, #Machines/$entity) of Sessions?$expand=Machine&$filter=SessionKey%20eq%205&$select=SessionKey",
        );
        check(
            "Machines(6f9619ff-8b86-d011-b42d-00c04fc964ff)/sessions?$filter=Name eq 'a;b'&$select=Name&$top=2",
            None,
            "Sessions (many, #Sessions(Name)) of Machines?$expand=Sessions($filter=Name%20eq%20'a;b';$select=Name;$top=2)&$filter=Id%20eq%206f9619ff-8b86-d011-b42d-00c04fc964ff&$select=Id",
        );
        check(
            "Machines(6f9619ff-8b86-d011-b42d-00c04fc964ff)/Sessions/$count?$top=2",
            None,
            "Sessions (count) of Machines?$expand=Sessions($count=true;$top=0)&$filter=Id%20eq%206f9619ff-8b86-d011-b42d-00c04fc964ff&$select=Id",
        );
        check(
            "Sessions(5)/Cost",
            None,
            "Cost (one, #M.Cost) of Sessions?$expand=Cost&$filter=SessionKey%20eq%205&$select=SessionKey",
        );
        check("Sessions(5)/Name", None, "Sessions(5)/Name");
        for option in [
            "$top=1;$expand=*",
            "$select=Id),Machine($expand=*",
            "$filter=Name eq 'a",
            "$select=Id;$expand=*",
            "$skiptoken=1;$expand=*",
            "$filter=contains(Name,'a'",
        ] {
            let question = format!("Sessions(5)/Machine?{option}");
            assert!(
                matches!(
                    planned(&question, None),
                    Err(AnswerError::InvalidOption { .. })
                ),
                "{option}"
            );
        }
    }
}
