//! Upstream's links ↔ neutral links.
//!
//! Links are found by the name of their member, never by searching for text: a row may hold upstream's
//! address as data. Which members hold URLs: OData JSON Format 4.0, sections 4.5 and 5 to 8.

use std::ops::Range;

use bytes::Bytes;
use url::Url;

use super::member::{self, Member};
use super::neutral::NeutralText;

/// Where upstream's service is: the part of every link that the client must not see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRoot {
    /// The path without a slash at its end: `/monitorodata`.
    path: String,
}

impl ServiceRoot {
    /// The service root of `url`.
    pub fn new(url: &Url) -> Self {
        Self {
            path: url.path().trim_end_matches('/').to_owned(),
        }
    }

    /// What `link` names below the root, without a slash before it: `Users?$skip=1000`.
    ///
    /// The host is not compared: upstream writes the host of the region that answered, which need not be the
    /// one that is configured. What is returned is a path, and paths are asked of the configured host alone.
    /// `None` for a link to anywhere else. Links without scheme and path are relative to the root, because
    /// that is the base of the context URL (JSON Format 4.0, section 4.5.1).
    pub fn below<'a>(&self, link: &'a str) -> Option<&'a str> {
        let path = match after_authority(link) {
            Some(path) => path,
            None if link.starts_with('/') => link,
            None if has_scheme(link) => return None,
            None => return Some(link),
        };
        let head = path.get(..self.path.len())?;
        let rest = path.get(self.path.len()..)?;
        let ours = head.eq_ignore_ascii_case(&self.path)
            && matches!(rest.bytes().next(), None | Some(b'/' | b'?' | b'#'));
        ours.then(|| rest.trim_start_matches('/'))
    }
}

/// `text` (rows, or a whole JSON object) with every link to upstream's service left open. A text without
/// links comes back as the same bytes, not copied.
pub fn neutral(root: &ServiceRoot, text: &Bytes) -> NeutralText {
    let mut neutral = NeutralText::new();
    if !may_hold_links(text) {
        neutral.push(text.clone());
        return neutral;
    }
    let mut links = member::members(text, |name, _| may_be_link(name));
    links.retain(|member| is_link(member, text));
    links.sort_unstable_by_key(|link| link.value.start);
    let mut sent = 0;
    for link in &links {
        if let Some((place, rest)) = open_place(root, link, text) {
            neutral.push(text.slice(sent..place.start));
            neutral.push_root();
            neutral.push(rest);
            sent = place.end;
        }
    }
    neutral.push(text.slice(sent..));
    neutral
}

/// What of a link goes away for the service root, and what is to follow the root in place of what follows now:
/// nothing, mostly, because the rest of the link stays where it is.
fn open_place(root: &ServiceRoot, link: &Member, text: &Bytes) -> Option<(Range<usize>, String)> {
    let inside = link.value.start + 1..link.value.end - 1;
    let url = link.string(text)?;
    let rest = below_as_link(root, link, text, &url)?;
    let written_plainly = url.len() == inside.len();
    let slash_before = url
        .strip_suffix(rest)
        .is_some_and(|head| head.ends_with('/'));
    if written_plainly && slash_before && !rest.is_empty() {
        return Some((inside.start..inside.end - rest.len() - 1, String::new()));
    }
    let slash = if rest.is_empty() { "" } else { "/" };
    Some((inside, format!("{slash}{}", escaped(rest))))
}

/// Appends a link to what `rest` names below the service root, inside a JSON string.
pub fn push_link(text: &mut NeutralText, rest: &str) {
    text.push_root();
    if !rest.is_empty() {
        text.push("/");
        text.push(escaped(rest));
    }
}

/// `text` as the inside of a JSON string.
pub fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .map(str::to_owned)
        .unwrap_or_default()
}

/// What a link member names below the root; `None` when it is to be left as it is.
fn below_as_link<'a>(
    root: &ServiceRoot,
    link: &Member,
    text: &[u8],
    url: &'a str,
) -> Option<&'a str> {
    // `#Namespace.Type` names a type of this very service, and stays short.
    if annotation(link.name(text)) == Some(b"type") && !url.contains("://") {
        return None;
    }
    root.below(url)
}

