//! What went wrong and what to do, for failures on the way to the service.

use super::Suspect;
use crate::auth::TokenError;
use crate::telemetry::chain;
use crate::transport::{TransportError, TransportFault};
use crate::upstream::{BadResponse, FetchError};

/// What was found, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) detail: String,
    pub(super) remedy: String,
    pub(super) suspect: Option<Suspect>,
}

impl Finding {
    pub(super) fn new(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            remedy: remedy.into(),
            suspect: None,
        }
    }

    fn suspecting(self, suspect: Option<Suspect>) -> Self {
        Self { suspect, ..self }
    }
}

/// No token.
pub(super) fn of_token(error: &TokenError) -> Finding {
    let suspect = match error {
        TokenError::Refused { .. } | TokenError::Status { status: 400 | 401 } => {
            Some(Suspect::Client)
        }
        TokenError::Status { status: 403 | 404 } | TokenError::Rejected => Some(Suspect::Customer),
        TokenError::Status { .. }
        | TokenError::NotToken { .. }
        | TokenError::Transport(_)
        | TokenError::Timeout { .. }
        | TokenError::Stopping => None,
    };
    Finding::new(error.happening(), error.hint()).suspecting(suspect)
}

/// No connection, or no trusted one.
pub(super) fn of_transport(error: &TransportError) -> Finding {
    let detail = chain(error);
    let remedy = match error.fault {
        TransportFault::Tls => tls_remedy(&detail),
        TransportFault::Connect if detail.contains("proxy authorization") => PROXY_LOG_ON,
        fault => fault.hint(),
    };
    Finding::new(detail, remedy)
}

/// The words are those of rustls and of the platform's verifiers.
fn tls_remedy(detail: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| detail.contains(word));
    if says(&["UnknownIssuer", "not trusted", "self-signed", "self signed"]) {
        "The certificate's issuer is unknown: probably a company proxy inspects TLS connections. Put its certificate authority into the operating system's certificate store (on Linux, or name a file with it in SSL_CERT_FILE)."
    } else if says(&["Expired", "expired", "NotValidYet", "not valid yet"]) {
        "The certificate is not valid now: check this machine's clock."
    } else if says(&["NotValidForName", "not valid for name"]) {
        "The certificate belongs to another host: check the region or the endpoint, and whether a proxy answers in its place."
    } else {
        TransportFault::Tls.hint()
    }
}

/// An answer that was not what was asked for.
pub(super) fn of_fetch(error: &FetchError) -> Finding {
    let remedy = match error {
        FetchError::TooHeavy(cause) => return of_fetch(cause),
        FetchError::Credentials { explanation } => {
            return Finding::new("upstream did not accept the credentials", explanation)
                .suspecting(Some(Suspect::Customer));
        }
        FetchError::Refused(refusal) => {
            let said = refusal.message.as_deref().unwrap_or("no message");
            let remedy = if refusal.status == 404 {
                "There is no such service at this address: check the region or the endpoint."
            } else {
                "The service does not understand the question: check the endpoint."
            };
            return Finding::new(format!("{error}: {said}"), remedy)
                .suspecting(Some(Suspect::Customer));
        }
        FetchError::BadResponse(bad) => {
            let remedy = match bad {
                BadResponse::Html | BadResponse::Redirect { .. } => {
                    "A log-on page or a block page of a proxy answered in the service's place: check the proxy settings and the endpoint."
                }
                BadResponse::Status { status: 407 } => PROXY_LOG_ON,
                _ => "Check that the endpoint leads to the Monitor service's OData address.",
            };
            return Finding::new(format!("{error}: {bad}"), remedy);
        }
        FetchError::Busy { .. } | FetchError::QueueFull { .. } => {
            "Another tool asks with the same customer's rights: the limit counts for the whole customer. Wait, or let it ask less often.".to_owned()
        }
        FetchError::Unavailable { fault: Some(fault), .. } => fault.hint().to_owned(),
        FetchError::Unavailable { status, .. } => {
            let status = status.map_or_else(String::new, |status| format!(", status {status}"));
            return Finding::new(
                format!("{error}{status}"),
                "Citrix Cloud has a problem. Look at https://status.cloud.com, and try again later.",
            );
        }
        FetchError::Timeout { .. } => {
            "Check the network and the proxy; the service may also be overloaded. Try again later."
                .to_owned()
        }
    };
    Finding::new(error.to_string(), remedy)
}

/// For status 407, by whatever way it came.
pub(super) const PROXY_LOG_ON: &str = "The company proxy wants a log-on: put user name and password into the proxy settings of this machine (HTTPS_PROXY=http://user:password@proxy:8080).";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedies_fit_the_failure() {
        let transport = |fault, cause: &str, words: &str| {
            let source = cause.into();
            let finding = of_transport(&TransportError { fault, source });
            assert!(finding.remedy.contains(words), "{finding:?}");
            assert!(finding.detail.contains(cause), "{finding:?}");
        };
        let tls = TransportFault::Tls;
        transport(tls, "invalid peer certificate: UnknownIssuer", "issuer");
        transport(tls, "invalid peer certificate: Expired", "clock");
        transport(
            tls,
            "invalid peer certificate: NotValidForName",
            "another host",
        );
        transport(tls, "received fatal alert: HandshakeFailure", "inspects");
        let connect = TransportFault::Connect;
        transport(connect, "proxy authorization required", "password");
        transport(connect, "connection refused", "firewall");
        let html = of_fetch(&FetchError::BadResponse(BadResponse::Html));
        assert!(html.remedy.contains("log-on page"), "{html:?}");
        let credentials = of_fetch(&FetchError::Credentials {
            explanation: "The secret has expired.".to_owned(),
        });
        assert_eq!(credentials.remedy, "The secret has expired.");
        assert!(!credentials.detail.contains("expired"), "{credentials:?}");
        assert_eq!(credentials.suspect, Some(Suspect::Customer));
        assert_eq!(html.suspect, None);
    }

    #[test]
    fn a_token_that_is_refused_points_at_an_answer() {
        let refused = TokenError::Refused {
            code: "invalid_client".to_owned(),
            description: None,
        };
        let status = |status| TokenError::Status { status };
        for (error, suspect) in [
            (refused, Some(Suspect::Client)),
            (status(400), Some(Suspect::Client)),
            (status(401), Some(Suspect::Client)),
            (status(403), Some(Suspect::Customer)),
            (status(404), Some(Suspect::Customer)),
            (TokenError::Rejected, Some(Suspect::Customer)),
            (status(407), None),
            (status(503), None),
            (TokenError::NotToken { reason: "HTML" }, None),
        ] {
            let finding = of_token(&error);
            assert_eq!(finding.suspect, suspect, "{finding:?}");
            assert_eq!(finding.remedy, error.hint());
        }
    }
}
