//! Which rows a table has, and who makes them.

use crate::demo::model::{Model, Table};
use crate::demo::value::{Row, Value};

use super::Estate;
use super::attached::Hook;
use super::series::Series;
use super::{connections, inventory, lists, machine_rows, people, plain, session_events, sessions};

/// How the rows of one table come about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Recipe {
    /// A short list with a maker of its own.
    Listed(u64, Maker),
    /// Machines and whatever there is one of for each.
    PerMachine(Maker),
    Sessions,
    /// Rows that belong to sessions.
    Attached(Hook, Maker),
    /// One row for each interval and machine, group or application.
    Series(&'static Series),
    /// Made from the types of the columns alone.
    Plain(u64),
}

/// Appends the cells of one row.
pub(super) type Maker = fn(&Estate, &Table, u64, &mut Row);

impl Recipe {
    pub(super) fn of(table: &Table) -> Self {
        let name = table.name();
        if let Some(series) = Series::of(name) {
            return Self::Series(series);
        }
        match name {
            "Sessions" => Self::Sessions,
            "Machines" => Self::PerMachine(machine_rows::machine),
            "MachineCosts" => Self::PerMachine(machine_rows::machine_cost),
            "Users" => Self::Listed(people::USERS, people::user),
            "Catalogs" => Self::Listed(lists::CATALOGS, inventory::catalog),
            "DesktopGroups" => Self::Listed(lists::GROUPS, inventory::group),
            "Hypervisors" => Self::Listed(lists::HYPERVISORS, inventory::hypervisor),
            "Applications" => Self::Listed(lists::APPLICATIONS, inventory::application),
            "PublishedDesktopNames" => Self::Listed(lists::GROUPS, inventory::desktop_name),
            "ConnectionFailureCategories" => Self::Listed(lists::CATEGORIES, inventory::category),
            "MachineFailureLogs" => {
                Self::Listed(lists::MACHINE_FAILURES, machine_rows::machine_failure)
            }
            "Connections" => Self::Attached(Hook::Connections, connections::connection),
            "ConnectionFailureLogs" => Self::Attached(Hook::FAILURES, session_events::failure_log),
            "ApplicationInstances" => {
                Self::Attached(Hook::Instances, session_events::application_instance)
            }
            "SessionMetrics" => Self::Attached(Hook::Recent { each: 4 }, session_events::metrics),
            "SessionMetricsLatest" => {
                Self::Attached(Hook::Recent { each: 1 }, session_events::latest_metrics)
            }
            "LogOnMetrics" => Self::Attached(Hook::Every, session_events::logon_metric),
            "SessionLogonMetrics" => Self::Attached(Hook::Every, session_events::logon_details),
            "SessionRecordingServers" => {
                Self::Attached(Hook::OneOf { block: 16 }, session_events::recording_server)
            }
            "SessionAutoReconnects" => {
                Self::Attached(Hook::OneOf { block: 20 }, session_events::auto_reconnect)
            }
            "ApplicationErrors" | "ApplicationFaults" => Self::Attached(
                Hook::RecentOneOf { block: 9 },
                session_events::application_trouble,
            ),
            other => Self::Plain(plain::count(other)),
        }
    }

    pub(super) fn count(self, estate: &Estate, _table: &Table) -> u64 {
        match self {
            Self::Listed(count, _) | Self::Plain(count) => count,
            Self::PerMachine(_) => estate.fleet.count(),
            Self::Sessions => estate.sessions,
            Self::Attached(hook, _) => hook.count(estate),
            Self::Series(series) => series.count(estate),
        }
    }

    pub(super) fn make(self, estate: &Estate, table: &Table, index: u64, out: &mut Row) {
        match self {
            Self::Listed(_, maker) | Self::PerMachine(maker) | Self::Attached(_, maker) => {
                maker(estate, table, index, out);
            }
            Self::Sessions => sessions::session(estate, index, out),
            Self::Series(series) => series.make(estate, table, index, out),
            Self::Plain(_) => plain::make(estate, table, index, out),
        }
    }

    /// The table whose GUIDs are the keys here.
    pub(super) fn key_owner(self, table: &Table) -> Option<usize> {
        let owner = match (self, table.key.as_slice()) {
            (_, [_, _, ..]) => return None,
            (Self::Attached(..), _) => "Sessions",
            (Self::PerMachine(_), _) => "Machines",
            _ => return Some(table.id),
        };
        Model::published().set(owner).map(|table| table.id)
    }

    /// From the row number in the owner of the key to the row number here.
    pub(super) fn index_by_owner(self, estate: &Estate, owner: u64) -> Option<u64> {
        match self {
            Self::Attached(hook, _) => hook.index_of(estate, owner),
            _ => Some(owner),
        }
    }

    pub(super) fn quick_cell(
        self,
        estate: &Estate,
        table: &Table,
        index: u64,
        column: usize,
    ) -> Option<Value> {
        match self {
            Self::Sessions => sessions::quick_cell(estate, index, column),
            Self::Attached(hook, _) => {
                let name = &table.properties.get(column)?.name;
                (name == "SessionKey" || name == "SessionId")
                    .then(|| Value::Guid(estate.session_key(hook.session(estate, index))))
            }
            _ => None,
        }
    }
}
