//! The order to stop: what is under way is finished, within limits, and nothing ends as if it were whole.

use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::process::{PATIENCE, Program, Running, eventually};
use crate::wire::{self, End, Wire};

#[tokio::test]
async fn idle_it_stops_at_once() {
    for signal in ["TERM", "INT"] {
        let simulator = Program::simulate(&["--sessions", "10"]).start().await;
        let proxy = Program::serve(&simulator.endpoint()).start().await;
        let mut kept = Wire::open(proxy.address).await;
        kept.ask("/monitorodata/Machines?$top=1", &[]).await;
        assert_eq!(kept.reply().await.rows().len(), 1);
        // Browsers open connections that they may never use.
        let mut unused = Wire::open(proxy.address).await;
        wire::get(proxy.address, "/healthz").await;
        for program in [proxy, simulator] {
            let began = Instant::now();
            program.signal(signal).await;
            let ended = program.ended().await;
            assert_eq!(ended.code, Some(0), "{}", ended.everything());
            assert!(
                ended.stderr.contains("every request was finished"),
                "{}",
                ended.stderr
            );
            assert!(began.elapsed() < SOON, "{signal}: {:?}", began.elapsed());
        }
        assert!(kept.closed().await && unused.closed().await);
    }
}

#[tokio::test]
async fn a_demo_leaves_nothing_behind() {
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap();
        let name = |entry: io::Result<DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        entries.map(name).collect::<Vec<_>>()
    };
    let temporary = tempfile::tempdir().unwrap();
    let arguments = ["demo", "--listen", "127.0.0.1:0", "--sessions", "10"];
    for named in [false, true] {
        let mut demo =
            Program::new(&arguments).variable("TMPDIR", temporary.path().to_str().unwrap());
        if named {
            demo = demo.arguments(&["--data-dir", "here"]);
        }
        let demo = demo.start().await;
        wire::get(demo.address, "/monitorodata/Sessions").await;
        let made = names(temporary.path());
        assert_eq!(made.len(), usize::from(!named), "{made:?}");
        let own = |name: &String| name.starts_with("citrix-odata-proxy-demo-");
        assert!(made.iter().all(own), "{made:?}");
        assert!(!demo.file(".local").exists());
        demo.signal("INT").await;
        let ended = demo.ended().await;
        assert_eq!(ended.code, Some(0), "{}", ended.everything());
        assert_eq!(names(temporary.path()), [""; 0]);
    }
}

#[tokio::test]
async fn half_a_request_does_not_hold_it_up() {
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let proxy = Program::serve(&simulator.endpoint())
        .set("server.drain", "1m")
        .start()
        .await;
    let mut fresh = Wire::open(proxy.address).await;
    let mut used = Wire::open(proxy.address).await;
    used.ask("/healthz", &[]).await;
    assert_eq!(used.reply().await.status(), 200);
    for half in [&mut fresh, &mut used] {
        half.send("GET /healthz HTTP/1.1\r\nHost: local").await;
    }
    wire::get(proxy.address, "/healthz").await;
    let began = Instant::now();
    proxy.signal("TERM").await;
    let ended = proxy.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.everything());
    let took = began.elapsed();
    assert!(took < SOON, "{took:?}");
    assert!(ended.stderr.contains("every request was finished"));
    assert!(fresh.closed().await && used.closed().await);
}

#[tokio::test]
async fn a_request_under_way_is_finished() {
    let arguments = [
        "--sessions",
        "300",
        "--page-size",
        "100",
        "--latency",
        "300",
    ];
    let simulator = Program::simulate(&arguments).start().await;
    let proxy = Program::serve(&simulator.endpoint()).start().await;
    let mut client = Wire::open(proxy.address).await;
    client.ask("/monitorodata/Sessions", &[]).await;
    in_flight(&simulator).await;
    proxy.signal("TERM").await;
    proxy.says("stopping: no new requests").await;
    let reply = client.reply().await;
    assert!(reply.rows().len() >= 300);
    assert!(client.closed().await);
    let ended = proxy.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("every request was finished"),
        "{}",
        ended.stderr
    );
}

