//! `simulate`: the simulator alone.

use std::fs;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use super::simulator::knobs;
use super::{Failure, exit_code, print};
use crate::cli::Simulate;
use crate::clock::SystemClock;
use crate::demo::Simulator;
use crate::server::{Listeners, routed};
use crate::signals::Signals;

/// Serves a simulated Citrix Cloud until told to stop.
pub(super) async fn simulate(command: Simulate) -> Result<ExitCode, Failure> {
    only_this_machine(&command.listen)?;
    let mut signals = Signals::listen().map_err(Failure::Runtime)?;
    let knobs = knobs(command.simulator, Duration::ZERO)?;
    let listeners = Listeners::bind(&command.listen).await?;
    let addresses = listeners.addresses();
    if let (Some(file), Some(first)) = (&command.port_file, addresses.first()) {
        fs::write(file, first.port().to_string()).map_err(Failure::Output)?;
    }
    for url in listeners.urls() {
        print(&format!("listening on {url}"))?;
    }
    let simulator = Simulator::new(knobs, SystemClock::shared());
    let ending = listeners
        .serve(routed(simulator.router()), &mut signals, DRAIN)
        .await;
    Ok(exit_code(ending.map_err(Failure::Serve)?))
}

/// Whoever reaches the simulator gets tokens and may give it faults, so it is for this machine alone.
pub(super) fn only_this_machine(addresses: &[SocketAddr]) -> Result<(), Failure> {
    let reachable = |address: &&SocketAddr| !address.ip().to_canonical().is_loopback();
    match addresses.iter().find(reachable) {
        None => Ok(()),
        Some(address) => Err(Failure::Flag {
            flag: "--listen",
            what: format!(
                "`{address}` can be reached from other machines, and the simulator answers anyone \
                 who can reach it; listen on 127.0.0.1 and [::1] only"
            ),
        }),
    }
}

/// Simulated queries are short.
const DRAIN: Duration = Duration::from_secs(2);
