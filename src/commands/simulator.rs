//! The simulator's knobs, from flags.

use std::time::Duration;

use super::Failure;
use crate::cli::{SimulatorArgs, ThrottleShape};
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
        faults: flags.faults.iter().map(fault).collect::<Result<_, _>>()?,
        ..Knobs::default()
    })
}
