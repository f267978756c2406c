//! The one path from a question to its answer.
//!
//! [`Gateway::answer`] checks what may be shown, plans (pure), looks into the cache, and on a miss fills from
//! upstream. It knows nothing of sockets, hosts and headers: that is `web`.
//!
//! Invariant: an answer is complete, or it is visibly an error. If a later page fails for good, the body ends
//! with that error, and `web` cuts the connection.

mod contained;
mod errand;
mod error;
mod fill;
mod lifetime;
mod nested;
mod offered;
mod outcome;
mod pace;
mod plan;
mod progress;
mod ranges;
mod refresh;
mod renewable;
mod schema;
mod site;
mod stand_in;
mod status;
mod stored;
mod walk;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::Instrument;

use self::contained::Contained;
use self::errand::Queue;
use self::plan::Plan;
use self::stand_in::{Because, Spare, StandIn};
use crate::cache::{
    Cache, CacheKey, Coming, Content, Entry, Failure, Found, Hit, Lifetime, Reader, SpoolWriter,
    Wish,
};
use crate::clock::Clock;
use crate::odata::name::SiteId;
use crate::odata::question::{Question, Resource};
use crate::odata::representation::Representation;

pub use self::error::{AnswerError, SharedError, Unanswered};
pub use self::lifetime::{Lifetimes, Rule};
pub use self::offered::{OfferedDate, OfferedSet, OfferedSets};
pub use self::outcome::{Outcome, Stored};
pub use self::pace::{Pace, grouped};
pub use self::progress::LOG_TARGET as PROGRESS_LOG_TARGET;
pub use self::ranges::RangeRules;
pub use self::refresh::Refreshed;
pub use self::renewable::Renewable;
pub use self::site::Site;
pub use self::status::{GatewayStatus, ScanStatus, SiteStatus};
pub use self::stored::{
    Place, States, StoredAnswer, StoredAnswers, StoredSet, StoredState, Told, Which,
};
pub use crate::auth::AuthState;
pub use crate::cache::{CacheCounts, Directives, Made, Way};
pub use crate::upstream::{ByClass, Class, LaneCounts, LaneStatus, Party, UpstreamCounts, Waiting};

/// A question with the wishes that came with it.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What is asked. A `$format` that is JSON stays in it, for links to pages; `representation` says the same.
    pub question: Arc<Question>,
    /// How it is to be written.
    pub representation: Representation,
    /// `Prefer: odata.maxpagesize`, when the client wants pages.
    pub page_size: Option<NonZeroU32>,
    /// What it wants of a stored answer.
    pub directives: Directives,
    /// Who asks, for fairness among clients.
    pub party: Party,
}

/// What a question is answered with.
#[derive(Debug)]
pub struct Answer {
    /// The kind of body.
    pub content: Content,
    /// How it came about.
    pub outcome: Outcome,
    /// How its pages are walked, when it is being made and there was a choice.
    pub way: Option<Way>,
    /// The page size that was applied, for `Preference-Applied`.
    pub page_size: Option<NonZeroU32>,
    /// The body.
    pub body: AnswerBody,
}

impl Answer {
    fn stored(hit: Hit<SharedError>, outcome: Outcome, page_size: Option<NonZeroU32>) -> Self {
        Self {
            content: hit.entry.facts.content,
            outcome,
            way: None,
            page_size,
            body: AnswerBody::Stored(hit.entry),
        }
    }

    /// A part of a stored answer.
    fn part(part: Entry, outcome: Outcome) -> Self {
        Self {
            content: part.facts.content,
            outcome,
            way: None,
            page_size: None,
            body: AnswerBody::Stored(Arc::new(part)),
        }
    }
}

/// Where an answer's body comes from.
#[derive(Debug)]
pub enum AnswerBody {
    /// A complete stored answer.
    Stored(Arc<Entry>),
    /// An answer that is being made; it has begun.
    Live(Reader<SharedError>),
}

/// The one path from a question to its answer, for every site. Clones share everything.
#[derive(Debug, Clone)]
pub struct Gateway {
    sites: Arc<BTreeMap<SiteId, Arc<Site>>>,
    cache: Cache<SharedError>,
    lifetimes: Arc<Lifetimes>,
    /// For going through stored answers.
    cuts: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
}

impl Gateway {
    /// A gateway to `sites`.
    pub fn new(
        sites: impl IntoIterator<Item = Site>,
        cache: Cache<SharedError>,
        lifetimes: Lifetimes,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let sites = sites
            .into_iter()
            .map(|site| (site.id().clone(), Arc::new(site)));
        Self {
            sites: Arc::new(sites.collect()),
            cache,
            lifetimes: Arc::new(lifetimes),
            cuts: Arc::new(Semaphore::new(CUTS_MAX)),
            clock,
        }
    }

    /// The configured sites, in order of their names.
    pub fn sites(&self) -> Vec<SiteId> {
        self.sites.keys().cloned().collect()
    }

    /// The site that `/monitorodata` without a site's name belongs to: the only one, else `main`.
    pub fn default_site(&self) -> Option<&SiteId> {
        let mut names = self.sites.keys();
        match (names.next(), names.next()) {
            (Some(only), None) => Some(only),
            _ => self.sites.keys().find(|name| name.as_str() == "main"),
        }
    }

