//! What content codings cost and save: on 1000 sessions as the simulator writes them, one table.
//!
//! `cargo bench --bench codings`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench may stop where a test would fail, and prints its figures"
)]
#![expect(clippy::cast_precision_loss, reason = "figures with three digits")]
#![expect(clippy::disallowed_methods, reason = "measures real time")]

#[expect(dead_code, reason = "the other benches use more of it")]
mod harness;

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use self::harness::client::Client;
use self::harness::server::{Server, Service};

const SERVICE: Service = Service {
    sessions: 1000,
    page_size: 1000,
    latency: Duration::ZERO,
    skip_cost: Duration::ZERO,
};

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let simulator = Server::simulator(&SERVICE);
    let mut text = Vec::new();
    let mut client = Client::with_token(&simulator.address);
    client.get("/monitorodata/Sessions", |bytes| {
        text.extend_from_slice(bytes);
    });
    println!("{} bytes of text\n", text.len());
    println!("| coding | text ÷ packed | packing, MB/s | unpacking, MB/s |");
    println!("| --- | --: | --: | --: |");
    for level in [1, 2, 3, 4, 6, 9] {
        row(
            &format!("gzip {level}"),
            &text,
            |text| gzip(text, level),
            gunzip,
        );
    }
    for quality in [1, 4, 6] {
        let pack = |text: &[u8]| {
            let mut packed = Vec::new();
            let mut encoder = brotli::CompressorReader::new(text, 64 * 1024, quality, 22);
            encoder.read_to_end(&mut packed).unwrap();
            packed
        };
        row(&format!("br {quality}"), &text, pack, |packed| {
            let mut text = Vec::new();
            let mut decoder = brotli::Decompressor::new(packed, 64 * 1024);
            decoder.read_to_end(&mut text).unwrap();
            text
        });
    }
    for level in [1, 3, 6] {
        let pack = |text: &[u8]| zstd::encode_all(text, level).unwrap();
        row(&format!("zstd {level}"), &text, pack, |packed| {
            zstd::decode_all(packed).unwrap()
        });
    }
}

fn gzip(text: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(packed: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    DeflateDecoder::new(packed).read_to_end(&mut text).unwrap();
    text
}

fn row(
    name: &str,
    text: &[u8],
    pack: impl Fn(&[u8]) -> Vec<u8>,
    unpack: impl Fn(&[u8]) -> Vec<u8>,
) {
    let packed = pack(text);
    assert_eq!(unpack(&packed), text, "{name}");
    let ratio = text.len() as f64 / packed.len() as f64;
    let packing = speed(text.len(), || drop(pack(text)));
    let unpacking = speed(text.len(), || drop(unpack(&packed)));
    println!("| {name} | {ratio:.2} | {packing:.0} | {unpacking:.0} |");
}

/// Millions of bytes a second: the best of several rounds of a quarter of a second.
fn speed(bytes: usize, work: impl Fn()) -> f64 {
    let round = || {
        let (began, mut times) = (Instant::now(), 0_u32);
        while began.elapsed() < Duration::from_millis(250) {
            work();
            times += 1;
        }
        f64::from(times) * bytes as f64 / began.elapsed().as_secs_f64() / 1e6
    };
    (0..5).map(|_| round()).fold(0.0, f64::max)
}
