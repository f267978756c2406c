//! Proving who we are, upstream.
//!
//! An [`Authorizer`] owns one token of one API client: it asks for it when it is first needed, renews it
//! ahead of time in the background, and never hands out one that has expired. However many requests wait,
//! one request to the token endpoint is under way at a time; after a failure it pauses before the next.
//!
//! Secrets and bodies of the token endpoint are never logged, and header values are marked sensitive.

mod authorizer;
mod blackout;
mod endpoint;
mod error;
mod lifetime;
mod response;

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use secrecy::SecretString;
use url::Url;

pub use authorizer::Authorizer;
pub use error::TokenError;

/// What an [`Authorizer`] needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The token endpoint, complete.
    pub token_url: Url,
    /// The customer whose data is asked for (`Citrix-CustomerId`).
    pub customer_id: String,
    /// The API client's id.
    pub client_id: String,
    /// The API client's secret.
    pub client_secret: SecretString,
    /// How long the token endpoint may take to answer.
    pub timeout: Duration,
}

/// The headers that make a data request ours, and which token they carry.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// `Authorization` and `Citrix-CustomerId`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Which token this is: counts up with each new one. Hand it back to say that the token was refused.
    pub generation: u64,
}

/// How an [`Authorizer`] is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthState {
    /// There is no token, and no failure: none was needed yet, or the last one expired unused.
    None,
    /// There is a token.
    Valid {
        /// How much longer it will be handed out.
        remaining: Duration,
    },
    /// There is no token, because the last request for one failed or the last ones were refused.
    Failed {
        /// What happened and what to do, without secrets.
        explanation: String,
    },
}
