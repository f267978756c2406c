//! One request of a batch.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use super::super::problem::Problem;
use super::target::Target;

/// One request of a batch, as it was read.
#[derive(Debug, Default)]
pub(crate) struct Item {
    /// `id`, or `Content-ID`: comes back with the answer.
    pub id: Option<String>,
    /// `atomicityGroup`; comes back, too.
    pub group: Option<String>,
    /// Those before it, by `id` or `atomicityGroup`, that must have gone well.
    pub depends_on: Vec<String>,
    /// The request.
    pub request: Request,
}

/// What is asked in one request of a batch.
#[derive(Debug)]
pub(crate) enum Request {
    /// This, if its URL leads somewhere.
    Inner(Inner),
    /// Something that has its answer already.
    Refused(Problem),
}

/// An HTTP request within a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inner {
    /// Its method.
    pub method: Method,
    /// Its URL, as it was written.
    pub url: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; empty for a GET.
    pub body: Bytes,
}

/// One request of a batch, and what is to be asked for it.
#[derive(Debug)]
pub(crate) struct Planned {
    /// What of it comes back.
    pub label: Label,
    /// See [`Item::depends_on`].
    pub depends_on: Vec<String>,
    /// Where to ask, or the answer.
    pub target: Result<Target, Problem>,
}

/// What of a request comes back with its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Label {
    /// See [`Item::id`].
    pub id: Option<String>,
    /// See [`Item::group`].
    pub group: Option<String>,
}

impl Default for Request {
    fn default() -> Self {
        Self::Refused(refusal("It is empty."))
    }
}

impl Item {
    /// The same with what `locate` makes of its request.
    pub(crate) fn planned(self, locate: impl FnOnce(Inner) -> Result<Target, Problem>) -> Planned {
        Planned {
            target: match self.request {
                Request::Inner(inner) => locate(inner),
                Request::Refused(problem) => Err(problem),
            },
            label: Label {
                id: self.id,
                group: self.group,
            },
            depends_on: self.depends_on,
        }
    }
}

/// A request that cannot be read, and why.
pub(crate) fn refusal(why: &str) -> Problem {
    let message = format!("This request of the batch cannot be read. {why}");
    Problem::new(StatusCode::BAD_REQUEST, "InvalidRequest", message)
}

/// Requests that stand together because they write.
pub(crate) fn writes_together() -> Problem {
    Problem {
        message: "This service is read-only, so it takes no change sets and no atomicity groups. Send reads on their own."
            .into(),
        ..Problem::method_not_allowed(Some(METHODS))
    }
}

/// What may be done within a batch; POST only to `$query`.
pub(crate) const METHODS: &str = "GET, HEAD";
