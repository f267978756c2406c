//! A long answer lies in memory in the form that its clients ask for; they notice nothing of it.

use std::io::Read;
use std::time::Duration;

use citrix_odata_proxy::demo::Knobs;
use flate2::read::GzDecoder;
use http::Method;
use serde_json::Value;
use tokio::time::sleep;

use crate::world::{Answer, World};

const PATH: &str = "/monitorodata/Sessions";
const HOSTS: [&str; 2] = ["localhost:8484", "127.0.0.1:8484"];

/// Enough rows for more text than is kept beside its packed form.
fn world() -> World {
    let knobs = Knobs {
        sessions: 1000,
        page_size: 250,
        ..Knobs::default()
    };
    World::new(knobs, "cache.ttl = '1h'")
}

async fn ask(world: &World, method: Method, host: &str, coding: &str) -> Answer {
    let headers = [("host", host), ("accept-encoding", coding)];
    let answer = world.request(method, PATH, &headers).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// Asks for the answer so many times, and lets pass what that brings about.
async fn ask_often(world: &World, coding: &str, times: usize) {
    for _ in 0..times {
        ask(world, Method::GET, HOSTS[0], coding).await;
    }
    // Time stands still while another thread works.
    sleep(Duration::from_millis(1)).await;
}

/// Whether the text lies in memory as it is.
async fn is_text(world: &World) -> bool {
    let status = world.get("/api/status").await.json();
    let stored = status["cache"]["stored"].as_array().unwrap().iter();
    let mut of_sessions = stored.filter(|stored| stored["set"] == "Sessions");
    let sessions = of_sessions.next().unwrap();
    let bytes = |name: &str| sessions[name].as_u64().unwrap();
    let (held, text) = (bytes("bytes"), bytes("text_bytes"));
    assert!(held < text / 3 || (text..text + 5000).contains(&held));
    held >= text
}

/// What clients of each kind are told and sent, without what changes with time.
async fn seen(world: &World) -> Vec<(Vec<String>, Vec<u8>)> {
    let mut seen = Vec::new();
    for host in HOSTS {
        for coding in ["identity", "gzip"] {
            for method in [Method::GET, Method::HEAD] {
                let answer = ask(world, method, host, coding).await;
                let names = ["etag", "content-encoding", "content-length", "vary"];
                let told = names.map(|name| answer.header(name).to_owned());
                assert!(!told[0].is_empty() && !told[2].is_empty());
                seen.push((told.to_vec(), answer.bytes().to_vec()));
            }
            let tag = seen[seen.len() - 1].0[0].as_str();
            let condition = [
                ("host", host),
                ("accept-encoding", coding),
                ("if-none-match", tag),
            ];
            let unchanged = world.request(Method::GET, PATH, &condition).await;
            assert_eq!(
                (unchanged.status.as_u16(), unchanged.bytes().len()),
                (304, 0)
            );
        }
        for part in ["?$top=3&$skip=500", "?$count=true&$top=1", "/$count"] {
            let path = format!("{PATH}{part}");
            let answer = world.request(Method::GET, &path, &[("host", host)]).await;
            let status = answer.header("cache-status");
            assert!(status.contains("; hit;"), "{part}: {status}");
            seen.push((Vec::new(), answer.bytes().to_vec()));
        }
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn whatever_form_is_in_memory_clients_are_sent_the_same_bytes() {
    let world = world();
    let live = ask(&world, Method::GET, HOSTS[0], "identity").await;
    // It is on disk when the disk has done what it was told.
    sleep(Duration::from_millis(1)).await;
    let first = seen(&world).await;
    let (identity, gzip) = (&first[0], &first[2]);
    assert!(identity.1 == live.bytes()[..] && identity.1.len() > 200_000);
    let mut text = Vec::new();
    GzDecoder::new(&*gzip.1).read_to_end(&mut text).unwrap();
    assert!(text == identity.1);
    for (coding, as_text) in [
        ("gzip", false),
        ("identity", true),
        ("gzip", false),
        ("identity", true),
    ] {
        ask_often(&world, coding, 40).await;
        assert_eq!(is_text(&world).await, as_text, "{coding}");
        assert!(seen(&world).await == first, "after {coding}");
        // In turns they do not change it.
        for _ in 0..40 {
            for coding in ["identity", "gzip"] {
                ask_often(&world, coding, 1).await;
            }
            assert_eq!(is_text(&world).await, as_text, "{coding}");
        }
    }
    assert_eq!(world.pages_asked(), PAGES, "the service was asked once");
}

/// The pages of the table.
const PAGES: usize = 4;

#[tokio::test(start_paused = true)]
async fn who_only_asks_for_the_head_does_not_count() {
    let world = world();
    ask_often(&world, "gzip", 1).await;
    for _ in 0..40 {
        ask(&world, Method::HEAD, HOSTS[0], "identity").await;
    }
    ask_often(&world, "identity", 1).await;
    assert!(!is_text(&world).await);
    let status: Value = world.get("/api/status").await.json();
    assert!(status["cache"]["disk_entries"].as_u64().unwrap() > 0);
}
