//! Expanded collections that upstream has cut: `"Sessions":[…],"Sessions@odata.nextLink":"…"` inside a row.
//!
//! A client that asked for whole answers would have to follow these links itself (OData JSON Format 4.0,
//! section 4.5.5), which most never do. So the rest is fetched, put into the array, and the link taken out.

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;

use super::link;
use super::member::{self, Member};
use super::page;

/// One cut collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The navigation properties that lead to it from the row, itself the last.
    pub path: Vec<String>,
    /// How many elements it has so far.
    pub elements: u64,
    /// The link to its rest, decoded.
    pub link: String,
    /// The member that holds the link.
    span: Range<usize>,
    /// Before the array's closing bracket.
    end: usize,
}

/// The cut collections in `rows`, at any depth. An error names a link that cannot be followed: taken for none, it
/// would leave rows out.
pub fn cuts(rows: &Bytes) -> Result<Vec<Cut>, String> {
    if memchr::memmem::find(rows, b"nextLink\"").is_none() {
        return Ok(Vec::new());
    }
    let members = member::members(rows, |name, value| {
        value.starts_with(b"[") || memchr::memchr2(b'@', b'\\', name).is_some()
    });
    let mut arrays: HashMap<(usize, &[u8]), &Member> = HashMap::new();
    for member in &members {
        if member.value(rows).starts_with(b"[") {
            arrays.insert((member.object, member.name(rows)), member);
        }
    }
    let mut cuts = Vec::new();
    for link in &members {
        let name = link::unescaped(link.name(rows));
        let Some(navigation) = navigation(&name) else {
            continue;
        };
        if link.value(rows) == b"null" {
            continue;
        }
        let shown = String::from_utf8_lossy(navigation);
        let url = link
            .string(rows)
            .ok_or_else(|| format!("a nested next link that cannot be read, of `{shown}`"))?;
        let array = arrays
            .get(&(link.object, navigation))
            .ok_or_else(|| format!("a nested next link without its array, `{shown}`"))?;
        let inside = array.value.start + 1..array.value.end - 1;
        let around = link.path.iter().filter_map(|name| rows.get(name.clone()));
        let path = around
            .chain([navigation])
            .map(|name| String::from_utf8_lossy(name).into_owned());
        cuts.push(Cut {
            path: path.collect(),
            elements: page::row_spans(&rows.slice(inside.clone())).len() as u64,
            link: url,
            span: link.span(),
            end: inside.end,
        });
    }
    Ok(cuts)
}

/// `rows` with each cut collection's rest in its place. `rests` belong to `cuts`, in the same order.
pub fn mend(rows: &Bytes, cuts: &[Cut], rests: &[Bytes]) -> Bytes {
    let mut edits: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
    for span in side_by_side(rows, cuts.iter().map(|cut| cut.span.clone())) {
        edits.push((member::removal(rows, span), Vec::new()));
    }
    for (cut, rest) in cuts.iter().zip(rests) {
        if !rest.is_empty() {
            let comma: &[u8] = if cut.elements == 0 { b"" } else { b"," };
            edits.push((cut.end..cut.end, [comma, rest].concat()));
        }
    }
    edits.sort_by_key(|(range, _)| range.start);
    let added: usize = rests.iter().map(Bytes::len).sum();
    let mut whole = Vec::with_capacity(rows.len() + added);
    let mut at = 0;
    for (range, text) in edits {
        whole.extend_from_slice(rows.get(at..range.start).unwrap_or_default());
        whole.extend_from_slice(&text);
        at = at.max(range.end);
    }
    whole.extend_from_slice(rows.get(at..).unwrap_or_default());
    whole.into()
}

/// Members with nothing but a comma between them as one, so that the commas around them are counted once.
fn side_by_side(text: &[u8], spans: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut spans: Vec<_> = spans.collect();
    spans.sort_by_key(|span| span.start);
    let mut joined: Vec<Range<usize>> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last)
                if text
                    .get(last.end..span.start)
                    .is_some_and(|gap| gap.trim_ascii() == b",") =>
            {
                last.end = span.end;
            }
            _ => joined.push(span),
        }
    }
    joined
}

