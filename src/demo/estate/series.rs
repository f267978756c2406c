//! Rows that come at regular intervals: samples and summaries.
//!
//! Only complete intervals have rows. They come in order of time; within one interval, in the order of the
//! machines, groups or applications they are about.

use crate::demo::model::{Link, Model, Property, Table};
use crate::demo::moment::MINUTE;
use crate::demo::value::{Row, Value};

use super::Estate;
use super::dice::Dice;
use super::lists::{APPLICATIONS, GROUPS};
use super::plain;

/// One table of samples or summaries.
#[derive(Debug)]
pub(super) struct Series {
    set: &'static str,
    about: About,
    spans: &'static [Span],
}

/// Intervals of one length: minutes each, and how many are kept.
type Span = (i64, u64);

/// What each row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Machine,
    Group,
    Application,
    /// One of the agents that report on the service itself.
    Agent,
}

impl Series {
    pub(super) fn of(set: &str) -> Option<&'static Self> {
        SERIES.iter().find(|series| series.set == set)
    }

    pub(super) fn count(&self, estate: &Estate) -> u64 {
        let width = self.about.count(estate);
        self.spans.iter().map(|(_, kept)| kept * width).sum()
    }

    /// The key of the newest row about a machine, in a series of one span.
    pub(super) fn latest(&self, estate: &Estate, machine: u64) -> Value {
        let from_end = self.about.count(estate).saturating_sub(machine);
        Value::Int((self.count(estate) - from_end) as i64 + 1)
    }

    pub(super) fn make(&self, estate: &Estate, table: &Table, index: u64, out: &mut Row) {
        let width = self.about.count(estate).max(1);
        let mut place = index;
        let mut found = (60, 1);
        for span in self.spans {
            found = *span;
            if place < span.1 * width {
                break;
            }
            place -= span.1 * width;
        }
        let (minutes, kept) = found;
        let step = minutes * MINUTE;
        let newest = estate.now - estate.now.rem_euclid(step) - step;
        let at = newest - (kept.saturating_sub(1) as i64 - (place / width) as i64) * step;
        let context = Sample {
            about: self.about,
            subject: place % width,
            at,
            minutes,
            index,
        };
        let mut dice = Dice::new(estate.seed, table.id as u64, index);
        for (column, property) in table.properties.iter().enumerate() {
            let value = context.cell(estate, table, column, property, &mut dice);
            out.push(value);
        }
    }
}

impl About {
    fn count(self, estate: &Estate) -> u64 {
        match self {
            Self::Machine => estate.fleet.count(),
            Self::Group => GROUPS,
            Self::Application => APPLICATIONS,
            Self::Agent => plain::count("DirectorAgent"),
        }
    }
}

/// The place of one row.
struct Sample {
    about: About,
    subject: u64,
    at: i64,
    minutes: i64,
    index: u64,
}

impl Sample {
    fn cell(
        &self,
        estate: &Estate,
        table: &Table,
        column: usize,
        property: &Property,
        dice: &mut Dice,
    ) -> Value {
        match property.name.as_str() {
            "Id" => Value::Int(self.index as i64 + 1),
            "SummaryDate" | "CollectedDate" | "PredictionDate" => Value::at(self.at),
            "CreatedDate" | "ModifiedDate" | "UpdatedDate" => Value::at(match self.minutes {
                0..15 => self.at,
                minutes => self.at + (minutes + 4) * MINUTE,
            }),
            "Granularity" if property.enumeration.is_some() => Value::Int(1),
            "Granularity" => Value::Int(self.minutes),
            "AgentId" => Estate::table("DirectorAgent").map_or(Value::Null, |agents| {
                estate.guid_value(agents.id, self.subject)
            }),
            _ => match subject_of(table, column) {
                Some(target) => self.related(estate, target, dice),
                None => plain::busy_cell(table, column, self.at, dice),
            },
        }
    }

