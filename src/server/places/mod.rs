//! Places for connections: how many there may be, and which one makes room for another.
//!
//! Whoever opens connections and says nothing must not keep others out: when all places are taken, the connection that has
//! been idle for longest makes room; when none is idle, one whose client has taken nothing of what is ready for it for
//! [`STUCK_MIN`]. One whose request is being answered never does.
//!
//! Nor may one client of another machine take them all with requests: one address has a share. Beyond it room is made among
//! its own connections alone, by the same rule, but not by those that were opened just now and have yet to ask: who opens
//! several at once would lose requests, and nothing would tell of it. When there is no room to make, the new one is turned
//! away. It does not wait: others would wait behind it.
//!
//! - [`taken`]: who has which place, and who makes room; it never waits;
//! - [`state`]: what is known of one connection;
//! - [`change`]: telling those who wait that there may be a place.
//!
//! A connection that makes room gives up its place before it is closed. Waiting for its end would cost a turn of the scheduler
//! for each new connection, and a crowd that opens connections faster than that would fill the system's queue.

mod change;
mod state;
mod taken;

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::change::Change;
use self::taken::{Denied, Taken};
use crate::address::{counted, is_this_machine};

pub(super) use self::state::{STUCK_MIN, State, UnderWay};

/// All places; clones share them.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    taken: Mutex<Taken>,
    /// A connection is closed, or idle.
    change: Arc<Change>,
}

/// A connection's place; free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    all: Arc<Shared>,
    number: u64,
    state: Arc<State>,
}

/// The client's address has its share, and none of its own connections can make room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TurnedAway;

impl Places {
    /// So many places, and so many of them for one address of another machine.
    pub(super) fn new(most: NonZeroUsize, most_of_one: NonZeroUsize) -> Self {
        Self(Arc::new(Shared {
            taken: Mutex::new(Taken::new(most.get(), most_of_one.get())),
            change: Arc::default(),
        }))
    }

    /// Takes a place for a connection of `client`, when need be that of an idle or stuck connection, and waits while there is
    /// none. The connection is told to close when its place is needed, or when `stopping` is cancelled.
    pub(super) async fn take(
        &self,
        client: IpAddr,
        stopping: &CancellationToken,
    ) -> Result<Place, TurnedAway> {
        match self.try_take(client, stopping) {
            Ok(place) => return Ok(place),
            Err(Denied::OwnShare) => return Err(TurnedAway),
            Err(Denied::Full) => {}
        }
        let _waiting = self.0.change.wait_for_it();
        loop {
            // Heard from now on, so that what changes while we look is not missed.
            let mut changed = pin!(self.0.change.heard());
            changed.as_mut().enable();
            match self.try_take(client, stopping) {
                Ok(place) => return Ok(place),
                Err(Denied::OwnShare) => return Err(TurnedAway),
                // Stuck is what does not change: nobody tells of it.
                Err(Denied::Full) => drop(timeout(LOOK_EVERY, changed).await),
            }
        }
    }

    fn try_take(&self, client: IpAddr, stopping: &CancellationToken) -> Result<Place, Denied> {
        // What is on this machine is its users' own, or a reverse proxy that speaks for many.
        let address = (!is_this_machine(client)).then(|| counted(client));
        let state = State::new(Arc::clone(&self.0.change), stopping.child_token());
        let state = Arc::new(state);
        let number = self.0.taken().take(address, &state)?;
        Ok(Place {
            all: Arc::clone(&self.0),
            number,
            state,
        })
    }
}

impl Shared {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// What its connection tells of itself.
    pub(super) fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Waits for the order to close.
    pub(super) async fn closing(&self) {
        self.state.closing.cancelled().await;
    }

    /// Whether there is that order.
    pub(super) fn is_closing(&self) -> bool {
        self.state.closing.is_cancelled()
    }

    /// Whether so many are being closed that this one has no time for what its client has not taken.
    pub(super) fn is_hurried(&self) -> bool {
        self.state.is_hurried()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.taken().free(self.number);
        self.all.change.tell();
    }
}

/// How often those who wait look for a connection that is stuck.
const LOOK_EVERY: Duration = Duration::from_secs(5);

#[cfg(test)]
pub(crate) mod tests;
