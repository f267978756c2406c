//! What small questions wait for while a scan runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use crate::harness::client::Client;
use crate::harness::server::{Server, Service};
use crate::line;
use crate::tally::Tally;

/// Small questions one after the other: alone, then during a scan without and with pauses between them.
///
/// Without pauses each question comes just when the scan has asked for its next page: the longest wait behind one page. With
/// them it comes anywhere within a page.
pub(crate) fn during_a_scan(service: &Service) {
    let simulator = Server::simulator(service);
    let proxy = Server::proxy(&simulator, &[]);
    let mut client = Client::new(&proxy.address);
    let mut questions = Questions::new(&mut client);
    let alone = questions.ask(&mut client, QUESTIONS / 10, Duration::ZERO, || true);
    report("alone", alone, service.latency, "");
    for (name, pause) in [
        ("during a scan, without pauses", Duration::ZERO),
        ("during a scan, with pauses", service.latency),
    ] {
        // One that has stored nothing.
        let proxy = Server::proxy(&simulator, &[]);
        let mut client = Client::new(&proxy.address);
        client.get("/monitorodata/$metadata", |_| {});
        let begun = AtomicBool::new(false);
        let done = AtomicBool::new(false);
        let waits = thread::scope(|scope| {
            scope.spawn(|| {
                let mut tally = Tally::new();
                Client::new(&proxy.address).get("/monitorodata/Sessions", |bytes| {
                    tally.take(bytes);
                    begun.store(true, Ordering::Relaxed);
                });
                done.store(true, Ordering::Relaxed);
                assert_eq!(tally.rows, service.sessions, "rows that came");
            });
            while !begun.load(Ordering::Relaxed) {
                sleep(Duration::from_millis(1));
            }
            let scanning = || !done.load(Ordering::Relaxed);
            questions.ask(&mut client, QUESTIONS, pause, scanning)
        });
        report(name, waits, service.latency, "p99 2");
    }
}

/// Small questions, none of them asked before.
struct Questions {
    users: Vec<u64>,
    asked: usize,
}

impl Questions {
    /// Also brings the token, the connections and `$metadata`, which are not what is measured.
    fn new(client: &mut Client) -> Self {
        client.get("/monitorodata/$metadata", |_| {});
        let mut answer = Vec::new();
        client.get("/monitorodata/Users?$select=Id&$top=1000", |bytes| {
            answer.extend_from_slice(bytes);
        });
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        let users = answer.get("value").unwrap().as_array().unwrap().iter();
        Self {
            users: users
                .map(|user| user.get("Id").unwrap().as_u64().unwrap())
                .collect(),
            asked: 0,
        }
    }

    /// Asks up to `count` questions, with pauses of up to `pause` between them, and returns how long each took. The
    /// last one is left out when something else than `while_true` was the case at its end.
    fn ask(
        &mut self,
        client: &mut Client,
        count: usize,
        pause: Duration,
        while_true: impl Fn() -> bool,
    ) -> Vec<Duration> {
        let mut waits = Vec::with_capacity(count);
        while waits.len() < count {
            let number = self.asked;
            self.asked += 1;
            // Far from even, and the same in each run.
            sleep(pause * u32::try_from(number * 61 % 100).unwrap() / 100);
            let user = self.users.get(number).unwrap();
            let path = match number % 3 {
                0 => format!("Users?$top=20&$skip={}", number % 100),
                1 => format!("Users({user})"),
                _ => format!("Users/$count?$filter=Id%20ge%20{user}"),
            };
            let began = Instant::now();
            client.get(&format!("/monitorodata/{path}"), |_| {});
            if !while_true() {
                break;
            }
            waits.push(began.elapsed());
        }
        waits
    }
}

/// Prints the distribution of `waits`, in pages.
fn report(name: &str, mut waits: Vec<Duration>, page: Duration, aim: &str) {
    assert!(!waits.is_empty(), "the scan was too short");
    waits.sort_unstable();
    let quantile = |percent: usize| {
        let rank = (waits.len() * percent).div_ceil(100).max(1);
        let wait = waits.get(rank - 1).unwrap();
        wait.as_secs_f64() / page.as_secs_f64()
    };
    line([
        &format!("{} small questions {name}", waits.len()),
        &format!("max {:.0} ms", quantile(100) * page.as_secs_f64() * 1000.0),
        &format!(
            "p50 {:.2}, p99 {:.2}, max {:.2} pages",
            quantile(50),
            quantile(99),
            quantile(100)
        ),
        aim,
    ]);
}

/// Small questions for one distribution.
const QUESTIONS: usize = 250;
