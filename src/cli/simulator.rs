//! Flags of the simulated Citrix Cloud.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};

use clap::{ArgAction, Args, ValueEnum, value_parser};

/// The knobs of the simulated Citrix Cloud.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Simulated Citrix Cloud")]
pub struct SimulatorArgs {
    /// Sessions of the last 90 days; all other entity sets grow along
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub sessions: u64,
    /// Rows in one page
    #[arg(long, value_name = "N", default_value = "1000")]
    pub page_size: NonZeroUsize,
    /// Milliseconds that each query takes [default: 0, in the demo 150]
    #[arg(long, value_name = "MS")]
    pub latency: Option<u64>,
    /// Microseconds more for each row that $skip passes over: later pages are slower
    #[arg(long, value_name = "MICROS", default_value_t = 0)]
    pub skip_cost: u64,
    /// Seed of the invented data: the same seed gives the same data
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub seed: u64,
    /// Queries that may be in flight at once; one more is refused with status 429
    #[arg(long, value_name = "N", default_value = "1")]
    pub lanes: NonZeroUsize,
    /// Seconds until an access token expires
    #[arg(long, value_name = "SECONDS", default_value = "3600")]
    pub token_lifetime: NonZeroU64,
    /// Customer id to be accepted
    #[arg(long, value_name = "ID", default_value = "nordhafen")]
    pub customer_id: String,
    /// Client id to be accepted
    #[arg(long, value_name = "ID", default_value = "demo-client")]
    pub client_id: String,
    /// Client secret to be accepted: the simulator's own, never one of Citrix Cloud
    #[arg(long, value_name = "SECRET", default_value = "demo-secret")]
    pub client_secret: String,
    /// Body of a refusal with status 429
    #[arg(long, value_enum, value_name = "SHAPE", default_value_t = ThrottleShape::Problem)]
    pub throttle_shape: ThrottleShape,
    /// Rows in an expanded collection before the rest goes behind a link [default: all]
    #[arg(long, value_name = "N")]
    pub expand_page_size: Option<NonZeroUsize>,
    /// Compress answers for clients that accept it; --gzip=false turns it off
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = true,
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    pub gzip: bool,
    /// Every Nth query, another tool of the customer has just taken a free lane
    #[arg(long, value_name = "N")]
    pub stranger: Option<NonZeroU64>,
    /// Milliseconds for which that tool keeps its lane
    #[arg(long, value_name = "MS", default_value_t = 200)]
    pub stranger_time: u64,
    /// Sessions that arrive with each query for rows, until all are there: one in ten is late
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub arrivals: u64,
    /// Leave `StartDate` empty in one session of N
    #[arg(long, value_name = "N")]
    pub null_dates: Option<NonZeroU64>,
    /// Cut `StartDate` to multiples of so many seconds, so that many sessions have the same
    #[arg(long, value_name = "SECONDS")]
    pub tied_dates: Option<NonZeroU32>,
    /// Digits of a second's fraction that dates show, while `StartDate` is stored with seven [default: all, and
    /// `StartDate` is stored with three]
    #[arg(long, value_name = "N", value_parser = value_parser!(u8).range(0..=7))]
    pub shown_digits: Option<u8>,
    /// Round dates to the digits shown instead of cutting them off
    #[arg(long, requires = "shown_digits")]
    pub round_dates: bool,
    /// Milliseconds after which a query is given up [default: never]
    #[arg(long, value_name = "MS")]
    pub time_limit: Option<NonZeroU64>,
    /// What a query gets that is given up
    #[arg(long, value_enum, value_name = "SHAPE", default_value_t = TimeLimitShape::GatewayTimeout)]
    pub time_limit_shape: TimeLimitShape,
    /// Microseconds more for each row that an answer shows, at any depth of $expand
    #[arg(long, value_name = "MICROS", default_value_t = 0)]
    pub row_cost: u64,
    /// Something that goes wrong, like set=Sessions,kind=status,status=503; may be given several times
    #[arg(long = "fault", value_name = "TEXT")]
    pub faults: Vec<String>,
}

/// The shape of a refusal with status 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ThrottleShape {
    /// The Monitor Service's problem form
    Problem,
    /// A gateway's short JSON, with Retry-After
    Gateway,
}

/// What becomes of a query that takes too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TimeLimitShape {
    /// Status 504
    #[value(name = "504")]
    GatewayTimeout,
    /// Status 500
    #[value(name = "500")]
    InternalError,
    /// Status 200, and a connection that breaks in the middle of the body
    Cut,
}
