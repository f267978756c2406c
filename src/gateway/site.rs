//! One site: where it is asked, what it hides, what it said last.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::error::AnswerError;
use super::ranges::RangeRules;
use super::status::SiteStatus;
use crate::odata::deny::DenyList;
use crate::odata::link::ServiceRoot;
use crate::odata::name::SiteId;
use crate::odata::schema::Schema;
use crate::telemetry;
use crate::upstream::Upstream;

/// A configured site.
#[derive(Debug)]
pub struct Site {
    id: SiteId,
    upstream: Upstream,
    root: ServiceRoot,
    deny: DenyList,
    retry_budget: Duration,
    ranges: RangeRules,
    learnt: Mutex<Learnt>,
}

/// What is known of a site by having asked it.
#[derive(Debug, Default)]
struct Learnt {
    schema: Option<(Arc<Schema>, Instant)>,
    generation: Generation,
    last_error: Option<(Timestamp, String)>,
}

/// How often the schema was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Generation(u64);

impl Site {
    /// A site that is asked through `upstream`. `retry_budget` is how long one answer may go on waiting for a
    /// struggling upstream; `ranges` says which sets are walked by date.
    pub fn new(
        id: SiteId,
        upstream: Upstream,
        deny: DenyList,
        retry_budget: Duration,
        ranges: RangeRules,
    ) -> Self {
        Self {
            id,
            root: ServiceRoot::new(upstream.service_root()),
            upstream,
            deny,
            retry_budget,
            ranges,
            learnt: Mutex::default(),
        }
    }

    /// Its name.
    pub fn id(&self) -> &SiteId {
        &self.id
    }

    pub(super) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    pub(super) fn root(&self) -> &ServiceRoot {
        &self.root
    }

    pub(super) fn deny(&self) -> &DenyList {
        &self.deny
    }

    pub(super) fn ranges(&self) -> &RangeRules {
        &self.ranges
    }

    pub(super) fn retry_budget(&self) -> Duration {
        self.retry_budget
    }

    /// What `$metadata` said when it was last read, and how long ago that was.
    pub(super) fn schema(&self) -> Option<(Arc<Schema>, Duration)> {
        let learnt = self.learnt();
        let (schema, read_at) = learnt.schema.as_ref()?;
        Some((Arc::clone(schema), read_at.elapsed()))
    }

    /// To be taken before `$metadata` is asked for, and handed to [`Site::learn_schema`].
    pub(super) fn schema_generation(&self) -> Generation {
        self.learnt().generation
    }

    /// Remembers what `$metadata` said to whoever asked for it in `generation`, unless it has been told to forget
    /// that since.
    pub(super) fn learn_schema(&self, schema: Schema, generation: Generation) -> Arc<Schema> {
        let schema = Arc::new(schema);
        let mut learnt = self.learnt();
        if learnt.generation == generation {
            learnt.schema = Some((Arc::clone(&schema), Instant::now()));
        }
        schema
    }

    /// Forgets the schema, and what those will learn who have asked for it already.
    pub(super) fn forget_schema(&self) {
        let mut learnt = self.learnt();
        learnt.schema = None;
        learnt.generation.0 += 1;
    }

    pub(super) fn note_error(&self, when: Timestamp, error: &AnswerError) {
        self.learnt().last_error = Some((when, telemetry::chain(error)));
    }

    pub(super) fn status(&self) -> SiteStatus {
        SiteStatus {
            site: self.id.clone(),
            endpoint: self.upstream.service_root().to_string(),
            token: self.upstream.authorizer().state(),
            token_requests: self.upstream.authorizer().requests(),
            upstream: self.upstream.metrics().counts(),
            lane: self.upstream.lane().status(),
            last_error: self.learnt().last_error.clone(),
        }
    }

    fn learnt(&self) -> MutexGuard<'_, Learnt> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
