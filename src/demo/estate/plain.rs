//! Rows made from nothing but the names and types of their columns, for tables that few people look at.

use crate::demo::model::{Edm, Model, Property, Table};
use crate::demo::moment::{DAY, HOUR, MINUTE};
use crate::demo::value::{Row, Value};

use super::Estate;
use super::dice::{Dice, mix, nth};
use super::series::subject_of;
use super::week::busy;

/// How many rows each of these tables has; process data is switched off, as it is everywhere.
pub(super) fn count(set: &str) -> u64 {
    match set {
        "NotificationEmailServerConfigurations" | "NotificationSnmpConfigurations" => 1,
        "DirectorAgent" | "NotificationRuleGroups" | "NotificationActionEmails" => 3,
        "NotificationRuleActions" | "ProbeRules" => 4,
        "ProbeStages" | "ProcessDataLimitedMachines" => 5,
        "LhcReport"
        | "NotificationEmailAddresses"
        | "NotificationRuleParameterChangeLogs"
        | "ProbeEndpoints" => 6,
        "ProbeDesktop" | "ProbeRuleApplications" | "ProbeRuleDesktop" => 8,
        "NotificationRules" | "NotificationRuleTargets" | "NotificationRuleTargetValues" => 10,
        "CloudConnectorServiceStatus" | "Hotfixes" | "ProbeRuleEndpoints" => 12,
        "NotificationRuleParameters" => 20,
        "NotificationTargets" | "Notifications" => 60,
        "ProbeLogDesktop" => 120,
        "NotificationsLogs" => 200,
        "ProbeLogs" => 300,
        "MachineHotfixLogs" | "SpaSessions" => 400,
        "ProbeResultDesktop" | "SpaEnumerations" => 600,
        "ProbeResults" | "SpaApplications" => 1500,
        "TaskLogs" => 2200,
        _ => 0,
    }
}

/// One row; the older rows come first.
pub(super) fn make(estate: &Estate, table: &Table, index: u64, out: &mut Row) {
    let mut dice = Dice::new(estate.seed, table.id as u64, index);
    let count = count(table.name()).max(1);
    let spacing = 90 * DAY / count as i64;
    let at = estate.now - (count - index) as i64 * spacing + dice.upto(spacing);
    let mut rest = index;
    for (column, property) in table.properties.iter().enumerate() {
        let value = if table.key.contains(&column) {
            key_part(estate, table, column, index, &mut rest)
        } else if let Some(target) = subject_of(table, column) {
            let place = dice.below(estate.count(target));
            match estate.count(target) {
                0 => Value::Null,
                _ if property.nullable && dice.percent(5) => Value::Null,
                _ => estate.key(target, place),
            }
        } else {
            busy_cell(table, column, at, &mut dice)
        };
        out.push(value);
    }
}

/// A cell by type and name alone; numbers follow the working day.
pub(super) fn busy_cell(table: &Table, column: usize, at: i64, dice: &mut Dice) -> Value {
    let Some(property) = table.properties.get(column) else {
        return Value::Null;
    };
    let name = property.name.as_str();
    match property.edm {
        Edm::Boolean => Value::Bool(dice.percent(80)),
        Edm::Guid => Value::Guid(u128::from(dice.next()) << 64 | u128::from(dice.next())),
        Edm::DateTimeOffset if property.nullable && name.contains("End") && dice.percent(10) => {
            Value::Null
        }
        Edm::DateTimeOffset => Value::at(at + date_offset(name, dice)),
        Edm::Double => Value::Double(match name {
            _ if name.contains("Percent") => percent(at, dice),
            _ if name.contains("TotalMemory") => 32_768.0,
            _ if name.contains("Memory") => dice.decimal(31.0) * 1024.0,
            _ if name.contains("Cost") || name.contains("Saved") || name.contains("Savings") => {
                dice.decimal(120.0)
            }
            _ if name.contains("Duration") => busy(at, 36_000_000, dice.next()) as f64,
            _ => dice.decimal(40.0),
        }),
        Edm::Int16 | Edm::Int32 | Edm::Int64 => Value::Int(integer(property, at, dice)),
        Edm::String => text(table, property, dice),
    }
}

