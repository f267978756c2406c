//! A collection's pages, one after the other, each row once.
//!
//! A walk begins as upstream's links lead ([`links`]). When the first page shows that a scan is long, and the set has
//! an indexed date, it goes on by ranges of that date ([`range`]), and falls back to links when upstream refuses.
//! Rows that come twice are recognised by their key ([`repeats`], [`seen`]). Pages that are too heavy for upstream are asked for in
//! smaller parts ([`size`]).
//!
//! Why by ranges: `$skip` makes upstream count off all rows before a page, so the last pages of a large table would take longer
//! than all others together. The first page stays as the client asked, so that short tables cost nothing more, and an upstream
//! that cannot order is found out while links still lead on.

mod links;
mod range;
mod repeats;
mod seen;
mod size;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};

use self::links::{Heavy, Links};
use self::range::{Range, is_refusal};
use self::repeats::Repeats;
use self::seen::{Keys, are_distinct};
use self::size::PageSize;
use super::errand::Errand;
use super::error::{AnswerError, malformed};
use super::nested;
use crate::cache::Way;
use crate::odata::next::Walk;
use crate::odata::page::{Document, Page};
use crate::odata::question::Question;
use crate::odata::range::{RangeWalk, counts_cheaply, is_whole_scan};
use crate::odata::row::RowReader;
use crate::upstream::{BadResponse, FetchError};

pub(super) use self::links::fault_of;

/// Walks from page to page.
#[derive(Debug)]
pub(super) struct Pages {
    links: Links,
    /// The walk by ranges, when there is one, in place of `links`.
    range: Option<Box<Range>>,
    size: PageSize,
    repeats: Repeats,
    context: Option<String>,
    first: bool,
    /// Whether the whole of a set is wanted, in any order.
    scan: bool,
    /// Whether the count on the first page is ours and not the client's.
    counted: bool,
    /// Rows that were dropped on the way to a row limit that is to be reached all the same.
    owed: Option<u64>,
    /// Rows that upstream counted, of a whole scan.
    expected: Option<u64>,
    /// Rows of the first page.
    page_rows: u64,
    rows: u64,
}

/// What a page turned out to be.
#[derive(Debug)]
pub(super) enum Part {
    /// A page of rows, with expanded collections completed.
    Page(Page),
    /// No collection, but an object: the whole answer.
    Single(Bytes),
}

impl Pages {
    /// All pages of what `question` finds, in whatever way is best for `errand`'s site. `reaches_top`: with a row limit,
    /// as many rows are wanted; without, upstream's idea of so many is.
    pub(super) fn scan(errand: &Errand<'_>, question: Question, reaches_top: bool) -> Self {
        let set = question.set().map(ToString::to_string);
        let column = set.and_then(|set| errand.site.ranges().column(&set).map(str::to_owned));
        let scan = column.is_some() && is_whole_scan(&question);
        let counted =
            scan && question.option("$count") != Some("true") && counts_cheaply(&question);
        Self {
            scan,
            counted,
            owed: question.top().filter(|_| reaches_top).map(|_| 0),
            repeats: Repeats::unknown(),
            ..Self::with(Links::of(question, counted))
        }
    }

    /// All pages of what `question` finds, as links lead.
    pub(super) fn of(question: Question) -> Self {
        Self::with(Links::of(question, false))
    }

    /// The pages of a walk from `next` on.
    pub(super) fn from(walk: Walk, next: Question) -> Self {
        Self::with(Links::from(walk, next))
    }

    fn with(links: Links) -> Self {
        Self {
            links,
            range: None,
            size: PageSize::new(),
            repeats: Repeats::Off,
            context: None,
            first: true,
            scan: false,
            counted: false,
            owed: None,
            expected: None,
            page_rows: 0,
            rows: 0,
        }
    }

