//! What the process takes when every question is another one, beside what the cache says that it holds.
//!
//! `cargo bench --bench questions -- --help`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench may stop where a test would fail, and prints its figures"
)]
#![expect(dead_code, reason = "what benches share is more than this one uses")]

#[path = "harness/mod.rs"]
mod harness;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use clap::Parser;
use serde_json::Value;

use self::harness::client::Client;
use self::harness::mebibytes;
use self::harness::server::{Server, Service};

/// Asks as many different questions as you like, each for one row, on eight connections.
#[derive(Debug, Parser)]
struct Options {
    /// Questions
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    number: u64,
    /// Mebibytes of memory, and of disk, for answers
    #[arg(long, value_name = "MIB", default_value_t = 16)]
    mebibytes: u64,
    /// What `cargo bench` says, and `cargo test` does not
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    if !options.bench {
        // `cargo test --all-targets` wants to see that it runs, and no more.
        return;
    }
    let service = Service {
        sessions: 10,
        page_size: 10,
        latency: Duration::ZERO,
        skip_cost: Duration::ZERO,
    };
    let simulator = Server::simulator_with(&service, &["--lanes=8"]);
    let room = format!("{}MiB", options.mebibytes);
    let endpoint = format!("http://{}", simulator.address);
    let settings = [
        ("SITES__MAIN__CUSTOMER_ID", "nordhafen"),
        ("SITES__MAIN__CLIENT_ID", "demo-client"),
        ("SITES__MAIN__CLIENT_SECRET", "demo-secret"),
        ("SITES__MAIN__UPSTREAM__ENDPOINT", &endpoint),
        ("SITES__MAIN__UPSTREAM__CONCURRENCY", "8"),
        ("CACHE__TTL", "1d"),
        ("CACHE__MEMORY", &room),
        ("CACHE__DISK", &room),
    ]
    .map(|(name, value)| (format!("CITRIX_ODATA_PROXY__{name}"), value));
    let settings = settings.each_ref().map(|(name, value)| (&**name, *value));
    let proxy = Server::proxy(&simulator, &settings);
    println!("| questions | answers in memory | they take | the process takes |");
    println!("| --: | --: | --: | --: |");
    print(&proxy, 0);
    let steps = 10;
    for step in 0..steps {
        let part = |step: u64| options.number * step / steps;
        ask(&proxy, part(step)..part(step + 1));
        print(&proxy, part(step + 1));
    }
}

/// Asks the questions of these numbers.
fn ask(proxy: &Server, numbers: std::ops::Range<u64>) {
    let next = AtomicU64::new(numbers.start);
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut client = Client::new(&proxy.address);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        return;
                    }
                    let path = format!("/monitorodata/Users?$filter=Id%20gt%20-{number}&$top=1");
                    client.get(&path, |_| {});
                }
            });
        }
    });
}

fn print(proxy: &Server, questions: u64) {
    let mut status = Vec::new();
    Client::new(&proxy.address).get("/api/status", |bytes| status.extend_from_slice(bytes));
    let status: Value = serde_json::from_slice(&status).unwrap();
    let of_cache = |name: &str| status.pointer(&format!("/cache/{name}")).unwrap().as_u64();
    let (answers, bytes) = (of_cache("entries").unwrap(), of_cache("bytes"));
    let process = proxy.memory("VmRSS");
    println!(
        "| {questions} | {answers} | {} | {} |",
        mebibytes(bytes),
        mebibytes(process)
    );
}

const CONNECTIONS: usize = 8;
