//! The rows of machines, and of what is known about each: its cost, its failures.

use crate::demo::model::Table;
use crate::demo::moment::{DAY, HOUR, MINUTE};
use crate::demo::value::{Row, Value};

use super::Estate;
use super::dice::{Dice, mix, nth};
use super::inventory::dates;
use super::lists::{GROUPS, HYPERVISOR_SPECS, MACHINE_FAILURES, spec};
use super::people;
use super::series::Series;

/// A machine.
pub(super) fn machine(estate: &Estate, table: &Table, index: u64, out: &mut Row) {
    let group = estate.fleet.group(index);
    let Some(spec) = spec(group) else { return };
    let mut dice = Dice::new(estate.seed, 0x6d63, index);
    let name = format!("{}{:03}", spec.prefix, estate.fleet.place(index) + 1);
    let off = dice.percent(6) && estate.fleet.open_sessions(index) == 0;
    let faulty = !off && dice.percent(3);
    let since = estate.now - HOUR - dice.upto(6 * DAY);
    out.extend([
        Value::Guid(estate.guid("Machines", index)),
        Value::text(format!(
            "S-1-5-21-1004336348-1177238915-682003330-{}",
            40_000 + index
        )),
        Value::text(format!("{}\\{name}", people::DOMAIN)),
        Value::text(format!("{}.{}", name.to_lowercase(), people::MAIL)),
        Value::Int(0),
        Value::text(format!(
            "10.{}.{}.{}",
            30 + group,
            index / 250,
            1 + index % 250
        )),
        Value::Guid(estate.guid("Machines", index + (1 << 32)))
            .literal()
            .into(),
        Value::text(format!(
            "{}-host-{:02}",
            nth(HYPERVISOR_SPECS, spec.hypervisor).1.to_lowercase(),
            index % 12 + 1
        )),
        Value::text(name),
        Value::Bool(spec.kind == 0),
        Value::Bool(group == GROUPS - 1 && dice.percent(50)),
        Value::Bool(dice.percent(5)),
        Value::text(nth(
            &["2402.0.100.629", "2311.1.0.55", "2407.0.0.121"],
            dice.next(),
        )),
    ]);
    owner(estate, spec.kind == 0, index, out);
    let condition = Condition { off, faulty, since };
    condition.write(estate, index, out);
    out.extend([
        Value::text(if spec.support == 2 {
            "Windows 2022"
        } else {
            "Windows 11"
        }),
        Series::of("LoadIndexes").map_or(Value::Null, |series| series.latest(estate, index)),
        Value::Guid(estate.guid("Catalogs", spec.catalog)),
        Value::Guid(estate.guid("DesktopGroups", group)),
        Value::Guid(estate.guid("Hypervisors", spec.hypervisor)),
        Value::Int(if off { 3 } else { 1 }),
        Value::Int(nth(&[3, 4, 5, 8], dice.next())),
        Value::Null,
        Value::at(since + MINUTE),
        Value::Int(0),
        Value::Null,
        if dice.percent(20) {
            Value::text("Autoscale")
        } else {
            Value::Null
        },
        Value::text(format!("{:016x}", mix(estate.seed, index, table.id as u64))),
        Value::Int(0),
    ]);
    out.extend(dates(estate, &mut dice));
}

/// How a machine is doing, and since when.
struct Condition {
    off: bool,
    faulty: bool,
    since: i64,
}

impl Condition {
    /// Appends the columns from the registration state to the fault state.
    fn write(&self, estate: &Estate, index: u64, out: &mut Row) {
        let Self { off, faulty, since } = *self;
        let reason = match (off, faulty) {
            (true, _) => 200,
            (_, true) => 207,
            _ => 400,
        };
        out.extend([
            Value::Int(if off || faulty { 2 } else { 1 }),
            Value::at(since),
            Value::Int(reason),
            Value::date((off || faulty).then_some(since)),
            Value::Int(if off { 2 } else { 3 }),
            Value::Int(estate.fleet.open_sessions(index)),
            Value::text(nth(
                &["fra-cc-01.nordhafen.example", "fra-cc-02.nordhafen.example"],
                index,
            )),
            Value::date((!off).then_some(since)),
            Value::at(since),
            Value::Int(7),
            Value::date(faulty.then_some(since)),
            Value::Int(1),
            Value::Bool(false),
            Value::Int(if faulty { 4 } else { 1 }),
        ]);
    }
}

/// What an hour of a machine costs.
pub(super) fn machine_cost(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let mut dice = Dice::new(estate.seed, 0x6d63, index);
    let compute = 0.05 + dice.decimal(0.6);
    out.extend([
        Value::Guid(estate.guid("Machines", index)),
        Value::Int(1 + dice.upto(6)),
        Value::Double((compute * 100.0).round() / 100.0),
        Value::Int(2),
        Value::Int(2),
        Value::Double((compute * 80.0).round() / 100.0),
        Value::Double(dice.decimal(0.05)),
        Value::Double(dice.decimal(0.05)),
    ]);
    out.extend(dates(estate, &mut dice));
}

/// A time in which a machine could not be used; the last few have not ended.
pub(super) fn machine_failure(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let mut dice = Dice::new(estate.seed, 0x6d66, index);
    let machine = dice.below(estate.fleet.count());
    let jitter = dice.next();
    let start = estate.rhythm.moment(index, MACHINE_FAILURES, jitter);
    let end = Some(start + dice.between(2 * MINUTE, 8 * HOUR)).filter(|end| *end < estate.now);
    out.extend([
        Value::Int(index as i64 + 1),
        Value::Guid(estate.guid("Machines", machine)),
        Value::at(start),
        Value::date(end),
        Value::Int(dice.between(2, 7)),
        Value::Int(nth(&[200, 207, 102, 400], dice.next())),
        Value::at(start + 1500),
        Value::at(end.unwrap_or(start) + 1500),
    ]);
}

/// The user to whom a private machine belongs.
fn owner(estate: &Estate, private: bool, machine: u64, out: &mut Row) {
    if !private {
        out.extend([Value::Null, Value::Null, Value::Null]);
        return;
    }
    let user = machine * 6 % people::USERS;
    out.extend([
        Value::text(people::full_name(estate, user)),
        Value::text(format!(
            "{}\\{}",
            people::DOMAIN,
            people::account_of(estate, user)
        )),
        Value::text(people::upn(estate, user)),
    ]);
}
