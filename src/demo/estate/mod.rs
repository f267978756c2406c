//! A company's estate, made up on demand: every row is a function of the seed, its table and its number.
//!
//! Nothing is stored but small tables and, once asked for, indexes of foreign keys: a million sessions cost
//! megabytes. Rows are numbered from 0 in the order in which the service gives them when nobody asks for
//! another, and do not change while the estate lives.
//!
//! The estate does not know about queries, pages or HTTP.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "made-up numbers are small, and any value would do"
)]

mod attached;
mod connections;
pub(crate) mod dates;
pub(crate) mod dice;
mod guid;
mod inventory;
mod lists;
mod machine_rows;
mod machines;
mod people;
mod plain;
mod recipe;
mod relation;
mod series;
mod session_events;
mod sessions;
mod week;

use std::sync::OnceLock;

use self::dates::Oddities;
use self::guid::Guids;
use self::machines::Fleet;
use self::recipe::Recipe;
use self::relation::Indexes;
use self::week::Rhythm;
use super::model::{Edm, Model, Table};
use super::moment::DAY;
use super::value::{Row, Value};

/// All rows of all tables.
#[derive(Debug)]
pub(crate) struct Estate {
    seed: u64,
    now: i64,
    sessions: u64,
    /// The first session of the last day.
    recent: u64,
    rhythm: Rhythm,
    dates: Oddities,
    fleet: Fleet,
    guids: Vec<Guids>,
    session_guids: Guids,
    machine_guids: Guids,
    recipes: Vec<Recipe>,
    small: Vec<OnceLock<Vec<Row>>>,
    indexes: Indexes,
}

impl Estate {
    /// The estate as it is at `now` (milliseconds), with `sessions` sessions in the last 90 days.
    pub(crate) fn new(seed: u64, sessions: u64, now: i64) -> Self {
        let tables = Model::published().tables();
        let guids: Vec<Guids> = (0..tables.len() as u64)
            .map(|table| Guids::new(seed, table))
            .collect();
        let of = |set: &str| {
            let id = Model::published().set(set).map_or(0, |table| table.id);
            guids
                .get(id)
                .copied()
                .unwrap_or_else(|| Guids::new(seed, u64::MAX))
        };
        let mut estate = Self {
            seed,
            now,
            sessions,
            recent: 0,
            rhythm: Rhythm::before(now, DAYS_KEPT),
            dates: Oddities::default(),
            fleet: Fleet::new(),
            session_guids: of("Sessions"),
            machine_guids: of("Machines"),
            guids,
            recipes: tables.iter().map(Recipe::of).collect(),
            small: tables.iter().map(|_| OnceLock::new()).collect(),
            indexes: Indexes::default(),
        };
        estate.recent = estate.first_session_since(now - DAY);
        estate.count_open_sessions();
        estate
    }

    /// The moment at which everything ends.
    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    /// How many rows a table has.
    pub(crate) fn count(&self, table: &Table) -> u64 {
        self.recipes
            .get(table.id)
            .map_or(0, |recipe| recipe.count(self, table))
    }

    /// Makes row `index`, replacing what is in `out`.
    pub(crate) fn row(&self, table: &Table, index: u64, out: &mut Row) {
        out.clear();
        match self.small_row(table, index) {
            Some(row) => out.extend_from_slice(row),
            None => self.make(table, index, out),
        }
    }

    /// Makes one cell of row `index`.
    pub(crate) fn cell(&self, table: &Table, index: u64, column: usize) -> Value {
        if let Some(row) = self.small_row(table, index) {
            return row.get(column).cloned().unwrap_or(Value::Null);
        }
        if let Some(value) = self.quick_cell(table, index, column) {
            return value;
        }
        let mut row = Row::new();
        self.make(table, index, &mut row);
        row.into_iter().nth(column).unwrap_or(Value::Null)
    }

    /// The row whose (single) key is this value.
    pub(crate) fn find(&self, table: &Table, key: &Value) -> Option<u64> {
        let [column] = table.key.as_slice() else {
            return None;
        };
        let by_guid = table.properties.get(*column)?.edm == Edm::Guid;
        let index = match (self.recipes.get(table.id)?, key) {
            (recipe, Value::Guid(guid)) if by_guid => {
                let owner = recipe.key_owner(table)?;
                recipe.index_by_owner(self, self.guids.get(owner)?.index(*guid)?)?
            }
            (_, Value::Int(number)) if !by_guid => u64::try_from(number.checked_sub(1)?).ok()?,
            _ => return None,
        };
        (index < self.count(table)).then_some(index)
    }

    /// Whether this is the table of sessions.
    pub(crate) fn holds_sessions(table: &Table) -> bool {
        table.name() == "Sessions"
    }

    /// Whether later rows have later dates here, where they have one.
    pub(crate) fn rises_with(table: &Table, column: usize) -> bool {
        Self::holds_sessions(table) && table.column("StartDate") == Some(column)
    }

    /// The key of row `index` in a table with GUID keys of its own.
    fn guid(&self, set: &str, index: u64) -> u128 {
        match set {
            "Sessions" => self.session_guids.of(index),
            "Machines" => self.machine_guids.of(index),
            other => Model::published()
                .set(other)
                .and_then(|table| self.guids.get(table.id))
                .map_or(0, |guids| guids.of(index)),
        }
    }

    fn guid_value(&self, table: usize, index: u64) -> Value {
        self.guids
            .get(table)
            .map_or(Value::Null, |guids| Value::Guid(guids.of(index)))
    }

    fn make(&self, table: &Table, index: u64, out: &mut Row) {
        if let Some(recipe) = self.recipes.get(table.id) {
            recipe.make(self, table, index, out);
        }
    }

    /// Rows of small tables are kept once they were needed.
    fn small_row(&self, table: &Table, index: u64) -> Option<&Row> {
        let count = self.count(table);
        if count > SMALL {
            return None;
        }
        let rows = self.small.get(table.id)?.get_or_init(|| {
            (0..count)
                .map(|index| {
                    let mut row = Row::with_capacity(table.properties.len());
                    self.make(table, index, &mut row);
                    row
                })
                .collect()
        });
        rows.get(usize::try_from(index).ok()?)
    }

    /// Key columns that do not need the whole row.
    fn quick_cell(&self, table: &Table, index: u64, column: usize) -> Option<Value> {
        self.recipes
            .get(table.id)?
            .quick_cell(self, table, index, column)
    }
}

/// Monday to Monday, thirteen times.
const DAYS_KEPT: i64 = 90;

/// Tables up to this many rows are kept in memory.
const SMALL: u64 = 4096;
