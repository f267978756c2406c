//! Expanded collections that upstream has cut: `"Sessions":[…],"Sessions@odata.nextLink":"…"` inside a row.
//!
//! A client that asked for whole answers would have to follow these links itself (OData JSON Format 4.0,
//! section 4.5.5), which most never do. So the rest is fetched, put into the array, and the link taken out.

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;

use super::member::{self, Member};

/// One cut collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The link to its rest, decoded.
    pub link: String,
    /// The member that holds the link, and a comma.
    removal: Range<usize>,
    /// Before the array's closing bracket.
    end: usize,
    /// Whether the array has no element yet.
    empty: bool,
}

/// The cut collections in `rows`, at any depth. An error names a link that belongs to no array.
pub fn cuts(rows: &Bytes) -> Result<Vec<Cut>, String> {
    if memchr::memmem::find(rows, b"nextLink\"").is_none() {
        return Ok(Vec::new());
    }
    let members = member::members(rows, |name, value| {
        value.starts_with(b"[") || memchr::memchr(b'@', name).is_some()
    });
    let mut arrays: HashMap<(usize, &[u8]), &Member> = HashMap::new();
    for member in &members {
        if member.value(rows).starts_with(b"[") {
            arrays.insert((member.object, member.name(rows)), member);
        }
    }
    let mut cuts = Vec::new();
    for link in &members {
        let (Some(name), Some(url)) = (navigation(link, rows), link.string(rows)) else {
            continue;
        };
        let array = arrays.get(&(link.object, name)).ok_or_else(|| {
            let name = String::from_utf8_lossy(name);
            format!("a nested next link without its array, `{name}`")
        })?;
        let inside = array.value.start + 1..array.value.end - 1;
        let elements = rows.get(inside.clone()).unwrap_or_default();
        cuts.push(Cut {
            link: url,
            removal: link.removal(rows),
            end: inside.end,
            empty: elements.iter().all(u8::is_ascii_whitespace),
        });
    }
    Ok(cuts)
}

/// `rows` with each cut collection's rest in its place. `rests` belong to `cuts`, in the same order.
pub fn mend(rows: &Bytes, cuts: &[Cut], rests: &[Bytes]) -> Bytes {
    let mut edits: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
    for (cut, rest) in cuts.iter().zip(rests) {
        edits.push((cut.removal.clone(), Vec::new()));
        if !rest.is_empty() {
            let comma: &[u8] = if cut.empty { b"" } else { b"," };
            edits.push((cut.end..cut.end, [comma, rest].concat()));
        }
    }
    edits.sort_by_key(|(range, _)| range.start);
    let mut whole = Vec::with_capacity(rows.len() + rests.iter().map(Bytes::len).sum::<usize>());
    let mut at = 0;
    for (range, text) in edits {
        whole.extend_from_slice(rows.get(at..range.start).unwrap_or_default());
        whole.extend_from_slice(&text);
        at = at.max(range.end);
    }
    whole.extend_from_slice(rows.get(at..).unwrap_or_default());
    whole.into()
}

/// What the outermost object of `row` says about a navigation property: its value, and `@odata.count` and
/// `@odata.nextLink` beside it.
pub fn related(row: &Bytes, navigation: &str) -> Related {
    let members = member::members(row, |name, _| {
        let begins = name.get(..navigation.len());
        begins.is_some_and(|begins| begins.eq_ignore_ascii_case(navigation.as_bytes()))
    });
    let of = |name: &str| {
        let named = |member: &&Member| {
            member.depth == 0 && member.name(row).eq_ignore_ascii_case(name.as_bytes())
        };
        members.iter().find(named)
    };
    let slice = |member: &Member| row.slice(member.value.clone());
    Related {
        value: of(navigation).map(slice),
        count: of(&format!("{navigation}@odata.count")).map(slice),
        next: of(&format!("{navigation}@odata.nextLink")).and_then(|link| link.string(row)),
    }
}

/// A navigation property in an expanded row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The value: an object, an array, `null`; `None` when the row does not have it.
    pub value: Option<Bytes>,
    /// The count, as written.
    pub count: Option<Bytes>,
    /// The link to the rest of a cut array, decoded.
    pub next: Option<String>,
}

/// `Sessions` of `Sessions@odata.nextLink`.
fn navigation<'a>(link: &Member, text: &'a [u8]) -> Option<&'a [u8]> {
    let name = link.name(text);
    let at = memchr::memrchr(b'@', name)?;
    let (navigation, annotation) = name.split_at_checked(at)?;
    let known = annotation == b"@odata.nextLink" || annotation == b"@nextLink";
    (known && !navigation.is_empty()).then_some(navigation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: &str, links: &[&str], rests: &[&str], expected: &str) {
        let rows = Bytes::copy_from_slice(rows.as_bytes());
        let cuts = cuts(&rows).unwrap();
        let found: Vec<&str> = cuts.iter().map(|cut| cut.link.as_str()).collect();
        assert_eq!(found, links);
        let rests: Vec<Bytes> = rests
            .iter()
            .map(|rest| Bytes::copy_from_slice(rest.as_bytes()))
            .collect();
        assert_eq!(mend(&rows, &cuts, &rests), expected);
    }

    #[test]
    fn rests_go_where_the_cut_was() {
        check(
            r#"{"S":[{"a":1}],"S@odata.nextLink":"M(1)/S?$skip=1","Id":1},{"S@odata.nextLink":"M(2)/S?$skip=0","S":[ ],"Id":2}"#,
            &["M(1)/S?$skip=1", "M(2)/S?$skip=0"],
            &[r#"{"a":2},{"a":3}"#, r#"{"b":1}"#],
            r#"{"S":[{"a":1},{"a":2},{"a":3}],"Id":1},{"S":[ {"b":1}],"Id":2}"#,
        );
    }

    #[test]
    fn cuts_inside_cuts_are_found() {
        check(
            r#"{"S":[{"C":[1],"C@odata.nextLink":"x"}],"S@odata.nextLink":"y"}"#,
            &["x", "y"],
            &["2", r#"{"C":[3]}"#],
            r#"{"S":[{"C":[1,2]},{"C":[3]}]}"#,
        );
    }

    #[test]
    fn an_empty_rest_only_takes_the_link_out() {
        check(
            r#"{"S":[1],"S@odata.nextLink":"x"}"#,
            &["x"],
            &[""],
            r#"{"S":[1]}"#,
        );
    }

    #[test]
    fn a_link_without_an_array_is_an_error() {
        assert!(cuts(&Bytes::from_static(br#"{"S@odata.nextLink":"x"}"#)).is_err());
        assert_eq!(
            cuts(&Bytes::from_static(br#"{"a":"S@odata.nextLink\""}"#)),
            Ok(vec![])
        );
    }

    #[test]
    fn related_values_are_found() {
        let row = Bytes::from_static(
            br#"{"Id":1,"S":[{"S":2}],"S@odata.count":7,"S@odata.nextLink":"x","U":null}"#,
        );
        let found = related(&row, "s");
        assert_eq!(found.value.unwrap(), r#"[{"S":2}]"#);
        assert_eq!(found.count.unwrap(), "7");
        assert_eq!(found.next.unwrap(), "x");
        assert_eq!(related(&row, "U").value.unwrap(), "null");
        assert_eq!(related(&row, "V").value, None);
    }
}
