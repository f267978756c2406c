//! Why upstream gave no answer.

use std::time::Duration;

use humantime::{FormattedDuration, format_duration};

use super::Spent;
use crate::transport::TransportFault;

/// A question that upstream did not answer, after all retries.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Upstream understood the question and refused it (400, 404, 501, …): the client's matter.
    #[error("upstream refused the query with status {}", .0.status)]
    Refused(Refusal),
    /// No token, or a token that was refused twice (401), or no permission (403).
    #[error("upstream did not accept the credentials: {explanation}")]
    Credentials {
        /// What happened, and what the administrator can do, in a sentence or two without secrets.
        explanation: String,
    },
    /// An answer that is not OData.
    #[error("upstream sent a response that cannot be used")]
    BadResponse(#[source] BadResponse),
    /// 429, or a paused lane, until the retry budget was used up.
    #[error("upstream was busy for {}{}", rounded(*waited), spent.aside())]
    Busy {
        /// Time spent on failed attempts and pauses.
        waited: Duration,
        /// What it was spent on.
        spent: Box<Spent>,
        /// When upstream wants to be asked again.
        retry_after: Duration,
    },
    /// The queue of the customer's lane was full.
    #[error("{queued} requests wait for upstream already")]
    QueueFull {
        /// How many wait, first pages or not.
        queued: usize,
    },
    /// No connection, or 5xx until the retry budget was used up.
    #[error("upstream was unavailable for {}{}{}", rounded(*waited), spent.aside(), behind_colon(cause.as_deref()))]
    Unavailable {
        /// The last status, when there was one.
        status: Option<u16>,
        /// Without a status, what kept us from one.
        fault: Option<TransportFault>,
        /// What the layers below said of the last attempt, without addresses.
        cause: Option<String>,
        /// Time spent on failed attempts and pauses.
        waited: Duration,
        /// What it was spent on.
        spent: Box<Spent>,
        /// When to ask again.
        retry_after: Duration,
    },
    /// Upstream gave up on a query for which the asker has a smaller one. Not for clients: whoever says that a query
    /// is divisible, asks again or hands out the cause.
    #[error("upstream gave up on the query")]
    TooHeavy(#[source] Box<Self>),
    /// No answer within the page timeout, three times or until the retry budget was used up.
    #[error("upstream gave no answer within {}{}", rounded(*timeout), spent.aside())]
    Timeout {
        /// The page timeout.
        timeout: Duration,
        /// What the retry budget was spent on.
        spent: Box<Spent>,
    },
}

impl FetchError {
    /// The status that upstream answered with in the end, when it is known: there may have been several attempts, or none
    /// that was answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            Self::BadResponse(
                BadResponse::Redirect { status } | BadResponse::Status { status },
            ) => Some(*status),
            Self::Busy { spent, .. } => {
                Some(TOO_MANY).filter(|status| spent.statuses.contains_key(status))
            }
            Self::Unavailable { status, .. } => *status,
            Self::TooHeavy(cause) => cause.status(),
            Self::Credentials { .. }
            | Self::BadResponse(_)
            | Self::QueueFull { .. }
            | Self::Timeout { .. } => None,
        }
    }
}

fn behind_colon(cause: Option<&str>) -> String {
    cause.map(|cause| format!(": {cause}")).unwrap_or_default()
}

/// A duration for people, in whole seconds and not less than one: nobody needs the rest.
pub(crate) fn rounded(duration: Duration) -> FormattedDuration {
    format_duration(Duration::from_secs(duration.as_secs().max(1)))
}

/// Upstream's own refusal, to be passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// Upstream's error code, when its body had one.
    pub code: Option<String>,
    /// Upstream's message, when its body had one.
    pub message: Option<String>,
}

/// What is wrong with a response.
#[derive(Debug, thiserror::Error)]
pub enum BadResponse {
    /// HTML where JSON or XML was due: a log-on page, a block page of a company proxy.
    #[error("an HTML page instead of data")]
    Html,
    /// A redirect, which is never followed because credentials would go with it.
    #[error("a redirect (status {status})")]
    Redirect {
        /// The status.
        status: u16,
    },
    /// A body larger than the limit.
    #[error("a page larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A status that has no meaning here.
    #[error("an unexpected status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// Text that is not the JSON or XML that it should be.
    #[error("a malformed body: {reason}")]
    Malformed {
        /// What the parser said; never the body itself.
        reason: String,
    },
    /// A next link that leads to a page that was read before.
    #[error("a next link that leads back to a page already read")]
    Loop,
    /// A next link that does not continue this collection.
    #[error("a next link that does not continue this collection: {reason}")]
    ForeignLink {
        /// In what it differs.
        reason: String,
    },
    /// A later page that belongs to another collection or projection.
    #[error("a page whose context differs from the first page's")]
    ContextChanged,
    /// Rows that were asked for by date, and cannot be what was asked for.
    #[error("rows by date that are not as they were asked for: {reason} (see `scans.range_never`)")]
    DateWalk {
        /// In what way.
        reason: String,
    },
    /// Fewer rows than upstream counts.
    #[error("{came} rows where upstream counts {counted} (see `scans.range_never`)")]
    Incomplete {
        /// Rows that upstream counts.
        counted: u64,
        /// Rows that came.
        came: u64,
    },
    /// More pages than the limit.
    #[error("more than {limit} pages")]
    TooManyPages {
        /// The limit.
        limit: u64,
    },
}

/// How upstream says that it is busy.
const TOO_MANY: u16 = 429;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_known_where_upstream_has_answered() {
        let busy = |statuses: &[u16]| FetchError::Busy {
            waited: Duration::ZERO,
            spent: Box::new(Spent {
                statuses: statuses.iter().map(|status| (*status, 1)).collect(),
                ..Spent::default()
            }),
            retry_after: Duration::ZERO,
        };
        let unavailable = |status| FetchError::Unavailable {
            status,
            fault: None,
            cause: None,
            waited: Duration::ZERO,
            spent: Box::default(),
            retry_after: Duration::ZERO,
        };
        for (error, expected) in [
            (busy(&[429, 503]), Some(429)),
            (busy(&[]), None),
            (unavailable(Some(502)), Some(502)),
            (unavailable(None), None),
            (
                FetchError::TooHeavy(Box::new(unavailable(Some(504)))),
                Some(504),
            ),
            (
                FetchError::BadResponse(BadResponse::Redirect { status: 302 }),
                Some(302),
            ),
            (FetchError::BadResponse(BadResponse::Html), None),
            (FetchError::QueueFull { queued: 5 }, None),
        ] {
            assert_eq!(error.status(), expected, "{error:?}");
        }
    }

    #[test]
    fn durations_are_short() {
        let check = |millis: u64, expected: &str| {
            let error = FetchError::Busy {
                waited: Duration::from_millis(millis),
                spent: Box::default(),
                retry_after: Duration::ZERO,
            };
            assert_eq!(
                error.to_string(),
                format!("upstream was busy for {expected}")
            );
        };
        check(7, "1s");
        check(123_045, "2m 3s");
        check(3_600_999, "1h");
    }
}
