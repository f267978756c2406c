//! Which sets a site has: a page waits for that a little, and then the asking goes on behind it.
//!
//! Answers that nobody waits for any more are given up. On a slow day, every visit would ask Citrix Cloud anew, and none would
//! ever be told. Who leaves before the page is there takes the asking along.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use crate::gateway::{Gateway, OfferedSets};
use crate::odata::name::SiteId;
use crate::tasks::Tasks;

/// The sites whose sets are asked for though no page waits.
#[derive(Debug)]
pub(in crate::pages) struct Inquiries {
    tasks: Tasks,
    underway: Arc<Mutex<BTreeSet<SiteId>>>,
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
            underway: Arc::default(),
        }
    }

    /// The sets of `site`, when they are known or can be had within [`PATIENCE`].
    pub(super) async fn sets(&self, gateway: &Arc<Gateway>, site: &SiteId) -> Inquired {
        let (gateway, named) = (Arc::clone(gateway), site.clone());
        let mut asked = Box::pin(async move { gateway.offered_sets(&named).await });
        match timeout(PATIENCE, &mut asked).await {
            Ok(Ok(sets)) => Inquired::Known(sets),
            Ok(Err(_)) => Inquired::InVain,
            Err(_) => {
                self.go_on(site, async {
                    // It is remembered, or it is an error that the log has.
                    let _ = asked.await;
                });
                Inquired::Underway
            }
        }
    }

    /// Waits for the answer in the place of a page, one for each site.
    fn go_on(&self, site: &SiteId, asked: impl Future<Output = ()> + Send + 'static) {
        let Some(mark) = Mark::set(&self.underway, site) else {
            return;
        };
        self.tasks.spawn("sets", async move {
            asked.await;
            drop(mark);
        });
    }
}

/// Marks a site as being asked for, however that ends.
struct Mark {
    site: SiteId,
    all: Arc<Mutex<BTreeSet<SiteId>>>,
}

impl Mark {
    /// `None` when it is marked already.
    fn set(all: &Arc<Mutex<BTreeSet<SiteId>>>, site: &SiteId) -> Option<Self> {
        let mut marked = all.lock().unwrap_or_else(PoisonError::into_inner);
        marked.insert(site.clone()).then(|| Self {
            site: site.clone(),
            all: Arc::clone(all),
        })
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let mut marked = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        marked.remove(&self.site);
    }
}

/// A page waits no longer for the list of sets: without it, the visitor types a name.
const PATIENCE: Duration = Duration::from_secs(5);
