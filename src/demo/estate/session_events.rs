//! The rows that hang on sessions: failures, applications, samples, logon details.

use crate::demo::model::Table;
use crate::demo::moment::{DAY, MINUTE, SECOND};
use crate::demo::value::{Row, Value};

use super::Estate;
use super::attached::Hook;
use super::dice::{Dice, nth};
use super::lists::{APPLICATIONS, failure_code};

/// A connection that failed.
pub(super) fn failure_log(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let session = Hook::FAILURES.session(estate, index);
    let facts = estate.session(session);
    let at = facts.end.unwrap_or(facts.start);
    out.extend([
        Value::Int(index as i64 + 1),
        Value::Guid(estate.session_key(session)),
        Value::at(at),
        Value::Int(facts.user as i64 + 1),
        estate.machine_key(facts.machine),
        facts
            .failure
            .map_or(Value::Null, |category| Value::Int(failure_code(category))),
        Value::at(at),
        Value::at(at),
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
        Value::at(start),
        Value::date(facts.end),
        Value::at(start),
        Value::at(facts.end.unwrap_or(start)),
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
        Value::at(at),
        Value::Int(latency + 8 + dice.upto(30)),
        Value::Int(latency),
        Value::Int(latency / 2),
        Value::Int(dice.upto(9)),
        Value::Guid(estate.session_key(session)),
        Value::Int(5),
        Value::at(at + SECOND),
        Value::at(at + SECOND),
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
        Value::at(facts.start + MINUTE),
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
        Value::at(facts.end.unwrap_or(estate.now)),
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
        Value::at(facts.start),
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
        Value::at(facts.start + facts.logon),
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
        Value::at(estate.session(session).start),
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
        Value::at(at),
        Value::at(at + SECOND),
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
        Value::at(at),
        Value::Null,
        estate.machine_key(facts.machine),
    ]);
}
