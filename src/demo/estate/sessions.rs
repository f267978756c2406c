//! Sessions: what is true of each, and their rows.

use crate::demo::moment::{HOUR, MINUTE, SECOND, TICKS};
use crate::demo::value::{Row, Value};

use super::Estate;
use super::dates::first;
use super::dice::{Dice, mix, scale};
use super::people::USERS;

/// What the rows of a session and of everything around it agree on.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) start: i64,
    /// None while the session is open.
    pub(super) end: Option<i64>,
    pub(super) user: u64,
    /// None when no machine could be found.
    pub(super) machine: Option<u64>,
    /// The failure category, for sessions that failed to start.
    pub(super) failure: Option<u64>,
    pub(super) application: bool,
    /// How long the logon took, in milliseconds.
    pub(super) logon: i64,
}

impl Estate {
    pub(super) fn session(&self, index: u64) -> Session {
        let start = self.session_start(index);
        let mut dice = Dice::new(self.seed, 0x7365, index);
        let application = self.runs_application(index);
        let length = match (application, dice.below(10)) {
            (true, 0..6) => dice.between(4 * MINUTE, 90 * MINUTE),
            (false, 0) | (true, _) => dice.between(30 * MINUTE, 5 * HOUR),
            (false, 9) => dice.between(9 * HOUR, 18 * HOUR),
            (false, _) => dice.between(3 * HOUR, 10 * HOUR),
        };
        let failure = self
            .session_failed(index)
            .then(|| dice.pick(FREQUENT_FAILURES));
        let length = if failure.is_some() {
            dice.between(SECOND, MINUTE)
        } else {
            length
        };
        let end = Some(start + length).filter(|end| *end <= self.now);
        let logon = 6 * SECOND + dice.upto(20 * SECOND) + dice.upto(20 * SECOND);
        Session {
            start,
            end: if failure.is_some() {
                Some(end.unwrap_or(self.now))
            } else {
                end
            },
            user: self.session_user(index),
            machine: self.session_machine_known(index),
            failure,
            application,
            logon,
        }
    }

    pub(super) fn session_key(&self, index: u64) -> u128 {
        self.guid("Sessions", index)
    }

    /// The first session that started at or after this moment.
    pub(super) fn first_session_since(&self, moment: i64) -> u64 {
        first(self.sessions, |index| self.session_start(index) >= moment)
    }

    /// When a session really started; see [`Estate::start_ticks`] for what is stored of it.
    pub(super) fn session_ticks(&self, index: u64) -> i64 {
        self.rhythm
            .ticks(index, self.sessions, mix(self.seed, index, 0x7374))
    }

    fn session_start(&self, index: u64) -> i64 {
        self.session_ticks(index).div_euclid(TICKS)
    }

    fn session_user(&self, index: u64) -> u64 {
        scale(mix(self.seed, index, 0x7573), USERS)
    }

    /// Every third failure is one for want of a machine.
    fn session_machine_known(&self, index: u64) -> Option<u64> {
        let machine = self.session_machine(index);
        (!(self.session_failed(index) && index.is_multiple_of(3))).then_some(machine)
    }
}

/// The row of a session.
pub(super) fn session(estate: &Estate, index: u64, out: &mut Row) {
    let facts = estate.session(index);
    let mut dice = Dice::new(estate.seed, 0x726f, index);
    let open = facts.end.is_none();
    let disconnected = open && dice.percent(15);
    let failed_at = facts.failure.map(|_| facts.end.unwrap_or(facts.start));
    let since_start = dice.upto(estate.now - facts.start);
    let changed = facts.end.unwrap_or(if disconnected {
        facts.start + since_start
    } else {
        (facts.start + facts.logon).min(estate.now)
    });
    let state = match (open, disconnected) {
        (false, _) => 3,
        (true, true) => 2,
        (true, false) => 5,
    };
    out.extend([
        Value::Guid(estate.session_key(index)),
        estate.start_date(index),
        facts
            .failure
            .map_or(Value::Int(facts.logon), |_| Value::Null),
        Value::date(facts.end),
        if open { Value::Null } else { Value::Int(0) },
        facts
            .failure
            .map_or(Value::Null, |category| Value::Int(category as i64 + 1)),
        Value::date(failed_at),
        Value::Int(state),
        Value::date(disconnected.then(|| changed - changed % MINUTE)),
        Value::at(changed),
        Value::Int(i64::from(!open)),
        Value::Int(estate.last_connection(index) as i64 + 1),
        Value::Int(facts.user as i64 + 1),
        estate.machine_key(facts.machine),
        Value::Int(i64::from(facts.application)),
        Value::Bool(false),
        match facts.machine {
            Some(machine) if !facts.application => {
                Value::Int(estate.fleet.group(machine) as i64 + 1)
            }
            _ => Value::Null,
        },
        Value::at(facts.start),
        Value::at(
            changed
                .max(facts.start + facts.logon)
                .min(estate.now)
                .max(facts.start),
        ),
    ]);
}

/// Columns by which others find sessions.
pub(super) fn quick_cell(estate: &Estate, index: u64, column: usize) -> Option<Value> {
    match column {
        0 => Some(Value::Guid(estate.session_key(index))),
        1 => Some(estate.start_date(index)),
        12 => Some(Value::Int(estate.session_user(index) as i64 + 1)),
        13 => Some(estate.machine_key(estate.session_machine_known(index))),
        _ => None,
    }
}

impl Estate {
    pub(super) fn machine_key(&self, machine: Option<u64>) -> Value {
        machine.map_or(Value::Null, |machine| {
            Value::Guid(self.guid("Machines", machine))
        })
    }
}

/// Failure categories by row, the frequent ones more than once.
const FREQUENT_FAILURES: &[u64] = &[3, 3, 4, 4, 4, 12, 13, 18, 19, 23, 26, 26, 27];
