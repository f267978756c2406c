//! Answers that are part of a stored one: given without asking upstream.

use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::error::SharedError;
use super::plan::Plan;
use super::site::Site;
use super::{Answer, AnswerBody, Ask, Gateway, Outcome, Party, Prepared};
use crate::cache::{CacheKey, Content, Directives, Entry, Hit, HitState, Pieces, Wish};
use crate::odata::contained::{
    Candidate, Columns, Cut, Derivation, Extraction, KeyPredicate, RowCount, candidates,
};
use crate::odata::neutral::NeutralText;

impl Gateway {
    /// Looks for a stored answer that holds the one to the question, and cuts it out. `None` when there is none of use, or
    /// when anything is in doubt.
    pub(super) async fn contained(
        &self,
        site: &Arc<Site>,
        prepared: &Prepared,
        directives: Directives,
    ) -> Option<Answer> {
        let Prepared { key, plan, .. } = prepared;
        if directives.no_cache || matches!(plan, Plan::Collection { page: Some(_), .. }) {
            return None;
        }
        for Candidate { parent, derivation } in candidates(key.question()) {
            let wish = Wish {
                lifetime: self.lifetimes.of(&parent),
                directives,
            };
            let whole = CacheKey::new(site.id().clone(), parent, key.representation(), None);
            self.cache.recall(&whole, &wish).await;
            let Some(hit) = self.cache.peek(&whole, &wish) else {
                continue;
            };
            let stale = matches!(hit.state, HitState::Stale { .. });
            let facts = &hit.entry.facts;
            if !derivation.is_exact(facts.rows, facts.ordered_rows)
                || (stale && !self.may_be_stale(prepared, &derivation, &hit, directives))
            {
                continue;
            }
            let part = match &derivation {
                Derivation::Count => Some(count(&hit.entry)),
                derivation => match aim(site, key, &hit.entry, derivation) {
                    Some(aim) => self.cut(&hit.entry, aim).await,
                    None => None,
                },
            };
            let Some(part) = part else { continue };
            if stale && !asks_for_no_rows(&derivation) && !directives.only_if_cached {
                self.refresh_whole(site, &whole).await;
            }
            return Some(answer(&hit, part));
        }
        None
    }

    /// Whether a part of an answer that is stale will do: not when the question has a younger answer of its own, and not
    /// some of the rows, because a client may fetch the others from upstream, and those between would be missing.
    fn may_be_stale(
        &self,
        prepared: &Prepared,
        derivation: &Derivation,
        whole: &Hit<SharedError>,
        directives: Directives,
    ) -> bool {
        if let Derivation::Rows { skip, top, .. } = derivation
            && (*skip > 0 || top.is_some_and(|top| top > 0))
        {
            return false;
        }
        let own = self.cache.peek(&prepared.key, &prepared.wish(directives));
        own.is_none_or(|own| own.age > whole.age)
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

/// A larger part is asked for upstream, by itself.
const PART_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A larger text is not gone through for a part of it: upstream is as fast.
const SEARCHED_BYTES_MAX: u64 = 256 * 1024 * 1024;
