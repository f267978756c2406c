//! Answers that are part of a stored one: given without asking upstream.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::plan::Plan;
use super::site::Site;
use super::stand_in::Spare;
use super::{Answer, Ask, Gateway, Outcome, Party, Prepared};
use crate::cache::{CacheKey, Content, Directives, Entry, HitState, Pieces, Wish};
use crate::odata::contained::{
    Candidate, Columns, Cut, Derivation, Extraction, KeyPredicate, RowCount, candidates,
};
use crate::odata::neutral::NeutralText;

/// What a stored answer that holds the one to a question is good for.
#[derive(Debug)]
pub(super) enum Contained {
    /// A part of it is the answer.
    Given(Answer),
    /// A part of it will do when the question cannot be answered.
    Spare(Spare),
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
        let mut spare = None;
        for Candidate { parent, derivation } in candidates(key.question()) {
            let wish = Wish {
                lifetime: self.lifetimes.of(&parent),
                directives,
            };
            let whole = CacheKey::new(site.id().clone(), parent, key.representation(), None);
            self.cache.recall(&whole, &wish).await;
            let Some(found) = self.cache.peek(&whole, &wish) else {
                continue;
            };
            let fresh = matches!(found.state, Some(HitState::Fresh { .. }));
            let facts = &found.entry().facts;
            if !derivation.is_exact(facts.rows, facts.ordered_rows)
                || (!fresh && !self.may_be_stale(prepared, &derivation, found.age, directives))
            {
                continue;
            }
            if found.state.is_none() {
                spare.get_or_insert_with(|| Spare {
                    whole: found.later(),
                    derivation,
                });
                continue;
            }
            let part = self.part(site, key, found.entry(), &derivation).await;
            let (Some(part), Some(hit)) = (part, found.give()) else {
                continue;
            };
            let stale = matches!(hit.state, HitState::Stale { .. });
            if stale && !asks_for_no_rows(&derivation) && !directives.only_if_cached {
                self.refresh_whole(site, &whole).await;
            }
            let outcome = Outcome::contained(&hit);
            return Some(Contained::Given(Answer::part(part, outcome)));
        }
        spare.map(Contained::Spare)
    }

    /// The part of `whole` that answers the question of `key`; `None` when anything is in doubt.
    pub(super) async fn part(
        &self,
        site: &Site,
        key: &CacheKey,
        whole: &Arc<Entry>,
        derivation: &Derivation,
    ) -> Option<Entry> {
        match derivation {
            Derivation::Count => Some(count(whole)),
            derivation => self.cut(whole, aim(site, key, whole, derivation)?).await,
        }
    }

    /// Whether a part of an answer of this age that is stale will do: not when the question has a younger answer of its
    /// own, and not some of the rows, because a client may fetch the others from upstream, and those between would be
    /// missing.
    fn may_be_stale(
        &self,
        prepared: &Prepared,
        derivation: &Derivation,
        age: Duration,
        directives: Directives,
    ) -> bool {
        if let Derivation::Rows { skip, top, .. } = derivation
            && (*skip > 0 || top.is_some_and(|top| top > 0))
        {
            return false;
        }
        let own = self.cache.peek(&prepared.key, &prepared.wish(directives));
        own.is_none_or(|own| own.age > age)
    }

    /// Has the whole made anew in the background.
    async fn refresh_whole(&self, site: &Arc<Site>, whole: &CacheKey) {
        let ask = Ask {
            question: whole.question().clone().into(),
            representation: whole.representation(),
            page_size: None,
            directives: Directives::default(),
            party: Party::default(),
        };
        if let Ok(prepared) = self.prepare(site, &ask).await {
            // When it is being made already, or was tried in vain just now, that is all right.
            drop(self.begin_refresh(site, prepared));
        }
    }

    /// Cuts a part out of `whole`. On another thread, and not on many: a search goes through all of the text.
    async fn cut(&self, whole: &Arc<Entry>, mut aim: Extraction) -> Option<Entry> {
        let turn = Arc::clone(&self.cuts).acquire_owned().await.ok()?;
        let whole = Arc::clone(whole);
        let cut = spawn_blocking(move || {
            // Held until the end, though the client may leave before.
            let _turn = turn;
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
}

/// What is to be cut from `whole`; `None` when that is in doubt, or takes longer than to ask upstream.
fn aim(site: &Site, key: &CacheKey, whole: &Entry, derivation: &Derivation) -> Option<Extraction> {
    let set = key.set()?.as_str();
    // Not asked for: what lies ready must not wait for upstream.
    let schema = || site.schema().map(|(schema, _)| schema);
    let text_len = whole.facts.text_len;
    match derivation {
        Derivation::Count => None,
        Derivation::Rows {
            skip,
            top,
            count,
            select,
        } => {
            if (*skip > 0 || top.is_none()) && text_len > SEARCHED_BYTES_MAX {
                return None;
            }
            let columns = match select {
                Some(names) => Some(Columns::new(schema()?.set(set)?.1, names)?),
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
            if text_len > SEARCHED_BYTES_MAX {
                return None;
            }
            let predicate = KeyPredicate::new(schema()?.set(set)?.1, key)?;
            Some(Extraction::entity(predicate, PART_BYTES_MAX))
        }
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

/// A larger part is asked for upstream, by itself.
const PART_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A larger text is not gone through for a part of it: upstream is as fast.
const SEARCHED_BYTES_MAX: u64 = 256 * 1024 * 1024;
