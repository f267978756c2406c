//! Many clients for minutes, who read, leave early, and meet trouble: memory and file handles stay level, and every answer is
//! whole or visibly none.
//!
//! `cargo bench --bench load -- --help`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench may stop where a test would fail, and prints its figures"
)]
#![expect(clippy::disallowed_methods, reason = "measures real time")]
#![expect(dead_code, reason = "what benches share is more than this one uses")]

mod client;
#[path = "../harness/mod.rs"]
mod harness;
#[path = "../peers/histogram.rs"]
mod histogram;
mod question;
mod samples;
mod tally;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;

use self::client::Client;
use self::harness::server::{Server, Service};
use self::samples::Samples;
use self::tally::Tally;

/// Lets many clients loose on a proxy whose upstream fails now and then.
#[derive(Debug, Parser)]
struct Options {
    /// Clients, each with a connection
    #[arg(long, value_name = "N", default_value_t = 1000)]
    connections: u64,
    /// Seconds
    #[arg(long, value_name = "N", default_value_t = 300)]
    seconds: u64,
    /// What `cargo bench` says, and `cargo test` does not
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if !options.bench {
        // `cargo test --all-targets` wants to see that it runs, and no more.
        return ExitCode::SUCCESS;
    }
    let service = Service {
        sessions: question::SESSIONS,
        page_size: 1000,
        latency: Duration::from_millis(2),
        skip_cost: Duration::ZERO,
    };
    let simulator = Server::simulator_with(&service, &TROUBLE);
    let settings = settings(&simulator);
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let proxy = Server::proxy(&simulator, &settings);
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let (tally, samples) = runtime.block_on(run(&options, &proxy));
    println!("{tally}");
    println!("{samples}");
    if tally.is_sound() && samples.are_level() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Everybody until time is up, with a line now and then.
async fn run(options: &Options, proxy: &Server) -> (Tally, Samples) {
    let tally = Arc::new(std::sync::Mutex::new(Tally::default()));
    let began = Instant::now();
    let end = began + Duration::from_secs(options.seconds);
    let clients: Vec<_> = (0..options.connections)
        .map(|number| {
            let client = Client::new(proxy.address.clone(), number, Arc::clone(&tally));
            tokio::spawn(client.run_until(end))
        })
        .collect();
    let mut samples = Samples::default();
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_secs(5)).await;
        samples.take(proxy);
        let progress = tally.lock().unwrap().progress();
        println!(
            "{:>4} s: {progress}; {}",
            began.elapsed().as_secs(),
            samples.last()
        );
    }
    for client in clients {
        client.await.unwrap();
    }
    // Everybody has gone.
    tokio::time::sleep(Duration::from_secs(2)).await;
    samples.take_at_rest(proxy);
    let tally = tally.lock().unwrap().clone();
    (tally, samples)
}

/// Eight queries at once, answers that are stale soon, and so little room that it is full after a minute.
fn settings(simulator: &Server) -> Vec<(String, String)> {
    let endpoint = format!("http://{}", simulator.address);
    [
        ("SITES__MAIN__CUSTOMER_ID", "nordhafen"),
        ("SITES__MAIN__CLIENT_ID", "demo-client"),
        ("SITES__MAIN__CLIENT_SECRET", "demo-secret"),
        ("SITES__MAIN__UPSTREAM__ENDPOINT", &endpoint),
        ("SITES__MAIN__UPSTREAM__CONCURRENCY", "8"),
        ("SITES__MAIN__UPSTREAM__RETRY_BUDGET", "30s"),
        ("SITES__MAIN__UPSTREAM__QUEUE_LIMIT", "1024"),
        ("CACHE__TTL", "20s"),
        ("LOG__FILTER", "error"),
        ("CACHE__MEMORY", "6MiB"),
        ("CACHE__DISK", "3MiB"),
    ]
    .map(|(name, value)| (format!("CITRIX_ODATA_PROXY__{name}"), value.to_owned()))
    .into()
}

/// What goes wrong upstream, and every how many queries.
const TROUBLE: [&str; 9] = [
    "--lanes=8",
    "--token-lifetime=120",
    "--fault=every=101,times=always,kind=status,status=503",
    "--fault=every=211,times=always,kind=cut-body,after=5000",
    "--fault=every=307,times=always,kind=throttled",
    "--fault=every=401,times=always,kind=slow,seconds=2",
    "--fault=every=503,times=always,kind=html",
    "--fault=every=1009,times=always,kind=expire-token",
    "--fault=every=1511,times=always,kind=malformed",
];
