//! What a response means: a pure function of its status, its headers and its body.

use std::borrow::Cow;
use std::time::Duration;

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, StatusCode};

use super::retry::{Failure, retry_after};
use super::{BadResponse, FetchError, Refusal, Spent};
use crate::auth::TokenError;
use crate::odata::error::UpstreamMessage;
use crate::telemetry::chain;
use crate::transport::TransportFault;

/// Why an attempt did not succeed.
#[derive(Debug)]
pub(super) enum Failed {
    /// Another attempt would not help.
    Final(FetchError),
    /// The token was refused: another one may help, once.
    Unauthorized(FetchError),
    /// Another attempt may help.
    Passing(Passing),
}

impl Failed {
    /// What is wrong, in a word or a status: for traces.
    pub(super) fn kind(&self) -> Cow<'static, str> {
        let error = match self {
            Self::Passing(passing) => return passing.failure.kind(),
            Self::Final(error) | Self::Unauthorized(error) => error,
        };
        match error {
            FetchError::Refused(refusal) => refusal.status.to_string().into(),
            FetchError::Credentials { .. } => "credentials".into(),
            FetchError::BadResponse(_) => "bad_response".into(),
            _ => "_OTHER".into(),
        }
    }
}

/// A failure that may pass.
#[derive(Debug)]
pub(super) struct Passing {
    pub(super) failure: Failure,
    /// The pause that upstream asked for.
    pub(super) asked_pause: Option<Duration>,
    /// What is wrong with an implausible body.
    pub(super) bad: Option<BadResponse>,
    /// What the layer below said; a status says enough by itself.
    pub(super) cause: Option<String>,
    /// Whether it was for want of a token: then it says nothing about the query.
    pub(super) at_token: bool,
}

impl Passing {
    pub(super) fn new(failure: Failure) -> Self {
        Self {
            failure,
            asked_pause: None,
            bad: None,
            cause: None,
            at_token: false,
        }
    }

    pub(super) fn fault(error: &crate::transport::TransportError) -> Self {
        Self {
            cause: Some(chain(error)),
            ..Self::new(Failure::Fault(error.fault))
        }
    }

    /// The error to hand out when there is no other attempt, or none of this kind. `spent` is what the answer's
    /// budget was spent on, with this failure.
    pub(super) fn into_error(self, spent: &Spent, timeout: Duration) -> FetchError {
        let asked = self.asked_pause.unwrap_or(RETRY_AFTER_DEFAULT);
        match (self.bad, self.failure) {
            (Some(bad), _) => FetchError::BadResponse(bad),
            (None, Failure::Status(429)) => busy(spent, asked),
            (None, Failure::Timeout) => FetchError::Timeout {
                timeout,
                spent: Box::new(spent.clone()),
            },
            (None, Failure::Status(status)) => unavailable(spent, asked, Err(status), self.cause),
            (None, Failure::Fault(fault)) => unavailable(spent, asked, Ok(fault), self.cause),
            (None, Failure::Implausible) => {
                unavailable(spent, asked, Ok(TransportFault::Other), self.cause)
            }
        }
    }
}

/// Upstream, or a stranger who shares the customer with us, wants us to stay away.
pub(super) fn busy(spent: &Spent, retry_after: Duration) -> FetchError {
    FetchError::Busy {
        waited: spent.time(),
        spent: Box::new(spent.clone()),
        retry_after: retry_after.clamp(RETRY_AFTER_MIN, RETRY_AFTER_MAX),
    }
}

fn unavailable(
    spent: &Spent,
    retry_after: Duration,
    last: Result<TransportFault, u16>,
    cause: Option<String>,
) -> FetchError {
    FetchError::Unavailable {
        status: last.err(),
        fault: last.ok(),
        cause,
        waited: spent.time(),
        spent: Box::new(spent.clone()),
        retry_after: retry_after.clamp(RETRY_AFTER_MIN, RETRY_AFTER_MAX),
    }
}

/// A body that was read, but makes no sense. Only a malformed or a foreign body may come right when it is
/// asked for again.
pub(super) fn bad(bad: BadResponse) -> Failed {
    match bad {
        BadResponse::Html | BadResponse::Malformed { .. } => Failed::Passing(Passing {
            cause: Some(bad.to_string()),
            bad: Some(bad),
            ..Passing::new(Failure::Implausible)
        }),
        bad => Failed::Final(FetchError::BadResponse(bad)),
    }
}

/// No credentials for an attempt. `spent` is what the answer's budget was spent on before.
pub(super) fn no_token(error: &TokenError, spent: &Spent) -> Failed {
    let passing = |failure, cause| {
        Failed::Passing(Passing {
            cause: Some(cause),
            at_token: true,
            ..Passing::new(failure)
        })
    };
    match error {
        TokenError::Transport(error) => passing(Failure::Fault(error.fault), chain(error)),
        TokenError::Timeout { .. } => passing(Failure::Timeout, error.to_string()),
        TokenError::Status { status } if error.is_transient() => {
            passing(Failure::Status(*status), error.to_string())
        }
        TokenError::Stopping => {
            let fault = Ok(TransportFault::Other);
            let cause = Some(error.to_string());
            Failed::Final(unavailable(spent, RETRY_AFTER_DEFAULT, fault, cause))
        }
        TokenError::Refused { .. }
        | TokenError::Status { .. }
        | TokenError::NotToken { .. }
        | TokenError::Rejected => Failed::Final(FetchError::Credentials {
            explanation: error.explanation(),
        }),
    }
}

