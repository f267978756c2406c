//! Why there is no token, in words for programs and for administrators.

use std::sync::Arc;
use std::time::Duration;

use crate::telemetry::chain;
use crate::transport::TransportError;

/// Why there is no token. Holds no secret, so it may be shown and logged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TokenError {
    /// The endpoint names an OAuth2 error (RFC 6749, section 5.2), whatever its status.
    #[error("the token endpoint refused the API client: `{code}`")]
    Refused {
        /// The error code, `invalid_client` for instance; at most 100 characters.
        code: String,
        /// The endpoint's description, at most 300 characters, in which the secret is blacked out.
        description: Option<String>,
    },
    /// Another status than success, without an OAuth2 error.
    #[error("the token endpoint answered with status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// Success, without a token in it.
    #[error("the token endpoint's answer is no token: {reason}")]
    NotToken {
        /// What it is instead.
        reason: &'static str,
    },
    /// The data service refused two new tokens in a row.
    #[error("the service refuses newly issued tokens")]
    Rejected,
    /// The endpoint was not reached, or its answer was cut.
    #[error("the token endpoint was not reached")]
    Transport(#[source] Arc<TransportError>),
    /// No answer in time.
    #[error("the token endpoint gave no answer within {}", humantime::format_duration(*timeout))]
    Timeout {
        /// The limit.
        timeout: Duration,
    },
    /// The program is stopping.
    #[error("no tokens are requested any more because the program is stopping")]
    Stopping,
}

impl TokenError {
    /// What happened and what an administrator can do about it, in two or three sentences.
    pub fn explanation(&self) -> String {
        format!("{}. {}", self.happening(), self.hint())
    }

    /// What happened, in a sentence without its full stop.
    pub fn happening(&self) -> String {
        match self {
            Self::Refused { code, description } => {
                let said = description
                    .as_ref()
                    .map_or_else(String::new, |text| format!(" ({text})"));
                format!("Citrix Cloud refused the API client: {code}{said}")
            }
            Self::Status { status } => format!("The token endpoint answered with status {status}"),
            Self::NotToken { reason } => {
                format!("The token endpoint's answer is no token but {reason}")
            }
            Self::Rejected => {
                "The token endpoint issues tokens, but the data service refuses them".to_owned()
            }
            Self::Transport(error) => {
                let error: &TransportError = error;
                format!("The token endpoint was not reached: {}", chain(error))
            }
            Self::Timeout { timeout } => format!(
                "The token endpoint gave no answer within {}",
                humantime::format_duration(*timeout)
            ),
            Self::Stopping => "The program is stopping".to_owned(),
        }
    }

    /// What an administrator can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Refused { .. } => CLIENT_HINT,
            Self::Status { status } => status_hint(*status),
            Self::NotToken { .. } => PROXY_HINT,
            Self::Rejected => CUSTOMER_HINT,
            Self::Transport(error) => error.fault.hint(),
            Self::Timeout { .. } => {
                "Check the network, the firewall and the proxy settings of this machine."
            }
            Self::Stopping => "Start it again.",
        }
    }

    /// Whether asking again soon may help: the endpoint was busy, failing or out of reach.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Status { status } => matches!(status, 408 | 429 | 500..),
            Self::Transport(_) | Self::Timeout { .. } => true,
            Self::Refused { .. } | Self::NotToken { .. } | Self::Rejected | Self::Stopping => false,
        }
    }
}

fn status_hint(status: u16) -> &'static str {
    match status {
        400 | 401 => CLIENT_HINT,
        403 => CUSTOMER_HINT,
        404 => {
            "Check the region or the endpoint, and the customer id: they are parts of the endpoint's address."
        }
        407 => "The company proxy wants a log-on: put it into the proxy settings of this machine.",
        300..=399 => PROXY_HINT,
        429 => "Too many requests are made with this customer's API clients. Wait a few minutes.",
        500.. => {
            "Citrix Cloud has a problem. Look at https://status.cloud.com, and try again later."
        }
        _ => "Check the region or the endpoint.",
    }
}

const CLIENT_HINT: &str = "Check the client id and the client secret. The secret may have expired, or belong to another client: make a new one in Citrix Cloud under Identity and Access Management, API Access.";

const CUSTOMER_HINT: &str = "Check that the customer id is the one of the API client, that the region is the customer's, and that the client's administrator has at least the role Read Only Administrator.";

const PROXY_HINT: &str = "A proxy or a log-on page between this machine and Citrix Cloud may have answered in its place: check the proxy settings and the endpoint.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::TransportFault;

    #[test]
    fn explanations_say_what_to_do() {
        let check = |error: TokenError, hint: &str| {
            let text = error.explanation();
            assert!(text.contains(hint) && text.ends_with('.'), "{text}");
        };
        let refused = |description: Option<&str>| TokenError::Refused {
            code: "invalid_client".to_owned(),
            description: description.map(str::to_owned),
        };
        check(refused(None), "client secret");
        check(refused(Some("no such client")), "(no such client)");
        check(TokenError::Status { status: 404 }, "region");
        check(TokenError::Status { status: 407 }, "company proxy");
        check(TokenError::Status { status: 503 }, "later");
        check(TokenError::NotToken { reason: "HTML" }, "log-on page");
        check(TokenError::Rejected, "customer id");
        let fault = |fault| {
            TokenError::Transport(Arc::new(TransportError {
                fault,
                source: "because".into(),
            }))
        };
        check(fault(TransportFault::Dns), "resolve");
        check(fault(TransportFault::Tls), "certificate store");
        check(fault(TransportFault::Connect), "no connection: because");
    }
}
