//! A collection's pages, one after the other, each row once.
//!
//! A walk begins as upstream's links lead ([`links`]). When the first page shows that a scan is long, and the set has
//! an indexed date, it goes on by ranges of that date ([`range`]), and falls back to links when upstream refuses.
//! Rows that come twice are recognised by their key ([`seen`]). Pages that are too heavy for upstream are asked for in
//! smaller parts ([`size`]).

mod links;
mod range;
mod seen;
mod size;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};

use self::links::{Heavy, Links};
use self::range::{Range, is_refusal};
use self::seen::{Keys, Seen, are_distinct};
use self::size::PageSize;
use super::errand::Errand;
use super::error::{AnswerError, malformed};
use super::nested;
use crate::cache::Way;
use crate::odata::next::Walk;
use crate::odata::page::{Document, Page};
use crate::odata::question::{Question, Resource};
use crate::odata::range::{RangeWalk, counts_cheaply, is_selected, is_whole_scan};
use crate::odata::row::{RowReader, joined};
use crate::odata::schema::Schema;
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
    /// Rows that upstream counted.
    expected: Option<u64>,
    rows: u64,
}

/// What is done about rows that come twice.
#[derive(Debug)]
enum Repeats {
    /// Nothing yet: a single page has none. The rows of the first.
    Open(Option<Bytes>),
    /// Keys do not tell.
    Unknown,
    Dropped {
        reader: RowReader,
        seen: Seen,
        /// Whether the rows are known to show their key. If not, whole rows are compared, and when one comes twice,
        /// `$metadata` is asked whether that means anything.
        sure: bool,
    },
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
    /// All pages of what `question` finds, in whatever way is best for `errand`'s site.
    pub(super) fn scan(errand: &Errand<'_>, question: Question) -> Self {
        let column = question
            .set()
            .and_then(|set| errand.site.ranges().column(set.as_str()));
        let scan = column.is_some() && is_whole_scan(&question);
        let counted =
            scan && question.option("$count") != Some("true") && counts_cheaply(&question);
        Self {
            scan,
            counted,
            repeats: Repeats::Open(None),
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
            repeats: Repeats::Unknown,
            context: None,
            first: true,
            scan: false,
            counted: false,
            expected: None,
            rows: 0,
        }
    }

    /// Whether it is known that the page that was read last is the last one.
    pub(super) fn done(&self) -> bool {
        self.range.is_none() && self.links.done()
    }

