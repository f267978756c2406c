//! Why a batch cannot be read as a whole. What is wrong with one request of it is said in the answer to that one.

use http::StatusCode;

use super::super::problem::Problem;
use super::ITEMS_MAX;

/// What is wrong with a batch. What the client wrote stays out of its words, which are logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BatchError {
    /// More requests than [`ITEMS_MAX`].
    #[error("it holds more than {ITEMS_MAX} requests")]
    TooMany,
    /// No `boundary` of 1 to 70 bytes in the type.
    #[error("its Content-Type names no boundary")]
    NoBoundary,
    /// No line is a delimiter.
    #[error("its boundary is not found in it")]
    NoDelimiter,
    /// No line is the last delimiter: the rest was lost on the way, or forgotten.
    #[error("its last delimiter is missing")]
    NoEnd,
    /// Not the JSON that it should be.
    #[error("it is not the JSON of a batch")]
    Json {
        /// What was expected where; for the client alone.
        reason: String,
    },
    /// Two requests of one name.
    #[error("two of its requests have the same `id`, or one has that of an `atomicityGroup`")]
    SameId,
    /// A name in `dependsOn` that no request before it has.
    #[error("a `dependsOn` names no request before it")]
    UnknownDependency,
}

impl From<&BatchError> for Problem {
    fn from(error: &BatchError) -> Self {
        let advice = match error {
            BatchError::TooMany => "Send them in several batches.".to_owned(),
            BatchError::NoBoundary => {
                "Write `Content-Type: multipart/mixed; boundary=…`, with 1 to 70 characters."
                    .to_owned()
            }
            BatchError::NoDelimiter => {
                "Begin each part with a line of `--` and the boundary of the `Content-Type`."
                    .to_owned()
            }
            BatchError::NoEnd => {
                "End the batch with a line of `--`, the boundary, and `--`.".to_owned()
            }
            BatchError::Json { reason } => format!("The reader says: {reason}."),
            BatchError::SameId => "Give each request an `id` of its own.".to_owned(),
            BatchError::UnknownDependency => {
                "Name the `id` or `atomicityGroup` of requests that stand before.".to_owned()
            }
        };
        let message =
            format!("The batch cannot be read, so nothing of it was done: {error}. {advice}");
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequest", message)
    }
}
