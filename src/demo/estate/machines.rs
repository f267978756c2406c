//! Which machines there are, which delivery group each belongs to, and who is on them.

use super::Estate;
use super::dice::{mix, nth};
use super::lists::GROUP_SPECS;

/// The machines of all delivery groups, group after group.
#[derive(Debug)]
pub(super) struct Fleet {
    /// The delivery group of each machine.
    groups: Vec<u32>,
    /// Machines that run desktops, and those that run applications.
    desktops: Vec<u32>,
    applications: Vec<u32>,
    /// Open sessions on each machine.
    open: Vec<u32>,
}

impl Fleet {
    pub(super) fn new() -> Self {
        let groups: Vec<u32> = (0_u32..)
            .zip(GROUP_SPECS)
            .flat_map(|(group, spec)| (0..spec.machines).map(move |_| group))
            .collect();
        let with = |wanted: fn(i64) -> bool| {
            (0_u32..)
                .zip(&groups)
                .filter(|(_, group)| {
                    GROUP_SPECS
                        .get(**group as usize)
                        .is_some_and(|spec| wanted(spec.delivery))
                })
                .map(|(machine, _)| machine)
                .collect()
        };
        Self {
            desktops: with(|delivery| delivery != APPS_ONLY),
            applications: with(|delivery| delivery != DESKTOPS_ONLY),
            open: vec![0; groups.len()],
            groups,
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.groups.len() as u64
    }

    /// The delivery group of a machine.
    pub(super) fn group(&self, machine: u64) -> u64 {
        u64::from(nth(&self.groups, machine))
    }

    /// Where a machine stands within its group.
    pub(super) fn place(&self, machine: u64) -> u64 {
        let group = self.group(machine) as u32;
        machine - self.groups.partition_point(|other| *other < group) as u64
    }

    /// Open sessions on a machine.
    pub(super) fn open_sessions(&self, machine: u64) -> i64 {
        i64::from(nth(&self.open, machine))
    }
}

impl Estate {
    /// The machine that a session runs on.
    pub(super) fn session_machine(&self, session: u64) -> u64 {
        let random = mix(self.seed, session, 0x6d61);
        let machines = if self.runs_application(session) {
            &self.fleet.applications
        } else {
            &self.fleet.desktops
        };
        u64::from(nth(machines, random))
    }

    /// Fills in how many sessions are open on each machine.
    pub(super) fn count_open_sessions(&mut self) {
        let mut open = vec![0; self.fleet.open.len()];
        for session in self.recent..self.sessions {
            let facts = self.session(session);
            if let (None, Some(machine)) = (facts.end, facts.machine)
                && let Some(count) = open.get_mut(machine as usize)
            {
                *count += 1;
            }
        }
        self.fleet.open = open;
    }
}

const DESKTOPS_ONLY: i64 = 0;
const APPS_ONLY: i64 = 1;
