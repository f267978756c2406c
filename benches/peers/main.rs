//! Cached answers, measured against nginx, Varnish and a bare server in front of (or beside) one origin, on one machine in
//! one run: requests per CPU second of the server, and how long they take.
//!
//! `benches/peers/run --help`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench may stop where a test would fail, and prints its figures"
)]
#![expect(clippy::disallowed_methods, reason = "measures real time")]
#![expect(
    clippy::cast_precision_loss,
    reason = "figures of the table have three digits"
)]

mod cell;
mod check;
mod cores;
mod cpu;
mod fleet;
mod histogram;
mod incoming;
mod load;
mod measure;
mod process;
mod report;
mod rows;
mod server;
mod stock;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;

use self::cell::{Cell, Only};
use self::cores::Cores;
use self::fleet::Fleet;
use self::server::Server;

/// Measures cached answers of the proxy, nginx, Varnish and a bare server.
#[derive(Debug, Parser)]
#[command(name = "benches/peers/run")]
struct Options {
    /// Seconds that each server is measured in each cell
    #[arg(long, value_name = "N", default_value_t = 3.0)]
    seconds: f64,
    /// Times that each cell is measured; the median counts
    #[arg(long, value_name = "N", default_value_t = 1)]
    rounds: usize,
    /// Some cells, such as `1k,gzip,16`; `*` stands for any; may be given several times [default: all]
    #[arg(long, value_name = "SIZE,ENCODING,CONNECTIONS")]
    only: Vec<Only>,
    /// Servers to measure
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Server::ALL)]
    servers: Vec<Server>,
    /// Cores for the server that is measured [default: the first half]
    #[arg(long, value_name = "LIST")]
    server_cores: Option<Cores>,
    /// Cores for the load and the origin [default: the second half]
    #[arg(long, value_name = "LIST")]
    load_cores: Option<Cores>,
    /// Be the origin, or the bare server, at this address
    #[arg(long, hide = true)]
    stock: Option<SocketAddr>,
    /// What `cargo bench` says, and `cargo test` does not
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let options = Options::parse();
    if let Some(address) = options.stock {
        stock::serve(address);
    }
    let (first, second) = Cores::halves();
    let server_cores = options.server_cores.unwrap_or(first);
    let load_cores = options.load_cores.unwrap_or(second);
    let servers: Vec<Server> = options
        .servers
        .into_iter()
        .filter(|server| server.is_there())
        .collect();
    if servers.is_empty() {
        eprintln!("no server is left to measure");
        return ExitCode::FAILURE;
    }
    load_cores.take();
    let fleet = match Fleet::start(&servers, &server_cores, &load_cores) {
        Ok(fleet) => fleet,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    report::preface(&server_cores, &load_cores, options.seconds, options.rounds);
    let mut results = Vec::new();
    for cell in Cell::all() {
        if !options.only.is_empty() && !options.only.iter().any(|only| only.holds(cell)) {
            continue;
        }
        let mut row = measure::Row::new(cell, &servers);
        for _ in 0..options.rounds.max(1) {
            for member in &fleet.members {
                let measured =
                    measure::measure(&fleet, member, cell, options.seconds, load_cores.count());
                row.add(member.server, measured);
            }
        }
        report::cell(&row);
        results.push(row);
    }
    report::summary(&results);
    if results.is_empty() || results.iter().any(measure::Row::has_failed) {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
