//! One figure from end to end: how long 200,000 sessions take from the simulator at 20 ms a page, through the
//! real program over real sockets, against the time that the simulator alone needs; and the memory for it.
//!
//! `cargo bench --bench deliver`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench may stop where a test would fail, and prints its figures"
)]
#![expect(clippy::disallowed_methods, reason = "measures real time")]

mod harness;

use std::time::{Duration, Instant};

use self::harness::client::Client;
use self::harness::mebibytes;
use self::harness::server::{Server, Service};

const SERVICE: Service = Service {
    sessions: 200_000,
    page_size: 1000,
    latency: Duration::from_millis(20),
    skip_cost: Duration::ZERO,
};
const ROUNDS: usize = 3;

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let simulator = Server::simulator(&SERVICE);
    let proxy = Server::proxy(&simulator, &[]);
    let mut client = Client::new(&proxy.address);
    // The first question brings token and connections; what is measured is the walk.
    client.get("/monitorodata/Users?$top=1", |_| {});
    let idle = proxy.memory("VmRSS");
    let floor = SERVICE.floor();
    println!(
        "{} sessions, {} pages of {} rows at {} ms: {:.2} s at least",
        SERVICE.sessions,
        SERVICE.pages(),
        SERVICE.page_size,
        SERVICE.latency.as_millis(),
        floor.as_secs_f64()
    );
    for round in 1..=ROUNDS {
        let direct = walk_directly(&simulator.address);
        let mut length = 0;
        let began = Instant::now();
        client.get("/monitorodata/Sessions", |bytes| length += bytes.len());
        let took = began.elapsed();
        println!(
            "round {round}: {:.2} s = {:.3} × pages × latency = {:.3} × a bare client's walk of the simulator; {} MB; peak memory {} above idle",
            took.as_secs_f64(),
            took.as_secs_f64() / floor.as_secs_f64(),
            took.as_secs_f64() / direct.as_secs_f64(),
            length / 1_000_000,
            mebibytes(
                proxy
                    .memory("VmHWM")
                    .zip(idle)
                    .map(|(peak, idle)| peak.saturating_sub(idle))
            ),
        );
    }
}

/// Walks the simulator's pages with the barest of clients: what the machine allows.
fn walk_directly(address: &str) -> Duration {
    let mut client = Client::with_token(address);
    let began = Instant::now();
    for page in 0..SERVICE.pages() {
        let path = format!("/monitorodata/Sessions?$skip={}", page * SERVICE.page_size);
        client.get(&path, |_| {});
    }
    began.elapsed()
}