/// Whether a text can hold a member that [`is_link`] accepts: a quick look that never misses one. Most pages
/// at `odata.metadata=minimal` hold none, though they are full of `@` in the names of users.
fn may_hold_links(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'@', b'\\', rest) {
        let found = rest.get(at).copied();
        rest = rest.get(at + 1..).unwrap_or_default();
        let suspicious = match found {
            Some(b'@') => annotation_begins(rest),
            // `\u0040` is an at sign, too.
            _ => rest.starts_with(b"u0040"),
        };
        if suspicious {
            return true;
        }
    }
    memchr::memmem::find(text, b"\"#").is_some()
}

fn annotation_begins(name: &[u8]) -> bool {
    name.starts_with(b"odata.") || URL_ANNOTATIONS.iter().any(|known| name.starts_with(known))
}

/// Whether a member of that name, as written, is worth a closer look.
fn may_be_link(name: &[u8]) -> bool {
    name == b"target" || memchr::memchr2(b'@', b'\\', name).is_some()
}

fn is_link(member: &Member, text: &[u8]) -> bool {
    if member.value(text).first() != Some(&b'"') {
        return false;
    }
    let name = unescaped(member.name(text));
    match annotation(&name) {
        Some(known) => URL_ANNOTATIONS.contains(&known),
        // An operation that upstream advertises: `"#Namespace.Action": {"title": …, "target": URL}`.
        None => {
            name == b"target"
                && member
                    .parent
                    .clone()
                    .and_then(|parent| text.get(parent))
                    .is_some_and(|parent| parent.starts_with(b"#"))
        }
    }
}

/// The annotation's own name: `nextLink` of `Sessions@odata.nextLink`.
fn annotation(name: &[u8]) -> Option<&[u8]> {
    let at = memchr::memrchr(b'@', name)?;
    let name = name.get(at + 1..)?;
    Some(name.strip_prefix(b"odata.").unwrap_or(name))
}

fn unescaped(name: &[u8]) -> Vec<u8> {
    if memchr::memchr(b'\\', name).is_none() {
        return name.to_vec();
    }
    let quoted = [b"\"", name, b"\""].concat();
    serde_json::from_slice::<String>(&quoted).map_or_else(|_| name.to_vec(), String::into_bytes)
}

