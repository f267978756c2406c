//! The section `[scans]`.

use super::globs::globs;
use super::reader::{Noted, Read, Reader};
use crate::config::Scans;
use crate::odata::name::EntitySet;

pub(super) fn check(reader: &mut Reader<'_>) -> Read<Scans> {
    let range_walk = reader.switch("scans.range_walk");
    let range_columns = range_columns(reader);
    let never = reader.value("scans.range_never");
    let range_never = never.and_then(|value| globs(reader, "scans.range_never", value));
    Ok(Scans {
        range_walk: range_walk?,
        range_columns: range_columns?,
        range_never: range_never?,
    })
}

fn range_columns(reader: &mut Reader<'_>) -> Read<Vec<(String, String)>> {
    const NAME: &str = "scans.range_columns";
    let mut columns: Vec<(String, String)> = Vec::new();
    let mut sound = true;
    for text in reader.list(NAME)? {
        let Some((set, column)) = set_and_column(&text) else {
            let what = format!("`{text}` is not the name of a set and of its column");
            sound = reader.refuse(NAME, what, COLUMN_HINT).unwrap_or(false);
            continue;
        };
        if columns
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(set))
        {
            let what = format!("`{set}` has two columns");
            let hint = "a set is read by one column: remove the other";
            sound = reader.refuse(NAME, what, hint).unwrap_or(false);
            continue;
        }
        columns.push((set.to_owned(), column.to_owned()));
    }
    sound.then_some(columns).ok_or(Noted)
}

/// The parts of `Set.Column`, both identifiers of OData.
fn set_and_column(text: &str) -> Option<(&str, &str)> {
    // Sets and columns are named by one rule, `odataIdentifier`, in which there is no dot.
    let is_name = |name: &str| EntitySet::new(name).is_some();
    text.split_once('.')
        .filter(|(set, column)| is_name(set) && is_name(column))
}

const COLUMN_HINT: &str = "write set and column with a dot between them, in letters, digits and `_`: \
     \"Sessions.StartDate\"";
