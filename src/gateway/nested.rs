//! Completing expanded collections that upstream has cut.

use bytes::{Bytes, BytesMut};

use super::errand::Errand;
use super::error::{AnswerError, malformed};
use super::walk::{Pages, Part, fault_of};
use crate::odata::expand::{self, Cut};
use crate::odata::key;
use crate::odata::next::{LinkFault, Walk};
use crate::odata::page::{self, Document, Page};
use crate::odata::question::{Question, Resource};
use crate::odata::schema::Schema;
use crate::upstream::{BadResponse, FetchError, Refusal};

/// `rows` with the rest of every cut collection in its place. `asked` is the question that brought them.
pub(super) async fn complete(
    errand: &mut Errand<'_>,
    asked: &Question,
    rows: Bytes,
) -> Result<Bytes, AnswerError> {
    let cuts = expand::cuts(&rows).map_err(malformed)?;
    if cuts.is_empty() {
        return Ok(rows);
    }
    let expand = asked.option("$expand").unwrap_or_default();
    let mut rests = Vec::with_capacity(cuts.len());
    for cut in &cuts {
        rests.push(rest(errand, cut, &expand::options(expand, &cut.path)).await?);
    }
    Ok(expand::mend(&rows, &cuts, &rests))
}

/// All rows behind a nested next link.
///
/// Upstream's framework writes such links as `Set(key)/Navigation?$skip=n`. Citrix Cloud refuses keys, so
/// whether it would answer its own link is unknown: the link is tried as it is, and when it is refused, or has
/// lost options that the client had written, the rest is asked for in other words.
async fn rest(
    errand: &mut Errand<'_>,
    cut: &Cut,
    options: &[(String, String)],
) -> Result<Bytes, AnswerError> {
    let foreign = |reason: String| FetchError::BadResponse(BadResponse::ForeignLink { reason });
    let collection = collection_of(errand, cut).map_err(foreign)?;
    let asked = options
        .iter()
        .fold(collection, |asked, (name, value)| asked.with(name, value));
    let mut walk = Walk::of(asked.clone());
    walk.note(cut.elements);
    match walk.step(errand.site.root(), &asked, cut.elements, &cut.link) {
        Ok(next) => match follow(errand, Pages::from(walk, next)).await {
            Err(AnswerError::Fetch(FetchError::Refused(Refusal {
                status: 400 | 404 | 501,
                ..
            }))) => reworded(errand, &asked, cut.elements).await,
            rest => rest,
        },
        Err(LinkFault::Lost { .. }) => reworded(errand, &asked, cut.elements).await,
        Err(fault) => Err(fault_of(&fault).into()),
    }
}

/// `Set(key)/Navigation`, without the options of the link that names it.
fn collection_of(errand: &Errand<'_>, cut: &Cut) -> Result<Question, String> {
    let below = errand
        .site
        .root()
        .below(&cut.link)
        .ok_or("it leads outside the service")?;
    let path = below.split(['?', '#']).next().unwrap_or_default();
    let collection = Question::parse(path, None).map_err(|error| error.to_string())?;
    let navigation = match collection.resource() {
        Resource::Entity { rest, .. } => rest.last(),
        _ => None,
    };
    match (navigation, cut.path.last()) {
        (Some(named), Some(cut)) if named.eq_ignore_ascii_case(cut) => Ok(collection),
        _ => Err("it does not lead to the collection that was cut".to_owned()),
    }
}

async fn follow(errand: &mut Errand<'_>, mut pages: Pages) -> Result<Bytes, AnswerError> {
    let mut rows = BytesMut::new();
    while let Some(part) = pages.read(errand).await? {
        match part {
            Part::Page(page) => append(&mut rows, &page.rows),
            Part::Single(_) => return Err(malformed("a nested page without rows")),
        }
    }
    Ok(rows.freeze())
}

/// Asks for the rest of `Set(key)/Navigation?options` behind its first `begins` rows as
/// `Set?$filter=key&$expand=Navigation(options)`, again and again until the collection is whole.
async fn reworded(
    errand: &mut Errand<'_>,
    asked: &Question,
    mut begins: u64,
) -> Result<Bytes, AnswerError> {
    let mut rows = BytesMut::new();
    loop {
        let schema = errand.schema().await?;
        let (ask, navigation) = by_filter(&schema, asked, begins)?;
        let Document::Collection(Page {
            rows: row,
            row_count: 1,
            ..
        }) = errand.ask(&ask, false).await?
        else {
            return Err(malformed("a nested next link whose row is not there"));
        };
        let related = expand::related(&row, &navigation);
        let inside = related.value.as_ref().and_then(expand::elements);
        let inside =
            inside.ok_or_else(|| malformed("a nested next link whose rows are not there"))?;
        let elements = page::row_spans(&inside).len() as u64;
        append(&mut rows, &Box::pin(complete(errand, asked, inside)).await?);
        match related.next {
            None => return Ok(rows.freeze()),
            Some(_) if elements == 0 => {
                return Err(FetchError::BadResponse(BadResponse::Loop).into());
            }
            Some(_) => begins += elements,
        }
    }
}

/// The question in other words, and the navigation property that it is about.
fn by_filter(
    schema: &Schema,
    asked: &Question,
    begins: u64,
) -> Result<(Question, String), AnswerError> {
    let refused = || malformed("a nested next link that upstream itself refuses");
    let Resource::Entity { set, key, rest } = asked.resource() else {
        return Err(refused());
    };
    let [navigation] = rest.as_slice() else {
        return Err(refused());
    };
    let (_, entity) = schema.set(set.as_str()).ok_or_else(refused)?;
    let filter = key::filter(entity, key).map_err(|_| refused())?;
    let place = asked.with("$skip", &(asked.skip().unwrap_or(0) + begins).to_string());
    let asked = match asked.top() {
        Some(top) => place.with("$top", &top.saturating_sub(begins).to_string()),
        None => place,
    };
    let nested: Vec<String> = asked
        .options()
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let ask = Question::collection(set.clone())
        .with("$filter", &filter)
        .with("$select", &entity.key.join(","))
        .with("$expand", &format!("{navigation}({})", nested.join(";")));
    Ok((ask, navigation.clone()))
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
