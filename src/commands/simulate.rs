//! `simulate`: the simulator alone.

use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use super::simulator::knobs;
use super::{Failure, exit_code, print};
use crate::cli::Simulate;
use crate::clock::SystemClock;
use crate::demo::Simulator;
use crate::server::Listeners;
use crate::signals::Signals;

/// Serves a simulated Citrix Cloud until told to stop.
pub(super) async fn simulate(command: Simulate) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen().map_err(Failure::Runtime)?;
    let knobs = knobs(command.simulator, Duration::ZERO)?;
    let listeners = Listeners::bind(&command.listen).await?;
    let addresses = listeners.addresses();
    if let (Some(file), Some(first)) = (&command.port_file, addresses.first()) {
        fs::write(file, first.port().to_string()).map_err(Failure::Output)?;
    }
    for address in &addresses {
        print(&format!("listening on http://{address}"))?;
    }
    let simulator = Simulator::new(knobs, SystemClock::shared());
    let ending = listeners
        .serve(simulator.router(), &mut signals, DRAIN)
        .await;
    Ok(exit_code(ending.map_err(Failure::Serve)?))
}

/// Simulated queries are short.
const DRAIN: Duration = Duration::from_secs(2);
