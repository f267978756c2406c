//! How scans of a large set behave from end to end: their time by ranges of a date and by links, what small questions
//! wait for meanwhile, and the memory for a gigabyte that a fast and a slow client read at once.
//!
//! `cargo bench --bench scan -- --help`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench may stop where a test would fail, and prints its figures"
)]
#![expect(clippy::disallowed_methods, reason = "measures real time")]

#[path = "../harness/mod.rs"]
mod harness;
mod interactive;
mod memory;
mod range_client;
mod tally;
mod walks;

use std::time::Duration;

use clap::{Parser, ValueEnum};

use self::harness::server::Service;

/// Measures scans: simulator, proxy and clients as they are, on this machine.
#[derive(Debug, Parser)]
struct Options {
    /// Sessions at the simulator
    #[arg(long, value_name = "N", default_value_t = 400_000)]
    sessions: u64,
    /// Milliseconds that each page takes
    #[arg(long, value_name = "MS", default_value_t = 50)]
    latency: u64,
    /// Microseconds more for each row that $skip passes over
    #[arg(long, value_name = "MICROS", default_value_t = 16)]
    skip_cost: u64,
    /// One part; may be given several times [default: all]
    #[arg(long, value_enum, value_name = "PART")]
    only: Vec<Part>,
    /// Walk all sessions by links, too, and not 60,000 at most: with the defaults, 22 minutes
    #[arg(long)]
    full: bool,
    /// What `cargo bench` says, and `cargo test` does not
    #[arg(long, hide = true)]
    bench: bool,
}

/// A part of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// A scan by ranges, against its least time and a bare client
    Range,
    /// A scan by ranges against one by links
    Links,
    /// Small questions during a scan
    Interactive,
    /// Memory for a large answer that is read fast and slowly
    Memory,
}

impl Options {
    fn service(&self, sessions: u64) -> Service {
        Service {
            sessions,
            page_size: 1000,
            latency: Duration::from_millis(self.latency),
            skip_cost: Duration::from_micros(self.skip_cost),
        }
    }

    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let options = Options::parse();
    let service = options.service(options.sessions);
    println!(
        "{} sessions, {} pages of {} rows at {} ms = {:.2} s; {} µs for each row skipped\n",
        service.sessions,
        service.pages(),
        service.page_size,
        options.latency,
        service.floor().as_secs_f64(),
        options.skip_cost,
    );
    line(["what", "measured", "ratio", "aim"]);
    line(["---", "--:", "--:", "--:"]);
    if options.wants(Part::Range) {
        walks::by_range(&service);
    }
    if options.wants(Part::Links) {
        let sessions = if options.full {
            options.sessions
        } else {
            options.sessions.min(LINKS_SESSIONS_MAX)
        };
        walks::by_links(&options.service(sessions));
    }
    if options.wants(Part::Interactive) {
        interactive::during_a_scan(&service);
    }
    if options.wants(Part::Memory) {
        memory::of_a_large_answer();
    }
}

/// A line of the table.
fn line(columns: [&str; 4]) {
    println!("| {} |", columns.join(" | "));
}

/// Sessions that are walked by links without `--full`: half a minute, most of it for rows that are skipped.
const LINKS_SESSIONS_MAX: u64 = 60_000;
