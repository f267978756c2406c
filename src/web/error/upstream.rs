//! What clients are told when upstream gave no answer.

use std::time::Duration;

use http::StatusCode;

use crate::transport::TransportFault;
use crate::upstream::{BadResponse, FetchError, Refusal, Spent, rounded};
use crate::web::problem::Problem;

impl From<&FetchError> for Problem {
    fn from(error: &FetchError) -> Self {
        match error {
            FetchError::Refused(refusal) => refusal.into(),
            FetchError::Credentials { explanation } => {
                let status = StatusCode::BAD_GATEWAY;
                let message = sentence(explanation);
                Self::new(status, "UpstreamCredentials", message)
            }
            FetchError::BadResponse(cause) => cause.into(),
            FetchError::Busy {
                waited,
                spent,
                retry_after,
            } => {
                let waited = rounded(*waited);
                let spent = spent.aside();
                let message = format!(
                    "Citrix Cloud was too busy for this customer for {waited}{spent}, and the proxy gave up waiting. \
                     Try again later, and let fewer reports refresh at the same time."
                );
                busy(message, *retry_after)
            }
            FetchError::QueueFull { queued } => {
                let waiting = match queued {
                    0 => "no query may wait for its turn".to_owned(),
                    1 => "1 query waits, and no more may".to_owned(),
                    queued => format!("{queued} queries wait, and no more may"),
                };
                let message = format!(
                    "The queue for Citrix Cloud is full: {waiting} (`upstream.queue_limit`). Try again later, or have \
                     the administrator raise this limit."
                );
                busy(message, RETRY_WHEN_FULL)
            }
            FetchError::Unavailable {
                status,
                fault,
                cause: _,
                waited,
                spent,
                retry_after,
            } => Self {
                retry_after: Some(seconds(*retry_after)),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "UpstreamUnavailable",
                    unavailable(*status, *fault, *waited, spent),
                )
            },
            FetchError::TooHeavy(cause) => (&**cause).into(),
            FetchError::Timeout { timeout, spent } => {
                let message = format!(
                    "Citrix Cloud did not answer within {}{}. Ask for less at once, with `$filter` on a shorter \
                     time or with `$select`, or have the administrator raise `upstream.page_timeout`.",
                    rounded(*timeout),
                    spent.aside()
                );
                Self::new(StatusCode::GATEWAY_TIMEOUT, "UpstreamTimeout", message)
            }
        }
    }
}

/// Upstream's own words, when it had any. Only the statuses of a wrong question are passed on.
impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        let (status, code) = match refusal.status {
            404 => (StatusCode::NOT_FOUND, "NotFound"),
            501 => (StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
            _ => (StatusCode::BAD_REQUEST, "BadRequest"),
        };
        let said = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let message = said(&refusal.message).unwrap_or_else(|| {
            format!(
                "Citrix refused the query with status {} and did not say why. Check the names and options in \
                 the URL against `$metadata`.",
                refusal.status
            )
        });
        let code = said(&refusal.code).unwrap_or_else(|| code.to_owned());
        Self::new(status, code, message)
    }
}

impl From<&BadResponse> for Problem {
    fn from(error: &BadResponse) -> Self {
        let advice = match error {
            BadResponse::Html => {
                "Something on the way answered in its place, such as a company proxy or a log-on page. Let \
                 the proxy's machine reach Citrix Cloud directly, and run `citrix-odata-proxy check`."
            }
            BadResponse::Redirect { .. } => {
                "Redirects are not followed, because credentials would go with them. Check \
                 `upstream.endpoint` and `region`, and what stands between here and Citrix Cloud."
            }
            BadResponse::TooLarge { .. } => {
                "Ask for fewer columns with `$select`, or for less with `$expand`."
            }
            BadResponse::Status { .. } => {
                "Check `upstream.endpoint` and `region`, and run `citrix-odata-proxy check`."
            }
            BadResponse::Malformed { .. } => {
                "Try again; if it stays so, run `citrix-odata-proxy check`."
            }
            BadResponse::Loop | BadResponse::ForeignLink { .. } | BadResponse::ContextChanged => {
                "The answer cannot be completed, so nothing of it is given. Try again, or ask for less at \
                 once with `$filter`."
            }
            BadResponse::Incomplete { .. } | BadResponse::DateWalk { .. } => {
                "Try again; if it stays so, have the administrator add the set to `scans.range_never`, so that it \
                 is not walked by date."
            }
            BadResponse::TooManyPages { .. } => {
                "Ask for less at once, with `$filter` on a shorter time."
            }
        };
        let message = format!("Citrix Cloud's answer cannot be used: {error}. {advice}");
        Self::new(StatusCode::BAD_GATEWAY, "UpstreamBadResponse", message)
    }
}

fn busy(message: String, retry_after: Duration) -> Problem {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    Problem {
        retry_after: Some(seconds(retry_after)),
        ..Problem::new(status, "UpstreamBusy", message)
    }
}

fn unavailable(
    status: Option<u16>,
    fault: Option<TransportFault>,
    waited: Duration,
    spent: &Spent,
) -> String {
    let waited = format!("{}{}", rounded(waited), spent.aside());
    if let Some(status) = status {
        return format!(
            "Citrix Cloud answered with status {status} for {waited}. Try again later; \
             https://status.cloud.com tells of outages."
        );
    }
    let (what, advice) = match fault {
        Some(TransportFault::Dns) => (
            "its host name could not be resolved",
            "Check the machine's DNS, and `region` or `upstream.endpoint`.",
        ),
        Some(TransportFault::Connect) => (
            "no connection could be made",
            "Check the network, the firewall and the proxy settings of the machine.",
        ),
        Some(TransportFault::Tls) => (
            "no trusted TLS session could be made",
            "If a company proxy inspects TLS, install its root certificate in the machine's certificate store.",
        ),
        Some(TransportFault::Cut) => (
            "its answers stopped before their end",
            "Check the network and any proxy on the way.",
        ),
        Some(TransportFault::Other) | None => (
            "it could not be asked",
            "The proxy's log, and the last error on its page, have more.",
        ),
    };
    format!(
        "Citrix Cloud was not reachable for {waited}: {what}. {advice} `citrix-odata-proxy check` tests each step."
    )
}

/// Begins with a capital and ends with a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    let end = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{}{}{end}", first.unwrap_or_default(), letters.as_str())
}

/// What Power Query honours: whole seconds, from 1 to 120.
fn seconds(retry_after: Duration) -> u64 {
    let up = u64::from(retry_after.subsec_nanos() > 0);
    retry_after.as_secs().saturating_add(up).clamp(1, 120)
}

const RETRY_WHEN_FULL: Duration = Duration::from_secs(30);
