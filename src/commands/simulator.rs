//! The simulator's knobs, from flags.

use std::time::Duration;

use super::Failure;
use crate::cli::{SimulatorArgs, ThrottleShape, TimeLimitShape};
use crate::demo::{self, Fault, Knobs};

/// Turns flags into knobs. `latency` is what it is when no flag says.
pub(super) fn knobs(flags: SimulatorArgs, latency: Duration) -> Result<Knobs, Failure> {
    let fault = |text: &String| {
        let bad = |error: demo::FaultError| Failure::Flag {
            flag: "--fault",
            what: format!("{error} in `{text}`"),
        };
        text.parse::<Fault>().map_err(bad)
    };
    Ok(Knobs {
        seed: flags.seed,
        sessions: flags.sessions,
        page_size: flags.page_size.get(),
        latency: flags.latency.map_or(latency, Duration::from_millis),
        skip_cost: Duration::from_micros(flags.skip_cost),
        lanes: flags.lanes.get(),
        token_lifetime: Duration::from_secs(flags.token_lifetime.get()),
        customer_id: flags.customer_id,
        client_id: flags.client_id,
        client_secret: flags.client_secret,
        throttle_shape: match flags.throttle_shape {
            ThrottleShape::Problem => demo::ThrottleShape::Problem,
            ThrottleShape::Gateway => demo::ThrottleShape::Gateway,
        },
        expand_page_size: flags.expand_page_size.map(std::num::NonZeroUsize::get),
        gzip: flags.gzip,
        stranger: flags.stranger,
        stranger_time: Duration::from_millis(flags.stranger_time),
        arrivals: flags.arrivals,
        null_dates: flags.null_dates,
        tied_dates: flags.tied_dates,
        shown_digits: flags.shown_digits,
        round_dates: flags.round_dates,
        time_limit: flags
            .time_limit
            .map(|limit| Duration::from_millis(limit.get())),
        time_limit_shape: match flags.time_limit_shape {
            TimeLimitShape::GatewayTimeout => demo::TimeLimitShape::GatewayTimeout,
            TimeLimitShape::InternalError => demo::TimeLimitShape::InternalError,
            TimeLimitShape::Cut => demo::TimeLimitShape::Cut,
        },
        row_cost: Duration::from_micros(flags.row_cost),
        faults: flags.faults.iter().map(fault).collect::<Result<_, _>>()?,
        ..Knobs::default()
    })
}
