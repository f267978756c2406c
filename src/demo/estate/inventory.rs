//! The things an administrator manages: delivery groups, catalogs, hypervisors, applications.

use crate::demo::model::{Model, Table};
use crate::demo::moment::DAY;
use crate::demo::value::{Row, Value};

use super::Estate;
use super::dice::{Dice, nth};
use super::lists::{
    APPLICATION_SPECS, CATALOG_SPECS, CATALOGS, CatalogSpec, GROUPS, HYPERVISOR_SPECS, ZONES,
    failure_code, spec,
};

/// A delivery group.
pub(super) fn group(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let Some(spec) = spec(index) else { return };
    let mut dice = Dice::new(estate.seed, 0x6772, index);
    let cost = 0.1 + dice.decimal(0.4);
    out.extend([
        Value::Guid(estate.guid("DesktopGroups", index)),
        Value::text(spec.name),
        Value::Bool(false),
        Value::Int(spec.kind),
        Value::Int(0),
        Value::Int(spec.support),
        Value::Int(spec.delivery),
        Value::Bool(index == GROUPS - 1),
        Value::Double((cost * 100.0).round() / 100.0),
        Value::Int(2),
        if dice.percent(50) {
            Value::Int(index as i64 + 10)
        } else {
            Value::Null
        },
    ]);
    out.extend(dates(estate, &mut dice));
}

/// The name under which users see a group's desktop.
pub(super) fn desktop_name(_estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let name = spec(index).map_or("", |spec| spec.desktop);
    out.extend([Value::Int(index as i64 + 1), Value::text(name)]);
}

/// A machine catalog.
pub(super) fn catalog(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let CatalogSpec(name, [provisioning, changes, allocation, support], zone) =
        nth(CATALOG_SPECS, index);
    let mut dice = Dice::new(estate.seed, 0x6361, index);
    let place = ZONES.iter().position(|other| *other == zone).unwrap_or(0) as u64;
    out.extend([
        Value::Guid(estate.guid("Catalogs", index)),
        Value::text(name),
        Value::Int(i64::from(index == CATALOGS - 1)),
        Value::Int(provisioning),
        Value::Int(changes),
        Value::Bool(false),
        Value::Int(allocation),
        Value::Int(support),
        match provisioning {
            1 => Value::Guid(estate.guid("Catalogs", index + 100)),
            _ => Value::Null,
        },
        Value::Guid(estate.guid("Catalogs", 200 + place)),
        Value::text(zone),
    ]);
    out.extend(dates(estate, &mut dice));
}

/// A hosting connection.
pub(super) fn hypervisor(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let (name, kind) = nth(HYPERVISOR_SPECS, index);
    out.extend([
        Value::Guid(estate.guid("Hypervisors", index)),
        Value::text(name),
        Value::text(kind),
        Value::Int(0),
    ]);
    out.extend(dates(estate, &mut Dice::new(estate.seed, 0x6879, index)));
}

/// A published application.
pub(super) fn application(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let (name, folder, path) = nth(APPLICATION_SPECS, index);
    out.extend([
        Value::Guid(estate.guid("Applications", index)),
        Value::text(name),
        Value::text(name),
        Value::Int(0),
        Value::Bool(index % 11 != 10),
        Value::text(folder),
        Value::Int(0),
        Value::text(path),
        Value::text(format!("{}-{}", name.replace(' ', "-"), index + 1)),
    ]);
    out.extend(dates(estate, &mut Dice::new(estate.seed, 0x6170, index)));
}

/// A reason why a session did not start.
pub(super) fn category(estate: &Estate, _table: &Table, index: u64, out: &mut Row) {
    let code = failure_code(index);
    let category = match code {
        0 | 1 => 0,
        4 | 7 | 18 | 19 | 23 => 1,
        2 | 3 | 101 => 2,
        12 | 13 | 15 | 21 | 22 | 24 | 25 | 100 => 3,
        5 | 11 => 4,
        _ => 5,
    };
    let created = Value::at(estate.now - 400 * DAY);
    out.extend([
        Value::Int(index as i64 + 1),
        Value::Int(code),
        Value::Int(category),
        created.clone(),
        created,
    ]);
}

/// Created a year ago, changed lately.
pub(super) fn dates(estate: &Estate, dice: &mut Dice) -> [Value; 2] {
    let created = estate.now - 400 * DAY + dice.upto(200 * DAY);
    [
        Value::at(created),
        Value::at(estate.now - dice.upto(30 * DAY)),
    ]
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl Estate {
    /// The delivery groups that publish an application: one that runs applications, and for some a second.
    pub(super) fn application_groups(application: u64) -> Vec<u64> {
        let serving: Vec<u64> = (0..GROUPS)
            .filter(|group| spec(*group).is_some_and(|spec| spec.delivery > 0))
            .collect();
        let first = nth(&serving, application);
        let second = nth(&serving, application + 1);
        match application % 3 {
            0 => vec![first.min(second), first.max(second)],
            _ => vec![first],
        }
    }

    /// The names of tables whose rows have lists of their own.
    pub(super) fn table(name: &str) -> Option<&'static Table> {
        Model::published().set(name)
    }
}
