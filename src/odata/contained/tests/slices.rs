//! `$top`, `$skip` and `$count` from stored answers to all rows.

use super::*;

const SET: &str = r#"{"@odata.context":"https://h/monitorodata/$metadata#Users","@odata.count":4,"@x.y":{"value":[{}]},
    "value":[{"Id":1}, {"Id":2,"T":"]}{\\\""},{"Id":3,"@odata.id":"https://h/monitorodata/Users(3)"} ,{"Id":4}]}"#;

fn cut(skip: u64, top: Option<u64>) -> Cut {
    Cut {
        skip,
        top,
        ..Cut::default()
    }
}

#[track_caller]
fn check(cut: &Cut, expected: &str) {
    let found = extract(|| Extraction::rows(cut.clone(), ROOM), &stored(SET));
    assert_eq!(found.unwrap(), expected);
}

#[test]
fn rows_are_kept_to_the_letter() {
    let body = |rows: &str| {
        format!(
            r#"{{"@odata.context":"http://l:1/m/$metadata#Users","@x.y":{{"value":[{{}}]}},"value":[{rows}]}}"#
        )
    };
    let second = r#"{"Id":2,"T":"]}{\\\""}"#;
    let third = r#"{"Id":3,"@odata.id":"http://l:1/m/Users(3)"}"#;
    check(&cut(0, Some(1)), &body(r#"{"Id":1}"#));
    check(&cut(1, Some(1)), &body(second));
    check(&cut(1, Some(2)), &body(&format!("{second},{third}")));
    check(&cut(3, None), &body(r#"{"Id":4}"#));
    check(&cut(3, Some(u64::MAX)), &body(r#"{"Id":4}"#));
    check(&cut(0, Some(0)), &body(""));
    check(&cut(4, None), &body(""));
    check(&cut(u64::MAX, Some(5)), &body(""));
}

#[test]
fn the_count_is_written_where_it_is_asked_for() {
    for (ieee754_compatible, count) in [(false, "4"), (true, "\"4\"")] {
        let cut = Cut {
            top: Some(0),
            count: Some(RowCount {
                rows: 4,
                ieee754_compatible,
            }),
            ..Cut::default()
        };
        check(
            &cut,
            &format!(
                r#"{{"@odata.context":"http://l:1/m/$metadata#Users","@odata.count":{count},"@x.y":{{"value":[{{}}]}},"value":[]}}"#
            ),
        );
    }
}

#[test]
fn a_body_without_metadata_stays_without() {
    let text = stored(r#"{"value":[{"Id":1},{"Id":2}]}"#);
    let found = extract(|| Extraction::rows(cut(1, None), ROOM), &text);
    assert_eq!(found.unwrap(), r#"{"value":[{"Id":2}]}"#);
}

#[test]
fn no_more_is_read_than_is_needed() {
    let read = |top| {
        let mut extraction = Extraction::rows(cut(0, Some(top)), ROOM);
        let mut read = NeutralText::new();
        for piece in pieces(&stored(SET), &[1]) {
            match &piece {
                Piece::Bytes(bytes) => read.push(bytes.clone()),
                Piece::Root => read.push_root(),
            }
            if extraction.push(&piece).is_break() {
                break;
            }
        }
        assert_eq!(extraction.finish().unwrap().rows, top.min(4));
        local(&read)
    };
    assert!(read(0).ends_with(r#"},"value":["#));
    assert!(read(1).ends_with(r#"{"Id":1}"#));
    assert!(read(4).ends_with(r#"{"Id":4}"#));
    assert!(read(5).ends_with(r#"{"Id":4}]}"#));
}

#[test]
fn nothing_is_larger_than_its_bound() {
    let text = stored(SET);
    let with = |room| run(Extraction::rows(cut(0, Some(2)), room), text.pieces());
    let len = local(&with(ROOM).unwrap().text).len() - ROOT.len();
    let place = 2 * size_of::<Piece>();
    assert!(with(len + place).is_some());
    assert_eq!(with(len + place - 1), None);
    assert_eq!(with(0), None);
    assert!(with(len + place).unwrap().text.stored_len() <= len + 2 * place);
}

#[test]
fn what_is_not_whole_gives_nothing() {
    let all = || Extraction::rows(cut(0, None), ROOM);
    for text in [
        "",
        "{",
        "[]",
        r#"{"value":"x"}"#,
        r#"{"a":{"value":[]}}"#,
        r#"{"value":[{"Id":1}"#,
        r#"{"value":[{"Id":1}]"#,
        r#"{"value":[{"Id":1}],"@odata.nextLink":"x"}"#,
        r#"{"value":[1,2]}"#,
        r#"{"value":[{"Id":1}]}}"#,
    ] {
        let mut neutral = NeutralText::new();
        neutral.push(text);
        assert_eq!(extract(all, &neutral), None, "{text}");
    }
    let mut long = NeutralText::new();
    long.push(format!(r#"{{"@a.b":"{}"#, "x".repeat(ROOM)));
    assert_eq!(run(all(), long.pieces()), None);
    let mut outside = NeutralText::new();
    outside.push(r#"{"value":[{"Id":"#);
    outside.push_root();
    outside.push("1}]}");
    assert_eq!(extract(all, &outside), None);
}
