//! What stands before the rows, written anew for a part of them.

use std::ops::Range;

use super::marked::{Marked, Output};
use crate::odata::quotes::is_identifier;
use crate::odata::scan::Scan;

/// The envelope of a stored collection, as far as its rows.
#[derive(Debug)]
pub(super) struct Opening<'a> {
    text: Marked<'a>,
    /// `"@odata.context":"…"`; there is none with `odata.metadata=none`.
    context: Option<Range<usize>>,
    /// Other annotations, without the count.
    annotations: Vec<Range<usize>>,
}

impl<'a> Opening<'a> {
    /// Reads the text up to the bracket that opens the rows. `None` when it is no such text.
    pub(super) fn read(text: Marked<'a>) -> Option<Self> {
        let closed = [text.bytes, b"]}"].concat();
        let mut context = None;
        let mut annotations = Vec::new();
        Scan::new(&closed).row(|name, value| {
            let span = name.start - 1..value.end;
            match closed.get(name) {
                Some(b"@odata.context") => context = Some(span),
                Some(b"@odata.count" | b"value") => {}
                _ => annotations.push(span),
            }
        })?;
        Some(Self {
            text,
            context,
            annotations,
        })
    }

    /// Writes an opening with `count`, if any, in place of the stored one. `list` goes behind the set in the context URL:
    /// nothing, or `(A,B)`.
    #[must_use]
    pub(super) fn write(&self, list: &str, count: Option<&str>, out: &mut Output) -> Option<()> {
        out.write(b"{")?;
        self.write_context(list, out)?;
        if let Some(count) = count {
            out.write(b"\"@odata.count\":")?;
            out.write(count.as_bytes())?;
            out.write(b",")?;
        }
        for annotation in &self.annotations {
            out.write_part(self.text, annotation.clone())?;
            out.write(b",")?;
        }
        out.write(b"\"value\":[")
    }

    /// Writes the context, if there is one, with the comma behind it. Something is put behind the set in its URL only where
    /// the URL names the set and no more (OData 4.0 Protocol, sections 10.2, 10.3 and 10.8).
    #[must_use]
    pub(super) fn write_context(&self, behind_set: &str, out: &mut Output) -> Option<()> {
        let Some(context) = &self.context else {
            return Some(());
        };
        if behind_set.is_empty() {
            out.write_part(self.text, context.clone())?;
        } else {
            let written = self.text.bytes.get(context.clone())?;
            let url = str::from_utf8(written).ok()?.trim_end().strip_suffix('"')?;
            let (_, set) = url.rsplit_once('#')?;
            if !is_identifier(set) {
                return None;
            }
            out.write_part(self.text, context.start..context.start + url.len())?;
            out.write(behind_set.as_bytes())?;
            out.write(b"\"")?;
        }
        out.write(b",")
    }
}
