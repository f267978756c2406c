//! A collection's pages, one after the other, as upstream's next links lead.

use std::collections::HashSet;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};

use super::error::AnswerError;
use super::nested;
use super::site::Site;
use crate::cache::Progress;
use crate::odata::next;
use crate::odata::page::{self, Document, Page};
use crate::odata::question::Question;
use crate::odata::representation::Representation;
use crate::upstream::{BadResponse, FetchError, RetryBudget, Turn};

/// What one answer needs for asking upstream, as often as it takes.
#[derive(Debug)]
pub(super) struct Errand<'a> {
    pub(super) site: &'a Site,
    pub(super) representation: Representation,
    pub(super) budget: RetryBudget,
    pub(super) progress: &'a Progress,
    /// Whether nothing has been asked yet: only the first request of an answer may be turned away by a full
    /// queue.
    pub(super) turn: Turn,
    /// Questions asked so far.
    asked: usize,
}

impl<'a> Errand<'a> {
    pub(super) fn new(
        site: &'a Site,
        representation: Representation,
        progress: &'a Progress,
    ) -> Self {
        Self {
            site,
            representation,
            budget: RetryBudget::new(site.retry_budget()),
            progress,
            turn: Turn::First,
            asked: 0,
        }
    }

    /// Asks for one JSON document.
    pub(super) async fn ask(&mut self, question: &Question) -> Result<Document, FetchError> {
        if self.asked >= PAGES_MAX {
            return Err(FetchError::BadResponse(BadResponse::TooManyPages {
                limit: PAGES_MAX as u64,
            }));
        }
        self.asked += 1;
        let target = question.canonical();
        let accept = self.representation.accept();
        self.fetch(&target, &accept, |body| {
            page::parse(&body).map_err(|error| BadResponse::Malformed {
                reason: error.to_string(),
            })
        })
        .await
    }

    /// Asks for the body of `target`, canonical text below the service root.
    pub(super) async fn fetch<T>(
        &mut self,
        target: &str,
        accept: &str,
        parse: impl Fn(Bytes) -> Result<T, BadResponse> + Send + Sync,
    ) -> Result<T, FetchError> {
        let upstream = self.site.upstream();
        let failing = self.budget.failing();
        let fetched = upstream
            .fetch_checked(target, accept, self.turn, &mut self.budget, parse)
            .await;
        let failing = self.budget.failing().saturating_sub(failing);
        self.progress.add_time(failing);
        let fetched = fetched?;
        self.turn = Turn::Next;
        self.progress.add_page(fetched.elapsed);
        Ok(fetched.content)
    }
}

/// The questions of one walk, to recognise links that lead in circles. Another walk of the same answer may ask
/// the same: rows that share a parent share the links inside it.
#[derive(Debug, Default)]
pub(super) struct Trail {
    asked: HashSet<String>,
}

impl Trail {
    /// Notes a question that is about to be asked; an error when this walk has asked it before.
    pub(super) fn step(&mut self, question: &Question) -> Result<(), FetchError> {
        if self.asked.insert(question.canonical()) {
            Ok(())
        } else {
            Err(FetchError::BadResponse(BadResponse::Loop))
        }
    }
}

/// Walks from page to page.
#[derive(Debug)]
pub(super) struct Pages {
    asked: Question,
    trail: Trail,
    next: Option<Question>,
    context: Option<String>,
    first: bool,
}

/// What a page turned out to be.
#[derive(Debug)]
pub(super) enum Part {
    /// A page of rows, with expanded collections completed.
    Page(Page),
    /// No collection, but an object: the whole answer.
    Single(Bytes),
}

impl Pages {
    pub(super) fn of(question: Question) -> Self {
        Self {
            next: Some(question.clone()),
            asked: question,
            trail: Trail::default(),
            context: None,
            first: true,
        }
    }

    /// Whether the page that was read last is the last one.
    pub(super) fn done(&self) -> bool {
        self.next.is_none()
    }

    /// The next page; `None` behind the last. Boxed, because completing a page may walk other pages.
    pub(super) fn read<'a>(
        &'a mut self,
        errand: &'a mut Errand<'_>,
    ) -> BoxFuture<'a, Result<Option<Part>, AnswerError>> {
        async move {
            let Some(question) = self.next.clone() else {
                return Ok(None);
            };
            self.trail.step(&question)?;
            let mut page = match errand.ask(&question).await? {
                Document::Collection(page) => page,
                Document::Single(body) if self.first => {
                    self.next = None;
                    return Ok(Some(Part::Single(body)));
                }
                Document::Single(_) => return Err(malformed("a page without rows")),
            };
            self.check_context(&page)?;
            self.next = self.next_question(errand, &question, &page)?;
            self.first = false;
            page.rows = nested::complete(errand, page.rows).await?;
            Ok(Some(Part::Page(page)))
        }
        .boxed()
    }

    fn next_question(
        &self,
        errand: &Errand<'_>,
        question: &Question,
        page: &Page,
    ) -> Result<Option<Question>, AnswerError> {
        let Some(link) = &page.next else {
            return Ok(None);
        };
        let foreign = |reason| FetchError::BadResponse(BadResponse::ForeignLink { reason });
        let next = next::continuation(errand.site.root(), &self.asked, link).map_err(foreign)?;
        if !next::advances(question, page.row_count, &next) {
            return Err(FetchError::BadResponse(BadResponse::Loop).into());
        }
        Ok(Some(next))
    }

    /// Pages of different collections or projections must not be joined (JSON Format 4.0, section 10).
    fn check_context(&mut self, page: &Page) -> Result<(), AnswerError> {
        let fragment = |context: &str| {
            context
                .split_once('#')
                .map(|(_, fragment)| fragment.to_owned())
        };
        let context = page.context.as_deref().and_then(fragment);
        if self.first {
            self.context = context;
        } else if context != self.context {
            return Err(FetchError::BadResponse(BadResponse::ContextChanged).into());
        }
        Ok(())
    }
}

/// An answer that upstream should not have given.
pub(super) fn malformed(reason: impl Into<String>) -> AnswerError {
    FetchError::BadResponse(BadResponse::Malformed {
        reason: reason.into(),
    })
    .into()
}

/// More pages than this are taken for a walk without an end; at 1000 rows a page it is a billion rows.
const PAGES_MAX: usize = 1_000_000;
