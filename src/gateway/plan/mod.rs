//! How a question is answered. Pure: question and schema in, plan out.
//!
//! Citrix Cloud answers `Set(key)` and `Set/$count` with 404 (field reports), so both are asked in other
//! words: a key becomes a `$filter`, a count becomes `$count=true&$top=0`, and what a key's navigation property
//! leads to becomes an `$expand` of that one row.

mod by_key;
mod own_page;

use std::num::NonZeroU32;
use std::sync::Arc;

use super::error::AnswerError;
use crate::odata::name::EntitySet;
use crate::odata::question::{Question, Resource};
use crate::odata::representation::is_json_format;
use crate::odata::schema::Schema;
use crate::upstream::Class;

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
        ask: Arc<Question>,
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
            Self::Collection { ask, .. } => Some(ask),
            Self::Count { ask } | Self::Entity { ask, .. } | Self::Related { ask, .. } => Some(ask),
        }
    }

    /// Who of those that wait for upstream this plan's requests belong to.
    pub(super) fn class(&self) -> Class {
        match self {
            Self::ServiceDocument | Self::Metadata => Class::Metadata,
            Self::Count { .. } | Self::Entity { .. } | Self::Related { .. } => Class::Interactive,
            Self::Collection { top, .. } if top.is_some_and(|top| top <= PREVIEW_ROWS_MAX) => {
                Class::Interactive
            }
            Self::Collection { .. } => Class::Scan,
        }
    }

    /// What is asked, in a word for the operator: never values, which may be people's names.
    pub(super) fn what(&self) -> &str {
        match (self, self.ask().and_then(Question::set)) {
            (Self::ServiceDocument, _) => "service document",
            (Self::Metadata, _) => "$metadata",
            (_, Some(set)) => set.as_str(),
            (_, None) => "other",
        }
    }

    /// Whether it reads a collection page by page, as [`super::ScanStatus`] lists them.
    pub(super) fn is_scan(&self) -> bool {
        let collection = |ask: &Question| matches!(ask.resource(), Resource::Collection(_));
        matches!(self, Self::Collection { ask, .. } if collection(ask))
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
pub(super) fn without_settled_format(question: &Arc<Question>) -> Arc<Question> {
    match settled_format(question) {
        Some(_) => Arc::new(question.without("$format")),
        None => Arc::clone(question),
    }
}

fn settled_format(question: &Question) -> Option<&str> {
    question
        .option("$format")
        .filter(|format| is_json_format(format))
}

/// Whether the question may be one of several whose answers a client puts together: pages, whoever counts them.
pub(super) fn is_part_of_walk(question: &Question, page_size: Option<NonZeroU32>) -> bool {
    let paged = |name: &str| question.option(name).is_some();
    page_size.is_some() || paged("$skip") || paged("$skiptoken")
}

/// Plans the answer to `question`. `schema` is needed for questions with a key.
///
/// `now` marks the pages of one walk, when it begins here: milliseconds since 1970.
pub(super) fn plan(
    question: &Arc<Question>,
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
        Resource::Entity { set, key, rest } => by_key::by_key(question, set, key, rest, schema),
        Resource::Collection(_) => own_page::collection(question, format, page_size, now),
        Resource::Other(_) => Ok(whole(question)),
    }
}

fn whole(question: &Arc<Question>) -> Plan {
    Plan::Collection {
        ask: Arc::clone(question),
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

/// The previews of Power Query have so many rows.
const PREVIEW_ROWS_MAX: u64 = 1000;

#[cfg(test)]
mod tests;
