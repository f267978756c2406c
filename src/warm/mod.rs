//! Answers that are made before anybody asks.
//!
//! - [`calendar`]: the operator's questions, each by its schedule; [`agenda`] says which is due (pure);
//! - [`popular`]: what clients ask for again and again, shortly before it is stale; [`ahead`] chooses (pure);
//! - [`errand`]: one new answer, with its line in the log and its place in the [`metrics`];
//! - [`board`]: what the operator may want to see of all this.
//!
//! Invariants: at one time a site is asked for one answer by schedule and for one popular one at most, both in the lane's
//! lowest class; nothing is asked before [`Warm::start`], and nothing after the program's stop. This room knows neither
//! clients nor settings files, and keeps no answer itself: that is the cache, behind the gateway.
//!
//! What is asked in advance is asked through the same door as all else: there is no cache, no queue and no retry here. What is
//! due is reckoned by the wall clock, which is read every half minute, because timers stand still while the machine sleeps. A
//! popular answer costs a quarter of the time at most, and the next refresh has to be earned by clients who ask again.

mod agenda;
mod ahead;
mod board;
mod calendar;
mod errand;
mod metrics;
mod popular;

use std::sync::Arc;

use prometheus_client::registry::Registry;

use self::errand::Errands;
use self::metrics::Metrics;
use crate::clock::Clock;
use crate::gateway::Gateway;
use crate::odata::name::SiteId;
use crate::odata::question::Question;
use crate::schedule::Schedule;
use crate::tasks::Tasks;

pub use self::board::{Board, LastRun, RunResult, WarmStatus};

/// What is made before anybody asks.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// By schedule, in this order at the start.
    pub questions: Vec<Scheduled>,
    /// Whether popular answers are made anew shortly before they are stale.
    pub refresh_ahead: bool,
}

/// A question that is asked by a schedule.
#[derive(Debug, Clone)]
pub struct Scheduled {
    /// Whose data.
    pub site: SiteId,
    /// What is asked.
    pub question: Question,
    /// When, besides at the start.
    pub schedule: Schedule,
}

/// What makes answers before anybody asks.
#[derive(Debug)]
pub struct Warm {
    settings: Settings,
    gateway: Gateway,
    errands: Errands,
    clock: Arc<dyn Clock>,
    board: Board,
}

impl Warm {
    /// Nothing is asked yet. The metrics are registered under `warm_`.
    pub fn new(
        settings: Settings,
        gateway: Gateway,
        clock: Arc<dyn Clock>,
        registry: &mut Registry,
    ) -> Self {
        let metrics = Metrics::new(registry, &gateway.sites());
        Self {
            board: Board::new(&settings.questions),
            errands: Errands::new(gateway.clone(), metrics),
            settings,
            gateway,
            clock,
        }
    }

    /// What can be seen of it; changes as time goes on.
    pub fn board(&self) -> Board {
        self.board.clone()
    }

    /// Begins, as `tasks` that go on until the program stops. To be called once, when clients can be answered.
    pub fn start(&self, tasks: &Tasks) {
        for site in self.gateway.sites() {
            let questions = self.settings.questions.iter().enumerate();
            let ours: Vec<(usize, Scheduled)> = questions
                .filter(|(_, question)| question.site == site)
                .map(|(row, question)| (row, question.clone()))
                .collect();
            if !ours.is_empty() {
                let (errands, clock) = (self.errands.clone(), Arc::clone(&self.clock));
                let board = self.board.clone();
                tasks.spawn("warm", calendar::keep(ours, errands, clock, board));
            }
            if self.settings.refresh_ahead {
                let (errands, gateway) = (self.errands.clone(), self.gateway.clone());
                tasks.spawn("ahead", popular::keep(site, errands, gateway));
            }
        }
    }
}