/// The path and what follows it, of a URL with an authority: `https://host/path?query` or `//host/path`.
fn after_authority(link: &str) -> Option<&str> {
    let (scheme, rest) = link.split_once("//")?;
    if !scheme.is_empty()
        && !scheme.eq_ignore_ascii_case("https:")
        && !scheme.eq_ignore_ascii_case("http:")
    {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    rest.get(end..)
}

/// Whether a link names a scheme (RFC 3986 section 3.1): a colon before any slash, question mark or hash.
fn has_scheme(link: &str) -> bool {
    let Some(colon) = link.find(':') else {
        return false;
    };
    let scheme = link.get(..colon).unwrap_or_default();
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// Annotations whose values are URLs; `type` only when it names another service's type.
const URL_ANNOTATIONS: [&[u8]; 11] = [
    b"context",
    b"nextLink",
    b"deltaLink",
    b"id",
    b"editLink",
    b"readLink",
    b"navigationLink",
    b"associationLink",
    b"mediaReadLink",
    b"mediaEditLink",
    b"type",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn root() -> ServiceRoot {
        ServiceRoot::new(&Url::parse("https://api.cloud.com/monitorodata/").unwrap())
    }

    fn local(text: &str) -> String {
        let text = neutral(&root(), &Bytes::copy_from_slice(text.as_bytes()));
        String::from_utf8(text.to_bytes(&Bytes::from_static(b"http://l:1/m")).to_vec()).unwrap()
    }

    #[test]
    fn below_the_root() {
        for (link, expected) in [
            (
                "https://api.cloud.com/monitorodata/Users?$skip=1",
                Some("Users?$skip=1"),
            ),
            (
                "HTTP://API-EU.cloud.com:443/MonitorOData/Users",
                Some("Users"),
            ),
            ("https://api.cloud.com/monitorodata", Some("")),
            (
                "https://api.cloud.com/monitorodata/$metadata#Users",
                Some("$metadata#Users"),
            ),
            ("/monitorodata/Users", Some("Users")),
            ("//api.cloud.com/monitorodata/Users", Some("Users")),
            ("Users?$skip=1", Some("Users?$skip=1")),
            ("Users?$filter=A eq 'b:c'", Some("Users?$filter=A eq 'b:c'")),
            (
                "Users(2026-01-01T00:00:00Z)",
                Some("Users(2026-01-01T00:00:00Z)"),
            ),
            ("https://api.cloud.com/monitorodata2/Users", None),
            ("https://api.cloud.com/other/Users", None),
            ("https://evil.example/", None),
            ("/other/Users", None),
            ("urn:uuid:1", None),
            ("ftp://api.cloud.com/monitorodata/Users", None),
        ] {
            assert_eq!(root().below(link), expected, "{link}");
        }
    }

    #[test]
    fn links_move_and_data_stays() {
        for (text, expected) in [
            (
                r#"{"@odata.id":"https://api.cloud.com/monitorodata/Users(1)","Url":"https://api.cloud.com/monitorodata/Users(1)"}"#,
                r#"{"@odata.id":"http://l:1/m/Users(1)","Url":"https://api.cloud.com/monitorodata/Users(1)"}"#,
            ),
            (
                r#"{"M@odata.navigationLink":"https:\/\/api.cloud.com\/monitorodata\/Users(1)\/M"},{"@odata.editLink":"Users(1)"}"#,
                r#"{"M@odata.navigationLink":"http://l:1/m/Users(1)/M"},{"@odata.editLink":"http://l:1/m/Users(1)"}"#,
            ),
            (
                r##"{"@odata.type":"#Citrix.Monitor.Model.User","@odata.id":null,"Upn":"a@odata.id"}"##,
                r##"{"@odata.type":"#Citrix.Monitor.Model.User","@odata.id":null,"Upn":"a@odata.id"}"##,
            ),
            (
                r##"{"#Ns.Op":{"title":"Op","target":"https://h/monitorodata/Users(1)/Ns.Op"},"target":"https://h/monitorodata/x"}"##,
                r##"{"#Ns.Op":{"title":"Op","target":"http://l:1/m/Users(1)/Ns.Op"},"target":"https://h/monitorodata/x"}"##,
            ),
            (
                r#"{"\u0040odata.id":"https://h/monitorodata/Users('\"')"}"#,
                r#"{"\u0040odata.id":"http://l:1/m/Users('\"')"}"#,
            ),
            (
                r#"{"S":[{"@odata.id":"https://h/monitorodata/S(1)"}],"S@odata.context":"https://h/monitorodata/$metadata#S"}"#,
                r#"{"S":[{"@odata.id":"http://l:1/m/S(1)"}],"S@odata.context":"http://l:1/m/$metadata#S"}"#,
            ),
            (
                r#"{"@odata.id":"https://evil.example/x"}"#,
                r#"{"@odata.id":"https://evil.example/x"}"#,
            ),
        ] {
            assert_eq!(local(text), expected);
        }
    }

    #[test]
    fn rows_without_links_are_not_copied() {
        let rows = Bytes::from_static(br#"{"Upn":"kim@example.com","Note":"a\\b"}"#);
        assert_eq!(neutral(&root(), &rows).pieces().len(), 1);
    }

    proptest! {
        #[test]
        fn rewriting_there_and_back_changes_nothing(
            rest in "[A-Za-z]{1,9}\\([0-9a-f-]{1,12}\\)(/[A-Za-z]{1,9})?",
            data in "[ -~]{0,20}",
        ) {
            let data = escaped(&data);
            let row = |base: &str| format!(r#"{{"@odata.id":"{base}/{rest}","Data":"{data}","N":1.50}}"#);
            let theirs = row("https://api.cloud.com/monitorodata");
            let ours = local(&theirs);
            prop_assert_eq!(&ours, &row("http://l:1/m"));
            let back = neutral(&ServiceRoot { path: "/m".to_owned() }, &Bytes::from(ours));
            prop_assert_eq!(back.to_bytes(&Bytes::from_static(b"https://api.cloud.com/monitorodata")), theirs);
        }
    }
}
