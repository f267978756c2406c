//! `Set(key)` from stored answers to all rows.

use super::*;

const ROWS: &str = r#"{"Id":1,"Name":"a"},{"Id":2,"Name":"it's \"b\""},{"@odata.id":"https://h/monitorodata/U(3)","Name":"}{","Id":3,"M":{"Id":1}}"#;

fn body(rows: &str) -> String {
    format!(r#"{{"@odata.context":"https://h/monitorodata/$metadata#U","value":[{rows}]}}"#)
}

fn find(entity: &EntityType, key: &str, rows: &str) -> Option<String> {
    let key = KeyPredicate::new(entity, key).unwrap();
    extract(
        || Extraction::entity(key.clone(), ROOM),
        &stored(&body(rows)),
    )
}

fn by_id() -> EntityType {
    entity(&["Id"], &[("Id", "Edm.Int32"), ("Name", "Edm.String")])
}

fn by_name() -> EntityType {
    entity(&["Name"], &[("Name", "Edm.String")])
}

#[test]
fn the_entity_is_the_one_that_upstream_would_give() {
    let page = page(&body(ROWS));
    for (id, span) in (1..).zip(page::row_spans(&page.rows)) {
        let context = format!("{}/$entity", page.context.clone().unwrap());
        let expected = splice::entity(&root(), Some(&context), &page.rows.slice(span));
        for key in [format!("{id}"), format!("Id={id}")] {
            assert_eq!(find(&by_id(), &key, ROWS).unwrap(), local(&expected));
        }
    }
    let key = KeyPredicate::new(&by_id(), "2").unwrap();
    let bare = stored(r#"{"value":[{"Id":1}, {"Id":2}]}"#);
    let found = extract(|| Extraction::entity(key.clone(), ROOM), &bare);
    assert_eq!(found.unwrap(), r#"{"Id":2}"#);
}

#[test]
fn strings_are_compared_as_what_they_mean() {
    let found = find(&by_name(), r#"'it''s "b"'"#, ROWS).unwrap();
    assert!(found.ends_with(r#","Id":2,"Name":"it's \"b\""}"#));
    assert!(find(&by_name(), "'}{'", ROWS).is_some());
    assert_eq!(find(&by_name(), "'A'", ROWS), None);
}

#[test]
fn guids_have_no_case() {
    let entity = entity(&["K"], &[("K", "Edm.Guid")]);
    let rows = r#"{"K":"6f9619ff-8b86-d011-b42d-00c04fc964fe"},{"K":"6F9619FF-8b86-d011-b42d-00c04fc964ff"}"#;
    assert!(find(&entity, "6f9619ff-8B86-d011-b42d-00c04fc964ff", rows).is_some());
    assert!(find(&entity, "guid'6f9619ff-8B86-d011-b42d-00c04fc964fe'", rows).is_some());
    assert_eq!(
        find(&entity, "6f9619ff-8b86-d011-b42d-00c04fc96400", rows),
        None
    );
}

#[test]
fn composite_keys_come_in_any_order() {
    let entity = entity(&["A", "B"], &[("A", "Edm.String"), ("B", "Edm.Int32")]);
    let rows = r#"{"A":"x","B":1},{"A":"x","B":2},{"B":1,"A":"y"}"#;
    for (key, expected) in [
        ("A='x',B=2", r#","A":"x","B":2}"#),
        ("B=2,A='x'", r#","A":"x","B":2}"#),
        ("B=1,A='y'", r#","B":1,"A":"y"}"#),
    ] {
        let found = find(&entity, key, rows).unwrap();
        assert!(found.ends_with(expected), "{found}");
    }
    assert_eq!(find(&entity, "A='y',B=2", rows), None);
}

#[test]
fn what_is_not_certain_is_not_found() {
    for rows in [
        r#"{"Id":1}"#,
        r#"{"Id":2},{"Id":2}"#,
        r#"{"Id":2},{"Name":"a"}"#,
        r#"{"Id":2},{"Id":null}"#,
        r#"{"Id":2},{"Id":2.5}"#,
        r#"{"Id":2},{"Name":"a","Id":1,"Id":3}"#,
        r#"{"Id":2},{"\u0049d":3}"#,
        r#"{"M":{"Id":2},"Id":1}"#,
        "",
    ] {
        assert_eq!(find(&by_id(), "2", rows), None, "{rows}");
    }
    let long = format!(r#"{{"Id":2,"T":"{}"}}"#, "x".repeat(ROOM));
    assert_eq!(find(&by_id(), "2", &long), None);
}

#[test]
fn some_keys_are_not_compared() {
    let dated = entity(
        &["Id", "D"],
        &[("Id", "Edm.Int32"), ("D", "Edm.DateTimeOffset")],
    );
    assert_eq!(
        KeyPredicate::new(&dated, "Id=1,D=2026-01-31T00:00:00Z"),
        None
    );
    for key in ["x", "Id=1,Id=1", "Name='a'", "99999999999", ""] {
        assert_eq!(KeyPredicate::new(&by_id(), key), None, "{key}");
    }
    assert_eq!(KeyPredicate::new(&entity(&[], &[]), "1"), None);
}
