//! How soon an answer comes from disk after a start, when there are many, and what knowing all of them takes.
//!
//! `cargo bench --bench restart -- --help`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench may stop where a test would fail, and prints its figures"
)]
#![expect(clippy::disallowed_methods, reason = "measures real time")]

mod fill;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use citrix_odata_proxy::config::{self, Config, Flags, Surroundings};
use citrix_odata_proxy::keystore::SystemKeystore;
use clap::Parser;

/// Fills a folder with answers, and measures the start of a proxy that finds them there.
#[derive(Debug, Parser)]
struct Options {
    /// Answers on disk; the proxy keeps 50,000
    #[arg(long, value_name = "N", default_value_t = 45_000)]
    answers: u32,
    /// Mebibytes that they take together
    #[arg(long, value_name = "MIB", default_value_t = 3900)]
    mebibytes: u64,
    /// A folder to fill, or one that was filled before; a new one, which is removed, when it is not given
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Starts to measure
    #[arg(long, value_name = "N", default_value_t = 5)]
    starts: u32,
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
    let temporary = tempfile::tempdir().unwrap();
    let folder = options.data_dir.clone();
    let folder = folder.unwrap_or_else(|| temporary.path().to_path_buf());
    // The cache makes no data folder, only what belongs into it.
    std::fs::create_dir_all(&folder).unwrap();
    let config = settings(&folder);
    if !folder.join("cache").exists() {
        let began = Instant::now();
        fill::fill(&config, options.answers, options.mebibytes << 20);
        println!("filled in {:.1} s", began.elapsed().as_secs_f64());
    }
    for start in 0..options.starts {
        measure(&folder, start % options.answers);
    }
}

/// Starts a proxy, and prints how soon it gives the answer of that number, and what its start costs further on.
fn measure(folder: &Path, answer: u32) {
    let began = Instant::now();
    let proxy = Proxy::start(folder);
    let listens = began.elapsed();
    let reply = proxy.exchange(&format!("GET /monitorodata/{}", fill::path(answer)));
    let hit = began.elapsed();
    assert!(reply.contains("citrix-odata-proxy; hit"), "{reply:.400}");
    let before = proxy.memory();
    // Waits until everything was looked at, and purges nothing.
    proxy.exchange("POST /api/cache/purge?set=Nothing");
    let scanned = began.elapsed();
    let grown = proxy.memory().saturating_sub(before);
    println!(
        "listens after {} ms, first answer from disk after {} ms, all known after {} ms; memory for that {} KiB",
        listens.as_millis(),
        hit.as_millis(),
        scanned.as_millis(),
        grown / 1024,
    );
}

/// The settings of the proxy, so that what is filled in is what it looks for.
fn variables(folder: &Path) -> BTreeMap<String, String> {
    let folder = folder.to_str().unwrap();
    let name = |name: &str| format!("CITRIX_ODATA_PROXY__{name}");
    [
        ("CITRIX_CUSTOMER_ID".to_owned(), "nordhafen"),
        ("CITRIX_CLIENT_ID".to_owned(), "demo-client"),
        ("CITRIX_CLIENT_SECRET".to_owned(), "demo-secret"),
        // Nobody is there, and nobody is asked.
        ("CITRIX_ENDPOINT".to_owned(), "http://127.0.0.1:9"),
        (name("DATA_DIR"), folder),
        (name("CACHE__TTL"), "30d"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

fn settings(folder: &Path) -> Config {
    let values = variables(folder).into_iter();
    let surroundings = Surroundings {
        variables: values.map(|(name, value)| (name, value.into())).collect(),
        directory: folder.to_path_buf(),
        config_folder: None,
        data_folder: folder.to_path_buf(),
        keystore: Arc::new(SystemKeystore::new()),
        log_folder: None,
    };
    config::load(&surroundings, &Flags::default())
        .unwrap()
        .config
}

/// The proxy as a process, stopped when dropped.
struct Proxy {
    process: Child,
    address: String,
}

impl Proxy {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_citrix-odata-proxy"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .current_dir(folder)
            .envs(variables(folder))
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let address = line.trim().rsplit("//").next().unwrap().to_owned();
        Self { process, address }
    }

    /// The whole reply to a request that begins like this.
    fn exchange(&self, request: &str) -> String {
        let mut connection = TcpStream::connect(&self.address).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        let address = &self.address;
        let request = format!(
            "{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
        connection.write_all(request.as_bytes()).unwrap();
        let mut reply = Vec::new();
        connection.read_to_end(&mut reply).unwrap();
        String::from_utf8_lossy(&reply).into_owned()
    }

    /// Bytes that are resident, where the system tells (Linux); else 0.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS"));
        let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kibibytes.unwrap_or_default() * 1024
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// For looking at every file of a slow disk.
const PATIENCE: Duration = Duration::from_mins(10);
