//! Pages as upstream writes them.

use proptest::prelude::*;

use super::*;

fn page(text: &str) -> Page {
    match parse(&Bytes::copy_from_slice(text.as_bytes())).unwrap() {
        Document::Collection(page) => page,
        Document::Single(_) => panic!("no collection: {text}"),
    }
}

#[test]
fn envelope_is_read_and_rows_stay_bytes() {
    let page = page(
        r#"{"@odata.context":"https://api.cloud.com/monitorodata/$metadata#Users","@odata.count":3,
        "@Citrix.note":{"a":1},"value":[ {"b":1.50,"a":"\u00e4"} ,{"z":1e2}],
        "@odata.nextLink":"https:\/\/api.cloud.com\/monitorodata\/Users?$skip=2"}"#,
    );
    assert_eq!(page.rows, r#"{"b":1.50,"a":"\u00e4"} ,{"z":1e2}"#);
    assert_eq!(page.row_count, 2);
    assert_eq!(page.count.unwrap(), "3");
    assert_eq!(
        page.next.unwrap(),
        "https://api.cloud.com/monitorodata/Users?$skip=2"
    );
    assert_eq!(page.annotations, [r#""@Citrix.note":{"a":1}"#]);
}

#[test]
fn next_link_may_stand_before_the_rows_or_be_null_or_lack_its_prefix() {
    assert_eq!(
        page(r#"{"@odata.nextLink":"U?$skip=1","value":[1]}"#)
            .next
            .unwrap(),
        "U?$skip=1"
    );
    assert_eq!(
        page(r#"{"@nextLink":"U?$skip=1","value":[]}"#)
            .next
            .unwrap(),
        "U?$skip=1"
    );
    assert_eq!(page(r#"{"value":[1],"@odata.nextLink":null}"#).next, None);
}

#[test]
fn byte_order_mark_is_skipped() {
    assert_eq!(page("\u{feff}{\"value\":[ ]}").row_count, 0);
}

#[test]
fn other_objects_are_single() {
    for text in [
        r#"{"Id":5}"#,
        r#"{"value":5}"#,
        r#"{"value":{"a":[1]}}"#,
        r#"{"value":"x"}"#,
        r#"{"value":null}"#,
    ] {
        let body = Bytes::copy_from_slice(text.as_bytes());
        assert_eq!(parse(&body).unwrap(), Document::Single(body));
    }
}

#[test]
fn cut_and_malformed_bodies_are_errors() {
    for (text, cut) in [
        (r#"{"value":[{"a":1},{"a""#, true),
        (r#"{"value":[{"a":1}]"#, true),
        ("", true),
        (r#"{"value":[{"a":1}]}}"#, false),
        (r#"{"value":[{"a":NaN}]}"#, false),
        (r#"{"value":[{"a":1},]}"#, false),
        ("<html></html>", false),
        ("[1,2]", false),
    ] {
        let error = parse(&Bytes::copy_from_slice(text.as_bytes())).unwrap_err();
        assert!(
            matches!(error, MalformedBody::Syntax { cut: found, .. } if found == cut),
            "{text}: {error}"
        );
    }
}

#[test]
fn what_would_look_like_the_end_is_an_error() {
    for (text, expected) in [
        (
            r#"{"error":{"code":"x","message":"y"}}"#,
            MalformedBody::Error,
        ),
        (r#"{"value":[1],"error":{}}"#, MalformedBody::Error),
        (
            r#"{"value":[1],"@odata.nextLink":{"a":1}}"#,
            MalformedBody::NextLink,
        ),
        (
            r#"{"value":[1],"@odata.nextLink":"a\ud800"}"#,
            MalformedBody::NextLink,
        ),
        (
            r#"{"value":[1],"odata.nextLink":"a"}"#,
            MalformedBody::NextLink,
        ),
        (
            r#"{"value":[1],"@odata.NextLink":"a"}"#,
            MalformedBody::NextLink,
        ),
    ] {
        let text = Bytes::from_static(text.as_bytes());
        assert_eq!(parse(&text), Err(expected), "{text:?}");
    }
    assert!(parse(&Bytes::from_static(br#"{"value":[1],"value":[2]}"#)).is_err());
}

proptest! {
    #[test]
    fn first_rows_cuts_between_rows(rows in prop::collection::vec("\\{\"a\":\"[a-z,}{ ]{0,8}\"\\}", 0..20), keep in 0_usize..25) {
        let text = Bytes::from(rows.join(","));
        let expected = rows[..keep.min(rows.len())].join(",");
        prop_assert_eq!(first_rows(&text, keep as u64), expected.as_bytes());
        prop_assert_eq!(row_spans(&text).len(), rows.len());
    }

    #[test]
    fn any_cut_of_a_page_is_an_error(at in 0_usize..60) {
        let whole = br#"{"@odata.context":"c","value":[{"a":1},{"a":"b"}],"@x.y":1}"#;
        prop_assume!(at < whole.len());
        prop_assert!(parse(&Bytes::copy_from_slice(&whole[..at])).is_err());
    }
}
