//! Making an answer: ask upstream, join, write.
//!
//! A fill is a task, and not part of a request: a client that leaves early must not take the answer away from others.

pub(super) mod trace;
mod whole;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::Deserialize;

use self::whole::{Whole, closing, limit};
use super::errand::{Errand, Queue};
use super::error::{AnswerError, SharedError, malformed};
use super::plan::{OwnPage, Plan, RowName, Wanted};
use super::progress;
use super::site::Site;
use super::walk::{Pages, Part};
use crate::cache::{Content, SpoolWriter};
use crate::clock::Clock;
use crate::odata::deny::DenyList;
use crate::odata::link::ServiceRoot;
use crate::odata::neutral::NeutralText;
use crate::odata::page::{self, Document, Page};
use crate::odata::question::Question;
use crate::odata::representation::Representation;
use crate::odata::{csdl, expand, link, splice};
use crate::upstream::BadResponse;

/// Makes the answer that `plan` describes and writes it to `writer`, and says now and then how far it is.
pub(super) async fn fill(
    clock: Arc<dyn Clock>,
    site: Arc<Site>,
    plan: Plan,
    representation: Representation,
    queue: Queue,
    mut writer: SpoolWriter<SharedError>,
) -> Result<(), SharedError> {
    let progress = Arc::clone(writer.progress());
    let what = Arc::clone(&queue.what);
    let mut fill = Fill {
        errand: Errand::new(&site, representation, &progress, queue),
        writer: &mut writer,
    };
    let watch = progress::watch(&progress, |pace| {
        if plan.is_scan() {
            progress::log(site.id(), &what, pace);
        }
    });
    let end = tokio::select! {
        biased;
        end = fill.run(&plan) => end,
        never = watch => match never {},
    };
    let end = end.map_err(Arc::new);
    trace::end(&progress, &end);
    if let Err(error) = &end
        && error.is_trouble()
    {
        site.note_error(clock.now(), error);
    }
    end
}

struct Fill<'a> {
    errand: Errand<'a>,
    writer: &'a mut SpoolWriter<SharedError>,
}

