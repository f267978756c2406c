//! What a site's `$metadata` says, and what follows from it: which questions are refused, and which sets there are.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::plan::Plan;
use super::{AnswerError, Directives, Gateway, PATIENCE_WITH_STAND_IN, Party, SharedError, Site};
use crate::cache::{CacheKey, Found, Lifetime, Wish};
use crate::odata::question::Question;
use crate::odata::representation::Representation;
use crate::odata::schema::Schema;

impl Gateway {
    /// Upstream's 404 for a set that `$metadata` does not have says less than we can: names that are close.
    pub(super) async fn name_unknown_set(
        &self,
        site: &Arc<Site>,
        question: &Question,
        error: SharedError,
    ) -> SharedError {
        let (true, Some(set)) = (error.is_not_found(), question.set()) else {
            return error;
        };
        match self.schema(site).await {
            Ok(schema) if schema.set(set.as_str()).is_none() => {
                unknown_set(site, set.as_str(), Some(&schema))
            }
            _ => error,
        }
    }

    /// Refuses what the deny list hides: the sets themselves, and questions that reach them by navigation,
    /// which only `$metadata` can tell.
    pub(super) async fn refuse_blocked(
        &self,
        site: &Arc<Site>,
        question: &Question,
    ) -> Result<(), SharedError> {
        let deny = site.deny();
        if let Some(set) = question.set().filter(|set| deny.denies(set.as_str())) {
            return Err(AnswerError::Blocked {
                set: set.to_string(),
            }
            .into());
        }
        if !deny.needs_schema(question) {
            return Ok(());
        }
        let crossed = match self.schema(site).await {
            Ok(schema) => deny.crosses(question, &schema),
            // A service without `$metadata` has no navigation that we could know of; names must do.
            Err(error) if error.is_not_found() => deny.crosses_by_name(question),
            Err(error) => return Err(error),
        };
        match crossed {
            Some(set) => Err(AnswerError::Blocked { set }.into()),
            None => Ok(()),
        }
    }

    /// What the site's `$metadata` says; asked for once, through the cache like any client's question.
    pub(super) async fn schema(&self, site: &Arc<Site>) -> Result<Arc<Schema>, SharedError> {
        let question = Question::metadata();
        let lifetime = self.lifetimes.of(&question);
        let known = site.schema();
        if let Some((schema, age)) = &known
            && *age < lifetime.fresh.max(SCHEMA_AGE_MIN)
        {
            return Ok(Arc::clone(schema));
        }
        Box::pin(self.read_schema(site, question, lifetime, known)).await
    }

    /// Reads `$metadata`; what was `known` of it is better than no answer at all.
    async fn read_schema(
        &self,
        site: &Arc<Site>,
        question: Question,
        lifetime: Lifetime,
        known: Option<(Arc<Schema>, Duration)>,
    ) -> Result<Arc<Schema>, SharedError> {
        let representation = Representation::default();
        let key = CacheKey::new(site.id().clone(), question, representation, None);
        let party = Party::default();
        if let Some((schema, age)) = known {
            let fill = self.filling(site, &key, Plan::Metadata, party);
            let begun = self.cache.refresh(key, lifetime, fill);
            // Nobody waits for what is known already, unless it is old, and then not for long. A new one may be being made,
            // or have been tried in vain just now.
            if age >= lifetime.fresh.saturating_add(lifetime.while_revalidate)
                && let Ok(end) = begun
            {
                drop(timeout(PATIENCE_WITH_STAND_IN, end).await);
            }
            return Ok(site.schema().map_or(schema, |(newest, _)| newest));
        }
        let wish = Wish {
            lifetime,
            directives: Directives {
                no_cache: true,
                ..Directives::default()
            },
        };
        for _ in 0..SCHEMA_READS_MAX {
            let (key, plan) = (key.clone(), Plan::Metadata);
            let found = self.fill_or_find(site, key, wish, plan, party, None);
            if let Found::Filling(mut coming) | Found::Joined(mut coming) = found {
                let reader = &mut coming.reader;
                while let Some(part) = reader.next().await {
                    part?;
                }
            }
            if let Some((schema, _)) = site.schema() {
                return Ok(schema);
            }
        }
        Err(AnswerError::Interrupted.into())
    }
}

/// An unknown set, with names that are close and may be shown.
pub(super) fn unknown_set(site: &Site, set: &str, schema: Option<&Schema>) -> SharedError {
    let near = schema
        .map(|schema| schema.nearest_sets(set))
        .unwrap_or_default();
    let shown = near.into_iter().filter(|near| !site.deny().denies(near));
    Arc::new(AnswerError::UnknownSet {
        set: set.to_owned(),
        near: shown.map(str::to_owned).collect(),
    })
}

/// What `$metadata` said is believed at least so long, even where the operator wants it not to be stored.
const SCHEMA_AGE_MIN: Duration = Duration::from_mins(1);

/// `$metadata` is read so often for one question when it is purged each time while it is being read.
const SCHEMA_READS_MAX: u32 = 5;