/// Judges a response other than 200. `body` may be empty when it was too large or cut. What it says may quote
/// our credentials; `black_out` takes them out.
pub(super) fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    html: bool,
    black_out: impl Fn(&str) -> String,
) -> Failed {
    let mut said = UpstreamMessage::read(body);
    for words in [&mut said.code, &mut said.message] {
        *words = words.as_deref().map(&black_out);
    }
    let code = status.as_u16();
    match code {
        401 => Failed::Unauthorized(FetchError::Credentials {
            explanation: explained("refused the token (401)", said, TOKEN_HINT),
        }),
        403 if html => Failed::Final(FetchError::BadResponse(BadResponse::Html)),
        403 => Failed::Final(FetchError::Credentials {
            explanation: explained("denied access (403)", said, ROLE_HINT),
        }),
        300..=399 => {
            let redirect = BadResponse::Redirect { status: code };
            Failed::Final(FetchError::BadResponse(redirect))
        }
        408 | 429 | 500 | 502.. => Failed::Passing(Passing {
            asked_pause: asked_pause(headers, &said),
            // What it says may quote the query: not for the log.
            ..Passing::new(Failure::Status(code))
        }),
        // 407 is a proxy's and no matter of the client's.
        400..=406 | 409..=499 | 501 => Failed::Final(FetchError::Refused(Refusal {
            status: code,
            code: said.code,
            message: said.message,
        })),
        _ => Failed::Final(FetchError::BadResponse(BadResponse::Status {
            status: code,
        })),
    }
}

fn asked_pause(headers: &HeaderMap, said: &UpstreamMessage) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    text(RETRY_AFTER)
        .and_then(|value| retry_after(value, text(DATE)))
        .or(said.retry_delay)
}

fn explained(what: &str, said: UpstreamMessage, hint: &str) -> String {
    let said = said.message.map_or_else(String::new, |text| {
        format!(": {}", text.trim_end_matches('.'))
    });
    format!("The service {what}{said}. {hint}")
}

const TOKEN_HINT: &str = "A new token was refused too: check that the customer id is the one of the API client, and that the region is the customer's.";

const ROLE_HINT: &str = "The API client needs at least the role Read Only Administrator in Citrix Cloud, and the customer id must be the one that it belongs to.";

const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(30);

const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);

const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn judged(status: u16, body: &str, html: bool) -> String {
        let status = StatusCode::from_u16(status).unwrap();
        match judge(
            status,
            &HeaderMap::new(),
            body.as_bytes(),
            html,
            str::to_owned,
        ) {
            Failed::Final(FetchError::Credentials { explanation }) => explanation,
            Failed::Final(FetchError::BadResponse(bad)) => format!("bad: {bad}"),
            Failed::Final(FetchError::Refused(refusal)) => format!(
                "refused: {} {} {}",
                refusal.status,
                refusal.code.unwrap_or_default(),
                refusal.message.unwrap_or_default()
            ),
            Failed::Final(other) => format!("final: {other}"),
            Failed::Unauthorized(_) => "new token".to_owned(),
            Failed::Passing(passing) => format!("again: {:?}", passing.failure),
        }
    }

    #[test]
    fn every_status_has_a_meaning() {
        let body = r#"{"error":{"code":"C","message":"words."}}"#;
        let statuses = [
            204, 301, 304, 400, 401, 403, 404, 405, 406, 407, 408, 409, 410, 414, 429, 431, 500,
            501, 502, 503, 504, 520,
        ];
        let table = statuses.map(|status| format!("{status} {}", judged(status, body, false)));
        assert_snapshot!(table.join("\n"), @r"
        204 bad: an unexpected status 204
        301 bad: a redirect (status 301)
        304 bad: a redirect (status 304)
        400 refused: 400 C words.
        401 new token
        403 The service denied access (403): words. The API client needs at least the role Read Only Administrator in Citrix Cloud, and the customer id must be the one that it belongs to.
        404 refused: 404 C words.
        405 refused: 405 C words.
        406 refused: 406 C words.
        407 bad: an unexpected status 407
        408 again: Status(408)
        409 refused: 409 C words.
        410 refused: 410 C words.
        414 refused: 414 C words.
        429 again: Status(429)
        431 refused: 431 C words.
        500 again: Status(500)
        501 refused: 501 C words.
        502 again: Status(502)
        503 again: Status(503)
        504 again: Status(504)
        520 again: Status(520)
        ");
    }

    #[test]
    fn block_page_is_no_lack_of_permission() {
        assert_eq!(
            judged(403, "<html>", true),
            "bad: an HTML page instead of data"
        );
    }
}