/// Composite keys count through the combinations of their parts.
fn key_part(estate: &Estate, table: &Table, column: usize, index: u64, rest: &mut u64) -> Value {
    if table.key.len() == 1 {
        return estate.key(table, index);
    }
    let mut part = |choices: u64| {
        let place = *rest % choices.max(1);
        *rest /= choices.max(1);
        place
    };
    if let Some(target) = subject_of(table, column) {
        let place = part(estate.count(target));
        return estate.key(target, place);
    }
    let name = table
        .properties
        .get(column)
        .map_or("", |property| property.name.as_str());
    let names = names(name);
    Value::text(nth(names, part(names.len() as u64)))
}

fn names(column: &str) -> &'static [&'static str] {
    match column {
        "ServiceName" => &[
            "RemoteBrokerProvider",
            "RemoteHCLServer",
            "WebRelay",
            "XaXdCloudProxy",
        ],
        "ConnectorName" => &["FRA-CC-01", "FRA-CC-02", "LON-CC-01"],
        "ZoneName" => &["Frankfurt", "London"],
        _ => &["A", "B", "C"],
    }
}

fn date_offset(name: &str, dice: &mut Dice) -> i64 {
    match name {
        "CreatedDate" | "StartDate" | "StartTime" => 0,
        "ModifiedDate" | "LastModifiedDate" => dice.upto(HOUR),
        _ => dice.upto(10 * MINUTE),
    }
}

fn percent(at: i64, dice: &mut Dice) -> f64 {
    let whole = busy(at, 6000, dice.next());
    ((whole + dice.upto(3500)) as f64 / 100.0).min(100.0)
}

fn integer(property: &Property, at: i64, dice: &mut Dice) -> i64 {
    let name = property.name.as_str();
    if let Some(numbers) = property
        .enumeration
        .as_ref()
        .map(|name| Model::published().numbers(name))
        && !numbers.is_empty()
    {
        return dice.pick(numbers);
    }
    match name {
        _ if name.contains("Percent") => dice.upto(100),
        _ if name.contains("Minutes") => busy(at, 60, dice.next()),
        _ if name.contains("RttInMs") || name.contains("Latency") => 10 + dice.upto(90),
        _ if name.contains("LogOnDurationInMs") => dice.between(8000, 40_000),
        _ if name.contains("Duration") => busy(at, 900_000, dice.next()),
        _ if name.contains("Count") || name.contains("Machines") => busy(at, 60, dice.next()),
        "Port" => 587,
        "EffectiveLoadIndex" => busy(at, 8000, dice.next()),
        _ if name.contains("Iops") => busy(at, 900, dice.next()),
        _ => busy(at, 100, dice.next()),
    }
}

fn text(table: &Table, property: &Property, dice: &mut Dice) -> Value {
    let name = property.name.as_str();
    let number = dice.below(1000);
    if property.nullable && dice.percent(8) {
        return Value::Null;
    }
    match name {
        "PrivateKey" | "EncryptionKey" | "EncryptedPassword" | "AuthPassword"
        | "PrivatePassword" | "CommunityString" => Value::text(format!(
            "simulated-secret-{:08x}",
            mix(number, table.id as u64, 0) >> 32
        )),
        "StageLog" | "ErrorMessage" | "Webhook" => Value::Null,
        "UserName" => Value::text(format!("user{number:03}")),
        "EmailAddress" | "Sender" => Value::text(format!("it-{number}@nordhafen.example")),
        "ZoneName" => Value::text(dice.pick(names(name))),
        "ControllerName" | "HostName" | "Fqdn" | "GatewayName" => {
            Value::text(format!("srv-{number:03}.nordhafen.example"))
        }
        "CultureName" => Value::text(dice.pick(&["en-GB", "de-DE"])),
        "Status" | "ComponentStatus" | "ApplicationStatus" => {
            Value::text(dice.pick(&["Success", "Success", "Failure", "Denied"]))
        }
        "DeviceOs" => Value::text(dice.pick(&["Windows 11", "macOS 14", "iOS 17"])),
        _ if name.contains("Version") => {
            Value::text(format!("{}.{}.{}", 1 + number % 24, number % 12, number))
        }
        _ if name.contains("Ip") || name.contains("Vip") || name.ends_with("Address") => {
            Value::text(format!("192.0.2.{}", number % 250 + 1))
        }
        _ if name.contains("Url") => {
            Value::text(format!("https://intranet.nordhafen.example/page/{number}"))
        }
        _ if name.ends_with("Sid") => {
            Value::text(format!("S-1-5-21-1004336348-1177238915-682003330-{number}"))
        }
        _ if name.ends_with("Id") || name.ends_with("Key") => {
            Value::text(format!("{:032x}", u128::from(dice.next())))
        }
        _ => Value::text(format!("{name} {number}")),
    }
}
