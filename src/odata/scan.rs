//! A walk through rows from one to the next, and over the members of each at the row's own level.
//!
//! For text that is known to be valid JSON ([`super::page::parse`] has read it). On other text the walk ends
//! early; it never panics.

use std::ops::Range;

/// A walk through rows: JSON objects with commas between them.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    /// Begins before the first row of `text`.
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Where the next row is. `member` is told of each member where its name is, without quotes and as written, and
    /// its value, with the blanks around it.
    pub(super) fn row(
        &mut self,
        mut member: impl FnMut(Range<usize>, Range<usize>),
    ) -> Option<Range<usize>> {
        self.at += memchr::memchr(b'{', self.text.get(self.at..)?)?;
        let start = self.at;
        // The name whose value comes next, and where that begins.
        let mut name: Option<Range<usize>> = None;
        let mut value = start;
        let mut depth = 0_usize;
        let mut name_due = false;
        loop {
            let byte = *self.text.get(self.at)?;
            match byte {
                b'"' => {
                    let inside = self.string()?;
                    if name_due {
                        name_due = false;
                        name = Some(inside);
                    }
                    continue;
                }
                b':' if depth == 1 => value = self.at + 1,
                b',' | b'}' if depth == 1 => {
                    if let Some(name) = name.take() {
                        member(name, value..self.at);
                    }
                    name_due = true;
                    if byte == b'}' {
                        self.at += 1;
                        return Some(start..self.at);
                    }
                }
                b'{' | b'[' => {
                    depth += 1;
                    name_due = depth == 1;
                }
                b'}' | b']' => depth = depth.checked_sub(1)?,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Moves behind the string that begins here; returns where its inside is.
    fn string(&mut self) -> Option<Range<usize>> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            at += memchr::memchr2(b'"', b'\\', self.text.get(at..)?)?;
            if self.text.get(at) == Some(&b'"') {
                self.at = at + 1;
                return Some(start..at);
            }
            at += 2;
        }
    }
}
