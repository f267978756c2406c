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

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SESSIONS: u64 = 200_000;
const PAGE_SIZE: u64 = 1000;
const LATENCY: Duration = Duration::from_millis(20);
const ROUNDS: usize = 3;

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let (sessions, page_size, latency) = (
        SESSIONS.to_string(),
        PAGE_SIZE.to_string(),
        LATENCY.as_millis().to_string(),
    );
    let simulator = Server::start(
        &[
            "simulate",
            "--listen",
            "127.0.0.1:0",
            "--sessions",
            &sessions,
            "--page-size",
            &page_size,
            "--latency",
            &latency,
            "--gzip=false",
        ],
        &[],
    );
    let endpoint = format!("http://{}", simulator.address);
    let proxy = Server::start(
        &["serve", "--listen", "127.0.0.1:0"],
        &[
            ("CITRIX_ENDPOINT", &endpoint),
            ("CITRIX_CUSTOMER_ID", "nordhafen"),
            ("CITRIX_CLIENT_ID", "demo-client"),
            ("CITRIX_CLIENT_SECRET", "demo-secret"),
        ],
    );
    // The first question brings token and connections; what is measured is the walk.
    get(&proxy.address, "/monitorodata/Users?$top=1");
    let idle = proxy.memory("VmRSS");
    let pages = SESSIONS / PAGE_SIZE;
    let floor = LATENCY * u32::try_from(pages).unwrap();
    println!(
        "{SESSIONS} sessions, {pages} pages of {PAGE_SIZE} rows at {} ms: {:.2} s at least",
        LATENCY.as_millis(),
        floor.as_secs_f64()
    );
    for round in 1..=ROUNDS {
        let direct = walk_directly(&simulator.address, pages);
        let began = Instant::now();
        let body = get(&proxy.address, "/monitorodata/Sessions");
        let took = began.elapsed();
        println!(
            "round {round}: {:.2} s = {:.3} × pages × latency = {:.3} × a bare client's walk of the simulator; {} MB; peak memory {} above idle",
            took.as_secs_f64(),
            took.as_secs_f64() / floor.as_secs_f64(),
            took.as_secs_f64() / direct.as_secs_f64(),
            body / 1_000_000,
            megabytes(
                proxy
                    .memory("VmHWM")
                    .zip(idle)
                    .map(|(peak, idle)| peak.saturating_sub(idle))
            ),
        );
    }
}

/// A running program of ours, stopped when dropped.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_citrix-odata-proxy"))
            .args(arguments)
            .envs(environment.iter().copied())
            .env("RUST_LOG", "warn")
            .current_dir(std::env::temp_dir())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit("//").next().unwrap().to_owned();
        Self { process, address }
    }

    /// A figure of the process in KiB, where the system tells (Linux).
    fn memory(&self, name: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Reads an answer to its end; returns its length, and stops the bench when it was cut.
fn get(address: &str, path: &str) -> usize {
    let mut connection = TcpStream::connect(address).unwrap();
    write!(
        connection,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut tail = Vec::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut length = 0;
    loop {
        let read = connection.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        length += read;
        tail.extend_from_slice(buffer.get(..read).unwrap());
        tail.drain(..tail.len().saturating_sub(16));
    }
    assert!(
        tail.ends_with(b"0\r\n\r\n") || tail.ends_with(b"]}"),
        "the answer was cut"
    );
    length
}

/// Walks the simulator's pages with the barest of clients: what the machine allows.
fn walk_directly(address: &str, pages: u64) -> Duration {
    let mut connection =
        BufReader::with_capacity(1024 * 1024, TcpStream::connect(address).unwrap());
    connection.get_ref().set_nodelay(true).unwrap();
    let form = "grant_type=client_credentials&client_id=demo-client&client_secret=demo-secret";
    let request = format!(
        "POST /cctrustoauth2/nordhafen/tokens/clients HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len(),
    );
    let answer = exchange(&mut connection, &request);
    let answer = String::from_utf8(answer).unwrap();
    let token = answer
        .split("\"access_token\":\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let began = Instant::now();
    for page in 0..pages {
        let request = format!(
            "GET /monitorodata/Sessions?$skip={} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: bench\r\nAuthorization: CwsAuth Bearer={token}\r\nCitrix-CustomerId: nordhafen\r\n\r\n",
            page * PAGE_SIZE,
        );
        assert!(
            exchange(&mut connection, &request).ends_with(b"}"),
            "a page was cut"
        );
    }
    began.elapsed()
}

/// Sends a request and reads the body of its answer, which must have a length.
fn exchange(connection: &mut BufReader<TcpStream>, request: &str) -> Vec<u8> {
    connection.get_mut().write_all(request.as_bytes()).unwrap();
    let mut length = 0;
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).unwrap();
    body
}

fn megabytes(kibibytes: Option<u64>) -> String {
    kibibytes.map_or_else(
        || "(not known here)".to_owned(),
        |kibibytes| format!("{} MiB", kibibytes / 1024),
    )
}
