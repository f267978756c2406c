//! Rows of every set: types, keys, foreign keys, dates.

use std::collections::HashSet;

use http::StatusCode;
use serde_json::Value as Json;

use super::Site;
use crate::demo::estate::Estate;
use crate::demo::model::{Edm, Link, Model};
use crate::demo::moment::TICKS;
use crate::demo::value::{Row, Value};

#[tokio::test(start_paused = true)]
async fn every_set_answers_in_schema_order() {
    let site = Site::small().await;
    for table in Model::published().tables() {
        let Some(set) = &table.set else { continue };
        let answer = site.get(&format!("/{set}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{set}");
        assert_eq!(
            answer.header("content-type"),
            "application/json; odata.metadata=minimal"
        );
        assert_eq!(answer.header("odata-version"), "4.0");
        let page = answer.json();
        assert_eq!(
            page["@odata.context"],
            format!("http://citrix.test/monitorodata/$metadata#{set}")
        );
        let rows = page["value"].as_array().unwrap();
        assert!(rows.len() <= 100);
        assert!(
            !rows.is_empty() || set.starts_with("Process"),
            "{set} is empty"
        );
        if let Some(Json::Object(row)) = rows.first() {
            assert_eq!(row.len(), table.properties.len(), "{set}");
        }
    }
}

#[test]
fn every_row_fits_its_type_and_has_its_own_key() {
    let estate = Estate::new(3, 1500, 1_772_806_800_000);
    let mut row = Row::new();
    for table in Model::published().tables() {
        let mut keys = HashSet::new();
        for index in 0..estate.count(table).min(12_000) {
            estate.row(table, index, &mut row);
            assert_eq!(row.len(), table.properties.len(), "{}", table.name());
            for (value, property) in row.iter().zip(&table.properties) {
                let fits = match (value, property.edm) {
                    (Value::Null, _) => property.nullable,
                    (Value::Bool(_), Edm::Boolean)
                    | (Value::Double(_), Edm::Double)
                    | (Value::Text(_), Edm::String)
                    | (Value::Guid(_), Edm::Guid)
                    | (Value::Int(_), Edm::Int64)
                    | (Value::Date(_), Edm::DateTimeOffset) => true,
                    (Value::Int(number), Edm::Int32) => i32::try_from(*number).is_ok(),
                    (Value::Int(number), Edm::Int16) => i16::try_from(*number).is_ok(),
                    _ => false,
                };
                assert!(fits, "{}.{} = {value:?}", table.name(), property.name);
            }
            let key: Vec<String> = table
                .key
                .iter()
                .map(|column| row[*column].literal())
                .collect();
            assert!(keys.insert(key), "{} row {index}", table.name());
        }
    }
}

#[test]
fn foreign_keys_lead_to_rows_and_back() {
    let estate = Estate::new(3, 600, 1_772_806_800_000);
    for table in Model::published().tables() {
        for navigation in &table.navigation {
            let target = Model::published().table(navigation.target).unwrap();
            for index in 0..estate.count(table).min(60) {
                match navigation.link {
                    Link::Foreign(column) => {
                        let key = estate.cell(table, index, column);
                        let found = estate.related(table, index, navigation);
                        assert_eq!(
                            found.len(),
                            usize::from(!key.is_null()),
                            "{}/{}",
                            table.name(),
                            navigation.name
                        );
                    }
                    Link::Inverse(column) => {
                        let key = estate.cell(table, index, table.key[0]);
                        let found = estate.related(table, index, navigation);
                        let brute: Vec<u64> = (0..estate.count(target).min(2000))
                            .filter(|other| estate.cell(target, *other, column) == key)
                            .collect();
                        let found: Vec<u64> =
                            found.into_iter().filter(|other| *other < 2000).collect();
                        assert_eq!(found, brute, "{}/{}", table.name(), navigation.name);
                    }
                    Link::Hidden => {}
                }
            }
        }
    }
}

#[test]
fn a_cell_is_the_same_alone_and_in_its_row() {
    let estate = Estate::new(9, 9000, 1_772_806_800_000);
    let mut row = Row::new();
    for table in Model::published().tables() {
        for index in (0..estate.count(table)).step_by(997) {
            estate.row(table, index, &mut row);
            for (column, value) in row.iter().enumerate() {
                assert_eq!(
                    estate.cell(table, index, column),
                    *value,
                    "{} {column}",
                    table.name()
                );
            }
        }
    }
}

#[test]
fn only_the_last_day_has_open_sessions() {
    let now = 1_772_806_800_000;
    let estate = Estate::new(5, 20_000, now);
    let sessions = Model::published().set("Sessions").unwrap();
    let (start, end) = (
        sessions.column("StartDate").unwrap(),
        sessions.column("EndDate").unwrap(),
    );
    let open: Vec<i64> = (0..20_000)
        .filter(|index| estate.cell(sessions, *index, end).is_null())
        .filter_map(|index| match estate.cell(sessions, index, start) {
            Value::Date(start) => Some(start / TICKS),
            _ => None,
        })
        .collect();
    assert!(open.len() > 50, "{}", open.len());
    assert!(open.iter().all(|start| now - start < 86_400_000));
}