/// hyper is done with a body as soon as it has the last piece of it.
#[tokio::test]
async fn a_long_answer_out_of_memory_is_sent_to_its_end() {
    let simulator = Program::simulate(&["--sessions", "40000"]).start().await;
    let proxy = Program::serve(&simulator.endpoint()).start().await;
    let path = "/monitorodata/Sessions";
    let whole = wire::get(proxy.address, path).await.text().to_owned();
    let is_text = async || {
        wire::get(proxy.address, path).await;
        let status = wire::get(proxy.address, "/api/status").await.json();
        let stored = &status["cache"]["stored"][0];
        let bytes = |name: &str| stored[name].as_u64().unwrap();
        (bytes("bytes") >= bytes("text_bytes")).then_some(())
    };
    eventually("text in memory", is_text).await;
    let mut client = Wire::open(proxy.address).await;
    client.ask(path, &[]).await;
    let head = client.head().await.unwrap();
    proxy.signal("TERM").await;
    proxy.says("stopping: no new requests").await;
    // Longer than a connection has that has nothing to do.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let reply = client.body(head).await;
    assert_eq!((reply.status(), reply.end), (200, End::Clean));
    assert!(reply.text() == whole);
    let ended = proxy.ended().await;
    assert!(
        ended.stderr.contains("every request was finished"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn nobody_new_is_let_in_while_it_stops() {
    let simulator = slow_second_page("60").await;
    let proxy = Program::serve(&simulator.endpoint()).start().await;
    let mut client = begun(&proxy).await;
    proxy.signal("TERM").await;
    proxy.says("stopping: no new requests").await;
    eventually("a refusal", async || {
        tokio::net::TcpStream::connect(proxy.address).await.err()
    })
    .await;
    proxy.signal("TERM").await;
    assert_eq!(proxy.ended().await.code, Some(1));
    cut(&mut client).await;
}

#[tokio::test]
async fn what_takes_longer_than_the_drain_is_cut_and_never_looks_whole() {
    let simulator = slow_second_page("60").await;
    let proxy = Program::serve(&simulator.endpoint())
        .set("server.drain", "1s")
        .start()
        .await;
    let mut client = Wire::open(proxy.address).await;
    client.ask("/monitorodata/Sessions", &[]).await;
    let head = client.head().await.unwrap();
    let began = Instant::now();
    proxy.signal("TERM").await;
    let reply = client.body(head).await;
    assert_eq!((reply.status(), reply.end), (200, End::Cut));
    assert!(!reply.framed.ends_with(b"0\r\n\r\n"));
    let ended = proxy.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("time was up"), "{}", ended.stderr);
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(1) && took < SOON, "{took:?}");
}

#[tokio::test]
async fn who_has_no_answer_yet_when_time_is_up_gets_an_error_or_nothing() {
    let arguments = ["--sessions", "300", "--latency", "60000"];
    let simulator = Program::simulate(&arguments).start().await;
    let proxy = Program::serve(&simulator.endpoint())
        .set("server.drain", "0s")
        .start()
        .await;
    let mut client = Wire::open(proxy.address).await;
    client.ask("/monitorodata/Sessions", &[]).await;
    in_flight(&simulator).await;
    proxy.signal("TERM").await;
    let head = client.head().await;
    assert!(
        head.as_ref().is_none_or(|head| head.status() == 503),
        "{head:?}"
    );
    assert_eq!(proxy.ended().await.code, Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    for signals in [["TERM", "TERM"], ["INT", "TERM"], ["INT", "INT"]] {
        let simulator = slow_second_page("60").await;
        let proxy = Program::serve(&simulator.endpoint()).start().await;
        let mut client = begun(&proxy).await;
        proxy.signal(signals[0]).await;
        proxy.says("a second signal ends them at once").await;
        let began = Instant::now();
        proxy.signal(signals[1]).await;
        let ended = proxy.ended().await;
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(began.elapsed() < SOON);
        cut(&mut client).await;
        assert!(
            ended.stderr.contains("by a second signal"),
            "{}",
            ended.stderr
        );
    }
}

/// Many, because a line that nobody waits for may be just in time.
#[tokio::test]
async fn whoever_is_cut_by_a_second_signal_has_a_line_in_the_log() {
    const CLIENTS: usize = 100;
    let simulator = slow_second_page("60").await;
    let proxy = Program::serve(&simulator.endpoint()).start().await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(begun(&proxy).await);
    }
    proxy.signal("TERM").await;
    proxy.says("a second signal ends them at once").await;
    proxy.signal("TERM").await;
    let ended = proxy.ended().await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let lines = ended.stderr.matches("GET Sessions 200 ").count();
    assert_eq!(lines, CLIENTS, "{}", ended.stderr);
}

/// A simulator whose second page of sessions takes so many seconds.
async fn slow_second_page(seconds: &str) -> Running {
    let fault = format!("set=Sessions,page=2,kind=slow,seconds={seconds}");
    let arguments = ["--sessions", "300", "--page-size", "100", "--fault", &fault];
    Program::simulate(&arguments).start().await
}

/// A client that has the beginning of an answer.
async fn begun(proxy: &Running) -> Wire {
    let mut client = Wire::open(proxy.address).await;
    client.ask("/monitorodata/Sessions", &[]).await;
    assert_eq!(client.head().await.unwrap().status(), 200);
    assert!(!client.chunk().await.unwrap().is_empty());
    client
}

/// Reads what is left of a body, which has no clean end.
async fn cut(client: &mut Wire) {
    while let Ok(chunk) = client.chunk().await {
        assert!(!chunk.is_empty(), "a clean end");
    }
}

async fn in_flight(simulator: &Running) {
    eventually("a query in flight", async || {
        (simulator.stat("in_flight").await > 0).then_some(())
    })
    .await;
}

/// Enough for a busy machine, and far less than what is waited for when things go wrong.
const SOON: Duration = Duration::from_secs(15);

const _: () = assert!(SOON.as_secs() < PATIENCE.as_secs());
