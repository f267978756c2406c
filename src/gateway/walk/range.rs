//! The pages of a collection by its date: each range begins where the rows seen so far end.

use jiff::Timestamp;

use super::links::{Heavy, Links};
use super::repeats::count_in_a_row;
use super::seen::{Keys, Seen, are_distinct};
use super::size::PageSize;
use crate::gateway::errand::Errand;
use crate::gateway::error::{AnswerError, malformed};
use crate::odata::page::{Document, Page};
use crate::odata::range::{RangeWalk, begin_before};
use crate::odata::row::{RowFacts, RowReader, joined};
use crate::upstream::{BadResponse, FetchError};

/// The pages of a collection by its date, and the rows without a date.
///
/// Within a range, pages follow one another by links, as many as it takes: more rows than a page may share a date.
/// A new range is begun as soon as few rows would come twice by it; those are dropped by their key. That they come
/// proves that the new range joins the rows before: where they do not, because they were deleted or because upstream begins
/// it too late, it is begun again further back.
#[derive(Debug)]
pub(super) struct Range {
    walk: RangeWalk,
    reader: RowReader,
    /// Keys of rows that came in another way: before the walk began, or without a date.
    early: Keys,
    seen: Seen,
    stage: Stage,
    /// The present range.
    stretch: Stretch,
    /// Whether it has shown that it joins the rows before.
    joint: Joint,
    /// Ranges that did not join.
    gaps: u32,
    /// The dates of the first and the last row of the last page.
    last_page: Option<(Timestamp, Timestamp)>,
    /// Rows that came twice, since the last that did not.
    in_a_row: usize,
}

/// A range, and how far it is read.
#[derive(Debug)]
struct Stretch {
    pages: Links,
    /// Where it begins; `None`: at the first row with a date.
    from: Option<Timestamp>,
}

/// Whether a range has shown a row again that came before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joint {
    /// It has, or it begins at the beginning.
    Shown,
    /// Not yet; it begins at the last rows.
    DueFromLastRow,
    /// Not yet; it begins a page before them.
    DueFromLastPage,
}

#[derive(Debug)]
enum Stage {
    /// No page has come yet.
    Begin,
    /// The rows without a date, which come early: one that gets its date meanwhile comes again and is dropped, where it
    /// would be lost if it was passed over before. Behind them the walk goes on there.
    Undated(Box<Links>),
    Dated,
}

impl Range {
    /// A walk that leaves out the rows with the keys in `early`. `reader` reads key and date.
    pub(super) fn new(walk: RangeWalk, reader: RowReader, early: Keys) -> Self {
        let stretch = Stretch {
            pages: Links::of(walk.dated(), false),
            from: None,
        };
        Self {
            walk,
            reader,
            early,
            seen: Seen::default(),
            stage: Stage::Begin,
            stretch,
            joint: Joint::Shown,
            gaps: 0,
            last_page: None,
            in_a_row: 0,
        }
    }

