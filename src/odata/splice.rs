//! Many pages → one body.
//!
//! A body is an opening (context, count, annotations, up to the bracket of `value`), rows, and a closing. The
//! context comes first and nothing but a next link follows the rows, as `odata.streaming=true` asks
//! (OData JSON Format 4.0, section 4.4).

use bytes::Bytes;

use super::link::{self, ServiceRoot};
use super::neutral::NeutralText;
use super::page::Page;

/// Everything before the rows of a collection, taken from its first page.
pub fn opening(root: &ServiceRoot, page: &Page) -> NeutralText {
    let mut text = NeutralText::new();
    text.push("{");
    if let Some(context) = &page.context {
        text.append(context_member(root, context));
        text.push(",");
    }
    if let Some(count) = &page.count {
        text.push("\"@odata.count\":");
        text.push(count.clone());
        text.push(",");
    }
    for annotation in &page.annotations {
        text.push(annotation.clone());
        text.push(",");
    }
    text.push("\"value\":[");
    text
}

/// Everything behind the rows, with a link to the next page when there is one: canonical text below the root.
pub fn closing(next: Option<&str>) -> NeutralText {
    let mut text = NeutralText::new();
    match next {
        None => text.push("]}"),
        Some(next) => {
            text.push("],\"@odata.nextLink\":\"");
            link::push_link(&mut text, next);
            text.push("\"}");
        }
    }
    text
}

/// One row as an entity of its own: its context, then the row's own members.
pub fn entity(root: &ServiceRoot, context: Option<&str>, row: &Bytes) -> NeutralText {
    let mut text = NeutralText::new();
    let members = link::neutral(root, row).without_first(1);
    text.push("{");
    if let Some(context) = context {
        text.append(context_member(root, context));
        let first = row.iter().skip(1).find(|byte| !byte.is_ascii_whitespace());
        if first != Some(&b'}') {
            text.push(",");
        }
    }
    text.append(members);
    text
}

/// `"@odata.context":"…"`. The fragment is upstream's, to the letter; what stands before `$metadata` is the
/// client's own.
pub fn context_member(root: &ServiceRoot, context: &str) -> NeutralText {
    let mut text = NeutralText::new();
    text.push("\"@odata.context\":\"");
    match (
        context.find("$metadata").and_then(|at| context.get(at..)),
        root.below(context),
    ) {
        (Some(rest), _) | (None, Some(rest)) => link::push_link(&mut text, rest),
        (None, None) => text.push(link::escaped(context)),
    }
    text.push("\"");
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;
    use crate::odata::page::{Document, parse};

    fn root() -> ServiceRoot {
        ServiceRoot::new(&Url::parse("https://api.cloud.com/monitorodata").unwrap())
    }

    fn local(text: &NeutralText) -> String {
        String::from_utf8(text.to_bytes(&Bytes::from_static(b"http://l:1/m")).to_vec()).unwrap()
    }

    fn page(text: &str) -> Page {
        match parse(&Bytes::copy_from_slice(text.as_bytes())).unwrap() {
            Document::Collection(page) => page,
            Document::Single(_) => panic!("no collection"),
        }
    }

    #[test]
    fn opening_puts_the_context_first_and_the_count_before_the_rows() {
        let page = page(
            r#"{"value":[],"@x.y":[1],"@odata.count":"7","@odata.context":"https://api-eu.cloud.com/monitorodata/$metadata#Users(Id,Name)"}"#,
        );
        assert_eq!(
            local(&opening(&root(), &page)),
            r#"{"@odata.context":"http://l:1/m/$metadata#Users(Id,Name)","@odata.count":"7","@x.y":[1],"value":["#
        );
    }

    #[test]
    fn closing_may_link_onwards() {
        assert_eq!(local(&closing(None)), "]}");
        assert_eq!(
            local(&closing(Some("Users?$skiptoken=page-5-5"))),
            r#"],"@odata.nextLink":"http://l:1/m/Users?$skiptoken=page-5-5"}"#
        );
    }

    #[test]
    fn entity_has_its_own_context() {
        let row = Bytes::from_static(br#"{"@odata.id":"https://h/monitorodata/Users(1)","Id":1}"#);
        assert_eq!(
            local(&entity(
                &root(),
                Some("https://h/monitorodata/$metadata#Users/$entity"),
                &row
            )),
            r#"{"@odata.context":"http://l:1/m/$metadata#Users/$entity","@odata.id":"http://l:1/m/Users(1)","Id":1}"#
        );
        assert_eq!(
            local(&entity(&root(), None, &Bytes::from_static(b"{}"))),
            "{}"
        );
        assert_eq!(
            local(&entity(
                &root(),
                Some("$metadata#U/$entity"),
                &Bytes::from_static(b"{ }")
            )),
            r#"{"@odata.context":"http://l:1/m/$metadata#U/$entity" }"#
        );
    }

    proptest! {
        /// Whatever the page sizes: opening, rows with commas between non-empty pages, closing, is the
        /// document with all rows.
        #[test]
        fn pages_of_any_size_make_the_whole(rows in prop::collection::vec("\\{\"a\":[1-9][0-9]{0,2}\\}", 0..40), sizes in prop::collection::vec(0_usize..7, 1..30)) {
            let mut left = rows.as_slice();
            let mut body: Option<NeutralText> = None;
            let mut wrote = false;
            let mut sizes = sizes.into_iter();
            loop {
                let size = sizes.next().unwrap_or(left.len()).min(left.len());
                let (here, later) = left.split_at(size);
                left = later;
                let text = format!(r#"{{"@odata.context":"c/$metadata#S","value":[{}]}}"#, here.join(", "));
                let page = page(&text);
                let body = body.get_or_insert_with(|| opening(&root(), &page));
                if page.row_count > 0 {
                    if wrote {
                        body.push(",");
                    }
                    wrote = true;
                    body.append(link::neutral(&root(), &page.rows));
                }
                if left.is_empty() {
                    break;
                }
            }
            let mut body = body.unwrap();
            body.append(closing(None));
            let whole: serde_json::Value = serde_json::from_str(&local(&body)).unwrap();
            let expected: Vec<serde_json::Value> = rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
            prop_assert_eq!(whole["value"].as_array().unwrap(), &expected);
        }
    }
}