    /// Answers `ask` from `site`. Returns as soon as the answer has begun.
    pub async fn answer(&self, site: &SiteId, ask: Ask) -> Result<Answer, Unanswered> {
        let site = self.site(site)?;
        self.answer_from(site, ask).await
    }

    /// Forgets the stored answers that `which` means; returns how many. Those that are being made are not stored.
    pub async fn purge(&self, which: Which<'_>) -> usize {
        let purged = |name: &SiteId| which.site.is_none_or(|site| name == site);
        for (_, known) in self
            .sites
            .iter()
            .filter(|(name, _)| which.set.is_none() && purged(name))
        {
            known.forget_schema();
        }
        let (site, set) = (which.site.cloned(), which.set.map(str::to_owned));
        let matches = move |key: &CacheKey| {
            let which = Which {
                site: site.as_ref(),
                set: set.as_deref(),
            };
            which.covers(key)
        };
        self.cache.purge(matches).await
    }

    /// Waits until stored answers are on disk, where they can be; not for long. To be called when nobody asks any more.
    pub async fn settle(&self) {
        self.cache.settle().await;
    }

    /// What the operator may want to see.
    pub fn status(&self) -> GatewayStatus {
        let (cache_entries, cache_bytes) = self.cache.size();
        GatewayStatus {
            sites: self.sites.values().map(|site| site.status()).collect(),
            cache_entries,
            cache_bytes,
            cache_counts: self.cache.counts(),
            disk: self.cache.disk_size().unwrap_or_default(),
            fills: self.cache.fills_running() as u64,
            scans: self.scans(),
        }
    }

    /// The stored answers that `which` means, as many as are to be `told`. Looks at each of them, briefly.
    pub fn stored(&self, which: Which<'_>, told: Told) -> StoredAnswers {
        StoredAnswers::of(self.cache.stored(), which, &self.lifetimes, told)
    }

    /// The collections that are being read, those first that have taken longest.
    pub fn scans(&self) -> Vec<ScanStatus> {
        let running = self.cache.running();
        let mut scans: Vec<_> = running.iter().filter_map(ScanStatus::of).collect();
        scans.sort_by_key(|scan| Reverse(scan.elapsed));
        scans
    }

    async fn answer_from(&self, site: &Arc<Site>, ask: Ask) -> Result<Answer, Unanswered> {
        let prepared = self.prepare(site, &ask).await?;
        let wish = prepared.wish(ask.directives);
        if let Some(answer) = self.fresh(&prepared, &wish) {
            return Ok(answer);
        }
        // Boxed, so that a hit does not carry the room for what only others need.
        Box::pin(self.answer_anew(site, ask, prepared, wish)).await
    }

    /// The answer that is in memory and fresh.
    fn fresh(&self, prepared: &Prepared, wish: &Wish) -> Option<Answer> {
        let hit = self.cache.fresh(&prepared.key, wish)?;
        let outcome = Outcome::of_hit(&hit, false);
        Some(Answer::stored(hit, outcome, prepared.plan.page_size()))
    }

    /// The answer to a question to which none is in memory that is fresh.
    async fn answer_anew(
        &self,
        site: &Arc<Site>,
        ask: Ask,
        prepared: Prepared,
        wish: Wish,
    ) -> Result<Answer, Unanswered> {
        self.cache.recall(&prepared.key, &wish).await;
        // What came from disk just now comes before what would have to be cut.
        if let Some(answer) = self.fresh(&prepared, &wish) {
            return Ok(answer);
        }
        let spare = match self.contained(site, &prepared, ask.directives).await {
            Some(Contained::Given(part)) => return Ok(part),
            Some(Contained::Spare(spare)) => Some(spare),
            None => None,
        };
        let Prepared { key, plan, .. } = prepared;
        let (page_size, party) = (plan.page_size(), ask.party);
        let found = self.fill_or_find(site, key.clone(), wish, plan, party, spare.clone());
        let outcome = Outcome::of(&found, &wish);
        if let Found::Joined(coming) = &found {
            fill::trace::join(coming.reader.progress());
        }
        let (reader, fallback) = match found {
            Found::Stored(hit) => return Ok(Answer::stored(hit, outcome, page_size)),
            Found::Absent => return Err(AnswerError::NotStored.into()),
            Found::Filling(Coming { reader, fallback })
            | Found::Joined(Coming { reader, fallback }) => (reader, fallback),
        };
        let stand_in = fallback.map(StandIn::Own).or(spare.map(StandIn::Part));
        if let Some(stand_in) = &stand_in {
            let patience = PATIENCE_WITH_STAND_IN.saturating_sub(reader.progress().elapsed());
            if timeout(patience, reader.begun()).await.is_err() {
                let waited = !patience.is_zero();
                let slow = Because::Slow { waited };
                if let Some(answer) = stand_in.give(self, site, &key, slow).await {
                    reader.leave_it_to_others();
                    return Ok(answer);
                }
            }
        }
        let error = match reader.begun().await {
            Ok(content) => {
                return Ok(Answer {
                    content,
                    outcome,
                    // Decided by the time that an answer has begun.
                    way: reader.progress().way(),
                    page_size,
                    body: AnswerBody::Live(reader),
                });
            }
            Err(error) => error,
        };
        if let Some(stand_in) = stand_in.filter(|_| Failure::is_trouble(&error)) {
            let failed = Because::Failed(Arc::clone(&error));
            if let Some(answer) = stand_in.give(self, site, &key, failed).await {
                return Ok(answer);
            }
        }
        Err(Unanswered {
            error: self.name_unknown_set(site, &ask.question, error).await,
            upstream: Some(Arc::clone(reader.progress())),
        })
    }

