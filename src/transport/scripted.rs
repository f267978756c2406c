//! A transport for tests: answers from a script, and remembers what was sent.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream;
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::time::Instant;

use super::{ResponseBody, Transport, TransportError, TransportFault};

/// Answers requests with `POST` from one script (the token endpoint's) and all others from another. At a
/// script's end, every `POST` yields a fresh token (`t1`, `t2`, …) for one hour and every other request an
/// empty collection.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    tokens: Mutex<VecDeque<Reply>>,
    data: Mutex<VecDeque<Reply>>,
    sent: Mutex<Vec<Sent>>,
}

/// A request as it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    pub(crate) request: Request<Bytes>,
}

impl Sent {
    /// A header's text; empty when it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.request.headers().get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

/// One answer of the script.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    head_after: Duration,
    fault: Option<TransportFault>,
    cut: bool,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            head_after: Duration::ZERO,
            fault: None,
            cut: false,
        }
    }

    /// No answer but a failure.
    pub(crate) fn fault(fault: TransportFault) -> Self {
        Self {
            fault: Some(fault),
            ..Self::new(500, "")
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The head comes after so long.
    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.head_after = delay;
        self
    }

    /// The body ends with a failure.
    pub(crate) fn cut(mut self) -> Self {
        self.cut = true;
        self
    }

    fn into_response(self) -> Response<ResponseBody> {
        let mut frames = vec![Ok(Frame::data(self.body))];
        if self.cut {
            frames.push(Err(failure(TransportFault::Cut)));
        }
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let body = StreamBody::new(stream::iter(frames));
        response.body(body.boxed_unsync()).unwrap()
    }
}

impl Scripted {
    pub(crate) fn new(
        tokens: impl IntoIterator<Item = Reply>,
        data: impl IntoIterator<Item = Reply>,
    ) -> Self {
        Self {
            tokens: Mutex::new(tokens.into_iter().collect()),
            data: Mutex::new(data.into_iter().collect()),
            sent: Mutex::default(),
        }
    }

    /// Requests to the token endpoint so far.
    pub(crate) fn token_requests(&self) -> Vec<Sent> {
        self.sent_with(|method| method == Method::POST)
    }

    /// Requests for data so far.
    pub(crate) fn data_requests(&self) -> Vec<Sent> {
        self.sent_with(|method| method != Method::POST)
    }

    fn sent_with(&self, wanted: impl Fn(&Method) -> bool) -> Vec<Sent> {
        let sent = self.sent.lock().unwrap();
        let wanted = sent.iter().filter(|sent| wanted(sent.request.method()));
        wanted.cloned().collect()
    }

    fn next(&self, request: Request<Bytes>) -> Reply {
        let for_token = request.method() == Method::POST;
        self.sent.lock().unwrap().push(Sent {
            at: Instant::now(),
            request,
        });
        let script = if for_token { &self.tokens } else { &self.data };
        let scripted = script.lock().unwrap().pop_front();
        scripted.unwrap_or_else(|| {
            if for_token {
                let count = self.token_requests().len();
                token(&format!("t{count}"), 3600)
            } else {
                Reply::new(200, r#"{"value":[]}"#)
            }
        })
    }
}

/// The token endpoint's answer in Citrix's form.
pub(crate) fn token(token: &str, seconds: u32) -> Reply {
    let body =
        format!(r#"{{"token_type":"bearer","access_token":"{token}","expires_in":"{seconds}"}}"#);
    Reply::new(200, body)
}

fn failure(fault: TransportFault) -> TransportError {
    TransportError {
        fault,
        source: "scripted".into(),
    }
}

impl Transport for Scripted {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<ResponseBody>, TransportError>> {
        let reply = self.next(request);
        async move {
            tokio::time::sleep(reply.head_after).await;
            match reply.fault {
                Some(fault) => Err(failure(fault)),
                None => Ok(reply.into_response()),
            }
        }
        .boxed()
    }
}

/// A transport for tests that answers data requests by a function of the target below the host, decoded: the path
/// and what stands behind the `?`. Every `POST` yields a token.
pub(crate) struct Answering<F>(pub(crate) F);

impl<F> std::fmt::Debug for Answering<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answering")
    }
}

impl<F: Fn(&str, &str) -> Reply + Send + Sync> Transport for Answering<F> {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<ResponseBody>, TransportError>> {
        let reply = if request.method() == Method::POST {
            token("t", 3600)
        } else {
            let query = request.uri().query().unwrap_or_default();
            let query = percent_encoding::percent_decode_str(query);
            (self.0)(request.uri().path(), &query.decode_utf8().unwrap())
        };
        async move { Ok(reply.into_response()) }.boxed()
    }
}
