//! The pages of one question, one after the other, as upstream's next links lead.

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_128;

use super::size::PageSize;
use crate::gateway::errand::Errand;
use crate::gateway::error::AnswerError;
use crate::odata::next::{LinkFault, Walk};
use crate::odata::page::{Document, Page};
use crate::odata::question::{Question, Resource};
use crate::upstream::{BadResponse, FetchError};

/// The pages of one question.
#[derive(Debug)]
pub(super) struct Links {
    walk: Walk,
    trail: Trail,
    next: Option<Question>,
    empty_in_a_row: u32,
    /// Whether upstream has written a link in this walk.
    linked: bool,
    /// Whether the next page is to bring a count that the client has not asked for.
    counted: bool,
    /// Whether upstream has refused to.
    refuses_count: bool,
}

/// What to do when upstream gives up on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heavy {
    /// Ask for fewer rows at once.
    Halve,
    /// Hand the failure out; the same page can be read again.
    GiveBack,
}

/// A question as it is sent.
struct Sized {
    question: Question,
    /// Rows that it may bring, as far as is known.
    rows: u64,
    /// The `$top` that is ours.
    limit: Option<u64>,
    /// Whether fewer rows can be asked for.
    divisible: bool,
}

impl Links {
    /// The pages of what `question` finds; the first with a count when `counted`.
    pub(super) fn of(question: Question, counted: bool) -> Self {
        Self {
            counted,
            ..Self::from(Walk::of(question.clone()), question)
        }
    }

    /// The pages of a walk from `next` on.
    pub(super) fn from(walk: Walk, next: Question) -> Self {
        Self {
            walk,
            trail: Trail::default(),
            next: Some(next),
            empty_in_a_row: 0,
            linked: false,
            counted: false,
            refuses_count: false,
        }
    }

    /// Whether upstream has refused to count.
    pub(super) fn refuses_count(&self) -> bool {
        self.refuses_count
    }

    /// The question at the beginning.
    pub(super) fn asked(&self) -> &Question {
        self.walk.asked()
    }

    /// Rows read so far.
    pub(super) fn rows(&self) -> u64 {
        self.walk.rows()
    }

    /// Whether the page that was read last is the last one.
    pub(super) fn done(&self) -> bool {
        self.next.is_none()
    }

    /// The next page, as upstream sent it; `None` behind the last. An object that is no collection ends the walk.
    pub(super) async fn read(
        &mut self,
        errand: &mut Errand<'_>,
        size: &mut PageSize,
        heavy: Heavy,
    ) -> Result<Option<Document>, AnswerError> {
        let Some(question) = self.next.clone() else {
            return Ok(None);
        };
        self.trail.step(&question)?;
        let mut counted = std::mem::take(&mut self.counted);
        let (sized, document) = loop {
            let sized = sized(&question, size, counted);
            match errand.ask(&sized.question, sized.divisible).await {
                Ok(document) => break (sized, document),
                // A count may take upstream longer than the rows do, or not be allowed.
                Err(FetchError::TooHeavy(_)) if counted => counted = false,
                Err(FetchError::Refused(_)) if counted => {
                    counted = false;
                    self.refuses_count = true;
                }
                Err(FetchError::TooHeavy(cause)) if heavy == Heavy::GiveBack => {
                    self.trail.back(&question);
                    return Err(FetchError::TooHeavy(cause).into());
                }
                Err(FetchError::TooHeavy(_)) => {
                    size.too_heavy(sized.rows);
                    tracing::warn!(
                        rows = size.limit(),
                        "upstream gave up on a page, asking for fewer rows at once"
                    );
                }
                Err(error) => return Err(error.into()),
            }
        };
        self.next = match &document {
            Document::Single(_) => None,
            Document::Collection(page) => {
                size.came(page.row_count, page.next.is_some());
                let next = self.behind(errand, &sized, &question, page)?;
                // Counted once.
                next.map(|next| next.without("$count"))
            }
        };
        Ok(Some(document))
    }

    /// Ends the walk here: the rest was read in another way.
    pub(super) fn end(&mut self) {
        self.next = None;
    }

    /// Reads on behind the end, because `rows` rows that it counted are not part of the answer.
    pub(super) fn extend(&mut self, rows: u64) -> Result<(), AnswerError> {
        let asked = self.asked().without("$count");
        self.next = Some(further(&asked, self.rows(), Some(rows))?);
        Ok(())
    }

