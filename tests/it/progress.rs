//! What is said of an answer while it is being made.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use citrix_odata_proxy::demo::Knobs;
use serde_json::Value;

use crate::world::{World, small};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What was said of answers under way while `path` was asked, and how many rows it had.
async fn told(knobs: Knobs, path: &str) -> (Vec<Value>, usize) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(move || writer.clone())
        .finish();
    // With a single dispatcher, tracing lets whichever thread comes first decide for all whether a line is
    // wanted; a second one makes it ask all.
    let second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let guard = tracing::subscriber::set_default(subscriber);
    let rows = World::new(knobs, "").ask(path).await.rows().len();
    drop((guard, second));

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let told = lines.filter(|line: &Value| {
        let message = line["message"].as_str().unwrap();
        message.starts_with("reading ")
    });
    (told.collect(), rows)
}

#[tokio::test(start_paused = true)]
async fn long_scans_say_every_five_seconds_how_far_they_are() {
    // Six pages, 3 s each.
    let knobs = Knobs {
        latency: Duration::from_secs(3),
        ..small()
    };
    let path = "/Sessions?$filter=StartDate gt 2001-01-01T00:00:00Z";
    let (told, rows) = told(knobs, path).await;
    assert_eq!(rows, 110);
    assert!((2..=5).contains(&told.len()), "{told:?}");
    for line in &told {
        assert_eq!(
            (&line["level"], &line["site"]),
            (&"INFO".into(), &"main".into())
        );
        assert_eq!(line["what"], "Sessions");
        assert!(line["upstream.pages"].as_u64().unwrap() > 1, "{line}");
        assert!(line["rows"].as_u64().unwrap() > 20, "{line}");
        assert!(!line.to_string().contains("2001-01-01"), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_listed_as_a_scan_is_not_told_of() {
    let group = &World::new(small(), "")
        .rows_of("/DesktopGroups?$top=1&$select=Id")
        .await[0];
    let group: Value = serde_json::from_str(group).unwrap();
    let path = format!("/DesktopGroups({})/Machines", group["Id"].as_str().unwrap());
    // Pages of an expanded collection, 3 s each.
    let knobs = Knobs {
        latency: Duration::from_secs(3),
        expand_page_size: Some(3),
        ..small()
    };
    let (told, rows) = told(knobs, &path).await;
    assert!(rows > 20, "{rows}");
    assert_eq!(told, [Value::Null; 0]);
}
