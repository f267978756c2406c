//! A collection as it is written, page by page.

use super::super::error::SharedError;
use super::super::plan::OwnPage;
use crate::cache::SpoolWriter;
use crate::odata::link::{self, ServiceRoot};
use crate::odata::neutral::NeutralText;
use crate::odata::page::{self, Page};
use crate::odata::question::Question;
use crate::odata::splice;

/// A collection as it is written, page by page.
pub(super) struct Whole<'a> {
    pub(super) root: &'a ServiceRoot,
    /// Rows written so far.
    pub(super) rows: u64,
    pub(super) opened: bool,
}

impl Whole<'_> {
    /// Writes a page, and what stands behind the last.
    pub(super) async fn write(
        &mut self,
        writer: &mut SpoolWriter<SharedError>,
        page: Page,
        end: Option<NeutralText>,
    ) {
        let mut text = NeutralText::new();
        if !std::mem::replace(&mut self.opened, true) {
            text.append(splice::opening(self.root, &page));
        }
        let rows = page.row_count;
        if rows > 0 {
            if self.rows > 0 {
                text.push(",");
            }
            text.append(link::neutral(self.root, &page.rows));
            self.rows += rows;
        }
        if let Some(end) = end {
            text.append(end);
        }
        if !text.is_empty() {
            writer.push(text, rows).await;
        }
    }
}

/// Leaves no more than `left` rows on a page.
pub(super) fn limit(page: &mut Page, left: Option<u64>) {
    if let Some(left) = left.filter(|left| *left < page.row_count) {
        page.rows = page::first_rows(&page.rows, left);
        page.row_count = left;
    }
}

/// A full page of the client's own size leads on to the next; a page that is not full was the last.
///
/// Full is what upstream has given: where rows were dropped because they came twice, the next page still begins where
/// upstream's counting ends.
pub(super) fn closing(page: Option<&OwnPage>, rows_read: u64) -> NeutralText {
    let full = |page: &&OwnPage| rows_read >= u64::from(page.size.get());
    let next = page.filter(full).and_then(|page| page.next.as_ref());
    splice::closing(next.map(Question::canonical).as_deref())
}
