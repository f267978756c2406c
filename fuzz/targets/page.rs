//! A page of upstream: taken apart it has the rows that a plain JSON reader finds, or it is refused.

#![no_main]

use bytes::Bytes;
use citrix_odata_proxy::odata::page::{Document, first_rows, parse, row_spans};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let body = Bytes::copy_from_slice(input);
    let Ok(document) = parse(&body) else {
        return;
    };
    let plain = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
    // It knows fewer numbers than JSON has, and no deeper nesting than some.
    let Ok(whole) = serde_json::from_slice::<Value>(plain) else {
        return;
    };
    let Document::Collection(page) = document else {
        return;
    };
    let rows: Vec<Value> = row_spans(&page.rows)
        .into_iter()
        .map(|span| serde_json::from_slice(&page.rows[span]).expect("a row is JSON"))
        .collect();
    assert_eq!(rows.len() as u64, page.row_count);
    // Of members with one name a plain reader takes the last.
    let members = whole.as_object().expect("a page is an object").len();
    let written = format!(
        "[{}]",
        String::from_utf8(page.rows.to_vec()).expect("JSON is UTF-8")
    );
    let joined: Value =
        serde_json::from_str(&written).expect("rows and commas are an array without its brackets");
    assert_eq!(joined.as_array().map(Vec::len), Some(rows.len()));
    if members > 0
        && let Some(expected) = whole.get("value").filter(|value| value.is_array())
    {
        assert_eq!(&joined, expected);
    }
    for count in [0, 1, page.row_count / 2, page.row_count] {
        assert_eq!(
            row_spans(&first_rows(&page.rows, count)).len() as u64,
            count.min(page.row_count)
        );
    }
});
