//! `$select` from stored answers that have more columns.

use super::*;

fn users() -> EntityType {
    let properties = [
        ("Id", "Edm.Int64"),
        ("Name", "Edm.String"),
        ("Tags", "Collection(Edm.String)"),
        ("Place", "N.Place"),
    ];
    entity(&["Id"], &properties)
}

fn body(rows: &str) -> String {
    format!(r#"{{"@odata.context":"https://h/monitorodata/$metadata#Users","value":[{rows}]}}"#)
}

fn select(columns: &[&str], body: &str) -> Option<String> {
    let cut = Cut {
        columns: Some(Columns::new(&users(), &names(columns)).unwrap()),
        ..Cut::default()
    };
    extract(|| Extraction::rows(cut.clone(), ROOM), &stored(body))
}

#[test]
fn members_are_kept_to_the_letter_in_the_stored_order() {
    let body = body(
        r##"{"Id@odata.type":"#Int64","Id" : 1.0e0 ,"Name":"a,\"}","Tags@odata.type":"#Collection(String)","Tags":["x", "y"],"Place":{"Id":5}},{"Name":null,"Id":2,"Tags":[],"Place":null}"##,
    );
    let opened = r#"{"@odata.context":"http://l:1/m/$metadata#Users"#;
    assert_eq!(
        select(&["Name", "Id"], &body).unwrap(),
        format!(
            r##"{opened}(Name,Id)","value":[{{"Id@odata.type":"#Int64","Id" : 1.0e0,"Name":"a,\"}}"}},{{"Name":null,"Id":2}}]}}"##
        )
    );
    assert_eq!(
        select(&["Tags"], &body).unwrap(),
        format!(
            r##"{opened}(Tags)","value":[{{"Tags@odata.type":"#Collection(String)","Tags":["x", "y"]}},{{"Tags":[]}}]}}"##
        )
    );
}

#[test]
fn columns_go_with_ranges_and_counts() {
    let cut = Cut {
        skip: 1,
        top: Some(1),
        count: Some(RowCount {
            rows: 3,
            ieee754_compatible: false,
        }),
        columns: Columns::new(&users(), &names(&["Id"])),
    };
    let text = stored(&body(
        r#"{"Id":1,"Name":"a"},{"Id":2,"Name":"b"},{"Id":3,"Name":"c"}"#,
    ));
    assert_eq!(
        extract(|| Extraction::rows(cut.clone(), ROOM), &text).unwrap(),
        r#"{"@odata.context":"http://l:1/m/$metadata#Users(Id)","@odata.count":3,"value":[{"Id":2}]}"#
    );
}

#[test]
fn links_of_a_kept_column_stay_open() {
    let body = body(r#"{"Id":1,"Name@odata.mediaReadLink":"https://h/monitorodata/x","Name":"a"}"#);
    assert_eq!(
        select(&["Name"], &body).unwrap(),
        r#"{"@odata.context":"http://l:1/m/$metadata#Users(Name)","value":[{"Name@odata.mediaReadLink":"http://l:1/m/x","Name":"a"}]}"#
    );
}

#[test]
fn what_is_not_certain_is_not_given() {
    for row in [
        r#"{"Name":"a"}"#,
        r#"{"Id":1,"Id":2,"Name":"a"}"#,
        r#"{"Id":1,"@odata.etag":"x"}"#,
        r##"{"Id":1,"@odata.type":"#N.Special"}"##,
        r##"{"Id":1,"#N.Action":{}}"##,
        r#"{"Id":1,"\u004eame":"a"}"#,
        r#"{"Id":1,"Name@\u006fdata.type":"a"}"#,
        r#"{"Place":{"Id":1}}"#,
    ] {
        assert_eq!(select(&["Id"], &body(row)), None, "{row}");
    }
    for context in [
        "$metadata#Users(Id)",
        "$metadata#Users/N.Special",
        "$metadata",
    ] {
        let body = format!(
            r#"{{"@odata.context":"https://h/monitorodata/{context}","value":[{{"Id":1}}]}}"#
        );
        assert_eq!(select(&["Id"], &body), None, "{context}");
    }
    let other = body(r#"{"Id":1,"Sessions@odata.count":3,"Sessions":[]}"#);
    assert!(select(&["Id"], &other).unwrap().ends_with(r#"[{"Id":1}]}"#));
}

#[test]
fn only_declared_names_are_columns() {
    for list in [
        &["Id", "Id"][..],
        &["id"],
        &["Sessions"],
        &["*"],
        &["Place/Id"],
        &[""],
        &[],
    ] {
        assert_eq!(Columns::new(&users(), &names(list)), None, "{list:?}");
    }
}
