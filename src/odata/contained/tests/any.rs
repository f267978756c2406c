//! Any rows in any chunks, against a parser.

use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;

/// Text with what could be taken for structure.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c{}\\[\\]:, \"\\\\@#]{0,10}",
        "\\PC{0,6}",
        Just("\"value\":[{\"Id\":1}]}".to_owned()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            (inner.clone(), inner).prop_map(|(a, b)| json!({ "Id": a, "Z": b })),
        ]
    })
}

/// A row with the columns `A`, `Id`, `K` and `T` in some order, and with an annotation and blanks now and then.
fn row(id: u64) -> impl Strategy<Value = String> {
    let parts = (value(), text(), value());
    (parts, any::<bool>(), 0_usize..4, any::<bool>()).prop_map(
        move |((a, key, t), typed, first, blanks)| {
            let (colon, comma) = if blanks { (" :\t", " ,\n") } else { (":", ",") };
            let member = |name: &str, value: Value| format!("\"{name}\"{colon}{value}");
            let mut members = vec![
                member("A", a),
                member("Id", json!(id)),
                member("K", json!(format!("{id} {key}"))),
                member("T", t),
            ];
            if typed {
                members.push(member("A@odata.type", json!("#N.A")));
            }
            members.rotate_left(first);
            format!("{{{}}}", members.join(comma))
        },
    )
}

fn rows() -> impl Strategy<Value = Vec<String>> {
    (0_u64..12).prop_flat_map(|count| (0..count).map(row).collect::<Vec<_>>())
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1_usize..5, 1_usize..400], 1..6)
}

/// A row's text → its members' texts.
fn members(row: &str) -> BTreeMap<String, Box<RawValue>> {
    serde_json::from_str(row).unwrap()
}

fn table(rows: &[String]) -> NeutralText {
    stored(&format!(
        r#"{{"@odata.context":"https://h/monitorodata/$metadata#S","@x.y":"]}}","value":[{}]}}"#,
        rows.join(" ,\n")
    ))
}

fn kinds() -> EntityType {
    let kinds = ["A", "Id", "T"].map(|name| (name, "Edm.Int64"));
    entity(&["Id"], &kinds)
}

proptest! {
    #[test]
    fn slices_are_those_of_a_parser(
        rows in rows(),
        skip in 0_usize..14,
        top in prop::option::of(0_usize..14),
        count in prop::option::of(any::<u64>()),
        sizes in sizes(),
    ) {
        let count = count.map(|rows| RowCount { rows, ieee754_compatible: false });
        let cut = Cut {
            skip: skip as u64,
            top: top.map(|top| top as u64),
            count,
            columns: None,
        };
        let extract = run(Extraction::rows(cut, ROOM), &pieces(&table(&rows), &sizes)).unwrap();
        let kept: Vec<&str> = rows.iter().map(String::as_str).skip(skip).take(top.unwrap_or(usize::MAX)).collect();
        let count = count.map_or_else(String::new, |count| format!("\"@odata.count\":{},", count.rows));
        prop_assert_eq!(
            local(&extract.text),
            format!(
                r#"{{"@odata.context":"http://l:1/m/$metadata#S",{count}"@x.y":"]}}","value":[{}]}}"#,
                kept.join(",")
            )
        );
        prop_assert_eq!(extract.rows, kept.len() as u64);
    }

    #[test]
    fn columns_are_those_of_a_parser(
        rows in rows(),
        list in prop::sample::subsequence(vec!["A", "Id", "T"], 1..=3).prop_shuffle(),
        sizes in sizes(),
    ) {
        let columns = Columns::new(&kinds(), &names(&list));
        let cut = Cut { columns, ..Cut::default() };
        let extract = run(Extraction::rows(cut, ROOM), &pieces(&table(&rows), &sizes)).unwrap();
        let body = local(&extract.text);
        let body: BTreeMap<&str, &RawValue> = serde_json::from_str(&body).unwrap();
        let context = format!("\"http://l:1/m/$metadata#S({})\"", list.join(","));
        prop_assert_eq!(body["@odata.context"].get(), context);
        let found: Vec<BTreeMap<String, Box<RawValue>>> = serde_json::from_str(body["value"].get()).unwrap();
        prop_assert_eq!(found.len(), rows.len());
        for (found, row) in found.iter().zip(&rows) {
            let mut expected = members(row);
            expected.retain(|name, _| list.contains(&name.split('@').next().unwrap()));
            let texts = |members: &BTreeMap<String, Box<RawValue>>| -> Vec<String> {
                members.iter().map(|(name, value)| format!("{name}:{value}")).collect()
            };
            prop_assert_eq!(texts(found), texts(&expected));
        }
    }

    #[test]
    fn keys_find_what_a_parser_finds(rows in rows(), wanted in 0_usize..14, by_text in any::<bool>(), sizes in sizes()) {
        let row = rows.get(wanted);
        let (entity, key) = if by_text {
            let text = row.map_or_else(|| "none".to_owned(), |row| {
                serde_json::from_str(members(row)["K"].get()).unwrap()
            });
            let quoted = format!("'{}'", text.replace('\'', "''"));
            (entity(&["K"], &[("K", "Edm.String")]), quoted)
        } else {
            (kinds(), wanted.to_string())
        };
        let key = KeyPredicate::new(&entity, &key).unwrap();
        let found = run(Extraction::entity(key, ROOM), &pieces(&table(&rows), &sizes));
        let expected = row.map(|row| {
            let members = row.strip_prefix('{').unwrap();
            format!(r#"{{"@odata.context":"http://l:1/m/$metadata#S/$entity",{members}"#)
        });
        prop_assert_eq!(found.map(|found| local(&found.text)), expected);
    }

    #[test]
    fn any_text_ends_the_reading(text in "[{}\\[\\]:,\"\\\\a0 ]{0,40}", sizes in sizes()) {
        let mut body = NeutralText::new();
        body.push(format!("{{\"value\":[{text}"));
        let pieces = pieces(&body, &sizes);
        run(Extraction::rows(Cut { skip: 1, ..Cut::default() }, ROOM), &pieces);
        let columns = Columns::new(&kinds(), &names(&["A"]));
        run(Extraction::rows(Cut { columns, ..Cut::default() }, ROOM), &pieces);
        run(Extraction::entity(KeyPredicate::new(&kinds(), "1").unwrap(), ROOM), &pieces);
    }
}
