//! Rows that come twice in a walk by links, because others were added before them while the pages were read.

use std::collections::VecDeque;

use bytes::Bytes;

use super::seen::{REMEMBERED, Seen};
use crate::gateway::errand::Errand;
use crate::gateway::error::AnswerError;
use crate::odata::page::Page;
use crate::odata::question::{Question, Resource};
use crate::odata::range::is_selected;
use crate::odata::row::{RowReader, joined};
use crate::odata::schema::Schema;
use crate::upstream::{BadResponse, FetchError};

/// What is known of the rows that came.
#[derive(Debug)]
pub(super) enum Repeats {
    /// Nobody wants to know.
    Off,
    /// `$metadata` was not asked for yet, so that no key is known. As long as no row begins as another did, it need not
    /// be.
    Unsuspicious {
        firsts: Seen,
        /// All pages so far.
        recent: VecDeque<Bytes>,
    },
    ByKey {
        reader: RowReader,
        seen: Seen,
        /// Rows that came twice, since the last that did not.
        in_a_row: usize,
    },
}

impl Repeats {
    /// Before the first page.
    pub(super) fn unknown() -> Self {
        Self::Unsuspicious {
            firsts: Seen::default(),
            recent: VecDeque::new(),
        }
    }

    /// Notes a page that cannot have repeats: the first.
    pub(super) fn note(&mut self, rows: &Bytes) {
        if let Self::Unsuspicious { recent, .. } = self {
            recent.push_back(rows.clone());
        }
    }

    /// Drops rows of `page` that came before; returns how many.
    pub(super) async fn drop_from(
        &mut self,
        errand: &mut Errand<'_>,
        asked: &Question,
        page: &mut Page,
    ) -> Result<u64, AnswerError> {
        if self.is_unsuspicious(errand, &page.rows) {
            return Ok(0);
        }
        if let Self::Unsuspicious { recent, .. } = self {
            let recent = std::mem::take(recent);
            *self = match schema(errand).await? {
                Some(schema) => Self::by_key(&schema, asked, &recent),
                None => Self::Off,
            };
        }
        let Self::ByKey {
            reader,
            seen,
            in_a_row,
        } = self
        else {
            return Ok(0);
        };
        let rows = reader.read(&page.rows);
        let rows = rows.filter(|rows| rows.len() as u64 == page.row_count);
        let Some(fresh) = rows.as_deref().and_then(|rows| seen.note(rows)) else {
            tracing::debug!(
                "the key does not tell rows apart, so rows that come twice are not noticed"
            );
            *self = Self::Off;
            return Ok(0);
        };
        let dropped = page.row_count - fresh.len() as u64;
        *in_a_row = count_in_a_row(*in_a_row, dropped, fresh.len())?;
        if dropped > 0 {
            tracing::info!(
                dropped,
                "rows came twice, because others were added while the pages were read"
            );
            let fresh: Vec<_> = fresh.into_iter().map(|row| row.span.clone()).collect();
            page.rows = joined(&page.rows, &fresh);
            page.row_count = fresh.len() as u64;
        }
        Ok(dropped)
    }

    /// Whether no key is known, and none is needed for this page.
    fn is_unsuspicious(&mut self, errand: &Errand<'_>, rows: &Bytes) -> bool {
        let Self::Unsuspicious { firsts, recent } = self else {
            return false;
        };
        if errand.site.schema().is_some() || recent.len() >= PAGES_KEPT {
            return false;
        }
        let reader = RowReader::of_first_members();
        let mut differ = |rows: &Bytes| {
            let rows = reader.read(rows);
            let all = |rows: &Vec<_>| {
                firsts
                    .note(rows)
                    .is_some_and(|fresh| fresh.len() == rows.len())
            };
            rows.as_ref().is_some_and(all)
        };
        // The first page is only looked at when there is a second.
        let first = recent.front().filter(|_| recent.len() == 1);
        let unsuspicious = first.is_none_or(&mut differ) && differ(rows);
        if unsuspicious {
            recent.push_back(rows.clone());
        }
        unsuspicious
    }

    /// What the pages before would have left.
    fn by_key(schema: &Schema, asked: &Question, before: &VecDeque<Bytes>) -> Self {
        let Some(reader) = reader(schema, asked) else {
            return Self::Off;
        };
        let mut seen = Seen::default();
        let mut note = |rows: &Bytes| {
            let rows = reader.read(rows);
            rows.is_some_and(|rows| seen.note(&rows).is_some())
        };
        if !before.iter().all(&mut note) {
            return Self::Off;
        }
        Self::ByKey {
            reader,
            seen,
            in_a_row: 0,
        }
    }
}

/// What `$metadata` says; `None` where there is none that could be read. Other trouble passes, and is an error if it
/// does not: going on without would let rows come twice.
async fn schema(errand: &mut Errand<'_>) -> Result<Option<std::sync::Arc<Schema>>, AnswerError> {
    match errand.schema().await {
        Ok(schema) => Ok(Some(schema)),
        Err(FetchError::Refused(_) | FetchError::BadResponse(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What reads the key of the rows that `asked` finds, when they show it.
fn reader(schema: &Schema, asked: &Question) -> Option<RowReader> {
    let Resource::Collection(set) = asked.resource() else {
        return None;
    };
    let computed = |name: &str| asked.option(name).is_some();
    let (_, entity) = schema.set(set.as_str())?;
    let shown = !entity.key.is_empty() && entity.key.iter().all(|name| is_selected(asked, name));
    (shown && !computed("$apply") && !computed("$compute")).then(|| RowReader::of(entity, None))
}

/// Rows that came twice, one after the other. More than can have been added mean that upstream does not go on.
pub(super) fn count_in_a_row(
    before: usize,
    dropped: u64,
    fresh: usize,
) -> Result<usize, AnswerError> {
    if fresh > 0 {
        return Ok(0);
    }
    let in_a_row = before.saturating_add(usize::try_from(dropped).unwrap_or(usize::MAX));
    if in_a_row > IN_A_ROW_MAX {
        return Err(FetchError::BadResponse(BadResponse::Loop).into());
    }
    Ok(in_a_row)
}

/// Pages that are kept until a key is known. A walk of more pages asks for it.
const PAGES_KEPT: usize = 16;

const IN_A_ROW_MAX: usize = REMEMBERED;
