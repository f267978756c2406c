//! How rows hang on sessions, so that both directions are arithmetic.

use super::Estate;
use super::dice::mix;

/// A pattern of rows over sessions.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hook {
    /// One for each session.
    Every,
    /// `each` for every session of the last day.
    Recent { each: u64 },
    /// One session in each block of this size.
    OneOf { block: u64 },
    /// The same among the sessions of the last day.
    RecentOneOf { block: u64 },
    /// One for each session, and two reconnects in each block of eight.
    Connections,
    /// Four in each block of eight, for the three sessions there that run applications.
    Instances,
}

impl Hook {
    /// Sessions that failed to start.
    pub(super) const FAILURES: Self = Self::OneOf { block: 40 };

    pub(super) fn count(self, estate: &Estate) -> u64 {
        let all = estate.sessions;
        let recent = all - estate.recent;
        match self {
            Self::Every => all,
            Self::Recent { each } => recent * each,
            Self::OneOf { block } => all / block,
            Self::RecentOneOf { block } => recent / block,
            Self::Connections => all / BLOCK * CONNECTIONS + all % BLOCK,
            Self::Instances => all / BLOCK * INSTANCES,
        }
    }

    /// The session that row `index` belongs to.
    pub(super) fn session(self, estate: &Estate, index: u64) -> u64 {
        match self {
            Self::Every => index,
            Self::Recent { each } => estate.recent + index / each,
            Self::OneOf { block } => index * block + estate.lucky(index, block),
            Self::RecentOneOf { block } => {
                estate.recent + index * block + estate.lucky(index, block)
            }
            Self::Connections => {
                let (block, place) = (index / CONNECTIONS, index % CONNECTIONS);
                block * BLOCK
                    + if place < BLOCK {
                        place
                    } else {
                        estate.reconnected(block, place - BLOCK)
                    }
            }
            Self::Instances => {
                let (block, place) = (index / INSTANCES, index % INSTANCES);
                block * BLOCK + estate.application_place(block, place)
            }
        }
    }

    /// The (first) row of a session.
    pub(super) fn index_of(self, estate: &Estate, session: u64) -> Option<u64> {
        match self {
            Self::Every => Some(session),
            Self::Recent { each } => session.checked_sub(estate.recent).map(|place| place * each),
            Self::OneOf { block } => {
                (estate.lucky(session / block, block) == session % block).then_some(session / block)
            }
            Self::RecentOneOf { block } => {
                let place = session.checked_sub(estate.recent)?;
                (estate.lucky(place / block, block) == place % block).then_some(place / block)
            }
            Self::Connections => Some(session / BLOCK * CONNECTIONS + session % BLOCK),
            Self::Instances => (0..INSTANCES)
                .find(|place| estate.application_place(session / BLOCK, *place) == session % BLOCK)
                .map(|place| session / BLOCK * INSTANCES + place),
        }
    }
}

impl Estate {
    /// The last connection of a session.
    pub(super) fn last_connection(&self, session: u64) -> u64 {
        let block = session / BLOCK;
        let full = (block + 1) * BLOCK <= self.sessions;
        (0..CONNECTIONS - BLOCK)
            .rev()
            .find(|nth| full && self.reconnected(block, *nth) == session % BLOCK)
            .map_or(session % BLOCK, |nth| BLOCK + nth)
            + block * CONNECTIONS
    }

    /// Where a connection stands among those of its session: 0 for the first.
    pub(super) fn connection_rank(&self, index: u64) -> u64 {
        let (block, place) = (index / CONNECTIONS, index % CONNECTIONS);
        match place {
            0..BLOCK => 0,
            BLOCK => 1,
            _ => 1 + u64::from(self.reconnected(block, 0) == self.reconnected(block, 1)),
        }
    }

    /// Sessions of applications: three of every eight, none in the last, incomplete block.
    pub(super) fn runs_application(&self, session: u64) -> bool {
        let block = session / BLOCK;
        (block + 1) * BLOCK <= self.sessions
            && (0..INSTANCES).any(|place| self.application_place(block, place) == session % BLOCK)
    }

    /// Sessions that failed to start.
    pub(super) fn session_failed(&self, session: u64) -> bool {
        Hook::FAILURES
            .index_of(self, session)
            .is_some_and(|index| index < Hook::FAILURES.count(self))
    }

    fn lucky(&self, index: u64, block: u64) -> u64 {
        mix(self.seed, index, block) % block
    }

    fn reconnected(&self, block: u64, nth: u64) -> u64 {
        (mix(self.seed, block, 0x7265) >> (nth * 8)) % BLOCK
    }

    fn application_place(&self, block: u64, place: u64) -> u64 {
        (mix(self.seed, block, 0x6170) + place % 3 * 3) % BLOCK
    }
}

const BLOCK: u64 = 8;
const CONNECTIONS: u64 = 10;
const INSTANCES: u64 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_agree() {
        let estate = Estate::new(1, 1003, 1_772_000_000_000);
        for hook in [
            Hook::Every,
            Hook::Recent { each: 4 },
            Hook::FAILURES,
            Hook::RecentOneOf { block: 3 },
            Hook::Connections,
            Hook::Instances,
        ] {
            for index in 0..hook.count(&estate) {
                let session = hook.session(&estate, index);
                assert!(session < 1003, "{hook:?} {index}");
                let first = hook.index_of(&estate, session).unwrap();
                assert_eq!(hook.session(&estate, first), session, "{hook:?} {index}");
                assert!(first <= index);
            }
        }
    }

    #[test]
    fn the_last_connection_is_the_last() {
        let estate = Estate::new(1, 203, 1_772_000_000_000);
        let count = Hook::Connections.count(&estate);
        for session in 0..203 {
            let all: Vec<u64> = (0..count)
                .filter(|index| Hook::Connections.session(&estate, *index) == session)
                .collect();
            assert_eq!(all.last().copied(), Some(estate.last_connection(session)));
            let ranks: Vec<u64> = all
                .iter()
                .map(|index| estate.connection_rank(*index))
                .collect();
            assert_eq!(ranks, (0..all.len() as u64).collect::<Vec<_>>());
        }
    }
}
