//! Runs `$apply`: groups rows and computes figures for each group.

use std::collections::HashMap;

use super::answer::{Next, Page};
use super::model::Table;
use super::moment::Precision;
use super::query::apply::{Figure, Method, Named, Step};
use super::query::{Expr, Query, QueryError, Scope};
use super::value::{Row, Value, write_text};
use super::view::View;

/// A page of groups.
pub(crate) fn page(
    view: &View<'_>,
    table: &'static Table,
    steps: &[Step],
    query: &Query,
    (precision, page_size): (Precision, usize),
) -> Result<Page, QueryError> {
    let filters: Vec<&Expr> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Filter(filter) => Some(filter),
            Step::Group(..) => None,
        })
        .collect();
    let Some(Step::Group(names, figures)) = steps.last() else {
        return Err(QueryError::new(
            "$apply needs groupby or aggregate; use $filter for a filter alone.",
        ));
    };
    let mut groups = collect(view, table, &filters, names, figures);
    if let Some(order) = query.source.value("$orderby") {
        sort(&mut groups, order, names, figures)?;
    }
    let (shown, next) = cut(query, groups.len() as u64, page_size);
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let mut rows = Vec::new();
    for (position, group) in groups
        .iter()
        .skip(size(query.skip))
        .take(size(shown))
        .enumerate()
    {
        if position > 0 {
            rows.push(b',');
        }
        write(group, (names, figures), precision, &mut rows);
    }
    Ok(Page {
        context: format!("{}({})", table.name(), shape(names, figures)),
        total: query.count.then_some(groups.len() as u64),
        rows,
        shown,
        next,
    })
}

/// How many rows to show of `count`, and where to go on.
fn cut(query: &Query, count: u64, page_size: usize) -> (u64, Option<Next>) {
    let left = count.saturating_sub(query.skip);
    let wanted = query.top.map_or(left, |top| top.min(left));
    let shown = wanted.min(page_size as u64);
    let next = (shown < wanted).then(|| Next {
        skip: query.skip + shown,
        top: query.top.map(|top| top - shown),
    });
    (shown, next)
}

/// Grouping values, followed by figures.
type Group = Vec<Value>;

fn collect(
    view: &View<'_>,
    table: &'static Table,
    filters: &[&Expr],
    names: &[Named],
    figures: &[Figure],
) -> Vec<Group> {
    let mut places: HashMap<Vec<u64>, usize> = HashMap::new();
    let mut groups: Vec<(Vec<Value>, Vec<Tally>)> = Vec::new();
    let fresh = || -> Vec<Tally> {
        figures
            .iter()
            .map(|figure| Tally::new(figure.method))
            .collect()
    };
    if names.is_empty() {
        groups.push((Vec::new(), fresh()));
        places.insert(Vec::new(), 0);
    }
    let mut row = Row::new();
    for index in view.indexes(table) {
        view.row(table, index, &mut row);
        let scope = Scope {
            table,
            index,
            row: Some(&row),
        };
        if !filters.iter().all(|filter| filter.passes(view, scope)) {
            continue;
        }
        let values: Vec<Value> = names
            .iter()
            .map(|name| name.value.value(view, scope))
            .collect();
        let print = values.iter().map(Value::fingerprint).collect();
        let place = *places.entry(print).or_insert_with(|| {
            groups.push((values, fresh()));
            groups.len() - 1
        });
        if let Some((_, tallies)) = groups.get_mut(place) {
            for (tally, figure) in tallies.iter_mut().zip(figures) {
                tally.add(figure.value.as_ref().map(|value| value.value(view, scope)));
            }
        }
    }
    groups
        .into_iter()
        .map(|(mut values, tallies)| {
            values.extend(tallies.into_iter().map(Tally::result));
            values
        })
        .collect()
}

