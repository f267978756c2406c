//! What the simulator has seen.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Numbers since the start, or since they were reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Requests below `/monitorodata`, whatever became of them.
    pub data_requests: u64,
    /// Requests to the token endpoint.
    pub token_requests: u64,
    /// Tokens given out.
    pub tokens_issued: u64,
    /// Queries in flight now.
    pub in_flight: usize,
    /// The most queries ever in flight at once.
    pub peak_in_flight: usize,
    /// How often another tool took a lane.
    pub stranger_visits: u64,
    /// Answers with status 429.
    pub throttled: u64,
    /// Faults that struck.
    pub faults_struck: u64,
    /// Queries for rows that got 200, by entity set.
    pub queries_by_set: BTreeMap<&'static str, u64>,
    /// The last answers, oldest first.
    pub log: Vec<LoggedRequest>,
}

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedRequest {
    /// For instance `GET`.
    pub method: String,
    /// Path and query, as they came.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
}

/// Collects the numbers.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    stats: Stats,
    log: VecDeque<LoggedRequest>,
}

impl Counters {
    /// Changes the numbers.
    pub(crate) fn count(&self, change: impl FnOnce(&mut Stats)) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut inner.stats);
    }

    /// Notes an answer.
    pub(crate) fn answered(&self, request: LoggedRequest) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.stats.throttled += u64::from(request.status == 429);
        if inner.log.len() >= LOG_MAX {
            inner.log.pop_front();
        }
        inner.log.push_back(request);
    }

    pub(crate) fn snapshot(&self) -> Stats {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        Stats {
            log: inner.log.iter().cloned().collect(),
            ..inner.stats.clone()
        }
    }

    pub(crate) fn reset(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        *inner = Inner::default();
    }
}

const LOG_MAX: usize = 1000;
