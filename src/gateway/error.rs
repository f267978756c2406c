//! Why a question has no answer.

use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Failure, Progress};
use crate::odata::question::ParseError;
use crate::upstream::{BadResponse, FetchError};

/// An error that all who wait for one answer share.
pub type SharedError = Arc<AnswerError>;

/// A question without an answer, and what became of it on the way.
#[derive(Debug, Clone)]
pub struct Unanswered {
    /// Why there is no answer.
    pub error: SharedError,
    /// What upstream did until then, if it was asked.
    pub upstream: Option<Arc<Progress>>,
}

impl From<SharedError> for Unanswered {
    fn from(error: SharedError) -> Self {
        Self {
            error,
            upstream: None,
        }
    }
}

impl From<AnswerError> for Unanswered {
    fn from(error: AnswerError) -> Self {
        SharedError::from(error).into()
    }
}

/// Why a question has no answer. `web` turns each into a status and a body.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The URL cannot be read.
    #[error("the URL cannot be read")]
    Invalid(#[from] ParseError),
    /// A system query option or key that we must understand and cannot.
    #[error("{reason}")]
    InvalidOption {
        /// What is wrong and how to write it.
        reason: String,
    },
    /// No site of that name.
    #[error("no site `{site}`")]
    UnknownSite {
        /// The name as asked.
        site: String,
    },
    /// The set is on the deny list, or the question crosses into such a set.
    #[error("entity set `{set}` is blocked")]
    Blocked {
        /// The set, or the navigation property that leads to it, as the client wrote it.
        set: String,
    },
    /// `$metadata` has no such set.
    #[error("no such entity set")]
    UnknownSet {
        /// The name as asked; for the client alone, because anything may stand there.
        set: String,
        /// Names that are close.
        near: Vec<String>,
    },
    /// The set has no row with that key.
    #[error("no row of `{set}` has that key")]
    NoSuchEntity {
        /// The set.
        set: String,
        /// The key as asked; for the client alone, because it may be a person's name.
        key: String,
    },
    /// Something that this server does not do.
    #[error("{what} is not supported")]
    Unsupported {
        /// What.
        what: &'static str,
    },
    /// The client wants a stored answer or none, and there is none (RFC 9111, section 5.2.1.7).
    #[error("no stored answer, and the client wants no other")]
    NotStored,
    /// Upstream gave no answer.
    #[error("upstream gave no answer")]
    Fetch(#[from] FetchError),
    /// The answer ended before it was whole, and not for upstream's sake.
    #[error(
        "interrupted, because the program is stopping, a temporary file cannot be read, or this client stood still while \
         others waited"
    )]
    Interrupted,
}

impl AnswerError {
    /// Whether something is wrong, as opposed to a question that has no answer.
    pub fn is_trouble(&self) -> bool {
        match self {
            Self::Fetch(error) => !matches!(error, FetchError::Refused(_)),
            Self::Interrupted
            | Self::Invalid(_)
            | Self::InvalidOption { .. }
            | Self::UnknownSite { .. }
            | Self::Blocked { .. }
            | Self::UnknownSet { .. }
            | Self::NoSuchEntity { .. }
            | Self::NotStored
            | Self::Unsupported { .. } => false,
        }
    }

    /// The status that upstream answered with in the end, when it is known.
    pub(super) fn upstream_status(&self) -> Option<u16> {
        match self {
            Self::Fetch(error) => error.status(),
            _ => None,
        }
    }

    /// Whether upstream said that there is no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Fetch(FetchError::Refused(refusal)) if refusal.status == 404)
    }
}

impl Failure for SharedError {
    fn interrupted() -> Self {
        AnswerError::Interrupted.into()
    }

    fn is_trouble(&self) -> bool {
        // An answer that was interrupted says nothing of what upstream has.
        AnswerError::is_trouble(self) || matches!(**self, AnswerError::Interrupted)
    }

    fn retry_after(&self) -> Option<Duration> {
        match &**self {
            AnswerError::Fetch(
                FetchError::Busy { retry_after, .. } | FetchError::Unavailable { retry_after, .. },
            ) => Some(*retry_after),
            _ => None,
        }
    }
}

/// An answer that upstream should not have given.
pub(super) fn malformed(reason: impl Into<String>) -> AnswerError {
    FetchError::BadResponse(BadResponse::Malformed {
        reason: reason.into(),
    })
    .into()
}