    /// Whether no page has come yet, so that the rows can be walked in another way.
    pub(super) fn is_at_its_beginning(&self) -> bool {
        matches!(self.stage, Stage::Begin)
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
                None if matches!(self.stage, Stage::Undated(_)) => {
                    self.stage = Stage::Dated;
                    self.look_behind_the_end();
                    continue;
                }
                None => return Ok(None),
            };
            let rows = self.facts(&page)?;
            if matches!(self.stage, Stage::Dated) && self.joint != Joint::Shown {
                if rows.iter().any(|row| self.seen.knows(row)) {
                    self.joint = Joint::Shown;
                } else if self.is_past_the_joint(&rows) {
                    self.begin_further_back()?;
                    continue;
                }
            }
            return self.fresh(page, &rows).map(Some);
        }
    }

    /// The next page of the present range, or of the rows without a date. Whether ranges work at all shows at the first
    /// page, which is therefore tried as it is.
    async fn page(
        &mut self,
        errand: &mut Errand<'_>,
        size: &mut PageSize,
    ) -> Result<Option<Document>, AnswerError> {
        let pages = match &mut self.stage {
            Stage::Undated(pages) => pages,
            Stage::Dated => &mut self.stretch.pages,
            Stage::Begin => return first_page(&mut self.stretch.pages, errand, size).await,
        };
        pages.read(errand, size, Heavy::Halve).await
    }

    /// A page without the rows that came before, and the walk moved on behind it.
    fn fresh(&mut self, mut page: Page, rows: &[RowFacts]) -> Result<Page, AnswerError> {
        let fresh = match self.stage {
            // Remembered in `early`, for good.
            Stage::Undated(_) => are_distinct(rows).then(|| rows.iter().collect()),
            Stage::Begin | Stage::Dated => self.seen.note(rows),
        };
        let fresh = fresh.ok_or_else(|| odd("two rows with one key on a page"))?;
        let fresh: Vec<_> = fresh
            .into_iter()
            .filter(|row| !self.early.contains(&row.key))
            .map(|row| row.span.clone())
            .collect();
        let dropped = (rows.len() - fresh.len()) as u64;
        self.in_a_row = count_in_a_row(self.in_a_row, dropped, fresh.len())?;
        if dropped > 0 {
            page.rows = joined(&page.rows, &fresh);
            page.row_count = fresh.len() as u64;
        }
        match &self.stage {
            Stage::Begin => {
                let undated = self.walk.undated().map(|ask| Links::of(ask, false));
                self.stage = undated.map_or(Stage::Dated, |pages| Stage::Undated(Box::new(pages)));
            }
            Stage::Undated(_) => self.early.extend(rows.iter().map(|row| row.key)),
            Stage::Dated => {}
        }
        let date = |row: Option<&RowFacts>| row.and_then(|row| row.date);
        if let Some(dates) = date(rows.first()).zip(date(rows.last()))
            && self.joint == Joint::Shown
        {
            self.last_page = Some(dates);
            self.move_on(begin_before(dates.1));
        }
        Ok(page)
    }

    /// Keys and dates, which must be as they were asked for: a filter or an order that upstream has not kept to would
    /// leave rows out.
    fn facts(&self, page: &Page) -> Result<Vec<RowFacts>, AnswerError> {
        let column = self.walk.column();
        let rows = self.reader.read(&page.rows);
        let rows = rows.filter(|rows| rows.len() as u64 == page.row_count);
        let rows = rows.ok_or_else(|| odd(format!("their key or `{column}` cannot be read")))?;
        if matches!(self.stage, Stage::Undated(_)) {
            if rows.iter().any(|row| row.date.is_some()) {
                return Err(odd(format!("some have `{column}` where none has it")));
            }
            return Ok(rows);
        }
        // Within a range rows go on where they were, unless rows were added meanwhile, which shift the others.
        let mut before = self.stretch.from.map(begin_before);
        for row in &rows {
            if row.date.is_none() || row.date < before {
                return Err(odd(format!("they are not in the order of `{column}`")));
            }
            before = row.date;
        }
        Ok(rows)
    }

    /// Begins a new range, if it makes the walk shorter: a `$skip` over the rows of this range costs upstream time for
    /// each, and rows that come twice cost a part of a page.
    fn move_on(&mut self, from: Timestamp) {
        let ahead = self.stretch.from.is_none_or(|begun| from > begun);
        let twice_max = self.stretch.pages.rows() / OVERLAP_SHARE;
        if self.stretch.pages.done()
            || !ahead
            || self.gaps >= GAPS_MAX
            || !self.seen.knows_all_since(from, twice_max)
        {
            return;
        }
        self.begin(from);
        self.joint = Joint::DueFromLastRow;
    }

    fn begin(&mut self, from: Timestamp) {
        self.stretch = Stretch {
            pages: Links::of(self.walk.since(from), false),
            from: Some(from),
        };
    }

    /// Whether a page leaves no hope that a later one shows a row again. A short one may hold only rows that were added
    /// meanwhile.
    fn is_past_the_joint(&self, rows: &[RowFacts]) -> bool {
        let reached = rows.last().and_then(|row| row.date);
        let last = self.last_page.map(|(_, last)| last);
        self.stretch.pages.done() || reached.is_none() || reached > last
    }

    /// Begins again further back, because nothing has shown that the present range joins the rows before it.
    fn begin_further_back(&mut self) -> Result<(), AnswerError> {
        self.gaps += 1;
        tracing::debug!(gaps = self.gaps, "a range does not join the one before");
        match (self.joint, self.last_page) {
            (Joint::DueFromLastRow, Some((first, _))) => {
                self.begin(begin_before(first));
                self.joint = Joint::DueFromLastPage;
            }
            _ if self.seen.knows_all() => {
                self.stretch = Stretch {
                    pages: Links::of(self.walk.dated(), false),
                    from: None,
                };
                self.joint = Joint::Shown;
            }
            _ => return Err(odd("a range does not join the one before")),
        }
        Ok(())
    }

    /// A single page of rows with a date may have got company while the rows without one were read.
    fn look_behind_the_end(&mut self) {
        if self.stretch.pages.done()
            && let Some((_, last)) = self.last_page
        {
            self.begin(begin_before(last));
        }
    }
}

/// The first page, as it is, with a few attempts.
async fn first_page(
    pages: &mut Links,
    errand: &mut Errand<'_>,
    size: &mut PageSize,
) -> Result<Option<Document>, AnswerError> {
    let mut attempts = 1;
    loop {
        match pages.read(errand, size, Heavy::GiveBack).await {
            Err(AnswerError::Fetch(FetchError::TooHeavy(_))) if attempts < ATTEMPTS_MAX => {
                attempts += 1;
            }
            result => return result,
        }
    }
}

fn odd(reason: impl Into<String>) -> AnswerError {
    FetchError::BadResponse(BadResponse::DateWalk {
        reason: reason.into(),
    })
    .into()
}

/// Whether an error of the first page means that upstream does not want to be asked in this way, and may well answer
/// the same question in the plain one.
pub(super) fn is_refusal(error: &AnswerError) -> bool {
    match error {
        AnswerError::Fetch(error) => match error {
            FetchError::Refused(_)
            | FetchError::TooHeavy(_)
            | FetchError::Timeout { .. }
            | FetchError::BadResponse(
                BadResponse::Malformed { .. }
                | BadResponse::DateWalk { .. }
                | BadResponse::ForeignLink { .. }
                | BadResponse::Loop,
            ) => true,
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

/// After so many ranges that did not join, the present one is read to its end.
const GAPS_MAX: u32 = 3;
