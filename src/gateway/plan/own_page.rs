//! Pages whose size the client chose.
//!
//! A link of ours holds its state (`$skiptoken=page-OFFSET-SIZE-WALK`), so a restart breaks none. WALK says when the first page
//! was asked for; it keeps walks apart in the cache, so that pages of different ages are not put together. The price: rows may
//! shift between pages, as they do at Citrix.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::{OwnPage, Plan, whole};
use crate::gateway::error::AnswerError;
use crate::odata::question::Question;

/// Pages of the client's size are questions of their own: `$skip` and `$top` say which rows, and the link to
/// the next one carries both in a `$skiptoken`. Nothing has to be remembered between them: a `format` that the
/// client asked for is in the link, too, or numbers would become text or text numbers from page to page.
pub(super) fn collection(
    question: &Arc<Question>,
    format: Option<&str>,
    page_size: Option<NonZeroU32>,
    now: i64,
) -> Result<Plan, AnswerError> {
    let token = question.option("$skiptoken").and_then(PageToken::read);
    let (size, offset, walk) = match (&token, page_size) {
        (Some(token), wanted) => (wanted.unwrap_or(token.size), token.offset, token.walk),
        (None, Some(size)) if question.option("$skiptoken").is_none() => (size, 0, now),
        (None, _) => return Ok(whole(question)),
    };
    let top = number(question, "$top")?;
    let left = top.map(|top| top.saturating_sub(offset));
    let page_rows = u64::from(size.get());
    let rows = left.map_or(page_rows, |left| left.min(page_rows));
    let skip = number(question, "$skip")?.unwrap_or(0).checked_add(offset);
    let behind = offset.checked_add(page_rows);
    let (Some(skip), Some(behind)) = (skip, behind) else {
        return Err(AnswerError::InvalidOption {
            reason: "`$skip` is too large".to_owned(),
        });
    };
    let mut ask = question
        .without("$skiptoken")
        .with("$top", &rows.to_string());
    if skip > 0 {
        ask = ask.with("$skip", &skip.to_string());
    }
    if token.is_some() {
        // Counted once, on the first page.
        ask = ask.without("$count");
    }
    let more = left.is_none_or(|left| left > page_rows);
    let behind = PageToken {
        offset: behind,
        size,
        walk,
    };
    let next = more.then(|| {
        let next = question.with("$skiptoken", &behind.write());
        match format {
            Some(format) => next.with("$format", format),
            None => next,
        }
    });
    Ok(Plan::Collection {
        ask: Arc::new(ask),
        top: Some(rows),
        page: Some(OwnPage { size, next }),
    })
}

/// A number option that we have to reckon with; others are upstream's to judge.
fn number(question: &Question, option: &str) -> Result<Option<u64>, AnswerError> {
    let number = |text: &str| text.parse().ok();
    match question.option(option) {
        None => Ok(None),
        Some(text) => number(text)
            .map(Some)
            .ok_or_else(|| AnswerError::InvalidOption {
                reason: format!("`{option}` is not a number"),
            }),
    }
}

/// Our own `$skiptoken`: how many rows were delivered, the page size, and when the walk began. The last keeps
/// walks apart in the cache: pages of different ages must not be put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PageToken {
    offset: u64,
    size: NonZeroU32,
    walk: i64,
}

impl PageToken {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("page-")?.split('-');
        let token = Self {
            offset: parts.next()?.parse().ok()?,
            size: parts.next()?.parse().ok()?,
            walk: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(token)
    }

    fn write(self) -> String {
        format!("page-{}-{}-{}", self.offset, self.size, self.walk)
    }
}