    fn site(&self, site: &SiteId) -> Result<&Arc<Site>, SharedError> {
        let known = self.sites.get(site);
        known.ok_or_else(|| {
            SharedError::from(AnswerError::UnknownSite {
                site: site.to_string(),
            })
        })
    }

    /// What has to be known of a question before it is looked for or asked.
    async fn prepare(&self, site: &Arc<Site>, ask: &Ask) -> Result<Prepared, SharedError> {
        let settled = plan::without_settled_format(&ask.question);
        self.refuse_blocked(site, &settled).await?;
        let schema = match ask.question.resource() {
            Resource::Entity { .. } => Some(self.schema(site).await?),
            _ => None,
        };
        let now = self.clock.now().as_millisecond();
        let plan = match plan::plan(&ask.question, ask.page_size, schema.as_deref(), now) {
            Ok(plan) => plan,
            Err(AnswerError::UnknownSet { set, .. }) => {
                return Err(schema::unknown_set(site, &set, schema.as_deref()));
            }
            Err(error) => return Err(error.into()),
        };
        // What is sent may say more than what was asked, where an option was put into other words.
        if let Some(sent) = plan.ask().filter(|sent| **sent != *settled) {
            self.refuse_blocked(site, sent).await?;
        }
        let page_size = plan.page_size();
        // Only the links of our own pages depend on how the representation was asked for.
        let question = if page_size.is_some() {
            Arc::clone(&ask.question)
        } else {
            settled
        };
        let rule = self.lifetimes.of(&question);
        let lifetime = if plan::is_part_of_walk(&question, page_size) {
            // Pages of very different ages must not be put together: rows between them would be missing.
            Lifetime {
                fresh: rule.fresh,
                ..Lifetime::default()
            }
        } else {
            rule
        };
        let key = CacheKey::new(site.id().clone(), question, ask.representation, page_size);
        Ok(Prepared {
            key,
            plan,
            lifetime,
        })
    }

    /// Finds the answer to `key`, or has it made; `spare` is what holds it, though older.
    fn fill_or_find(
        &self,
        site: &Arc<Site>,
        key: CacheKey,
        wish: Wish,
        plan: Plan,
        party: Party,
        spare: Option<Spare>,
    ) -> Found<SharedError> {
        let fill = self.filling(site, &key, plan, party);
        let noted = |writer| {
            // Begun here, not in its task: its span belongs to the request.
            let filling = fill(writer);
            async move {
                let end = filling.await;
                if let Some(spare) = spare {
                    spare.note(&end);
                }
                end
            }
        };
        self.cache.find(key, wish, noted)
    }

    /// What makes the answer to `key` by `plan`.
    fn filling(
        &self,
        site: &Arc<Site>,
        key: &CacheKey,
        plan: Plan,
        party: Party,
    ) -> impl FnOnce(SpoolWriter<SharedError>) -> BoxFuture<'static, Result<(), SharedError>> + use<>
    {
        let queue = Queue {
            class: plan.class(),
            party,
            what: plan.what().into(),
        };
        let (clock, site, representation) = (
            Arc::clone(&self.clock),
            Arc::clone(site),
            key.representation(),
        );
        let key = key.clone();
        move |writer| {
            let span = fill::trace::begin(&key, &queue.what, writer.progress());
            let fill = fill::fill(clock, site, plan, representation, queue, writer);
            fill.instrument(span).boxed()
        }
    }
}

/// What has to be known of a question before it is looked for or asked.
struct Prepared {
    key: CacheKey,
    plan: Plan,
    lifetime: Lifetime,
}

impl Prepared {
    /// How to look for its answer, for a client that says this.
    fn wish(&self, directives: Directives) -> Wish {
        // Whatever a client says, no pages of very different ages.
        let stale_will_do = self.lifetime.useful() > self.lifetime.fresh;
        let max_stale = directives.max_stale.filter(|_| stale_will_do);
        Wish {
            lifetime: self.lifetime,
            directives: Directives {
                max_stale,
                ..directives
            },
        }
    }
}

/// With a stale answer at hand that may be given when a new one cannot be had, nobody waits longer for the new one to begin.
/// It is made all the same. A page takes up to half a minute upstream, and a report has dozens of tables to load.
const PATIENCE_WITH_STAND_IN: Duration = Duration::from_secs(10);

/// So many stored answers are gone through at once for parts of them.
const CUTS_MAX: usize = 2;

#[cfg(test)]
mod tests;
