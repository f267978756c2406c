//! Memory and disk for a large answer that a fast and a slow client read at once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use crate::harness::client::Client;
use crate::harness::mebibytes;
use crate::harness::server::{Server, Service};
use crate::line;
use crate::tally::Tally;

/// Streams a gigabyte to two clients, of which one is slow until the other has finished.
pub(crate) fn of_a_large_answer() {
    let simulator = Server::simulator(&SERVICE);
    let proxy = Server::proxy(&simulator, &[]);
    Client::new(&proxy.address).get("/monitorodata/Users?$top=1", |_| {});
    let idle = proxy.memory("VmRSS");
    let begun = AtomicBool::new(false);
    let finished = AtomicBool::new(false);
    let disk = AtomicU64::new(0);
    let (fast, slow, behind) = thread::scope(|scope| {
        let fast = scope.spawn(|| {
            let mut tally = Tally::new();
            Client::new(&proxy.address).get(PATH, |bytes| {
                tally.take(bytes);
                begun.store(true, Ordering::Relaxed);
            });
            finished.store(true, Ordering::Relaxed);
            tally
        });
        while !begun.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(1));
        }
        let slow = scope.spawn(|| read_slowly(&proxy.address, &finished));
        while !slow.is_finished() {
            disk.fetch_max(open_files(&proxy).unwrap_or_default(), Ordering::Relaxed);
            sleep(Duration::from_millis(50));
        }
        let (slow, behind) = slow.join().unwrap();
        (fast.join().unwrap(), slow, behind)
    });
    assert_eq!(fast.rows, SERVICE.sessions, "rows that came");
    assert!(
        fast.identity() == slow.identity(),
        "the clients had different answers"
    );
    let peak = proxy.memory("VmHWM");
    line([
        &format!(
            "peak memory for {} MB to two clients, the slow one at {} MB when the fast one was done",
            fast.bytes / 1_000_000,
            behind / 1_000_000
        ),
        &mebibytes(peak),
        "",
        "128 MiB",
    ]);
    line([
        "of it above idle",
        &mebibytes(peak.zip(idle).map(|(peak, idle)| peak.saturating_sub(idle))),
        "",
        "",
    ]);
    line([
        "the most on disk meanwhile",
        &mebibytes(Some(disk.into_inner())),
        "",
        "",
    ]);
}

/// Reads the answer no faster than [`SLOW`] until `finished`. Also returns how many bytes had come by then.
fn read_slowly(proxy: &str, finished: &AtomicBool) -> (Tally, u64) {
    let mut tally = Tally::new();
    let mut behind = 0;
    let began = Instant::now();
    Client::new(proxy).get(PATH, |bytes| {
        tally.take(bytes);
        if finished.load(Ordering::Relaxed) {
            return;
        }
        behind = tally.bytes;
        let due = Duration::from_micros(tally.bytes / SLOW);
        sleep(due.saturating_sub(began.elapsed()));
    });
    (tally, behind)
}

/// Bytes of all files that the process has open, also of those without a name, where the system tells (Linux).
fn open_files(server: &Server) -> Option<u64> {
    let folder = std::fs::read_dir(format!("/proc/{}/fd", server.id())).ok()?;
    let files = folder
        .filter_map(|entry| std::fs::metadata(entry.ok()?.path()).ok())
        .filter(std::fs::Metadata::is_file);
    Some(files.map(|file| file.len()).sum())
}

const PATH: &str = "/monitorodata/Sessions";

/// More than a gigabyte, as fast as it comes.
const SERVICE: Service = Service {
    sessions: 1_900_000,
    page_size: 1000,
    latency: Duration::ZERO,
    skip_cost: Duration::ZERO,
};

/// Bytes a microsecond.
const SLOW: u64 = 5;
