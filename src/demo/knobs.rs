//! How a simulator behaves: size of the estate, speed, limits, credentials, and the published variants of answers.

use std::num::{NonZeroU32, NonZeroU64};
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
    /// Every so many queries that come to the lanes, another tool of the customer has just taken a free one.
    /// With one lane, 1 leaves no query an answer.
    pub stranger: Option<NonZeroU64>,
    /// How long that tool keeps the lane.
    pub stranger_time: Duration,
    /// How many sessions arrive with each query for rows. Unless it is 0, one session in ten is late; `sessions`
    /// counts those, too. A query sees those that arrive with it.
    pub arrivals: u64,
    /// One session in each block of so many has no `StartDate`.
    pub null_dates: Option<NonZeroU64>,
    /// `StartDate` is cut to multiples of so many seconds.
    pub tied_dates: Option<NonZeroU32>,
    /// Fraction digits of dates in answers, 0 to 7; `StartDate` is then stored in steps of 100 ns, and filters and
    /// orders follow what is stored. None: dates are whole milliseconds, and shown as they are.
    pub shown_digits: Option<u8>,
    /// Rounds dates to the digits shown in place of cutting them off.
    pub round_dates: bool,
    /// Gives up queries that would take longer, at this time after they arrived.
    pub time_limit: Option<Duration>,
    /// What a query gets that is given up.
    pub time_limit_shape: TimeLimitShape,
    /// Added for each row that an answer shows, at any depth of `$expand`.
    pub row_cost: Duration,
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

/// What becomes of a query that takes too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeLimitShape {
    /// 504, as a problem form.
    #[default]
    GatewayTimeout,
    /// 500, as a problem form.
    InternalError,
    /// 200, and the connection breaks in the middle of the body.
    Cut,
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
            stranger: None,
            stranger_time: Duration::from_millis(200),
            arrivals: 0,
            null_dates: None,
            tied_dates: None,
            shown_digits: None,
            round_dates: false,
            time_limit: None,
            time_limit_shape: TimeLimitShape::default(),
            row_cost: Duration::ZERO,
            faults: Vec::new(),
        }
    }
}
