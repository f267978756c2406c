//! Completing expanded collections that upstream has cut.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::error::AnswerError;
use super::pages::{Errand, Pages, Part, Trail, malformed};
use crate::odata::expand::{self, Related};
use crate::odata::page::{Document, Page};
use crate::odata::question::{Question, Resource};
use crate::odata::schema::Schema;
use crate::odata::{csdl, key};
use crate::upstream::{BadResponse, FetchError, Refusal};

/// `rows` with the rest of every cut collection in its place.
pub(super) async fn complete(errand: &mut Errand<'_>, rows: Bytes) -> Result<Bytes, AnswerError> {
    let cuts = expand::cuts(&rows).map_err(malformed)?;
    if cuts.is_empty() {
        return Ok(rows);
    }
    let mut rests = Vec::with_capacity(cuts.len());
    for cut in &cuts {
        rests.push(rest(errand, &cut.link).await?);
    }
    Ok(expand::mend(&rows, &cuts, &rests))
}

/// All rows behind a nested next link.
///
/// Upstream's framework writes such links as `Set(key)/Navigation?$skip=n`. Citrix Cloud refuses keys, so
/// whether it would answer its own link is unknown: the link is tried as it is, and when it is refused the rest
/// is asked for in other words.
async fn rest(errand: &mut Errand<'_>, link: &str) -> Result<Bytes, AnswerError> {
    let question = question_of(errand, link)?;
    match walk(errand, question.clone()).await {
        Err(AnswerError::Fetch(FetchError::Refused(Refusal {
            status: 400 | 404 | 501,
            ..
        }))) => reworded(errand, question).await,
        rest => rest,
    }
}

fn question_of(errand: &Errand<'_>, link: &str) -> Result<Question, AnswerError> {
    let foreign = |reason: String| FetchError::BadResponse(BadResponse::ForeignLink { reason });
    let below = errand
        .site
        .root()
        .below(link)
        .ok_or_else(|| foreign("it leads outside the service".to_owned()))?;
    let (path, query) = below
        .split_once('?')
        .map_or((below, None), |(path, query)| (path, Some(query)));
    Ok(Question::parse(path, query).map_err(|error| foreign(error.to_string()))?)
}

async fn walk(errand: &mut Errand<'_>, question: Question) -> Result<Bytes, AnswerError> {
    let mut pages = Pages::of(question);
    let mut rows = BytesMut::new();
    while let Some(part) = pages.read(errand).await? {
        match part {
            Part::Page(page) => append(&mut rows, &page.rows),
            Part::Single(_) => return Err(malformed("a nested page without rows")),
        }
    }
    Ok(rows.freeze())
}

/// Asks for `Set(key)/Navigation?options` as `Set?$filter=key&$expand=Navigation(options)`, again and again
/// until the collection is whole.
async fn reworded(errand: &mut Errand<'_>, mut question: Question) -> Result<Bytes, AnswerError> {
    let mut rows = BytesMut::new();
    let mut trail = Trail::default();
    loop {
        trail.step(&question)?;
        let schema = schema(errand).await?;
        let (ask, navigation) = by_filter(&schema, &question)?;
        let Document::Collection(Page {
            rows: row,
            row_count: 1,
            ..
        }) = errand.ask(&ask).await?
        else {
            return Err(malformed("a nested next link whose row is not there"));
        };
        let Related {
            value: Some(value),
            next,
            ..
        } = expand::related(&row, &navigation)
        else {
            return Err(malformed("a nested next link whose rows are not there"));
        };
        let inside = value.slice(1..value.len().saturating_sub(1));
        append(&mut rows, &Box::pin(complete(errand, inside)).await?);
        match next {
            Some(link) => question = question_of(errand, &link)?,
            None => return Ok(rows.freeze()),
        }
    }
}

/// The question in other words, and the navigation property that it is about.
fn by_filter(schema: &Schema, question: &Question) -> Result<(Question, String), AnswerError> {
    let refused = || malformed("a nested next link that upstream itself refuses");
    let Resource::Entity { set, key, rest } = question.resource() else {
        return Err(refused());
    };
    let [navigation] = rest.as_slice() else {
        return Err(refused());
    };
    let (_, entity) = schema.set(set.as_str()).ok_or_else(refused)?;
    let filter = key::filter(entity, key).map_err(|_| refused())?;
    let options = question
        .options()
        .iter()
        .filter(|(name, _)| name.starts_with('$'));
    let nested: Vec<String> = options
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let ask = Question::collection(set.clone())
        .with("$filter", &filter)
        .with("$select", &entity.key.join(","))
        .with("$expand", &format!("{navigation}({})", nested.join(";")));
    Ok((ask, navigation.clone()))
}

/// What `$metadata` says, asked for when nobody has needed it yet.
async fn schema(errand: &mut Errand<'_>) -> Result<Arc<Schema>, AnswerError> {
    if let Some(schema) = errand.site.schema() {
        return Ok(schema);
    }
    let read = |body: Bytes| {
        csdl::parse(&body).map_err(|error| BadResponse::Malformed {
            reason: error.to_string(),
        })
    };
    let schema = errand.fetch("$metadata", "application/xml", read).await?;
    Ok(errand.site.learn_schema(schema))
}

fn append(rows: &mut BytesMut, more: &Bytes) {
    if more.iter().all(u8::is_ascii_whitespace) {
        return;
    }
    if !rows.is_empty() {
        rows.extend_from_slice(b",");
    }
    rows.extend_from_slice(more);
}
