//! Sessions, and the smaller tables that hang on them.

use crate::demo::model::Table;
use crate::demo::moment::{DAY, HOUR, MINUTE, SECOND};
use crate::demo::value::{Row, Value};

use super::Estate;
use super::attached::Hook;
use super::dice::{Dice, mix, nth, scale};
use super::lists::APPLICATIONS;
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
    pub(crate) fn first_session_since(&self, moment: i64) -> u64 {
        let (mut low, mut high) = (0, self.sessions);
        while low < high {
            let middle = u64::midpoint(low, high);
            if self.session_start(middle) < moment {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn session_start(&self, index: u64) -> i64 {
        self.rhythm
            .moment(index, self.sessions, mix(self.seed, index, 0x7374))
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
        Value::Date(facts.start),
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
        Value::Date(changed),
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
        Value::Date(facts.start),
        Value::Date(
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
        1 => Some(Value::Date(estate.session_start(index))),
        12 => Some(Value::Int(estate.session_user(index) as i64 + 1)),
        13 => Some(estate.machine_key(estate.session_machine_known(index))),
        _ => None,
    }
}

/// A connection that failed.
pub(super) fn failure_log(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let session = Hook::FAILURES.session(estate, index);
    let facts = estate.session(session);
    let at = facts.end.unwrap_or(facts.start);
    out.extend([
        Value::Int(index as i64 + 1),
        Value::Guid(estate.session_key(session)),
        Value::Date(at),
        Value::Int(facts.user as i64 + 1),
        estate.machine_key(facts.machine),
        facts.failure.map_or(Value::Null, |category| {
            Value::Int(super::inventory::failure_code(category))
        }),
        Value::Date(at),
        Value::Date(at),
    ]);
}

/// An application that somebody started.
pub(super) fn application_instance(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let session = Hook::Instances.session(estate, index);
    let facts = estate.session(session);
    let mut dice = Dice::new(estate.seed, 0x6169, index);
    let start =
        (facts.start + facts.logon + dice.upto(MINUTE)).min(facts.end.unwrap_or(estate.now));
    out.extend([
        Value::Int(index as i64 + 1),
        Value::Guid(estate.guid("Applications", dice.below(APPLICATIONS))),
        Value::Guid(estate.session_key(session)),
        Value::Date(start),
        Value::date(facts.end),
        Value::Date(start),
        Value::Date(facts.end.unwrap_or(start)),
    ]);
}

/// A sample of the last day's round-trip times.
pub(super) fn metrics(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let session = (Hook::Recent { each: 4 }).session(estate, index);
    let facts = estate.session(session);
    let mut dice = Dice::new(estate.seed, 0x6d65, index);
    let at = (facts.start + MINUTE + index as i64 % 4 * 15 * MINUTE)
        .min(facts.end.unwrap_or(estate.now));
    let latency = 4 + dice.upto(30) + dice.upto(40);
    out.extend([
        Value::Int(index as i64 + 1),
        Value::Date(at),
        Value::Int(latency + 8 + dice.upto(30)),
        Value::Int(latency),
        Value::Int(latency / 2),
        Value::Int(dice.upto(9)),
        Value::Guid(estate.session_key(session)),
        Value::Int(5),
        Value::Date(at + SECOND),
        Value::Date(at + SECOND),
    ]);
}

/// The latest of them, one row for each session.
pub(super) fn latest_metrics(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let session = (Hook::Recent { each: 1 }).session(estate, index);
    let facts = estate.session(session);
    let mut dice = Dice::new(estate.seed, 0x6c61, index);
    out.extend([
        Value::Guid(estate.session_key(session)),
        Value::Int(3 + dice.upto(40)),
        Value::text(nth(&["FRA-CC-01", "FRA-CC-02", "LON-CC-01"], dice.next())),
        Value::Date(facts.start + MINUTE),
        Value::text(nth(&["1480", "1380", "1240"], dice.next())),
        if dice.percent(40) {
            Value::text("EU-West")
        } else {
            Value::Null
        },
        Value::Int(dice.upto(3)),
        Value::text(nth(
            &["UDP-CGP-ICA", "TCP-SSL-CGP-ICA", "UDP-DTLS-CGP-ICA"],
            dice.next(),
        )),
        Value::Date(facts.end.unwrap_or(estate.now)),
        Value::Int(dice.upto(9)),
    ]);
}

/// The user initialisation step of a logon.
pub(super) fn logon_metric(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let facts = estate.session(index);
    let start = facts.start + facts.logon / 3;
    let done = facts.failure.is_none();
    out.extend([
        Value::Int(index as i64 + 1),
        Value::Guid(estate.session_key(index)),
        Value::date(done.then_some(start)),
        Value::date(done.then_some(start + facts.logon / 10)),
    ]);
}

/// Profile and policy details of a logon.
pub(super) fn logon_details(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let facts = estate.session(index);
    let mut dice = Dice::new(estate.seed, 0x6c64, index);
    let capacity = 64 << 30;
    out.extend([
        Value::Guid(estate.session_key(index)),
        Value::Null,
        Value::Date(facts.start),
        Value::Int(capacity),
        Value::Int(dice.upto(capacity)),
        Value::text(nth(&["SSD", "HDD", "Unknown"], dice.next())),
        Value::Int(dice.upto(40_000)),
        if dice.percent(30) {
            Value::text("Default Domain Policy:412;Desktop Lockdown:88")
        } else {
            Value::Null
        },
        Value::Int(dice.upto(50)),
        Value::Date(facts.start + facts.logon),
        Value::Int(dice.upto(4 << 30)),
        Value::text(nth(&["FSLogix", "Citrix UPM", "Local"], dice.next())),
        Value::text("V6"),
    ]);
}

/// The server that records a session.
pub(super) fn recording_server(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let session = (Hook::OneOf { block: 16 }).session(estate, index);
    out.extend([
        Value::Guid(estate.session_key(session)),
        Value::text(nth(&["FRA-SRS-01", "FRA-SRS-02"], index)),
        Value::Date(estate.session(session).start),
    ]);
}

/// A dropped connection that came back by itself.
pub(super) fn auto_reconnect(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let session = (Hook::OneOf { block: 20 }).session(estate, index);
    let facts = estate.session(session);
    let mut dice = Dice::new(estate.seed, 0x6172, index);
    let at = facts.start + dice.upto((facts.end.unwrap_or(estate.now) - facts.start).max(1));
    out.extend([
        Value::Int(index as i64 + 1),
        Value::Guid(estate.session_key(session)),
        Value::Int(estate.last_connection(session) as i64 + 1),
        Value::Int(1 + dice.upto(5)),
        Value::Int(dice.upto(3)),
        Value::Date(at),
        Value::Date(at + SECOND),
    ]);
}

/// An application that crashed or hung on the last day.
pub(super) fn application_trouble(estate: &Estate, table: &Table, index: u64, out: &mut Row) {
    let session = (Hook::RecentOneOf { block: 9 }).session(estate, index);
    let facts = estate.session(session);
    let mut dice = Dice::new(estate.seed, 0x6174 + table.id as u64, index);
    let (process, path) = dice.pick(&[
        (
            "OUTLOOK.EXE",
            r"C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE",
        ),
        (
            "saplogon.exe",
            r"C:\Program Files\SAP\FrontEnd\SAPGUI\saplogon.exe",
        ),
        (
            "msedge.exe",
            r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
        ),
        ("Teams.exe", r"C:\Program Files\Teams\Teams.exe"),
    ]);
    let at = facts.start + dice.upto((facts.end.unwrap_or(estate.now) - facts.start).clamp(1, DAY));
    out.extend([
        Value::Int(index as i64 + 1),
        Value::text(path),
        Value::text(process),
        Value::Guid(estate.session_key(session)),
        Value::text(format!(
            "16.0.{}.{}",
            17000 + dice.below(900),
            dice.below(20_000)
        )),
        Value::text("Faulting module name: ntdll.dll\r\nException code: 0xc0000005"),
        Value::Date(at),
        Value::Null,
        estate.machine_key(facts.machine),
    ]);
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
