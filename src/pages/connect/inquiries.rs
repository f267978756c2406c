//! Which sets a site has: a page waits for that a little, and the asking goes on without it.
//!
//! Answers that nobody waits for any more are given up. On a slow day, every visit would ask Citrix Cloud anew, and none would
//! ever be told: visitors leave, or their page does not wait so long. So what is not known at once is asked for by a task, one for
//! each site, and every page that wants to know waits for the same one.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::gateway::{Gateway, OfferedSets};
use crate::odata::name::SiteId;
use crate::tasks::Tasks;

/// The sites whose sets are asked for, whether a page waits or not.
#[derive(Debug)]
pub(in crate::pages) struct Inquiries {
    tasks: Tasks,
    underway: Underway,
}

/// What is known of a site's sets.
#[derive(Debug)]
pub(super) enum Inquired {
    /// These.
    Known(OfferedSets),
    /// Nothing yet; Citrix Cloud is being asked.
    Underway,
    /// Nothing: Citrix Cloud could not be asked.
    InVain,
}

impl Inquiries {
    /// None yet. Those to come are `tasks`.
    pub(in crate::pages) fn new(tasks: Tasks) -> Self {
        Self {
            tasks,
            underway: Underway::default(),
        }
    }

    /// The sets of `site`, when they are known or can be had within [`PATIENCE`]. Dropping this ends the waiting, and not the
    /// asking.
    pub(super) async fn sets(&self, gateway: &Arc<Gateway>, site: &SiteId) -> Inquired {
        let (gateway, named) = (Arc::clone(gateway), site.clone());
        // It is remembered, or it is an error that the log has.
        let mut asked = Box::pin(async move { gateway.offered_sets(&named).await.ok() });
        // Begun here, so that it is below this page's request in traces, and what is known needs no task.
        let sets = match (&mut asked).now_or_never() {
            Some(sets) => sets,
            None => match timeout(PATIENCE, self.go_on(site, asked)).await {
                // A task that was stopped tells nothing.
                Ok(told) => told.ok().flatten(),
                Err(_) => return Inquired::Underway,
            },
        };
        sets.map_or(Inquired::InVain, Inquired::Known)
    }

    /// Has `asked` awaited by a task, unless there is one for this site already; what is returned is told by that one.
    fn go_on(
        &self,
        site: &SiteId,
        asked: impl Future<Output = Option<OfferedSets>> + Send + 'static,
    ) -> Told {
        let (teller, told) = oneshot::channel();
        let told = told.shared();
        let mark = match lock(&self.underway).entry(site.clone()) {
            Entry::Occupied(other) => return other.get().clone(),
            Entry::Vacant(free) => {
                free.insert(told.clone());
                Mark {
                    site: site.clone(),
                    all: Arc::clone(&self.underway),
                }
            }
        };
        self.tasks.spawn("sets", async move {
            let sets = asked.await;
            drop(mark);
            // Maybe nobody waits.
            let _ = teller.send(sets);
        });
        told
    }
}

/// The sets, once they are known; `None` when Citrix Cloud could not be asked.
type Told = Shared<oneshot::Receiver<Option<OfferedSets>>>;

/// What is being asked, by site.
type Underway = Arc<Mutex<BTreeMap<SiteId, Told>>>;

fn lock(underway: &Underway) -> MutexGuard<'_, BTreeMap<SiteId, Told>> {
    underway.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Marks a site as being asked for, however that ends.
struct Mark {
    site: SiteId,
    all: Underway,
}

impl Drop for Mark {
    fn drop(&mut self) {
        lock(&self.all).remove(&self.site);
    }
}

/// A page waits no longer for the list of sets: without it, the visitor types a name.
const PATIENCE: Duration = Duration::from_secs(5);