    /// The question for what comes behind `page`.
    fn behind(
        &mut self,
        errand: &Errand<'_>,
        sized: &Sized,
        question: &Question,
        page: &Page,
    ) -> Result<Option<Question>, AnswerError> {
        let rows = page.row_count;
        self.walk.note(rows);
        if sized.limit.is_some() {
            // The end of our own `$top` is not the end of the rows, and a short page of it may be short because upstream
            // counts rows that it does not show.
            let more = rows > 0 || page.next.is_some();
            let left = question.top().map(|top| top.saturating_sub(rows));
            let next = (more && left != Some(0)).then(|| further(question, rows, left));
            return next.transpose();
        }
        let Some(link) = &page.next else {
            return self.behind_a_cut_without_link(question, rows);
        };
        self.linked = true;
        self.empty_in_a_row = if rows == 0 {
            self.empty_in_a_row + 1
        } else {
            0
        };
        if self.empty_in_a_row > EMPTY_PAGES_MAX {
            return Err(FetchError::BadResponse(BadResponse::Loop).into());
        }
        let next = self.walk.step(errand.site.root(), question, rows, link);
        Ok(Some(next.map_err(|fault| fault_of(&fault))?))
    }

    /// That upstream continues a `$top` above its page limit with a link is inferred, not known. In a walk that has
    /// seen no link, a page that is full to a published limit, though more was asked for, is looked behind.
    fn behind_a_cut_without_link(
        &self,
        question: &Question,
        rows: u64,
    ) -> Result<Option<Question>, AnswerError> {
        let left = question.top().and_then(|top| top.checked_sub(rows));
        let left = left.filter(|left| *left > 0);
        if self.linked || !PAGE_LIMITS.contains(&rows) {
            return Ok(None);
        }
        left.map(|left| further(question, rows, Some(left)))
            .transpose()
    }
}

/// The rows behind the first `rows` of `question`, `left` of them at most.
fn further(question: &Question, rows: u64, left: Option<u64>) -> Result<Question, AnswerError> {
    let place = question.skip().unwrap_or(0).checked_add(rows);
    let place = place.ok_or_else(|| AnswerError::InvalidOption {
        reason: "`$skip` is too large".to_owned(),
    })?;
    let next = question.with("$skip", &place.to_string());
    Ok(match left {
        Some(left) => next.with("$top", &left.to_string()),
        None => next,
    })
}

/// `question` for no more rows at once than upstream can bear. A place that only upstream's token knows cannot be
/// asked for in parts, nor can figures over many rows.
fn sized(question: &Question, size: &PageSize, counted: bool) -> Sized {
    let wanted = question.top();
    let rows = size.rows(wanted);
    let parts = matches!(question.resource(), Resource::Collection(_))
        && question.option("$skiptoken").is_none()
        && question.option("$apply").is_none();
    let limit = size
        .limit()
        .filter(|limit| parts && wanted.is_none_or(|wanted| wanted > *limit));
    let mut sent = match limit {
        Some(limit) => question.with("$top", &limit.to_string()),
        None => question.clone(),
    };
    if counted {
        sent = sent.with("$count", "true");
    }
    Sized {
        question: sent,
        rows,
        limit,
        divisible: counted || (parts && rows > 1),
    }
}

/// The questions of one walk, to recognise links that lead in circles. Another walk of the same answer may ask
/// the same: rows that share a parent share the links inside it.
#[derive(Debug, Default)]
struct Trail {
    /// Digests, because a question may be long and a walk, too.
    asked: HashSet<u128>,
}

impl Trail {
    /// Notes a question that is about to be asked; an error when this walk has asked it before.
    fn step(&mut self, question: &Question) -> Result<(), FetchError> {
        if self.asked.insert(digest(question)) {
            Ok(())
        } else {
            Err(FetchError::BadResponse(BadResponse::Loop))
        }
    }

    /// The question was not answered, and may be asked again.
    fn back(&mut self, question: &Question) {
        self.asked.remove(&digest(question));
    }
}

fn digest(question: &Question) -> u128 {
    xxh3_128(question.canonical().as_bytes())
}

/// A link that is not followed.
pub(in crate::gateway) fn fault_of(fault: &LinkFault) -> FetchError {
    FetchError::BadResponse(match fault {
        LinkFault::Back => BadResponse::Loop,
        LinkFault::Lost { .. } | LinkFault::Foreign(_) => BadResponse::ForeignLink {
            reason: fault.to_string(),
        },
    })
}

/// More empty pages than this one after the other are taken for a walk without an end.
const EMPTY_PAGES_MAX: u32 = 1000;

/// Rows of a full page, by the two editions of the service's documentation.
const PAGE_LIMITS: [u64; 2] = [100, 1000];
