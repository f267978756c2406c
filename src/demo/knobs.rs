//! How a simulator behaves: size of the estate, speed, limits, credentials, and the published variants of answers.

use std::time::Duration;

use super::fault::Fault;

/// Everything that can be chosen when a simulator is made.
#[derive(Debug, Clone)]
pub struct Knobs {
    /// The same seed and clock give the same estate.
    pub seed: u64,
    /// Sessions within the last 90 days.
    pub sessions: u64,
    /// Rows a page.
    pub page_size: usize,
    /// How long each query takes, counted from its arrival.
    pub latency: Duration,
    /// Added for each row that `$skip` passes over.
    pub skip_cost: Duration,
    /// Queries that may be in flight at once; one more gets a 429.
    pub lanes: usize,
    /// How long a token is good for.
    pub token_lifetime: Duration,
    /// The customer whose data this is.
    pub customer_id: String,
    /// The API client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Cuts related rows within a row at this many, with a link to the rest.
    pub expand_page_size: Option<usize>,
    /// The body of a 429.
    pub throttle_shape: ThrottleShape,
    /// The seconds to wait that a 429 names for a query too many; None names none.
    pub throttle_retry_after: Option<u64>,
    /// How a token answer states its lifetime.
    pub expires_in: ExpiresIn,
    /// What a wrong client id or secret gets.
    pub bad_client: BadClient,
    /// Answers `Set(key)`, `Set(key)/Nav` and `Set/$count`, which the cloud refuses with 404.
    pub keyed: bool,
    /// Compresses bodies for those who accept it.
    pub gzip: bool,
    /// What goes wrong, and when.
    pub faults: Vec<Fault>,
}

/// The two published bodies of a 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThrottleShape {
    /// A problem form with the parameter `retryDelay`.
    #[default]
    Problem,
    /// `{"statusCode":429,"message":…}` and a `Retry-After` header, as an API gateway in front gives it.
    Gateway,
}

/// How `expires_in` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpiresIn {
    /// `"3600"`
    #[default]
    Text,
    /// `3600`
    Number,
    /// Not at all.
    Absent,
}

/// The status of a refused token request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BadClient {
    /// 200, with an `error` member.
    #[default]
    Ok,
    /// 401, with the same body.
    Unauthorized,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            seed: 42,
            sessions: 20_000,
            page_size: 1000,
            latency: Duration::ZERO,
            skip_cost: Duration::ZERO,
            lanes: 1,
            token_lifetime: Duration::from_hours(1),
            customer_id: "nordhafen".to_owned(),
            client_id: "demo-client".to_owned(),
            client_secret: "demo-secret".to_owned(),
            expand_page_size: None,
            throttle_shape: ThrottleShape::default(),
            throttle_retry_after: Some(1),
            expires_in: ExpiresIn::default(),
            bad_client: BadClient::default(),
            keyed: false,
            gzip: true,
            faults: Vec::new(),
        }
    }
}
