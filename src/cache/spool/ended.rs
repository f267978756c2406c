//! Answers that have ended and are still being read: what they hold can be had back.
//!
//! Nobody waits for the readers of such an answer, so they may take all the time that they want; but what they have
//! not taken stays in memory or on disk, and where that is short, others get less than they could.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::time::{Instant, sleep};

use crate::cache::Failure;

use super::{LOOK_AGAIN_AFTER, STANDSTILL_MAX, Spool};

/// Answers that have ended, as long as somebody reads them.
#[derive(Debug)]
pub(super) struct Ended<E>(Mutex<Vec<Weak<Spool<E>>>>);

impl<E: Failure> Ended<E> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::default()))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Spool<E>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, spool: &Arc<Spool<E>>) {
        let mut spools = self.lock();
        spools.retain(|spool| spool.strong_count() > 0);
        spools.push(Arc::downgrade(spool));
    }

    /// Drops the readers who have taken nothing for [`STANDSTILL_MAX`], where something is held for them. To be called
    /// when memory or disk is short; waits when there are any, and only then.
    pub(super) async fn make_room(&self) {
        let spools: Vec<_> = self.lock().iter().filter_map(Weak::upgrade).collect();
        let now = Instant::now();
        let idle = spools.into_iter().map(|spool| {
            let readers = spool.state().idle(STANDSTILL_MAX, now);
            (spool, readers)
        });
        let idle: Vec<_> = idle.filter(|(_, readers)| !readers.is_empty()).collect();
        if idle.is_empty() {
            return;
        }
        sleep(LOOK_AGAIN_AFTER).await;
        for (spool, readers) in idle {
            spool.drop_idle(&readers);
        }
    }
}