    /// The key of what the row is about, or of something that goes with it.
    fn related(&self, estate: &Estate, target: &Table, dice: &mut Dice) -> Value {
        let index = match (self.about, target.name()) {
            (About::Machine, "Machines")
            | (About::Group, "DesktopGroups")
            | (About::Application, "Applications") => self.subject,
            (About::Machine, "DesktopGroups") => estate.fleet.group(self.subject),
            (About::Application, "DesktopGroups") => Estate::application_groups(self.subject)
                .first()
                .copied()
                .unwrap_or(0),
            _ => dice.below(estate.count(target)),
        };
        match estate.count(target) {
            0 => Value::Null,
            _ => estate.key(target, index),
        }
    }
}

impl Estate {
    /// The key of row `index`, for tables with keys of their own.
    pub(super) fn key(&self, table: &Table, index: u64) -> Value {
        match table.key.as_slice() {
            [column]
                if table
                    .properties
                    .get(*column)
                    .is_some_and(|key| key.edm == crate::demo::model::Edm::Guid) =>
            {
                self.guid_value(table.id, index)
            }
            [_] => Value::Int(index as i64 + 1),
            _ => Value::Null,
        }
    }
}

/// The table that a foreign key column leads to.
pub(super) fn subject_of(table: &Table, column: usize) -> Option<&'static Table> {
    let navigation = table
        .navigation
        .iter()
        .find(|navigation| navigation.link == Link::Foreign(column))?;
    Model::published().table(navigation.target)
}

static SERIES: &[Series] = &[
    Series {
        set: "ApplicationActivitySummaries",
        about: About::Application,
        spans: HOURS_AND_DAYS,
    },
    Series {
        set: "AutoScalePredictions",
        about: About::Group,
        spans: &[(60, 168)],
    },
    Series {
        set: "ComponentResourceUtilizations",
        about: About::Agent,
        spans: &[(5, 288)],
    },
    Series {
        set: "DesktopOSDesktopSummaries",
        about: About::Group,
        spans: MINUTES_HOURS_AND_DAYS,
    },
    Series {
        set: "FailureLogSummaries",
        about: About::Group,
        spans: HOURS_AND_DAYS,
    },
    Series {
        set: "LoadIndexSummaries",
        about: About::Machine,
        spans: &[(60, 72), (1440, 90)],
    },
    Series {
        set: "LoadIndexes",
        about: About::Machine,
        spans: &[(30, 96)],
    },
    Series {
        set: "LogOnSummaries",
        about: About::Group,
        spans: HOURS_AND_DAYS,
    },
    Series {
        set: "MachineCostSavingsSummaries",
        about: About::Group,
        spans: &[(1440, 90)],
    },
    Series {
        set: "MachineMetric",
        about: About::Machine,
        spans: &[(60, 72)],
    },
    Series {
        set: "MachineMetricSummary",
        about: About::Machine,
        spans: &[(1440, 90)],
    },
    Series {
        set: "MachineSummaries",
        about: About::Group,
        spans: HOURS_AND_DAYS,
    },
    Series {
        set: "ResourceUtilization",
        about: About::Machine,
        spans: &[(5, 288)],
    },
    Series {
        set: "ResourceUtilizationSummary",
        about: About::Machine,
        spans: &[(60, 168), (1440, 90)],
    },
    Series {
        set: "ServerOSDesktopSummaries",
        about: About::Machine,
        spans: &[(60, 48), (1440, 90)],
    },
    Series {
        set: "SessionActivitySummaries",
        about: About::Group,
        spans: HOURS_AND_DAYS,
    },
    Series {
        set: "UserResourceUtilizationSummary",
        about: About::Machine,
        spans: &[(1440, 30)],
    },
];

const HOURS_AND_DAYS: &[Span] = &[(60, 768), (1440, 90)];
const MINUTES_HOURS_AND_DAYS: &[Span] = &[(1, 4320), (60, 768), (1440, 90)];