/// The options of the navigation property at `path` in the text of an `$expand`, by name; none when the text does
/// not name it (`*`).
pub fn options(expand: &str, path: &[String]) -> Vec<(String, String)> {
    let Some((first, rest)) = path.split_first() else {
        return Vec::new();
    };
    for item in split(expand, ',') {
        let (name, inside) = match item.split_once('(') {
            Some((name, inside)) => (name, inside.strip_suffix(')').unwrap_or(inside)),
            None => (item, ""),
        };
        // `A/B` expands B in A.
        let mut names = name.split('/').map(str::trim);
        if !names
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(first))
        {
            continue;
        }
        let deeper = names.collect::<Vec<_>>();
        let (same, left) = rest.split_at(deeper.len().min(rest.len()));
        if same.len() != deeper.len()
            || !same
                .iter()
                .zip(&deeper)
                .all(|(a, b)| a.eq_ignore_ascii_case(b))
        {
            continue;
        }
        let options = split(inside, ';')
            .into_iter()
            .filter_map(|option| option.split_once('='));
        let options: Vec<_> = options
            .map(|(name, value)| (name.trim().to_owned(), value.to_owned()))
            .collect();
        if left.is_empty() {
            return options;
        }
        let nested = options.iter().find(|(name, _)| name == "$expand");
        return nested
            .map(|(_, expand)| self::options(expand, left))
            .unwrap_or_default();
    }
    Vec::new()
}

/// The parts of `text` between separators that stand outside quotes and parentheses.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut depth, mut quoted, mut start) = (0_usize, false, 0);
    let mut parts = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if c == separator && depth == 0 => {
                parts.extend(text.get(start..at));
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
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

/// The elements of an array with the commas between them; `None` for anything else.
pub fn elements(array: &Bytes) -> Option<Bytes> {
    let inside = array.strip_prefix(b"[")?.strip_suffix(b"]")?;
    Some(array.slice_ref(inside))
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
fn navigation(name: &[u8]) -> Option<&[u8]> {
    let at = memchr::memrchr(b'@', name)?;
    let navigation = name.get(..at)?;
    (link::annotation(name)? == b"nextLink" && !navigation.is_empty()).then_some(navigation)
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
    fn links_side_by_side_leave_valid_json() {
        check(
            r#"{"A":[1],"B":[2],"A@odata.nextLink":"x" , "B@odata.nextLink":"y"}"#,
            &["x", "y"],
            &["3", "4"],
            r#"{"A":[1,3],"B":[2,4]}"#,
        );
        check(
            r#"{"A@odata.nextLink":"x","B@odata.nextLink":"y","A":[],"B":[2]}"#,
            &["x", "y"],
            &["3", ""],
            r#"{"A":[3],"B":[2]}"#,
        );
        check(
            r#"{"A":[1],"A\u0040odata.nextLink":"x"}"#,
            &["x"],
            &["2"],
            r#"{"A":[1,2]}"#,
        );
    }

    #[test]
    fn options_are_found_along_the_path() {
        let expand =
            "User,Machine($select=Id;$expand=Sessions($filter=Name eq 'a;b)';$top=5)),A/B($top=1)";
        let check = |path: &[&str], expected: &[(&str, &str)]| {
            let path: Vec<String> = path.iter().map(|&name| name.to_owned()).collect();
            let found = options(expand, &path);
            let found: Vec<(&str, &str)> = found
                .iter()
                .map(|(a, b)| (a.as_str(), b.as_str()))
                .collect();
            assert_eq!(found, expected);
        };
        check(&["User"], &[]);
        check(
            &["machine", "sessions"],
            &[("$filter", "Name eq 'a;b)'"), ("$top", "5")],
        );
        check(&["A", "B"], &[("$top", "1")]);
        check(&["Other"], &[]);
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
    fn a_link_that_cannot_be_followed_is_an_error() {
        assert!(
            cuts(&Bytes::from_static(
                br#"{"S":[1],"S@odata.nextLink":{"a":1}}"#
            ))
            .is_err()
        );
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
