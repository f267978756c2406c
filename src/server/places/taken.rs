//! Who has which place, and which connection makes room. It never waits.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::state::State;

/// Places that are taken.
#[derive(Debug)]
pub(super) struct Taken {
    most: usize,
    /// Of one address; `None` when it may have all.
    most_of_one: Option<usize>,
    next: u64,
    holders: BTreeMap<u64, Holder>,
    /// Connections that gave up their place and are not closed yet, with their addresses.
    closing: HashMap<u64, Option<IpAddr>>,
    /// The addresses among both, without this machine's.
    addresses: HashMap<IpAddr, Count>,
}

/// Who has a place.
#[derive(Debug)]
struct Holder {
    /// As it is counted; `None` for what has no share, because it may have all.
    address: Option<IpAddr>,
    state: Arc<State>,
}

/// Connections of one address.
#[derive(Debug, Default)]
struct Count {
    open: usize,
    closing: usize,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// All are taken, and no connection can make room yet.
    Full,
    /// The address has its share, and none of its own can make room.
    OwnShare,
}

/// Among which connections room is made.
#[derive(Debug, Clone, Copy)]
enum Among {
    All,
    Own(IpAddr),
}

impl Taken {
    pub(super) fn new(most: usize, most_of_one: usize) -> Self {
        Self {
            most,
            most_of_one: (most_of_one < most).then_some(most_of_one),
            next: 0,
            holders: BTreeMap::new(),
            closing: HashMap::new(),
            addresses: HashMap::new(),
        }
    }

    /// Gives a place to a connection from this address, and says under which number. `None` has no share.
    pub(super) fn take(
        &mut self,
        address: Option<IpAddr>,
        state: &Arc<State>,
    ) -> Result<u64, Denied> {
        let own = address.filter(|address| self.has_its_share(address));
        if let Some(own) = own {
            self.make_room(Among::Own(own)).ok_or(Denied::OwnShare)?;
        } else if self.holders.len() >= self.most {
            self.make_room(Among::All).ok_or(Denied::Full)?;
        }
        let number = self.next;
        self.next += 1;
        let state = Arc::clone(state);
        self.holders.insert(number, Holder { address, state });
        if let Some(address) = address {
            self.addresses.entry(address).or_default().open += 1;
        }
        Ok(number)
    }

    /// The connection of this number is closed.
    pub(super) fn free(&mut self, number: u64) {
        let held = self.holders.remove(&number);
        let was_open = held.is_some();
        let address = held.map(|holder| holder.address);
        let address = address.or_else(|| self.closing.remove(&number)).flatten();
        let Some(address) = address else { return };
        if let Some(count) = self.addresses.get_mut(&address) {
            let one_less = if was_open {
                &mut count.open
            } else {
                &mut count.closing
            };
            *one_less = one_less.saturating_sub(1);
            if count.open == 0 && count.closing == 0 {
                self.addresses.remove(&address);
            }
        }
    }

    fn has_its_share(&self, address: &IpAddr) -> bool {
        let open = self.addresses.get(address).map_or(0, |count| count.open);
        self.most_of_one.is_some_and(|most| open >= most)
    }

    /// Has the connection closed that has been idle for longest, or else the one that has been stuck for longest, and counts
    /// its place as free at once: it has nothing to do any more, and the next one need not wait until that is done.
    ///
    /// For one of its own address, none makes room whose first request is still to be expected: that request would be lost.
    /// Clients send again what a used connection did not answer, and not what a new one did not.
    fn make_room(&mut self, among: Among) -> Option<()> {
        let (closing, closing_max) = self.closing_among(among);
        if closing >= closing_max || self.closing.len() >= CLOSING_MAX {
            return None;
        }
        let number = self
            .longest(among, State::idle_for)
            .or_else(|| self.longest(among, State::stuck_for))?;
        let Holder { address, state } = self.holders.remove(&number)?;
        state.close(closing >= closing_max / 2 || self.closing.len() >= CLOSING_MAX / 2);
        self.closing.insert(number, address);
        if let Some(count) = address.and_then(|address| self.addresses.get_mut(&address)) {
            count.open = count.open.saturating_sub(1);
            count.closing += 1;
        }
        Some(())
    }

    /// How many of these are being closed, and how many may be. One address may not keep others from making room.
    fn closing_among(&self, among: Among) -> (usize, usize) {
        match among {
            Among::All => (self.closing.len(), CLOSING_MAX),
            Among::Own(address) => {
                let count = self.addresses.get(&address);
                (count.map_or(0, |count| count.closing), CLOSING_MAX / 2)
            }
        }
    }

    fn longest(&self, among: Among, time: impl Fn(&State) -> Option<Duration>) -> Option<u64> {
        let timed = self.holders.iter().filter_map(|(number, holder)| {
            let is_among = match among {
                Among::All => true,
                Among::Own(own) => holder.address == Some(own) && !holder.state.is_new(),
            };
            let time = is_among.then(|| time(&holder.state)).flatten()?;
            Some((time, Reverse(*number)))
        });
        timed.max().map(|(_, Reverse(number))| number)
    }
}

/// So many connections may be there beyond the places while they are being closed; half of them to make room for their own
/// address.
pub(super) const CLOSING_MAX: usize = 64;
