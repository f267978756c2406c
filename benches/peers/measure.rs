//! One cell: every server measured alone, one after the other.

use std::thread::sleep;
use std::time::Duration;

use super::cell::Cell;
use super::check::{self, Expected};
use super::cpu;
use super::fleet::{Fleet, Member};
use super::load::Load;
use super::server::Server;

/// What a server did in a cell.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// Of a body, as sent.
    pub(crate) bytes: u64,
    pub(crate) requests: u64,
    pub(crate) elapsed: Duration,
    /// User and system time of the server.
    pub(crate) cpu: Duration,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

impl Measured {
    /// Processor time for one request.
    pub(crate) fn cpu_per_request(&self) -> Duration {
        self.cpu.div_f64(self.requests.max(1) as f64)
    }

    /// Requests for one second of processor time.
    pub(crate) fn requests_per_cpu_second(&self) -> f64 {
        self.requests as f64 / self.cpu.as_secs_f64()
    }
}

/// The rounds of one server in a cell.
type Rounds = Vec<Result<Measured, String>>;

/// The results of one cell.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) cell: Cell,
    rounds: Vec<(Server, Rounds)>,
}

impl Row {
    pub(crate) fn new(cell: Cell, servers: &[Server]) -> Self {
        let rounds = servers.iter().map(|&server| (server, Vec::new()));
        Self {
            cell,
            rounds: rounds.collect(),
        }
    }

    pub(crate) fn add(&mut self, of: Server, measured: Result<Measured, String>) {
        let mut rounds = self.rounds.iter_mut();
        if let Some((_, rounds)) = rounds.find(|(server, _)| *server == of) {
            rounds.push(measured);
        }
    }

    /// Each server with its median round, by requests per CPU second (of an even number the lower one), or its first error.
    pub(crate) fn results(&self) -> impl Iterator<Item = (Server, Result<Measured, String>)> {
        self.rounds.iter().map(|(server, rounds)| {
            let rounds: Result<Vec<Measured>, String> = rounds.iter().cloned().collect();
            let median = rounds.and_then(|mut rounds| {
                rounds.sort_by(|a, b| {
                    a.requests_per_cpu_second()
                        .total_cmp(&b.requests_per_cpu_second())
                });
                let middle = rounds.len().saturating_sub(1) / 2;
                rounds
                    .into_iter()
                    .nth(middle)
                    .ok_or("not measured".to_owned())
            });
            (*server, median)
        })
    }

    /// The figures of one server, when it was measured without an error.
    pub(crate) fn of(&self, wanted: Server) -> Option<Measured> {
        let mut results = self.results();
        results.find_map(|(server, measured)| measured.ok().filter(|_| server == wanted))
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.results().any(|(_, measured)| measured.is_err())
    }
}

/// Measures one server. The first question fills its cache; if a later one reaches the origin, that is an error.
pub(crate) fn measure(
    fleet: &Fleet,
    member: &Member,
    cell: Cell,
    seconds: f64,
    threads: usize,
) -> Result<Measured, String> {
    let address = member.process.address;
    check::ask(address, &cell.request(address))?;
    // An answer may be stored a moment after its end.
    sleep(STORING);
    let asked = fleet.asked()?;
    let expected = Expected::of(address, cell)?;
    let load = Load {
        address,
        request: cell.request(address),
        expected,
        connections: cell.connections,
        threads,
        duration: Duration::from_secs_f64(seconds),
    };
    let carried = load.carry(|| cpu::time(member.process.id()))?;
    match fleet.asked()? - asked {
        0 => Ok(Measured {
            bytes: expected.length,
            requests: carried.waits.count(),
            elapsed: carried.elapsed,
            cpu: carried.metered,
            p50: carried.waits.quantile(50),
            p99: carried.waits.quantile(99),
        }),
        more => Err(format!("{more} questions reached the origin")),
    }
}

const STORING: Duration = Duration::from_millis(20);
