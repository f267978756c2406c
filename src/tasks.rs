//! Named background tasks that shutdown can wait for.
//!
//! Every task of the program is started through [`Tasks::spawn`]; bare `tokio::spawn` is banned by lint, so
//! nothing outlives the program unseen.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A handle to the program's background tasks; clones share the same set.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    cancel: CancellationToken,
    running: Arc<Mutex<BTreeMap<u64, &'static str>>>,
}

impl Tasks {
    /// An empty set of tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts `work` under a name. It is dropped at its next await once [`Tasks::stop`] is called.
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let cancel = self.cancel.clone();
        let guard = Running::enter(&self.running, name);
        #[expect(clippy::disallowed_methods, reason = "this is Tasks::spawn")]
        tokio::spawn(self.tracker.track_future(async move {
            let _guard = guard;
            cancel.run_until_cancelled(work).await;
        }));
    }

    /// Cancels every task and waits up to `patience`; returns the names of those that did not stop.
    pub async fn stop(&self, patience: Duration) -> Vec<&'static str> {
        self.cancel.cancel();
        self.tracker.close();
        match tokio::time::timeout(patience, self.tracker.wait()).await {
            Ok(()) => Vec::new(),
            Err(_) => self.names(),
        }
    }

    /// The names of the tasks that are running, in the order in which they were started.
    pub fn names(&self) -> Vec<&'static str> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.values().copied().collect()
    }
}

/// Lists a task's name for as long as it runs, however it ends.
struct Running {
    id: u64,
    all: Arc<Mutex<BTreeMap<u64, &'static str>>>,
}

impl Running {
    fn enter(all: &Arc<Mutex<BTreeMap<u64, &'static str>>>, name: &'static str) -> Self {
        let mut running = all.lock().unwrap_or_else(PoisonError::into_inner);
        let id = running.last_key_value().map_or(0, |(last, _)| last + 1);
        running.insert(id, name);
        Self {
            id,
            all: Arc::clone(all),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stop_cancels_and_waits() {
        let tasks = Tasks::new();
        tasks.spawn("forever", std::future::pending());
        assert_eq!(tasks.names(), ["forever"]);
        assert!(tasks.stop(Duration::from_secs(5)).await.is_empty());
        assert!(tasks.names().is_empty());
    }
}
