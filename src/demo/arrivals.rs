//! Sessions that are not there yet: with each query some of them arrive.

use std::sync::{Arc, Mutex, PoisonError};

use super::estate::Estate;
use super::estate::dice::mix;

/// Row numbers of sessions that have not arrived, rising.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// All of them.
    pub(crate) all: Vec<u64>,
    /// Those among them that have no start date.
    pub(crate) undated: Vec<u64>,
}

/// Who is still to come, and in which turn.
#[derive(Debug)]
pub(crate) struct Arrivals {
    /// How many arrive at a time.
    each: u64,
    first: Arc<Waiting>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The next to arrive is the last here.
    queue: Vec<u64>,
    waiting: Arc<Waiting>,
}

impl Arrivals {
    /// With `each` at a time; 0 means that all are there from the start.
    pub(crate) fn new(estate: &Estate, seed: u64, each: u64) -> Self {
        let blocks = if each == 0 {
            0
        } else {
            estate.sessions().div_ceil(LATE_BLOCK)
        };
        let all: Vec<u64> = (0..blocks)
            .filter_map(|block| estate.late_in(block, LATE_BLOCK))
            .collect();
        let undated = all.iter().copied();
        let undated = undated.filter(|index| estate.undated(*index)).collect();
        let mut queue = all.clone();
        queue.sort_by_key(|index| mix(seed, *index, TURNS));
        let first = Arc::new(Waiting { all, undated });
        Self {
            each,
            state: Mutex::new(State {
                queue,
                waiting: Arc::clone(&first),
            }),
            first,
        }
    }

    /// Lets the next ones in, and tells who is still waiting then.
    pub(crate) fn next(&self) -> Arc<Waiting> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..self.each {
            let Some(index) = state.queue.pop() else {
                break;
            };
            let waiting = Arc::make_mut(&mut state.waiting);
            for list in [&mut waiting.all, &mut waiting.undated] {
                if let Ok(place) = list.binary_search(&index) {
                    list.remove(place);
                }
            }
        }
        Arc::clone(&state.waiting)
    }

    /// Who is waiting now.
    pub(crate) fn now(&self) -> Arc<Waiting> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&state.waiting)
    }

    /// Who was waiting before the first query.
    pub(crate) fn at_first(&self) -> Arc<Waiting> {
        Arc::clone(&self.first)
    }
}

/// One session in so many arrives late.
const LATE_BLOCK: u64 = 10;

const TURNS: u64 = 0x7475_726e;
