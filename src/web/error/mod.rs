//! The only place where an error becomes a status, a code and words.
//!
//! The words are read by an administrator in Power BI's error dialog: first what happened, then what to do.
//! [`upstream`] has the errors of that side. 401 and 403 are never used, because Power Query takes them for a
//! question about *its* credentials.
//!
//! Trouble upstream is 502, 503 or 504, whatever Citrix said: Power BI retries some of these, and asks the user for a password
//! on others.

mod upstream;

use http::StatusCode;

use super::problem::{Problem, either};
use super::refusal::Refusal;
use crate::gateway::AnswerError;
use crate::odata::question::ParseError;

impl From<&AnswerError> for Problem {
    fn from(error: &AnswerError) -> Self {
        match error {
            AnswerError::Invalid(cause) => cause.into(),
            AnswerError::InvalidOption { reason } => {
                let reason = reason.trim_end_matches('.');
                let message = format!("The query cannot be read: {reason}.");
                Self::new(StatusCode::BAD_REQUEST, "InvalidRequest", message)
            }
            AnswerError::UnknownSite { site } => {
                let message = format!("There is no site `{site}`. `/` lists those that there are.");
                Self::new(StatusCode::NOT_FOUND, "NotFound", message)
            }
            AnswerError::Blocked { set } => {
                let message = format!(
                    "`{set}` is not offered, because its rows can carry secrets. Leave it out of the query; \
                     if it is needed, the administrator can take it off the list `sets.deny`."
                );
                Self::new(StatusCode::NOT_FOUND, "EntitySetBlocked", message)
            }
            AnswerError::UnknownSet { set, near } => {
                let message = format!("There is no entity set `{set}`. {}", suggestion(near));
                Self::new(StatusCode::NOT_FOUND, "NotFound", message)
            }
            AnswerError::NoSuchEntity { set, key } => {
                let message = format!(
                    "No row of `{set}` has the key `{key}`. Check the key; Citrix also removes old rows."
                );
                Self::new(StatusCode::NOT_FOUND, "NotFound", message)
            }
            AnswerError::Unsupported { what } => {
                let message = format!(
                    "This server does not support {what}. Ask for an entity set with `$filter`, `$select`, \
                     `$expand`, `$orderby`, `$top`, `$skip` or `$count`."
                );
                Self::new(StatusCode::NOT_IMPLEMENTED, "NotSupported", message)
            }
            AnswerError::NotStored => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "NotStored",
                "There is no stored answer, and the client wants no other (`Cache-Control: only-if-cached`). Ask \
                 without this directive.",
            ),
            AnswerError::Fetch(cause) => cause.into(),
            AnswerError::Interrupted => Self {
                retry_after: Some(RETRY_WHEN_STOPPING),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "UpstreamUnavailable",
                    "The answer was interrupted, because the proxy is stopping or its temporary file cannot be read. \
                     Try again; the log has more.",
                )
            },
        }
    }
}

impl From<&ParseError> for Problem {
    fn from(error: &ParseError) -> Self {
        let advice = match error {
            ParseError::PercentEncoding { .. } => {
                "Write `%` as `%25`, and other characters in UTF-8."
            }
            ParseError::Duplicate { .. } => "Give each option once.",
            ParseError::DotSegment { .. } => "Write the path without `.` and `..`.",
            ParseError::ControlCharacter => {
                "Write the path without line breaks, tabs and the like."
            }
            ParseError::TooLong { .. } => {
                "Shorten the query, for example with fewer values in `$filter`."
            }
        };
        // A value stays out of the error's own words, which are logged.
        let quoted = match error {
            ParseError::PercentEncoding { text } => format!(" in `{text}`"),
            ParseError::Duplicate { .. }
            | ParseError::DotSegment { .. }
            | ParseError::ControlCharacter
            | ParseError::TooLong { .. } => String::new(),
        };
        let message = format!("The URL cannot be read: {error}{quoted}. {advice}");
        let is_long = matches!(error, ParseError::TooLong { .. });
        Self {
            refusal: is_long.then_some(Refusal::QuestionTooLong),
            ..Self::new(StatusCode::BAD_REQUEST, "InvalidRequest", message)
        }
    }
}

fn suggestion(near: &[String]) -> String {
    if near.is_empty() {
        return "The service document lists those that there are.".to_owned();
    }
    let names: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
    format!("Did you mean {}?", either(&names))
}

const RETRY_WHEN_STOPPING: u64 = 10;

#[cfg(test)]
mod table;
