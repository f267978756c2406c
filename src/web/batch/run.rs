//! Asks the requests of a batch one after the other, and sends each answer on as it comes.
//!
//! INVARIANT: an error of an answer's body is an error of the stream, and the stream's last item, as in
//! [`body`](super::super::body). An answer that fails before that is an error in its place.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use std::vec;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream, stream};
use http::{HeaderValue, Method, Request, StatusCode, Version, header, request};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::super::notes::Notes;
use super::super::odata::{self, Call};
use super::super::problem::{self, Problem};
use super::super::readings::Readings;
use super::super::request_id::RequestId;
use super::super::source::Source;
use super::format::Writer;
use super::item::{Label, Planned};
use super::order::{Order, Step};
use super::target::Target;
use crate::odata::name::SiteId;

/// A batch that is being answered.
pub(crate) struct Run {
    /// Answers its questions.
    pub source: Arc<dyn Source>,
    /// The site of all of them.
    pub site: SiteId,
    /// Questions that were read before.
    pub readings: Readings,
    /// The client's address.
    pub client: Option<IpAddr>,
    /// Its HTTP version.
    pub version: Version,
    /// Its program (`User-Agent`).
    pub program: Option<HeaderValue>,
    /// The batch's name, for errors in it.
    pub id: RequestId,
    /// What is learned of the batch.
    pub notes: Notes,
    /// What became of its requests so far.
    pub order: Order,
    /// The format of the answer.
    pub writer: Writer,
    /// The requests that are not asked yet.
    pub left: vec::IntoIter<Planned>,
}

/// Where in the batch we are.
enum Stage {
    /// Before the next request.
    Between,
    /// It is being asked; its answer has not begun.
    Asking(Label, BoxFuture<'static, Response>, UnderWay),
    /// The body of its answer is being sent.
    Sending(Body, UnderWay),
    /// Behind the last one, or an error.
    Ended,
}

/// The request that is under way. However it ends, what is known of it is put to the batch's account.
struct UnderWay {
    batch: Notes,
    own: Notes,
    status: Option<u16>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.batch.absorb(&self.own, self.status);
    }
}

impl Run {
    /// The bytes of the answer. Dropping them stops the work.
    pub(crate) fn stream(self) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send {
        let start = (self, Stage::Between, VecDeque::new());
        stream::unfold(start, async |(mut run, mut stage, mut out)| {
            let item = run.next(&mut stage, &mut out).await?;
            Some((item, (run, stage, out)))
        })
    }

    async fn next(
        &mut self,
        stage: &mut Stage,
        out: &mut VecDeque<Bytes>,
    ) -> Option<Result<Bytes, axum::Error>> {
        loop {
            if let Some(bytes) = out.pop_front() {
                return Some(Ok(bytes));
            }
            *stage = match std::mem::replace(stage, Stage::Ended) {
                Stage::Between => self.begin(out),
                Stage::Asking(label, mut asked, mut under_way) => {
                    if let Ok(response) = timeout(SILENCE_MAX, &mut asked).await {
                        let (head, body) = response.into_parts();
                        let status = head.status.as_u16();
                        under_way.status = Some(status);
                        self.order.answered(&label, status);
                        self.writer.head(&label, &head, out);
                        Stage::Sending(body, under_way)
                    } else {
                        // A blank between two answers means nothing: behind a delimiter it is padding (RFC 2046, section
                        // 5.1.1), and between members of JSON white space.
                        out.push_back(Bytes::from_static(b" "));
                        Stage::Asking(label, asked, under_way)
                    }
                }
                Stage::Sending(mut body, under_way) => match body.frame().await {
                    Some(Ok(frame)) => {
                        if let Ok(bytes) = frame.into_data() {
                            self.writer.data(bytes, out);
                        }
                        Stage::Sending(body, under_way)
                    }
                    Some(Err(error)) => return Some(Err(error)),
                    None => {
                        self.writer.end_one(out);
                        Stage::Between
                    }
                },
                Stage::Ended => return None,
            };
        }
    }

    /// What comes after one request: another one, or the end.
    fn begin(&mut self, out: &mut VecDeque<Bytes>) -> Stage {
        let next = self.left.next().map(|next| (self.order.step(&next), next));
        let target = match next {
            None | Some((Step::End, _)) => {
                self.writer.end(out);
                return Stage::Ended;
            }
            Some((Step::FailedDependency, Planned { label, .. })) => {
                (label, Err(failed_dependency()))
            }
            Some((Step::Ask, Planned { label, target, .. })) => (label, target),
        };
        let (label, target) = target;
        self.writer.begin(out);
        let under_way = UnderWay {
            batch: self.notes.clone(),
            own: Notes::default(),
            status: None,
        };
        let asked = self.ask(target, under_way.own.clone());
        Stage::Asking(label, asked, under_way)
    }

    /// Asks as if the request had come alone.
    fn ask(&self, target: Result<Target, Problem>, notes: Notes) -> BoxFuture<'static, Response> {
        let (source, site) = (Arc::clone(&self.source), self.site.clone());
        let (client, id) = (self.client, self.id);
        let asked = target.map(|target| self.request(target));
        async move {
            let (is_head, mut response) = match asked {
                Ok(asked) => {
                    let is_head = asked.request.method == Method::HEAD;
                    (
                        is_head,
                        answer(&*source, &site, client, asked, &notes).await,
                    )
                }
                Err(problem) => (false, problem.into_response()),
            };
            problem::write(&mut response, id);
            if is_head {
                without_body(response)
            } else {
                response
            }
        }
        .boxed()
    }

    /// A request of its own for a target. It counts as one of the client who sent the batch, and speaks the batch's HTTP
    /// version: for a client of HTTP/1.0 each answer is read to its end first.
    fn request(&self, target: Target) -> Asked {
        let (mut request, ()) = Request::new(()).into_parts();
        request.method = target.method;
        request.version = self.version;
        request.headers = target.headers;
        request.headers.remove(header::USER_AGENT);
        if let Some(program) = &self.program {
            let program = program.clone();
            request.headers.insert(header::USER_AGENT, program);
        }
        Asked {
            request,
            root: target.root,
            below: target.below,
            query: target.query,
            readings: self.readings.clone(),
        }
    }
}

/// A request of a batch, as one of its own.
struct Asked {
    request: request::Parts,
    root: Bytes,
    below: String,
    query: Option<String>,
    readings: Readings,
}

async fn answer(
    source: &dyn Source,
    site: &SiteId,
    client: Option<IpAddr>,
    asked: Asked,
    notes: &Notes,
) -> Response {
    let call = Call {
        site,
        root: asked.root,
        below: &asked.below,
        query: asked.query.as_deref(),
        request: &asked.request,
        client,
        readings: &asked.readings,
    };
    let answered = AssertUnwindSafe(odata::get(source, call, notes)).catch_unwind();
    match answered.await {
        Ok(answered) => answered.unwrap_or_else(IntoResponse::into_response),
        Err(panic) => problem::from_panic(&*panic),
    }
}

/// The length goes, too: in a batch, readers would look for as many bytes.
fn without_body(mut response: Response) -> Response {
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.map(|_| Body::empty())
}

fn failed_dependency() -> Problem {
    Problem::new(
        StatusCode::FAILED_DEPENDENCY,
        "FailedDependency",
        "This request was not asked, because one that it depends on (`dependsOn`) has failed. See the answer to that one.",
    )
}

/// As [`heartbeat`](super::super::heartbeat) has it within answers.
const SILENCE_MAX: Duration = Duration::from_secs(25);