/// Sorts by names of the answer; paths are written with a slash.
fn sort(
    groups: &mut [Group],
    order: &str,
    names: &[Named],
    figures: &[Figure],
) -> Result<(), QueryError> {
    let known: Vec<String> = names
        .iter()
        .map(|name| name.path.join("/"))
        .chain(figures.iter().map(|figure| figure.name.clone()))
        .collect();
    let mut criteria = Vec::new();
    for piece in order.split(',') {
        let mut words = piece.split_whitespace();
        let name = words.next().unwrap_or_default();
        let place = known
            .iter()
            .position(|other| other.eq_ignore_ascii_case(name))
            .ok_or_else(|| QueryError::unknown_property(name, "the result of $apply"))?;
        criteria.push((place, words.next() == Some("desc")));
    }
    groups.sort_by(|left, right| {
        criteria
            .iter()
            .filter_map(|(place, descending)| {
                let ordering = left.get(*place)?.sort_order(right.get(*place)?);
                Some(if *descending {
                    ordering.reverse()
                } else {
                    ordering
                })
            })
            .find(|ordering| ordering.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    Ok(())
}

/// Paths become nested objects; columns of one navigation property share theirs.
fn write(
    group: &Group,
    (names, figures): (&[Named], &[Figure]),
    precision: Precision,
    out: &mut Vec<u8>,
) {
    let mut members = serde_json::Map::new();
    let json = |value: &Value| {
        let mut text = Vec::new();
        value.write_shown(precision, &mut text);
        serde_json::from_slice::<serde_json::Value>(&text).unwrap_or_default()
    };
    for (name, value) in names.iter().zip(group) {
        let mut place = &mut members;
        let Some((last, path)) = name.path.split_last() else {
            continue;
        };
        for step in path {
            let inner = place
                .entry(step.clone())
                .or_insert_with(|| serde_json::Value::Object(serde_json::Map::new()));
            let Some(object) = inner.as_object_mut() else {
                return;
            };
            place = object;
        }
        place.insert(last.clone(), json(value));
    }
    out.extend_from_slice(b"{\"@odata.id\":null");
    for (name, value) in &members {
        out.push(b',');
        write_text(name, out);
        out.push(b':');
        out.extend_from_slice(value.to_string().as_bytes());
    }
    for (figure, value) in figures.iter().zip(group.iter().skip(names.len())) {
        out.push(b',');
        write_text(&figure.name, out);
        out.push(b':');
        value.write_shown(precision, out);
    }
    out.push(b'}');
}

fn shape(names: &[Named], figures: &[Figure]) -> String {
    let names = names.iter().map(|name| match name.path.as_slice() {
        [column] => column.clone(),
        [first, rest @ ..] => format!("{first}({})", rest.join("/")),
        [] => String::new(),
    });
    let figures = figures.iter().map(|figure| figure.name.clone());
    names.chain(figures).collect::<Vec<_>>().join(",")
}

/// Many values on their way to one.
#[derive(Debug)]
struct Tally {
    method: Method,
    count: i64,
    sum: Value,
    best: Value,
    seen: std::collections::HashSet<u64>,
}

impl Tally {
    fn new(method: Method) -> Self {
        Self {
            method,
            count: 0,
            sum: Value::Int(0),
            best: Value::Null,
            seen: std::collections::HashSet::new(),
        }
    }

    fn add(&mut self, value: Option<Value>) {
        let Some(value) = value else {
            self.count += 1;
            return;
        };
        if self.method == Method::CountDistinct {
            self.seen.insert(value.fingerprint());
        }
        if value.is_null() {
            return;
        }
        self.count += 1;
        match self.method {
            Method::Sum | Method::Average => {
                self.sum = match (&self.sum, &value) {
                    (Value::Int(sum), Value::Int(number)) => {
                        Value::Int(sum.saturating_add(*number))
                    }
                    (sum, number) => {
                        Value::Double(sum.number().unwrap_or(0.0) + number.number().unwrap_or(0.0))
                    }
                };
            }
            Method::Min if self.best.is_null() || value.sort_order(&self.best).is_lt() => {
                self.best = value;
            }
            Method::Max if self.best.is_null() || value.sort_order(&self.best).is_gt() => {
                self.best = value;
            }
            _ => {}
        }
    }

    fn result(self) -> Value {
        match self.method {
            Method::Count => Value::Int(self.count),
            Method::CountDistinct => Value::Int(i64::try_from(self.seen.len()).unwrap_or(i64::MAX)),
            Method::Sum => self.sum,
            Method::Average => match (self.sum.number(), Value::Int(self.count).number()) {
                (Some(sum), Some(count)) if count > 0.0 => Value::Double(sum / count),
                _ => Value::Null,
            },
            Method::Min | Method::Max => self.best,
        }
    }
}
