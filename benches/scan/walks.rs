//! The time of whole scans.

use std::time::{Duration, Instant};

use crate::harness::client::Client;
use crate::harness::server::{Server, Service};
use crate::line;
use crate::range_client;
use crate::tally::Tally;

/// A scan by ranges, against its least time and against a bare client that asks the same.
pub(crate) fn by_range(service: &Service) {
    let simulator = Server::simulator(service);
    let proxy = Server::proxy(&simulator, &[]);
    let bare = range_client::walk(&simulator.address);
    let scan = scan(&proxy, service.sessions);
    let floor = service.floor();
    line([
        &format!(
            "a bare client, {} sessions by range, {} queries",
            service.sessions, bare.questions
        ),
        &seconds(bare.took),
        &over(bare.took, floor, "pages × latency"),
        "",
    ]);
    line([
        &format!(
            "the proxy, {} sessions by range, {} queries",
            service.sessions, scan.queries
        ),
        &seconds(scan.took),
        &over(scan.took, floor, "pages × latency"),
        "1.05",
    ]);
    line(["", "", &over(scan.took, bare.took, "the bare client"), ""]);
}

/// A scan by ranges against one by links.
pub(crate) fn by_links(service: &Service) {
    let simulator = Server::simulator(service);
    let ranges = {
        let proxy = Server::proxy(&simulator, &[]);
        scan(&proxy, service.sessions)
    };
    let proxy = Server::proxy(
        &simulator,
        &[("CITRIX_ODATA_PROXY__SCANS__RANGE_WALK", "off")],
    );
    let links = scan(&proxy, service.sessions);
    for (scan, way, ratio, aim) in [
        (&links, "links", String::new(), ""),
        (
            &ranges,
            "range",
            over(ranges.took, links.took, "by links"),
            "0.4",
        ),
    ] {
        line([
            &format!(
                "the proxy, {} sessions by {way}, {} queries",
                service.sessions, scan.queries
            ),
            &seconds(scan.took),
            &ratio,
            aim,
        ]);
    }
}

/// A scan that is over.
struct Scan {
    took: Duration,
    /// What the simulator was asked for it, `$metadata` included.
    queries: u64,
}

/// Scans `Sessions`, which must be so many.
fn scan(proxy: &Server, sessions: u64) -> Scan {
    let mut client = Client::new(&proxy.address);
    // The first question brings the token and the connections.
    client.get("/monitorodata/Users?$top=1", |_| {});
    let before = queries(&mut client);
    let mut tally = Tally::new();
    let began = Instant::now();
    client.get("/monitorodata/Sessions", |bytes| tally.take(bytes));
    let took = began.elapsed();
    assert_eq!(tally.rows, sessions, "rows that came");
    Scan {
        took,
        queries: queries(&mut client) - before,
    }
}

/// Queries that the simulator has answered to the proxy so far.
fn queries(client: &mut Client) -> u64 {
    let mut metrics = Vec::new();
    client.get("/metrics", |bytes| metrics.extend_from_slice(bytes));
    let metrics = String::from_utf8(metrics).unwrap();
    let counters = metrics
        .lines()
        .filter(|line| line.contains("upstream_requests_total{"));
    counters
        .map(|line| {
            let value = line.rsplit(' ').next().unwrap();
            value.parse::<u64>().unwrap()
        })
        .sum()
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

fn over(time: Duration, measure: Duration, name: &str) -> String {
    format!("{:.3} × {name}", time.as_secs_f64() / measure.as_secs_f64())
}
