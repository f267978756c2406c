//! A collection's pages, one after the other, as upstream's next links lead.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use xxhash_rust::xxh3::xxh3_128;

use super::error::AnswerError;
use super::nested;
use super::site::Site;
use crate::cache::Progress;
use crate::odata::next::{LinkFault, Walk};
use crate::odata::page::{self, Document, Page};
use crate::odata::question::{Question, Resource};
use crate::odata::representation::Representation;
use crate::upstream::{BadResponse, Class, FetchError, Party, Query, RetryBudget, Turn, Visit};

/// How the requests of one answer queue.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    pub(super) class: Class,
    pub(super) party: Party,
    /// What is asked, for the operator.
    pub(super) what: Arc<str>,
}

/// What one answer needs for asking upstream, as often as it takes.
#[derive(Debug)]
pub(super) struct Errand<'a> {
    pub(super) site: &'a Site,
    pub(super) representation: Representation,
    /// The representation that the first response says it has; what was asked for, when it says nothing.
    pub(super) sent: Representation,
    pub(super) budget: RetryBudget,
    pub(super) progress: &'a Progress,
    /// Whether nothing has been asked yet: only the first request of an answer may be turned away by a full
    /// queue.
    pub(super) turn: Turn,
    /// How its requests queue.
    queue: Queue,
    /// Questions asked so far.
    asked: usize,
}

impl<'a> Errand<'a> {
    pub(super) fn new(
        site: &'a Site,
        representation: Representation,
        progress: &'a Progress,
        queue: Queue,
    ) -> Self {
        Self {
            site,
            representation,
            sent: representation,
            budget: RetryBudget::new(site.retry_budget()),
            progress,
            turn: Turn::First,
            queue,
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
        let rows_due = matches!(question.resource(), Resource::Collection(_));
        self.fetch(&target, &accept, move |body| match page::parse(&body) {
            Ok(Document::Single(_)) if rows_due => Err(BadResponse::Malformed {
                reason: "no rows where a collection was asked for".to_owned(),
            }),
            Ok(document) => Ok(document),
            Err(error) => Err(BadResponse::Malformed {
                reason: error.to_string(),
            }),
        })
        .await
    }

    /// Asks for the body of `target`, canonical text below the service root.
    pub(super) async fn fetch<T: Send + 'static>(
        &mut self,
        target: &str,
        accept: &str,
        parse: impl Fn(Bytes) -> Result<T, BadResponse> + Send + Sync + 'static,
    ) -> Result<T, FetchError> {
        let upstream = self.site.upstream();
        let failing = self.budget.failing();
        let query = Query {
            target,
            accept,
            visit: Visit {
                class: self.queue.class,
                turn: self.turn,
                party: self.queue.party,
                what: Arc::clone(&self.queue.what),
            },
            divisible: false,
        };
        let fetched = upstream.fetch_checked(query, &mut self.budget, parse).await;
        let failing = self.budget.failing().saturating_sub(failing);
        self.progress.add_time(failing);
        let fetched = fetched?;
        if self.turn == Turn::First {
            let said = fetched.content_type.as_deref();
            let said = said.and_then(Representation::from_content_type);
            self.sent = said.unwrap_or(self.representation);
        }
        self.turn = Turn::Next;
        self.progress.add_page(fetched.elapsed);
        Ok(fetched.content)
    }
}

/// The questions of one walk, to recognise links that lead in circles. Another walk of the same answer may ask
/// the same: rows that share a parent share the links inside it.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// Digests, because a question may be long and a walk, too.
    asked: HashSet<u128>,
}

impl Trail {
    /// Notes a question that is about to be asked; an error when this walk has asked it before.
    pub(super) fn step(&mut self, question: &Question) -> Result<(), FetchError> {
        if self.asked.insert(xxh3_128(question.canonical().as_bytes())) {
            Ok(())
        } else {
            Err(FetchError::BadResponse(BadResponse::Loop))
        }
    }
}

/// Walks from page to page.
#[derive(Debug)]
pub(super) struct Pages {
    walk: Walk,
    trail: Trail,
    next: Option<Question>,
    context: Option<String>,
    first: bool,
    empty_in_a_row: u32,
    /// Whether upstream has written a link in this walk.
    linked: bool,
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
    /// All pages of what `question` finds.
    pub(super) fn of(question: Question) -> Self {
        Self::from(Walk::of(question.clone()), question)
    }

    /// The pages of a walk from `next` on.
    pub(super) fn from(walk: Walk, next: Question) -> Self {
        Self {
            walk,
            trail: Trail::default(),
            next: Some(next),
            context: None,
            first: true,
            empty_in_a_row: 0,
            linked: false,
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
            page.rows = nested::complete(errand, self.walk.asked(), page.rows).await?;
            Ok(Some(Part::Page(page)))
        }
        .boxed()
    }

    fn next_question(
        &mut self,
        errand: &Errand<'_>,
        question: &Question,
        page: &Page,
    ) -> Result<Option<Question>, AnswerError> {
        self.walk.note(page.row_count);
        let Some(link) = &page.next else {
            return Ok(self.behind_a_cut_without_link(question, page.row_count));
        };
        self.linked = true;
        self.empty_in_a_row = if page.row_count == 0 {
            self.empty_in_a_row + 1
        } else {
            0
        };
        if self.empty_in_a_row > EMPTY_PAGES_MAX {
            return Err(FetchError::BadResponse(BadResponse::Loop).into());
        }
        let root = errand.site.root();
        let next = self.walk.step(root, question, page.row_count, link);
        Ok(Some(next.map_err(|fault| fault_of(&fault))?))
    }

    /// That upstream continues a `$top` above its page limit with a link is inferred, not known. In a walk that has
    /// seen no link, a page that is full to a published limit, though more was asked for, is looked behind.
    fn behind_a_cut_without_link(&self, question: &Question, rows: u64) -> Option<Question> {
        let left = question.top()?.checked_sub(rows).filter(|left| *left > 0)?;
        if self.linked || !PAGE_LIMITS.contains(&rows) {
            return None;
        }
        let place = question.skip().unwrap_or(0) + rows;
        Some(
            question
                .with("$skip", &place.to_string())
                .with("$top", &left.to_string()),
        )
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

/// A link that is not followed.
pub(super) fn fault_of(fault: &LinkFault) -> FetchError {
    FetchError::BadResponse(match fault {
        LinkFault::Back => BadResponse::Loop,
        LinkFault::Lost { .. } | LinkFault::Foreign(_) => BadResponse::ForeignLink {
            reason: fault.to_string(),
        },
    })
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

/// More empty pages than this one after the other are taken for a walk without an end.
const EMPTY_PAGES_MAX: u32 = 1000;

/// Rows of a full page, by the two editions of the service's documentation.
const PAGE_LIMITS: [u64; 2] = [100, 1000];