    /// The next page; `None` behind the last. Boxed, because completing a page may walk other pages.
    pub(super) fn read<'a>(
        &'a mut self,
        errand: &'a mut Errand<'_>,
    ) -> BoxFuture<'a, Result<Option<Part>, AnswerError>> {
        async move {
            let page = match self.range {
                Some(_) => self.by_range(errand).await?,
                None => None,
            };
            let page = match page {
                Some(page) => Some(Document::Collection(page)),
                None => self.by_links(errand).await?,
            };
            let mut page = match page {
                None => return Ok(None),
                Some(Document::Single(body)) if self.first => return Ok(Some(Part::Single(body))),
                Some(Document::Single(_)) => return Err(malformed("a page without rows")),
                Some(Document::Collection(page)) => page,
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
            Ok(Some(page)) => Ok(Some(page)),
            Ok(None) => {
                self.check_number(errand).await?;
                self.range = None;
                self.links.end();
                Ok(None)
            }
            Err(error) if range.is_at_its_beginning() && is_refusal(&error) => {
                let error = crate::telemetry::chain(&error);
                tracing::warn!(error, "no walk by date, following links instead");
                self.range = None;
                Ok(None)
            }
            Err(error) => Err(error),
        }
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
            self.choose(errand, &page).await;
            if self.counted {
                page.count = None;
            }
        } else {
            self.drop_repeats(errand, &mut page).await;
        }
        Ok(Some(Document::Collection(page)))
    }

    /// Chooses how to go on behind the first page.
    async fn choose(&mut self, errand: &mut Errand<'_>, page: &Page) {
        let Repeats::Open(first) = &mut self.repeats else {
            return;
        };
        if self.links.done() {
            return;
        }
        *first = Some(page.rows.clone());
        let asked = self.links.asked();
        let count = page.count.as_deref().and_then(number);
        if let Some(count) = count {
            let rows = count.saturating_sub(asked.skip().unwrap_or(0));
            let rows = asked.top().map_or(rows, |top| top.min(rows));
            errand.progress.expect_rows(rows);
        }
        self.expected = count;
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
        let walk = RangeWalk::of(asked, entity, &column)?;
        let reader = RowReader::new(&entity.key, Some(walk.column()));
        let early = reader.read(&page.rows)?;
        if !are_distinct(&early) {
            return None;
        }
        let keys: Keys = early.into_iter().map(|row| row.key).collect();
        tracing::info!(%set, column = walk.column(), expected_rows = self.expected, "long scan, walked by date");
        Some(Range::new(walk, reader, keys))
    }

    /// Drops rows that came before: each one is where it is now because others were added before it. With a row limit
    /// the walk goes on behind it for as many, because upstream counted them.
    async fn drop_repeats(&mut self, errand: &mut Errand<'_>, page: &mut Page) {
        if let Repeats::Open(first) = &mut self.repeats {
            let first = first.take().unwrap_or_default();
            self.repeats = repeats(errand, self.links.asked(), &first);
        }
        let Repeats::Dropped { reader, seen, sure } = &mut self.repeats else {
            return;
        };
        let rows = reader.read(&page.rows);
        let rows = rows.filter(|rows| rows.len() as u64 == page.row_count);
        let Some(fresh) = rows.as_deref().and_then(|rows| seen.note(rows)) else {
            tracing::debug!(
                "the key does not tell rows apart, so rows that come twice are not noticed"
            );
            self.repeats = Repeats::Unknown;
            return;
        };
        let dropped = page.row_count - fresh.len() as u64;
        if dropped == 0 {
            return;
        }
        if !*sure {
            let schema = errand.schema_if_possible().await;
            *sure = schema.is_some_and(|schema| by_key(&schema, self.links.asked()).is_some());
            if !*sure {
                self.repeats = Repeats::Unknown;
                return;
            }
        }
        tracing::info!(
            dropped,
            "rows came twice, because others were added while the pages were read"
        );
        let fresh: Vec<_> = fresh.into_iter().map(|row| row.span.clone()).collect();
        page.rows = joined(&page.rows, &fresh);
        page.row_count = fresh.len() as u64;
        if self.links.done() && self.links.asked().top().is_some() {
            self.links.extend(dropped);
        }
    }

    /// A walk by date stands and falls with upstream's idea of the date's order. When it has brought fewer rows than
    /// upstream counted before, and than it counts now, by more than come and go, something was left out.
    async fn check_number(&self, errand: &mut Errand<'_>) -> Result<(), AnswerError> {
        let Some(before) = self.expected.filter(|expected| *expected > self.rows) else {
            return Ok(());
        };
        let ask = self.links.asked().with("$count", "true").with("$top", "0");
        let counted = match errand.ask(&ask, false).await? {
            Document::Collection(page) => page.count.as_deref().and_then(number),
            Document::Single(_) => None,
        };
        let expected = counted.unwrap_or(before).min(before);
        let missing = expected.saturating_sub(self.rows);
        if missing > expected / 100 {
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

/// How rows that come twice are recognised in a walk whose first page had the rows `first`.
fn repeats(errand: &Errand<'_>, asked: &Question, first: &Bytes) -> Repeats {
    let (reader, sure) = match errand.site.schema() {
        Some((schema, _)) => (by_key(&schema, asked), true),
        None => (Some(RowReader::of_whole_rows()), false),
    };
    let mut seen = Seen::default();
    let rows = reader.as_ref().and_then(|reader| reader.read(first));
    match reader.zip(rows) {
        Some((reader, rows)) if seen.note(&rows).is_some() => {
            Repeats::Dropped { reader, seen, sure }
        }
        _ => Repeats::Unknown,
    }
}

/// What reads the key of the rows that `asked` finds, when they show it.
fn by_key(schema: &Schema, asked: &Question) -> Option<RowReader> {
    let Resource::Collection(set) = asked.resource() else {
        return None;
    };
    let computed = |name: &str| asked.option(name).is_some();
    let (_, entity) = schema.set(set.as_str())?;
    let shown = !entity.key.is_empty() && entity.key.iter().all(|name| is_selected(asked, name));
    (shown && !computed("$apply") && !computed("$compute"))
        .then(|| RowReader::new(&entity.key, None))
}

/// A count; in quotes with `IEEE754Compatible=true`.
fn number(count: &[u8]) -> Option<u64> {
    str::from_utf8(count).ok()?.trim_matches('"').parse().ok()
}

/// From so many pages on, a walk by date is quicker than by links: it reads the first page twice, and asks for rows
/// without a date, but `$skip` over 10,000 rows and more takes upstream as long as a page or longer (16 µs a row, from
/// field reports).
const LONG_PAGES: u64 = 10;

#[cfg(test)]
mod tests;