    /// Whether it is known that the page that was read last is the last one.
    pub(super) fn done(&self) -> bool {
        let complete = self.expected.is_none_or(|expected| self.rows >= expected);
        self.range.is_none() && self.links.done() && complete
    }

    /// Rows that upstream has given so far, those among them that came twice.
    pub(super) fn rows_read(&self) -> u64 {
        self.links.rows()
    }

    /// The next page; `None` behind the last. Boxed, because completing a page may walk other pages.
    pub(super) fn read<'a>(
        &'a mut self,
        errand: &'a mut Errand<'_>,
    ) -> BoxFuture<'a, Result<Option<Part>, AnswerError>> {
        async move {
            let mut page = match self.by_range(errand).await? {
                Some(page) => page,
                None => match self.by_links(errand).await? {
                    Some(Document::Collection(page)) => page,
                    Some(Document::Single(body)) if self.first => {
                        return Ok(Some(Part::Single(body)));
                    }
                    Some(Document::Single(_)) => return Err(malformed("a page without rows")),
                    None => {
                        self.check_number(errand).await?;
                        return Ok(None);
                    }
                },
            };
            self.check_context(&page)?;
            self.first = false;
            self.rows += page.row_count;
            let asked = self.links.asked();
            page.rows = nested::complete(errand, asked, page.rows).await?;
            Ok(Some(Part::Page(page)))
        }
        .boxed()
    }

    /// The next page by ranges; `None` when there is none, or when there cannot be any.
    async fn by_range(&mut self, errand: &mut Errand<'_>) -> Result<Option<Page>, AnswerError> {
        let Some(range) = &mut self.range else {
            return Ok(None);
        };
        match range.read(errand, &mut self.size).await {
            Ok(Some(page)) => return Ok(Some(page)),
            Ok(None) => self.links.end(),
            Err(error) if range.is_at_its_beginning() && is_refusal(&error) => {
                let set = self.links.asked().set().map(ToString::to_string);
                let (site, error) = (errand.site.id(), crate::telemetry::chain(&error));
                tracing::warn!(
                    %site,
                    set,
                    error,
                    "no walk by date, following links instead; `scans.range_never` saves the attempt"
                );
                // The page by links is another question.
                errand.budget.page_refused();
                errand.progress.set_way(Way::Links);
            }
            Err(error) => return Err(error),
        }
        self.range = None;
        Ok(None)
    }

    async fn by_links(&mut self, errand: &mut Errand<'_>) -> Result<Option<Document>, AnswerError> {
        let document = self
            .links
            .read(errand, &mut self.size, Heavy::Halve)
            .await?;
        let Some(Document::Collection(mut page)) = document else {
            return Ok(document);
        };
        if self.first {
            self.repeats.note(&page.rows);
            self.choose(errand, &page).await;
            if self.counted {
                page.count = None;
            }
        } else {
            let asked = self.links.asked();
            let dropped = self.repeats.drop_from(errand, asked, &mut page).await?;
            if let Some(owed) = &mut self.owed {
                *owed += dropped;
                if self.links.done() && *owed > 0 {
                    self.links.extend(std::mem::take(owed))?;
                }
            }
        }
        Ok(Some(Document::Collection(page)))
    }

    /// Chooses how to go on behind the first page.
    async fn choose(&mut self, errand: &mut Errand<'_>, page: &Page) {
        if matches!(self.repeats, Repeats::Off) {
            return;
        }
        let mut count = page.count.as_deref().and_then(number);
        let more = !self.links.done();
        if count.is_none() && self.counted && more && !self.links.refuses_count() {
            // It was too much together with the rows.
            let ask = counting(self.links.asked());
            count = errand
                .page_if_possible(&ask)
                .await
                .and_then(|page| number(&page.count?));
        }
        if self.scan {
            self.expected = count;
            self.page_rows = page.row_count;
        }
        if !more {
            return;
        }
        let asked = self.links.asked();
        if let Some(count) = count {
            let rows = count.saturating_sub(asked.skip().unwrap_or(0));
            let rows = asked.top().map_or(rows, |top| top.min(rows));
            errand.progress.expect_rows(rows);
        }
        let long = count.is_some_and(|count| count >= page.row_count.saturating_mul(LONG_PAGES));
        if self.scan && long {
            self.range = self.by_date(errand, page).await.map(Box::new);
        }
        errand.progress.set_way(match self.range {
            Some(_) => Way::Range,
            None => Way::Links,
        });
    }

    /// A walk by date behind `page`, when the set, the question and the rows allow it.
    async fn by_date(&self, errand: &mut Errand<'_>, page: &Page) -> Option<Range> {
        let asked = self.links.asked();
        let set = asked.set()?;
        let column = errand.site.ranges().column(set.as_str())?.to_owned();
        let schema = errand.schema_if_possible().await?;
        let (_, entity) = schema.set(set.as_str())?;
        if !RangeWalk::knows(entity, &column) {
            let site = errand.site.id();
            tracing::warn!(%site, %set, column, "no such date column, following links; see `scans.range_columns`");
        }
        let walk = RangeWalk::of(asked, entity, &column)?;
        let reader = RowReader::of(entity, Some(walk.column()));
        let early = reader.read(&page.rows)?;
        if !are_distinct(&early) {
            return None;
        }
        let keys: Keys = early.into_iter().map(|row| row.key).collect();
        tracing::info!(
            %set,
            column = walk.column(),
            expected_rows = self.expected,
            "long scan, walked by date"
        );
        Some(Range::new(walk, reader, keys))
    }

    /// Whether the rows are as many as upstream counted, where it did. When they are fewer than it counted before and
    /// than it counts now, by more than come and go meanwhile, something was left out.
    async fn check_number(&mut self, errand: &mut Errand<'_>) -> Result<(), AnswerError> {
        let Some(before) = self
            .expected
            .take()
            .filter(|expected| *expected > self.rows)
        else {
            return Ok(());
        };
        let come_and_go = self.page_rows.min(before / 100).max(COME_AND_GO);
        if before - self.rows <= come_and_go {
            return Ok(());
        }
        let ask = counting(self.links.asked());
        let now = errand.page_if_possible(&ask).await;
        let now = now.and_then(|page| number(&page.count?));
        let expected = now.unwrap_or(before).min(before);
        if expected.saturating_sub(self.rows) > come_and_go {
            return Err(FetchError::BadResponse(BadResponse::Incomplete {
                counted: expected,
                came: self.rows,
            })
            .into());
        }
        Ok(())
    }

    /// Pages of different collections or projections must not be joined (JSON Format 4.0, section 10).
    fn check_context(&mut self, page: &Page) -> Result<(), AnswerError> {
        let fragment = |context: &str| {
            context
                .split_once('#')
                .map(|(_, fragment)| fragment.to_owned())
        };
        let context = page.context.as_deref().and_then(fragment);
        if self.first {
            self.context = context;
        } else if context != self.context {
            return Err(FetchError::BadResponse(BadResponse::ContextChanged).into());
        }
        Ok(())
    }
}

/// The question how many rows there are, without any.
fn counting(asked: &Question) -> Question {
    asked.with("$count", "true").with("$top", "0")
}

/// A count; in quotes with `IEEE754Compatible=true`.
fn number(count: &[u8]) -> Option<u64> {
    str::from_utf8(count).ok()?.trim_matches('"').parse().ok()
}

/// From so many pages on, a walk by date is quicker than by links: it reads the first page twice, and asks for rows
/// without a date, but `$skip` over 10,000 rows and more takes upstream as long as a page or longer (16 µs a row, from
/// field reports).
const LONG_PAGES: u64 = 10;

/// So many rows may come and go in the smallest table.
const COME_AND_GO: u64 = 10;

#[cfg(test)]
mod tests;
