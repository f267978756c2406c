//! The pages of a collection by its date: each range begins where the rows seen so far end.

use jiff::Timestamp;

use super::links::{Heavy, Links};
use super::seen::{Keys, Seen};
use super::size::PageSize;
use crate::gateway::errand::Errand;
use crate::gateway::error::{AnswerError, malformed};
use crate::odata::page::{Document, Page};
use crate::odata::range::{RangeWalk, begin_before};
use crate::odata::row::{RowFacts, RowReader, joined};
use crate::upstream::{BadResponse, FetchError};

/// The pages of a collection by its date, then the rows without a date.
///
/// Within a range, pages follow one another by links, as many as it takes: more rows than a page may share a date.
/// A new range is begun as soon as few rows would come twice by it; those are dropped by their key.
#[derive(Debug)]
pub(super) struct Range {
    walk: RangeWalk,
    reader: RowReader,
    /// Keys of rows that the client had before the walk began.
    early: Keys,
    seen: Seen,
    /// The pages of the present range.
    pages: Links,
    stage: Stage,
    /// Where the present range begins.
    from: Option<Timestamp>,
    last: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No page has come yet.
    Begin,
    Dated,
    Undated,
}

impl Range {
    /// A walk that leaves out the rows with the keys in `early`. `reader` reads key and date.
    pub(super) fn new(walk: RangeWalk, reader: RowReader, early: Keys) -> Self {
        Self {
            pages: Links::of(walk.dated(), false),
            walk,
            reader,
            early,
            seen: Seen::default(),
            stage: Stage::Begin,
            from: None,
            last: None,
        }
    }

    /// Whether no page has come yet, so that the rows can be walked in another way.
    pub(super) fn is_at_its_beginning(&self) -> bool {
        self.stage == Stage::Begin
    }

    /// The next page, without the rows that came before; `None` behind the last.
    pub(super) async fn read(
        &mut self,
        errand: &mut Errand<'_>,
        size: &mut PageSize,
    ) -> Result<Option<Page>, AnswerError> {
        loop {
            let page = match self.page(errand, size).await? {
                Some(Document::Collection(page)) => page,
                Some(Document::Single(_)) => return Err(malformed("a page without rows")),
                None if self.stage == Stage::Undated => return Ok(None),
                None => {
                    self.stage = Stage::Undated;
                    let Some(undated) = self.walk.undated() else {
                        return Ok(None);
                    };
                    self.pages = Links::of(undated, false);
                    continue;
                }
            };
            return self.fresh(page).map(Some);
        }
    }

    /// The next page of the present range. Whether ranges work at all shows at the first, which is therefore tried
    /// as it is.
    async fn page(
        &mut self,
        errand: &mut Errand<'_>,
        size: &mut PageSize,
    ) -> Result<Option<Document>, AnswerError> {
        if self.stage != Stage::Begin {
            return self.pages.read(errand, size, Heavy::Halve).await;
        }
        let mut attempts = 1;
        loop {
            match self.pages.read(errand, size, Heavy::GiveBack).await {
                Err(AnswerError::Fetch(FetchError::TooHeavy(_))) if attempts < ATTEMPTS_MAX => {
                    attempts += 1;
                }
                result => return result,
            }
        }
    }

    /// A page without the rows that came before, and the walk moved on behind it.
    fn fresh(&mut self, mut page: Page) -> Result<Page, AnswerError> {
        let rows = self.facts(&page)?;
        let fresh = self.seen.note(&rows);
        let fresh = fresh.ok_or_else(|| malformed("two rows with one key on a page"))?;
        let fresh: Vec<_> = fresh
            .into_iter()
            .filter(|row| !self.early.contains(&row.key))
            .map(|row| row.span.clone())
            .collect();
        if fresh.len() < rows.len() {
            page.rows = joined(&page.rows, &fresh);
            page.row_count = fresh.len() as u64;
        }
        if self.stage == Stage::Begin {
            self.stage = Stage::Dated;
        }
        if self.stage == Stage::Dated
            && let Some(last) = rows.last().and_then(|row| row.date)
        {
            self.last = Some(last);
            self.move_on(begin_before(last));
        }
        Ok(page)
    }

    /// Keys and dates, which must be as they were asked for: a filter or an order that upstream has not kept to would
    /// leave rows out.
    fn facts(&self, page: &Page) -> Result<Vec<RowFacts>, AnswerError> {
        let column = self.walk.column();
        let rows = self.reader.read(&page.rows);
        let rows = rows.filter(|rows| rows.len() as u64 == page.row_count);
        let rows =
            rows.ok_or_else(|| malformed(format!("rows whose key or `{column}` cannot be read")))?;
        if self.stage == Stage::Undated {
            if rows.iter().any(|row| row.date.is_some()) {
                return Err(malformed(format!("rows with `{column}` where none has it")));
            }
            return Ok(rows);
        }
        let mut before = self.from.map(begin_before);
        // Within a range rows go on where they were, unless rows were added meanwhile, which shift the others.
        for row in &rows {
            if row.date.is_none() || row.date < before {
                return Err(malformed(format!(
                    "rows that are not in the order of `{column}`"
                )));
            }
            before = row.date;
        }
        Ok(rows)
    }

    /// Begins a new range, if it makes the walk shorter: a `$skip` over the rows of this range costs upstream time for
    /// each, and rows that come twice cost a part of a page.
    fn move_on(&mut self, from: Timestamp) {
        let ahead = self.from.is_none_or(|begun| from > begun);
        let twice = self.seen.since(from);
        if self.pages.done() || !ahead || twice * OVERLAP_SHARE > self.pages.rows() {
            return;
        }
        self.pages = Links::of(self.walk.since(from), false);
        self.from = Some(from);
    }
}

/// Whether an error of the first page means that upstream does not want to be asked in this way, and may well answer
/// the same question in the plain one.
pub(super) fn is_refusal(error: &AnswerError) -> bool {
    match error {
        AnswerError::Fetch(error) => match error {
            FetchError::Refused(_)
            | FetchError::TooHeavy(_)
            | FetchError::Timeout { .. }
            | FetchError::BadResponse(BadResponse::Malformed { .. }) => true,
            FetchError::Unavailable { status, .. } => matches!(status, Some(500 | 504)),
            _ => false,
        },
        _ => false,
    }
}

/// Attempts at the first page before upstream is taken for unable to do it.
const ATTEMPTS_MAX: u32 = 3;

/// One row in so many of a range may come twice.
const OVERLAP_SHARE: u64 = 10;
