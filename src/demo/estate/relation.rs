//! Which rows are related to a row.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::demo::model::{Link, Model, Navigation, Table};
use crate::demo::value::Value;

use super::Estate;
use super::attached::Hook;
use super::dice::mix;
use super::lists::{APPLICATIONS, GROUPS};

/// The rows of a table, sorted by what is in one column.
#[derive(Debug)]
struct Index {
    entries: Vec<(u64, u32)>,
}

/// The indexes made so far, by table and column.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    made: Mutex<HashMap<Place, Arc<Index>>>,
}

type Place = (usize, usize);

impl Index {
    fn of(&self, value: &Value) -> Vec<u64> {
        let wanted = value.fingerprint();
        let first = self.entries.partition_point(|(print, _)| *print < wanted);
        self.entries
            .iter()
            .skip(first)
            .take_while(|(print, _)| *print == wanted)
            .map(|(_, index)| u64::from(*index))
            .collect()
    }
}

impl Estate {
    /// The rows of `navigation.target` that belong to row `index` of `source`, in their usual order.
    pub(crate) fn related(&self, source: &Table, index: u64, navigation: &Navigation) -> Vec<u64> {
        let Some(target) = Model::published().table(navigation.target) else {
            return Vec::new();
        };
        match navigation.link {
            Link::Foreign(column) => {
                let key = self.cell(source, index, column);
                self.find(target, &key).into_iter().collect()
            }
            Link::Inverse(column) => match self.own_key(source, index) {
                Some(key) => self.having(target, column, &key),
                None => Vec::new(),
            },
            Link::Hidden => self.hidden(source, index, navigation, target),
        }
    }

    /// All rows with this value in this column.
    pub(crate) fn having(&self, table: &Table, column: usize, value: &Value) -> Vec<u64> {
        if value.is_null() || self.count(table) == 0 {
            return Vec::new();
        }
        if table.key.as_slice() == [column] {
            return self.find(table, value).into_iter().collect();
        }
        self.index(table, column).of(value)
    }

    fn own_key(&self, table: &Table, index: u64) -> Option<Value> {
        match table.key.as_slice() {
            [column] => Some(self.cell(table, index, *column)),
            _ => None,
        }
    }

    /// Made on first use: 16 bytes a row.
    fn index(&self, table: &Table, column: usize) -> Arc<Index> {
        let place = (table.id, column);
        let known = || {
            let indexes = self
                .indexes
                .made
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            indexes.get(&place).map(Arc::clone)
        };
        if let Some(index) = known() {
            return index;
        }
        let mut entries: Vec<(u64, u32)> = (0..self.count(table))
            .filter_map(|index| Some((index, u32::try_from(index).ok()?)))
            .map(|(index, short)| (self.cell(table, index, column).fingerprint(), short))
            .collect();
        entries.sort_unstable();
        let index = Arc::new(Index { entries });
        let mut indexes = self
            .indexes
            .made
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        indexes.insert(place, Arc::clone(&index));
        index
    }

    /// Relations without a published column.
    fn hidden(
        &self,
        source: &Table,
        index: u64,
        navigation: &Navigation,
        target: &Table,
    ) -> Vec<u64> {
        match (source.name(), target.name()) {
            ("Connections", "ConnectionFailureLogs") => {
                let session = Hook::Connections.session(self, index);
                Hook::FAILURES
                    .index_of(self, session)
                    .filter(|failure| {
                        *failure < self.count(target) && self.connection_rank(index) == 0
                    })
                    .into_iter()
                    .collect()
            }
            ("ConnectionFailureLogs", "Connections") => {
                let session = Hook::FAILURES.session(self, index);
                Hook::Connections
                    .index_of(self, session)
                    .into_iter()
                    .collect()
            }
            ("Applications", "DesktopGroups") => {
                let mut groups = Self::application_groups(index);
                groups.retain(|group| *group < GROUPS);
                groups
            }
            ("DesktopGroups", "Applications") => (0..APPLICATIONS)
                .filter(|application| Self::application_groups(*application).contains(&index))
                .collect(),
            ("NotificationRules", "NotificationRuleActions") => self.paired(index, target),
            ("NotificationRuleActions", "NotificationRules") => (0..self.count(target))
                .filter(|rule| self.paired(*rule, source).contains(&index))
                .collect(),
            _ if navigation.many => Vec::new(),
            _ => match self.count(target) {
                0 => Vec::new(),
                count => vec![mix(self.seed, index, target.id as u64) % count],
            },
        }
    }

    /// The actions of a notification rule.
    fn paired(&self, rule: u64, actions: &Table) -> Vec<u64> {
        let count = self.count(actions).max(1);
        let (first, second) = (rule % count, rule / 2 % count);
        if first == second {
            vec![first]
        } else {
            vec![first.min(second), first.max(second)]
        }
    }
}
