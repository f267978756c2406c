//! What one answer needs for asking upstream, as often as it takes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::site::Site;
use crate::cache::Progress;
use crate::odata::csdl;
use crate::odata::page::{self, Document, Page};
use crate::odata::question::{Question, Resource};
use crate::odata::representation::Representation;
use crate::odata::schema::Schema;
use crate::telemetry::chain;
use crate::upstream::{
    Awaited, BadResponse, Checked, Class, FetchError, Party, Query, RetryBudget, Turn, Visit,
};

/// How the requests of one answer queue while somebody waits for it.
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

    /// Asks for one JSON document. `divisible`: [`FetchError::TooHeavy`] is welcome, because there is a question for
    /// less.
    pub(super) async fn ask(
        &mut self,
        question: &Question,
        divisible: bool,
    ) -> Result<Document, FetchError> {
        if self.asked >= PAGES_MAX {
            return Err(FetchError::BadResponse(BadResponse::TooManyPages {
                limit: PAGES_MAX as u64,
            }));
        }
        self.asked += 1;
        let target = question.canonical();
        let accept = self.representation.accept();
        let rows_due = matches!(question.resource(), Resource::Collection(_));
        let parse = move |body: Bytes| match page::parse(&body) {
            Ok(Document::Single(_)) if rows_due => Err(BadResponse::Malformed {
                reason: "no rows where a collection was asked for".to_owned(),
            }),
            Ok(document) => Ok(document),
            Err(error) => Err(BadResponse::Malformed {
                reason: error.to_string(),
            }),
        };
        let fetched = self.send(&target, &accept, divisible, parse).await?;
        self.progress.add_page(fetched.elapsed);
        Ok(fetched.content)
    }

    /// What `$metadata` says, asked for when nobody has needed it yet.
    pub(super) async fn schema(&mut self) -> Result<Arc<Schema>, FetchError> {
        if let Some((schema, _)) = self.site.schema() {
            return Ok(schema);
        }
        let read = |body: Bytes| {
            csdl::parse(&body).map_err(|error| BadResponse::Malformed {
                reason: error.to_string(),
            })
        };
        let generation = self.site.schema_generation();
        let fetched = self
            .send("$metadata", "application/xml", false, read)
            .await?;
        Ok(self.site.learn_schema(fetched.content, generation))
    }

    /// The same for something that is welcome and not needed: one attempt, and no error.
    pub(super) async fn schema_if_possible(&mut self) -> Option<Arc<Schema>> {
        let budget = std::mem::replace(&mut self.budget, RetryBudget::new(Duration::ZERO));
        let schema = self.schema().await;
        self.budget = budget;
        schema
            .inspect_err(
                |error| tracing::debug!(error = %chain(error), "going on without $metadata"),
            )
            .ok()
    }

    /// The same for a collection that is welcome and not needed: one attempt, and no error.
    pub(super) async fn page_if_possible(&mut self, question: &Question) -> Option<Page> {
        let budget = std::mem::replace(&mut self.budget, RetryBudget::new(Duration::ZERO));
        let document = self.ask(question, false).await;
        self.budget = budget;
        match document {
            Ok(Document::Collection(page)) => Some(page),
            Ok(Document::Single(_)) => None,
            Err(error) => {
                tracing::debug!(error = %chain(&error), "going on without an answer");
                None
            }
        }
    }

    /// Asks for the body of `target`, canonical text below the service root.
    pub(super) async fn fetch<T: Send + 'static>(
        &mut self,
        target: &str,
        accept: &str,
        parse: impl Fn(Bytes) -> Result<T, BadResponse> + Send + Sync + 'static,
    ) -> Result<T, FetchError> {
        let fetched = self.send(target, accept, false, parse).await?;
        self.progress.add_page(fetched.elapsed);
        Ok(fetched.content)
    }

    async fn send<T: Send + 'static>(
        &mut self,
        target: &str,
        accept: &str,
        divisible: bool,
        parse: impl Fn(Bytes) -> Result<T, BadResponse> + Send + Sync + 'static,
    ) -> Result<Checked<T>, FetchError> {
        let upstream = self.site.upstream();
        let failing = self.budget.failing();
        let query = Query {
            target,
            accept,
            visit: Visit {
                class: self.queue.class,
                awaited: Awaited::by(self.progress.awaited()),
                turn: self.turn,
                party: self.queue.party,
                what: Arc::clone(&self.queue.what),
            },
            divisible,
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
        Ok(fetched)
    }
}

/// More questions than this for one answer are taken for a walk without an end; at 1000 rows a page it is a billion
/// rows.
const PAGES_MAX: usize = 1_000_000;
