//! The tables on standard output.

use std::time::Duration;

use super::cores::Cores;
use super::measure::{Measured, Row};
use super::server::Server;

/// What was done, and the head of the table.
pub(crate) fn preface(server_cores: &Cores, load_cores: &Cores, seconds: f64, rounds: usize) {
    println!(
        "servers on cores {server_cores}, load on cores {load_cores}; {seconds} s for each server and cell, {rounds} round(s)\n"
    );
    line(&[
        "size",
        "encoding",
        "connections",
        "server",
        "bytes sent",
        "requests/s",
        "cores busy",
        "requests per CPU s",
        "CPU µs per request",
        "p50",
        "p99",
    ]);
    println!("| --: | --- | --: | --- | --: | --: | --: | --: | --: | --: | --: |");
}

/// The lines of a cell, one for each server.
pub(crate) fn cell(row: &Row) {
    let [size, encoding, connections] = row.cell.names();
    for (server, measured) in row.results() {
        let server = server.to_string();
        let mut columns = vec![size.clone(), encoding.clone(), connections.clone(), server];
        match measured {
            Ok(measured) => columns.extend(figures(&measured)),
            Err(error) => {
                columns.push(format!("**invalid: {error}**"));
                columns.resize(11, String::new());
            }
        }
        line(&columns);
    }
}

fn figures(measured: &Measured) -> [String; 7] {
    let seconds = measured.elapsed.as_secs_f64();
    [
        measured.bytes.to_string(),
        rounded(measured.requests as f64 / seconds),
        format!("{:.2}", measured.cpu.as_secs_f64() / seconds),
        rounded(measured.requests_per_cpu_second()),
        rounded(measured.cpu_per_request().as_secs_f64() * 1e6),
        duration(measured.p50),
        duration(measured.p99),
    ]
}

/// The ratios that matter, cell by cell, and their geometric means.
pub(crate) fn summary(rows: &[Row]) {
    println!();
    line(&[
        "size",
        "encoding",
        "connections",
        "better peer",
        "requests per CPU s: ours ÷ better peer",
        "CPU per hit: ours ÷ bare",
        "p99: ours ÷ better peer's",
    ]);
    println!("| --: | --- | --: | --- | --: | --: | --: |");
    let mut columns: [Vec<f64>; 3] = Default::default();
    for row in rows {
        let [size, encoding, connections] = row.cell.names();
        let peer = better_peer(row);
        let ours = row.of(Server::Ours);
        let against = |other: Option<&Measured>, ratio: fn(&Measured, &Measured) -> f64| {
            Some(ratio(ours.as_ref()?, other?))
        };
        let peer_name = peer
            .as_ref()
            .map_or_else(none, |(server, _)| server.to_string());
        let peer = peer.as_ref().map(|(_, measured)| measured);
        let bare = row.of(Server::Bare);
        let ratios = [
            against(peer, |ours, peer| {
                ours.requests_per_cpu_second() / peer.requests_per_cpu_second()
            }),
            against(bare.as_ref(), |ours, bare| {
                ours.cpu_per_request().as_secs_f64() / bare.cpu_per_request().as_secs_f64()
            }),
            against(peer, |ours, peer| {
                ours.p99.as_secs_f64() / peer.p99.as_secs_f64()
            }),
        ];
        for (column, ratio) in columns.iter_mut().zip(ratios) {
            column.extend(ratio);
        }
        let [first, second, third] = ratios.map(shown);
        line(&[size, encoding, connections, peer_name, first, second, third]);
    }
    let [first, second, third] = columns.map(|column| shown(geometric_mean(&column)));
    let [all, blank] = ["**all**".to_owned(), String::new()];
    line(&[
        all,
        blank.clone(),
        blank.clone(),
        blank,
        first,
        second,
        third,
    ]);
}

/// The peer that answers more for a CPU second.
fn better_peer(row: &Row) -> Option<(Server, Measured)> {
    let peers = [Server::Nginx, Server::Varnish].into_iter();
    peers
        .filter_map(|peer| Some((peer, row.of(peer)?)))
        .max_by(|(_, a), (_, b)| {
            a.requests_per_cpu_second()
                .total_cmp(&b.requests_per_cpu_second())
        })
}

fn geometric_mean(ratios: &[f64]) -> Option<f64> {
    let logarithms: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (!ratios.is_empty()).then(|| (logarithms / ratios.len() as f64).exp())
}

fn shown(ratio: Option<f64>) -> String {
    let digits = |ratio: f64| if ratio < 0.1 { 3 } else { 2 };
    ratio.map_or_else(none, |ratio| format!("{ratio:.*}", digits(ratio)))
}

fn none() -> String {
    "–".to_owned()
}

/// A figure with three digits or more.
fn rounded(figure: f64) -> String {
    match figure {
        ..10.0 => format!("{figure:.2}"),
        10.0..100.0 => format!("{figure:.1}"),
        _ => format!("{figure:.0}"),
    }
}

fn duration(duration: Duration) -> String {
    let microseconds = duration.as_secs_f64() * 1e6;
    if microseconds < 1000.0 {
        format!("{} µs", rounded(microseconds))
    } else {
        format!("{} ms", rounded(microseconds / 1000.0))
    }
}

fn line(columns: &[impl AsRef<str>]) {
    let columns: Vec<&str> = columns.iter().map(AsRef::as_ref).collect();
    println!("| {} |", columns.join(" | "));
}
