//! The members of the objects in a JSON text, at any depth, with the places where they stand.
//!
//! For text that is known to be valid JSON ([`super::page::parse`] has read it). On other text the walk ends
//! early; it never panics.

use std::ops::Range;

/// A member of an object: `"name": value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Which object it belongs to: objects are numbered in the order in which they begin, from 0.
    pub object: usize,
    /// Objects and arrays around that object.
    pub depth: usize,
    /// Where the name is, without its quotes, as written.
    pub name: Range<usize>,
    /// Where the value is.
    pub value: Range<usize>,
    /// The name of the member whose value is that object, as written, if it is one's.
    pub parent: Option<Range<usize>>,
}

impl Member {
    /// The name as written.
    pub fn name<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.name.clone()).unwrap_or_default()
    }

    /// The value as written.
    pub fn value<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.value.clone()).unwrap_or_default()
    }

    /// The value, when it is a string.
    pub fn string(&self, text: &[u8]) -> Option<String> {
        serde_json::from_slice(self.value(text)).ok()
    }

    /// What to cut out of `text` so that this member is gone: the member and one of the commas beside it.
    pub fn removal(&self, text: &[u8]) -> Range<usize> {
        let start = self.name.start.saturating_sub(1);
        let is_blank = |byte: &&u8| byte.is_ascii_whitespace();
        let behind = text.get(self.value.end..).unwrap_or_default();
        let blanks_behind = behind.iter().take_while(is_blank).count();
        if behind.get(blanks_behind) == Some(&b',') {
            return start..self.value.end + blanks_behind + 1;
        }
        let before = text.get(..start).unwrap_or_default();
        let blanks_before = before.iter().rev().take_while(is_blank).count();
        let comma = before.len().checked_sub(blanks_before + 1);
        match comma.filter(|&at| before.get(at) == Some(&b',')) {
            Some(comma) => comma..self.value.end,
            None => start..self.value.end,
        }
    }
}

/// The members in `text`, a JSON value or several with commas between them, whose name and value (both as
/// written) `keep` accepts, in the order in which their values end.
pub fn members(text: &[u8], keep: impl Fn(&[u8], &[u8]) -> bool) -> Vec<Member> {
    let mut walk = Walk {
        text,
        keep,
        at: 0,
        open: Vec::new(),
        objects: 0,
        name: None,
        found: Vec::new(),
    };
    while walk.step().is_some() {}
    walk.found
}

/// A container that has begun and not ended.
struct Open {
    /// Its number, for an object.
    object: Option<usize>,
    start: usize,
    /// The name of the member whose value it is.
    name: Option<Range<usize>>,
}

struct Walk<'a, K> {
    text: &'a [u8],
    keep: K,
    at: usize,
    open: Vec<Open>,
    objects: usize,
    /// The name that was read and whose value comes next.
    name: Option<Range<usize>>,
    found: Vec<Member>,
}

impl<K: Fn(&[u8], &[u8]) -> bool> Walk<'_, K> {
    /// Reads one token.
    fn step(&mut self) -> Option<()> {
        let start = self.at;
        match self.text.get(start)? {
            b'{' => {
                self.open(Some(self.objects));
                self.objects += 1;
            }
            b'[' => self.open(None),
            b'}' | b']' => {
                let closed = self.open.pop()?;
                self.at += 1;
                self.name = closed.name;
                self.ended(closed.start);
            }
            b'"' => {
                self.skip_string()?;
                let in_object = self.open.last().is_some_and(|open| open.object.is_some());
                if in_object && self.name.is_none() {
                    self.name = Some(start + 1..self.at - 1);
                } else {
                    self.ended(start);
                }
            }
            b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
            _ => {
                let rest = self.text.get(start..)?;
                let ends =
                    |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
                self.at += rest.iter().position(ends).unwrap_or(rest.len());
                self.ended(start);
            }
        }
        Some(())
    }

    fn open(&mut self, object: Option<usize>) {
        self.open.push(Open {
            object,
            start: self.at,
            name: self.name.take(),
        });
        self.at += 1;
    }

    /// A value that began at `start` ends here.
    fn ended(&mut self, start: usize) {
        let Some(name) = self.name.take() else { return };
        let written = |range| self.text.get(range).unwrap_or_default();
        if !(self.keep)(written(name.clone()), written(start..self.at)) {
            return;
        }
        let Some(Open {
            object: Some(object),
            name: parent,
            ..
        }) = self.open.last()
        else {
            return;
        };
        self.found.push(Member {
            object: *object,
            depth: self.open.len() - 1,
            name,
            value: start..self.at,
            parent: parent.clone(),
        });
    }

    /// Moves behind the string that begins here.
    fn skip_string(&mut self) -> Option<()> {
        let mut at = self.at + 1;
        loop {
            at += memchr::memchr2(b'"', b'\\', self.text.get(at..)?)?;
            if self.text.get(at) == Some(&b'"') {
                self.at = at + 1;
                return Some(());
            }
            at += 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let text = text.as_bytes();
        let shown: Vec<String> = members(text, |_, _| true)
            .iter()
            .map(|member| {
                let name = String::from_utf8_lossy(member.name(text));
                let value = String::from_utf8_lossy(member.value(text));
                format!("{}@{} {name}={value}", member.object, member.depth)
            })
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn members_are_found_at_any_depth() {
        check(
            r#"{"a":1,"b":{"c":"x,}\"","d":[{"e":null},2,"f"]}},{"a" : true }"#,
            &[
                "0@0 a=1",
                r#"1@1 c="x,}\"""#,
                "2@3 e=null",
                r#"1@1 d=[{"e":null},2,"f"]"#,
                r#"0@0 b={"c":"x,}\"","d":[{"e":null},2,"f"]}"#,
                "3@0 a=true",
            ],
        );
    }

    #[test]
    fn parents_are_named() {
        let text = br##"{"#Ns.Op":{"target":"u"}}"##;
        let found = members(text, |_, _| true);
        assert_eq!(&text[found[0].parent.clone().unwrap()], b"#Ns.Op");
        assert_eq!(found[1].parent, None);
    }

    #[test]
    fn removal_takes_one_comma() {
        for (text, name, expected) in [
            (r#"{"a":1,"b":2,"c":3}"#, "a", r#"{"b":2,"c":3}"#),
            (r#"{"a":1,"b":2,"c":3}"#, "b", r#"{"a":1,"c":3}"#),
            (r#"{"a":1 , "c":3 }"#, "c", r#"{"a":1  }"#),
            (r#"{"a":1}"#, "a", "{}"),
        ] {
            let found = members(text.as_bytes(), |_, _| true);
            let member = found
                .iter()
                .find(|member| member.name(text.as_bytes()) == name.as_bytes());
            let mut shorter = text.to_owned();
            shorter.replace_range(member.unwrap().removal(text.as_bytes()), "");
            assert_eq!(shorter, expected);
        }
    }

    #[test]
    fn broken_text_ends_the_walk() {
        for text in ["{\"a\":\"", "{\"a\\", "}]", "{\"a\":1}}", "\"\\"] {
            members(text.as_bytes(), |_, _| true);
        }
    }
}