impl Fill<'_> {
    async fn run(&mut self, plan: &Plan) -> Result<(), AnswerError> {
        match plan {
            Plan::ServiceDocument => self.service_document().await,
            Plan::Metadata => self.metadata().await,
            Plan::Collection { ask, top, page } => self.collection(ask, *top, page.as_ref()).await,
            Plan::Count { ask } => self.count(ask).await,
            Plan::Entity { ask, row } => self.entity(ask, row).await,
            Plan::Related {
                ask,
                row,
                navigation,
                wanted,
            } => self.related(ask, row, navigation, wanted).await,
        }
    }

    /// Joins all pages. The client's row limit is ours to keep, too: a link may have forgotten it.
    async fn collection(
        &mut self,
        ask: &Question,
        top: Option<u64>,
        page: Option<&OwnPage>,
    ) -> Result<(), AnswerError> {
        let root = self.errand.site.root();
        let mut pages = Pages::scan(&self.errand, ask.clone(), page.is_none());
        let mut whole = Whole {
            root,
            rows: 0,
            opened: false,
        };
        let mut part = pages.read(&mut self.errand).await?;
        while let Some(read) = part {
            let mut read = match read {
                Part::Page(read) => read,
                Part::Single(body) => {
                    self.write_whole(self.json(), link::neutral(root, &body), 1)
                        .await;
                    return Ok(());
                }
            };
            limit(&mut read, top.map(|top| top.saturating_sub(whole.rows)));
            let reached = top.is_some_and(|top| whole.rows + read.row_count >= top);
            if pages.done() || reached {
                let end = closing(page, pages.rows_read());
                self.open(&whole);
                whole.write(self.writer, read, Some(end)).await;
                return Ok(());
            }
            if !self.open(&whole) && self.writer.has_room() {
                // Upstream works on the next page while this one is written.
                let mut next = pages.read(&mut self.errand);
                let begun = begin(&mut next).await;
                whole.write(self.writer, read, None).await;
                part = match begun {
                    Poll::Ready(next) => next?,
                    Poll::Pending => next.await?,
                };
            } else {
                whole.write(self.writer, read, None).await;
                self.writer.room().await;
                part = pages.read(&mut self.errand).await?;
            }
        }
        // The last page was not known to be the last.
        let end = closing(page, pages.rows_read());
        self.writer.push(end, 0).await;
        Ok(())
    }

    /// Says before the first page what kind of body comes; returns whether it was the first.
    fn open(&mut self, whole: &Whole<'_>) -> bool {
        if !whole.opened {
            self.writer.begin(self.json());
        }
        !whole.opened
    }

    async fn count(&mut self, ask: &Question) -> Result<(), AnswerError> {
        let Document::Collection(Page {
            count: Some(count), ..
        }) = self.errand.ask(ask, false).await?
        else {
            return Err(malformed("no `@odata.count` though it was asked for"));
        };
        self.write_whole(Content::Text, plain_number(&count)?, 0)
            .await;
        Ok(())
    }

    async fn entity(&mut self, ask: &Question, row: &RowName) -> Result<(), AnswerError> {
        let page = self.one_row(ask, row).await?;
        let root = self.errand.site.root();
        let context = page.context.map(|context| format!("{context}/$entity"));
        let text = splice::entity(root, context.as_deref(), &page.rows);
        self.write_whole(self.json(), text, 1).await;
        Ok(())
    }

    async fn related(
        &mut self,
        ask: &Question,
        row: &RowName,
        navigation: &str,
        wanted: &Wanted,
    ) -> Result<(), AnswerError> {
        let root = self.errand.site.root();
        let page = self.one_row(ask, row).await?;
        let related = expand::related(&page.rows, navigation);
        let missing = || malformed(format!("no `{navigation}` though it was asked for"));
        let context = |fragment: &str| {
            page.context
                .is_some()
                .then(|| format!("$metadata{fragment}"))
        };
        match wanted {
            Wanted::Count => {
                let count = related.count.ok_or_else(missing)?;
                self.write_whole(Content::Text, plain_number(&count)?, 0)
                    .await;
            }
            Wanted::One { context: fragment } => match related.value.ok_or_else(missing)? {
                null if null == "null" => {
                    self.write_whole(Content::Empty, NeutralText::new(), 0)
                        .await;
                }
                entity => {
                    let text = splice::entity(root, context(fragment).as_deref(), &entity);
                    self.write_whole(self.json(), text, 1).await;
                }
            },
            Wanted::Many { context: fragment } => {
                let rows = related
                    .value
                    .as_ref()
                    .and_then(expand::elements)
                    .ok_or_else(missing)?;
                let page = Page {
                    context: context(fragment),
                    count: related.count,
                    row_count: page::row_spans(&rows).len() as u64,
                    rows,
                    ..Page::default()
                };
                let mut text = splice::opening(root, &page);
                text.append(link::neutral(root, &page.rows));
                text.append(splice::closing(None));
                self.write_whole(self.json(), text, page.row_count).await;
            }
        }
        Ok(())
    }

    /// The row that a key names, with its expanded collections completed.
    async fn one_row(&mut self, ask: &Question, row: &RowName) -> Result<Page, AnswerError> {
        let mut pages = Pages::of(ask.clone());
        let mut found = None;
        while let Some(part) = pages.read(&mut self.errand).await? {
            match part {
                Part::Page(page) if page.row_count == 0 => {}
                Part::Page(page) if page.row_count == 1 && found.is_none() => found = Some(page),
                Part::Page(_) => return Err(malformed("several rows with one key")),
                Part::Single(_) => return Err(malformed("a page without rows")),
            }
        }
        found.ok_or_else(|| AnswerError::NoSuchEntity {
            set: row.set.to_string(),
            key: row.key.clone(),
        })
    }

    async fn metadata(&mut self) -> Result<(), AnswerError> {
        let site = self.errand.site;
        let deny = site.deny().clone();
        let read = move |body: Bytes| {
            let malformed = |error: csdl::CsdlError| BadResponse::Malformed {
                reason: error.to_string(),
            };
            let schema = csdl::parse(&body).map_err(malformed)?;
            let shown = csdl::hide(&body, &deny).map_err(malformed)?;
            Ok((schema, shown))
        };
        let generation = site.schema_generation();
        let (schema, shown) = self
            .errand
            .fetch("$metadata", "application/xml", read)
            .await?;
        site.learn_schema(schema, generation);
        let mut text = NeutralText::new();
        text.push(shown);
        self.write_whole(Content::Xml, text, 0).await;
        Ok(())
    }

    async fn service_document(&mut self) -> Result<(), AnswerError> {
        let Part::Page(mut page) = self.read_service_document().await? else {
            return Err(malformed("a service document without a list of sets"));
        };
        let root = self.errand.site.root();
        page.rows = shown_sets(root, self.errand.site.deny(), &page.rows)?;
        let mut text = splice::opening(root, &page);
        text.push(page.rows);
        text.append(splice::closing(None));
        self.write_whole(self.json(), text, 0).await;
        Ok(())
    }

    async fn read_service_document(&mut self) -> Result<Part, AnswerError> {
        let mut pages = Pages::of(Question::service_document());
        let part = pages.read(&mut self.errand).await?;
        if !pages.done() {
            return Err(malformed("a service document in pages"));
        }
        part.ok_or_else(|| malformed("nothing"))
    }

    async fn write_whole(&mut self, content: Content, text: NeutralText, rows: u64) {
        self.writer.begin(content);
        if !text.is_empty() {
            self.writer.push(text, rows).await;
        }
    }

    fn json(&self) -> Content {
        Content::Json(self.errand.sent)
    }
}

/// Lets a future go as far as it gets without waiting.
async fn begin<T>(future: &mut BoxFuture<'_, T>) -> Poll<T> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

/// A count without the quotes that `IEEE754Compatible=true` puts around it.
fn plain_number(count: &Bytes) -> Result<NeutralText, AnswerError> {
    let digits = count
        .strip_prefix(b"\"")
        .and_then(|count| count.strip_suffix(b"\""))
        .unwrap_or(count);
    let number: Option<u64> = std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok());
    let number = number.ok_or_else(|| malformed("a count that is no number"))?;
    let mut text = NeutralText::new();
    text.push(number.to_string());
    Ok(text)
}

/// The elements of a service document that may be shown, each as upstream wrote it.
fn shown_sets(root: &ServiceRoot, deny: &DenyList, elements: &Bytes) -> Result<Bytes, AnswerError> {
    #[derive(Deserialize)]
    struct Element {
        name: String,
        url: String,
    }
    let mut shown: Vec<String> = Vec::new();
    for span in page::row_spans(elements) {
        let text = elements.get(span).unwrap_or_default();
        let element: Element = serde_json::from_slice(text)
            .map_err(|_| malformed("an element of the service document that cannot be read"))?;
        if deny.denies(&element.name) || deny.denies(&element.url) {
            continue;
        }
        let text = String::from_utf8_lossy(text).into_owned();
        // An absolute address would lead past this server; a relative one is relative to its context.
        let relative = root
            .below(&element.url)
            .filter(|_| element.url.contains('/'));
        shown.push(match relative {
            Some(relative) => text.replace(&element.url, relative),
            None => text,
        });
    }
    Ok(shown.join(",").into())
}
