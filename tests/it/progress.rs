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

#[tokio::test(start_paused = true)]
async fn long_scans_say_every_five_seconds_how_far_they_are() {
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

    // Six pages, 3 s each.
    let knobs = Knobs {
        latency: Duration::from_secs(3),
        ..small()
    };
    let world = World::new(knobs, "");
    let path = "/Sessions?$filter=StartDate gt 2001-01-01T00:00:00Z";
    assert_eq!(world.ask(path).await.rows().len(), 110);
    drop((guard, second));

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let told: Vec<Value> = lines
        .filter(|line: &Value| line["message"].as_str().unwrap().starts_with("reading "))
        .collect();
    assert!((2..=5).contains(&told.len()), "{text}");
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
