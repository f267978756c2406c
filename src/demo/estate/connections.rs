//! Connections: where a client came from, and how long each step of its logon took.

use crate::demo::model::Table;
use crate::demo::moment::{MINUTE, SECOND};
use crate::demo::value::{Row, Value};

use super::Estate;
use super::attached::Hook;
use super::dice::{Dice, mix, nth};

/// One connect or reconnect.
pub(super) fn connection(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let session = Hook::Connections.session(estate, index);
    let facts = estate.session(session);
    let rank = estate.connection_rank(index);
    let last = estate.last_connection(session) == index;
    let mut dice = Dice::new(estate.seed, 0x636f, index);
    let until = facts.end.unwrap_or(estate.now);
    // Reconnects share the time between start and end in thirds.
    let start = facts.start + (until - facts.start) / 3 * rank as i64;
    let disconnected = if last {
        facts.end
    } else {
        Some(start + (until - facts.start) / 3 - 1)
    };
    let steps = (facts.failure.is_none()).then(|| Steps::new(start, facts.logon, rank == 0));
    client(estate, session, facts.user, index, &mut dice, out);
    out.extend([
        Value::Bool(rank > 0),
        Value::Bool(dice.percent(96)),
        Value::text("HDX"),
    ]);
    let at = |pick: fn(&Steps) -> Option<i64>| Value::date(steps.as_ref().and_then(pick));
    out.extend([
        at(|steps| steps.logon.map(|logon| logon.0)),
        at(|steps| steps.logon.map(|logon| logon.1)),
        Value::Int(200 + dice.upto(2500)),
        Value::at(start),
        disconnected.map_or(Value::Null, |_| Value::Int(if last { 0 } else { 1004 })),
        Value::date(disconnected),
    ]);
    let started = dice.percent(3) && rank == 0;
    out.extend([
        Value::date(started.then(|| start - 2 * MINUTE)),
        Value::date(started.then(|| start - 100 * SECOND)),
        Value::date(started.then(|| start - 30 * SECOND)),
        Value::Null,
        Value::Null,
        at(|steps| Some(steps.start + 900)),
        at(|steps| Some(steps.start + 300)),
        at(|steps| Some(steps.start + 850)),
        steps
            .as_ref()
            .map_or(Value::Null, |_| Value::Int(dice.upto(900))),
        at(|steps| steps.part(20)),
        at(|steps| steps.part(38)),
        at(|steps| steps.part(38)),
        at(|steps| steps.part(45)),
        at(|steps| steps.part(10)),
        at(|steps| steps.part(20)),
        at(|steps| steps.part(50)),
        at(|steps| steps.part(100)),
        Value::Guid(estate.session_key(session)),
        Value::at(start),
        Value::at(disconnected.unwrap_or(start)),
    ]);
}

/// The columns about the device and its network.
fn client(estate: &Estate, session: u64, user: u64, index: u64, dice: &mut Dice, out: &mut Row) {
    // People mostly use one device; it is a fact of the user, not of the connection.
    let device = mix(estate.seed, user, 0x6465);
    let (platform, version, workspace) = nth(
        &[
            ("Windows", "24.5.10.23", 1),
            ("Windows", "24.2.1001.5", 1),
            ("Windows", "23.11.1.140", 1),
            ("Macintosh", "24.5.0.71", 2),
            ("Linux", "24.2.0.65", 3),
            ("HTML5", "24.4.0.1", 4),
            ("Chrome", "24.3.0.38", 5),
        ],
        device,
    );
    let (country, city, provider) = nth(
        &[
            ("Germany", "Frankfurt am Main", "Deutsche Telekom AG"),
            ("Germany", "München", "Vodafone GmbH"),
            ("United Kingdom", "London", "British Telecommunications PLC"),
            ("Ireland", "Dublin", "Eir Broadband"),
            ("Germany", "Stuttgart", "1&1 Versatel"),
        ],
        device >> 8,
    );
    let outside = dice.percent(45);
    out.extend([
        Value::Int(index as i64 + 1),
        Value::text(format!(
            "{}-{:05}",
            if workspace == 4 { "HTML" } else { "NB" },
            10_000 + user * 7 % 90_000
        )),
        Value::text(format!(
            "10.{}.{}.{}",
            20 + session % 4,
            device >> 16 & 0xff,
            1 + (device >> 24) % 250
        )),
        if outside {
            Value::text(format!("203.0.113.{}", 1 + dice.below(250)))
        } else {
            Value::Null
        },
        Value::text(version),
        Value::text(platform),
        if outside {
            Value::text(provider)
        } else {
            Value::Null
        },
        Value::text(country),
        Value::text(city),
        Value::Int(1 + (device >> 32) as i64 % 2),
        Value::Int(workspace),
        if outside {
            Value::text("gateway.nordhafen.example")
        } else {
            Value::Null
        },
        Value::text(nth(&["10.20.0.11", "10.20.0.12"], dice.next())),
        Value::text(nth(&["FRA-SF-01", "FRA-SF-02"], dice.next())),
        Value::text("10.20.0.21"),
    ]);
}

/// The moments of a logon.
struct Steps {
    start: i64,
    logon: Option<(i64, i64)>,
    length: i64,
}

impl Steps {
    /// A reconnect has no logon steps.
    fn new(start: i64, length: i64, first: bool) -> Self {
        Self {
            start,
            logon: first.then(|| (start + length / 10, start + length)),
            length,
        }
    }

    /// The moment when this many hundredths of the logon are over.
    fn part(&self, hundredths: i64) -> Option<i64> {
        self.logon
            .map(|_| self.start + self.length * hundredths / 100)
    }
}
