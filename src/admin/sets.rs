//! The stored answers of an entity set, in the JSON and on the page.

use std::time::Duration;

use serde::Serialize;

use super::status::{seconds, to_the_millisecond};
use super::stored::Stored;
use crate::gateway;

/// The stored answers of a site to questions that begin at one entity set.
#[derive(Debug, Serialize)]
pub struct StoredSet {
    /// The site that gave them.
    pub site: String,
    /// The set; none for the service document and `$metadata`.
    pub set: Option<String>,
    /// How many there are, by state.
    pub answers: StatesCount,
    /// Rows of the one that has most.
    pub rows: u64,
    /// As they are kept.
    pub bytes: u64,
    /// Of the youngest.
    pub age_seconds: u64,
    /// Since one of them was given, or made.
    pub idle_seconds: u64,
    /// That upstream took for the youngest, to the millisecond.
    #[serde(rename = "upstream_seconds", serialize_with = "to_the_millisecond")]
    pub upstream_time: Duration,
    /// How often they were given.
    pub hits: u64,
    /// The latest of them; the JSON has a list of its own.
    #[serde(skip)]
    pub latest: Vec<Stored>,
}

/// How many stored answers are in each state.
#[derive(Debug, Serialize)]
pub struct StatesCount {
    /// All.
    pub total: usize,
    /// Given as they are.
    pub fresh: usize,
    /// New ones are being made.
    pub refreshing: usize,
    /// Stale, and no new ones could be had.
    pub failed: usize,
    /// Stale, and still of use.
    pub stale: usize,
    /// Of no use any more.
    pub expired: usize,
}

impl StoredSet {
    /// As they are now.
    pub(super) fn new(set: &gateway::StoredSet) -> Self {
        let states = &set.states;
        Self {
            site: set.site.to_string(),
            set: set.set.clone(),
            answers: StatesCount {
                total: states.total(),
                fresh: states.fresh,
                refreshing: states.refreshing,
                failed: states.failed,
                stale: states.stale,
                expired: states.expired,
            },
            rows: set.rows,
            bytes: set.bytes,
            age_seconds: seconds(set.age),
            idle_seconds: seconds(set.idle),
            upstream_time: set.upstream_time,
            hits: set.hits,
            latest: set.latest.iter().map(Stored::new).collect(),
        }
    }
}
