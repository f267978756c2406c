//! Answers that are made anew because an operator wants it: for each site one after the other.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::watched::Watched;
use crate::gateway::{Ask, Refreshed, Which};
use crate::odata::name::SiteId;
use crate::odata::shape::shape;
use crate::tasks::Tasks;
use crate::telemetry::chain;

/// What is still to be made anew. Clones share it.
#[derive(Clone)]
pub(super) struct Errands {
    watched: Arc<dyn Watched>,
    tasks: Tasks,
    lists: Arc<Mutex<Lists>>,
}

/// For each site that something is made anew of: what, and what comes next. Its first is being made. A site whose list is
/// empty is not there.
type Lists = BTreeMap<SiteId, VecDeque<Ask>>;

impl Errands {
    pub(super) fn new(watched: Arc<dyn Watched>, tasks: Tasks) -> Self {
        Self {
            watched,
            tasks,
            lists: Arc::default(),
        }
    }

    /// Has the stored answers made anew that `which` means: those that clients were given most often. Returns how many
    /// were taken on, without waiting for them; none that is in the list already.
    pub(super) fn take_on(&self, which: Which<'_>) -> usize {
        let mut taken = 0;
        for (site, ask) in self.watched.most_used(which, AT_ONCE_MAX) {
            let mut lists = self.lock();
            match lists.entry(site.clone()) {
                Entry::Vacant(free) => {
                    free.insert(VecDeque::from([ask]));
                    drop(lists);
                    let errands = self.clone();
                    let work = async move { errands.work_off(&site).await };
                    self.tasks.spawn("refresh", work);
                }
                Entry::Occupied(mut list) => {
                    let list = list.get_mut();
                    if list.len() >= LISTED_MAX || list.iter().any(|listed| is_same(listed, &ask)) {
                        continue;
                    }
                    list.push_back(ask);
                }
            }
            taken += 1;
        }
        taken
    }

    /// What `which` means is not made anew any more, but for what is being made.
    pub(super) fn strike(&self, which: Which<'_>) {
        let named = |ask: &Ask| {
            which.set.is_none_or(|wanted| {
                let set = ask.question.set();
                set.is_some_and(|set| set.as_str().eq_ignore_ascii_case(wanted))
            })
        };
        for (site, list) in &mut *self.lock() {
            if which.site.is_none_or(|wanted| wanted == site) {
                let rest = list.split_off(1.min(list.len()));
                list.extend(rest.into_iter().filter(|ask| !named(ask)));
            }
        }
    }

    /// Until nothing is left to be made for `site`.
    async fn work_off(&self, site: &SiteId) {
        while let Some(ask) = self.first(site) {
            let what = shape(&ask.question);
            match self.watched.refresh(site, ask).await {
                Ok(Refreshed::Made(made)) => {
                    tracing::info!(site = %site, what, rows = made.rows, kept = made.kept, "made anew on request");
                }
                Ok(Refreshed::Underway) => {
                    tracing::info!(site = %site, what, "is being made anew already");
                }
                Ok(Refreshed::InVain(error)) | Err(error) => {
                    let error = chain(error.as_ref());
                    tracing::warn!(site = %site, what, error, "could not be made anew on request");
                }
            }
            self.done(site);
        }
    }

    fn first(&self, site: &SiteId) -> Option<Ask> {
        self.lock().get(site)?.front().cloned()
    }

    /// The first is made; the list goes with its last.
    fn done(&self, site: &SiteId) {
        let mut lists = self.lock();
        if let Some(list) = lists.get_mut(site) {
            list.pop_front();
            if list.is_empty() {
                lists.remove(site);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether both have the same answer.
fn is_same(one: &Ask, other: &Ask) -> bool {
    one.question == other.question && one.representation == other.representation
}

/// So many answers are made anew for one request.
const AT_ONCE_MAX: usize = 20;

/// So many wait for a site.
const LISTED_MAX: usize = 100;
