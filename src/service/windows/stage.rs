//! The service's life as the service manager sees it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::signals::{Orders, Signals};
use crate::telemetry::Notices;

/// What the service does. It returns the exit code, 0 when it was told to stop and did.
pub type Job = Box<dyn FnOnce(Manager, Signals) -> u32 + Send>;

/// Where the service is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing is served yet.
    Starting,
    /// It serves, and can be told to stop.
    Running,
    /// It was told to stop, and has so long.
    Stopping(Duration),
    /// It has ended with this exit code.
    Stopped(u32),
}

/// How the service manager hears of a stage. What it does not hear, nobody can be told.
pub trait Report: Send + Sync {
    /// The service is here now.
    fn report(&self, stage: Stage);
}

/// The service manager, from the service's side. Clones are the same.
#[derive(Clone)]
pub struct Manager {
    report: Arc<dyn Report>,
    notices: Option<Arc<dyn Notices>>,
    orders: Orders,
    life: Arc<Mutex<Life>>,
}

#[derive(Debug)]
struct Life {
    stage: Stage,
    /// How long the end may take, once it runs.
    patience: Duration,
}

impl Manager {
    /// Tells `report` that the service starts. The orders to stop come out of the [`Signals`].
    pub fn new(report: Arc<dyn Report>, notices: Option<Arc<dyn Notices>>) -> (Self, Signals) {
        let (orders, signals) = Signals::by_hand();
        let stage = Stage::Starting;
        let patience = Duration::ZERO;
        let life = Arc::new(Mutex::new(Life { stage, patience }));
        report.report(stage);
        let manager = Self {
            report,
            notices,
            orders,
            life,
        };
        (manager, signals)
    }

    /// The event log, when there is one.
    pub fn notices(&self) -> Option<Arc<dyn Notices>> {
        self.notices.clone()
    }

    /// The service serves. When it is told to stop, it may take `patience` at most.
    pub fn running(&self, patience: Duration) {
        self.go_on(|life| {
            life.patience = patience;
            Stage::Running
        });
    }

    /// The service manager wants it to stop. Only a service that runs can be told so.
    pub fn stop(&self, from: &'static str) {
        self.go_on(|life| match life.stage {
            Stage::Running => Stage::Stopping(life.patience),
            stage => stage,
        });
        self.orders.stop(from);
    }

    /// The service has ended.
    pub fn stopped(&self, code: u32) {
        self.go_on(|_| Stage::Stopped(code));
    }

    /// Tells of the next stage, in order whoever calls.
    fn go_on(&self, next: impl FnOnce(&mut Life) -> Stage) {
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        let stage = next(&mut life);
        if stage != life.stage {
            life.stage = stage;
            self.report.report(stage);
        }
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager")
            .field("life", &self.life)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<Stage>>);

    impl Report for Heard {
        fn report(&self, stage: Stage) {
            self.0.lock().unwrap().push(stage);
        }
    }

    fn service() -> (Arc<Heard>, Manager, Signals) {
        let heard = Arc::new(Heard::default());
        let report = Arc::clone(&heard) as Arc<dyn Report>;
        let (manager, signals) = Manager::new(report, None);
        (heard, manager, signals)
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_is_an_order_and_takes_as_long_as_it_may() {
        let (heard, manager, mut signals) = service();
        let patience = Duration::from_secs(45);
        manager.running(patience);
        manager.clone().stop("the service manager");
        assert_eq!(signals.next().await, "the service manager");
        manager.stopped(0);
        let stages = [
            Stage::Starting,
            Stage::Running,
            Stage::Stopping(patience),
            Stage::Stopped(0),
        ];
        assert_eq!(*heard.0.lock().unwrap(), stages);
    }

    #[test]
    fn one_that_cannot_start_never_runs() {
        let (heard, manager, _signals) = service();
        manager.stopped(2);
        assert_eq!(
            *heard.0.lock().unwrap(),
            [Stage::Starting, Stage::Stopped(2)]
        );
    }

    #[test]
    fn an_end_by_itself_and_a_late_stop_are_told_once() {
        let (heard, manager, _signals) = service();
        manager.running(Duration::ZERO);
        manager.stopped(1);
        manager.stop("the service manager");
        let stages = [Stage::Starting, Stage::Running, Stage::Stopped(1)];
        assert_eq!(*heard.0.lock().unwrap(), stages);
    }
}
