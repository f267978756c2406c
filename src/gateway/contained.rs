//! Answers that are part of a stored one: given without asking upstream.

use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::error::SharedError;
use super::plan::Plan;
use super::site::Site;
use super::{Answer, AnswerBody, Gateway, Outcome, Prepared};
use crate::cache::{CacheKey, Content, Directives, Entry, Hit, HitState, Pieces, Wish};
use crate::odata::contained::{
    Candidate, Columns, Cut, Derivation, Extraction, KeyPredicate, RowCount, candidates,
};
use crate::odata::neutral::NeutralText;
use crate::odata::schema::Schema;

/// A part of a stored answer.
pub(super) struct Contained {
    pub(super) answer: Answer,
    /// Whether the question should be asked by itself for those who come later: what it was cut from is stale, and made
    /// anew only when somebody asks for all of it.
    pub(super) wants_refresh: bool,
}

impl Gateway {
    /// Looks for a stored answer that holds the one to the question, and cuts it out. `None` when there is none of use, or
    /// when anything is in doubt.
    pub(super) async fn contained(
        &self,
        site: &Arc<Site>,
        prepared: &Prepared,
        directives: Directives,
    ) -> Option<Contained> {
        let Prepared { key, plan, .. } = prepared;
        if directives.no_cache || matches!(plan, Plan::Collection { page: Some(_), .. }) {
            return None;
        }
        for Candidate { parent, derivation } in candidates(key.question()) {
            let wish = Wish {
                lifetime: self.lifetimes.of(&parent),
                directives,
            };
            let parent = CacheKey::new(site.id().clone(), parent, key.representation(), None);
            let Some(hit) = self.cache.peek(&parent, &wish) else {
                continue;
            };
            let facts = &hit.entry.facts;
            if !derivation.is_exact(facts.rows, facts.ordered_rows) {
                continue;
            }
            let part = match &derivation {
                Derivation::Count => Some(count(&hit.entry)),
                derivation => {
                    let aim = self.aim(site, key, &hit.entry, derivation).await;
                    cut(&hit.entry, aim?).await
                }
            };
            if let Some(part) = part {
                let stale = matches!(hit.state, HitState::Stale { .. });
                return Some(Contained {
                    wants_refresh: stale && !asks_for_no_rows(&derivation),
                    answer: answer(&hit, part),
                });
            }
        }
        None
    }

    /// What is to be cut from `whole`; `None` when that is in doubt.
    async fn aim(
        &self,
        site: &Arc<Site>,
        key: &CacheKey,
        whole: &Entry,
        derivation: &Derivation,
    ) -> Option<Extraction> {
        let set = key.set()?.as_str();
        match derivation {
            Derivation::Count => None,
            Derivation::Rows {
                skip,
                top,
                count,
                select,
            } => {
                let columns = match select {
                    Some(names) => {
                        let schema = self.schema(site).await.ok()?;
                        Some(Columns::new(schema.set(set)?.1, names)?)
                    }
                    None => None,
                };
                let cut = Cut {
                    skip: *skip,
                    top: *top,
                    count: count.then(|| RowCount {
                        rows: whole.facts.rows,
                        ieee754_compatible: key.representation().ieee754_compatible,
                    }),
                    columns,
                };
                Some(Extraction::rows(cut, PART_BYTES_MAX))
            }
            Derivation::Entity { key } => {
                if whole.facts.text_len > SEARCHED_BYTES_MAX {
                    return None;
                }
                let schema: Arc<Schema> = self.schema(site).await.ok()?;
                let predicate = KeyPredicate::new(schema.set(set)?.1, key)?;
                Some(Extraction::entity(predicate, PART_BYTES_MAX))
            }
        }
    }
}

fn answer(hit: &Hit<SharedError>, part: Entry) -> Answer {
    Answer {
        content: part.facts.content,
        outcome: Outcome::contained(hit),
        way: None,
        page_size: None,
        body: AnswerBody::Stored(Arc::new(part)),
    }
}

/// Power Query looks at the columns this way: nothing in the answer can be stale.
fn asks_for_no_rows(derivation: &Derivation) -> bool {
    let none = Some(0);
    matches!(derivation, Derivation::Rows { top, count: false, .. } if *top == none)
}

fn count(whole: &Entry) -> Entry {
    let mut text = NeutralText::new();
    text.push(whole.facts.rows.to_string());
    Entry::of(Content::Text, whole.facts.fetched_at, &text, 0)
}

/// Cuts a part out of `whole`. On another thread: a search goes through all of it.
async fn cut(whole: &Arc<Entry>, mut aim: Extraction) -> Option<Entry> {
    let whole = Arc::clone(whole);
    let cut = spawn_blocking(move || {
        for piece in Pieces::of(Arc::clone(&whole)) {
            let piece = piece
                .inspect_err(|error| tracing::warn!(%error, "a stored answer cannot be read"))
                .ok()?;
            if aim.push(&piece) == ControlFlow::Break(()) {
                break;
            }
        }
        let part = aim.finish()?;
        let facts = &whole.facts;
        Some(Entry::of(
            facts.content,
            facts.fetched_at,
            &part.text,
            part.rows,
        ))
    });
    cut.await.ok()?
}

/// A larger part is asked for upstream, by itself.
const PART_BYTES_MAX: usize = 16 * 1024 * 1024;

/// In a larger text no row is searched for by its key: upstream finds it as fast.
const SEARCHED_BYTES_MAX: u64 = 256 * 1024 * 1024;
