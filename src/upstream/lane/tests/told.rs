//! What the operator hears of those that wait.

use std::io;

use super::*;

#[tokio::test(start_paused = true)]
async fn status_tells_who_waits_for_how_long() {
    let lane = lane(2, 256);
    let held = scan(&lane).await;
    let looks = async {
        sleep(Duration::from_secs(7)).await;
        let status = lane.status();
        let waiting = status.waiting.iter();
        let waiting = waiting.map(|w| (w.position, w.class, w.waited.as_secs()));
        let expected = [(1, Class::Interactive, 3), (2, Class::Scan, 7)];
        assert_eq!(waiting.collect::<Vec<_>>(), expected);
        assert_eq!((status.level, status.maximum, status.in_flight), (1, 2, 1));
        assert_eq!(status.oldest(), Duration::from_secs(7));
        assert_eq!(*status.queued_by_class().of(Class::Scan), 1);
        drop(held);
    };
    let preview = async {
        sleep(Duration::from_secs(4)).await;
        drop(enter(&lane, visit(Class::Interactive, "")).await);
    };
    let waits = async { drop(scan(&lane).await) };
    tokio::join!(waits, preview, looks);
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(line);
        let said = line.split("request ").nth(1).unwrap_or_default();
        self.0.lock().unwrap().push(said.trim_end().to_owned());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_is_told() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // A second dispatcher makes tracing ask both whether a line is wanted.
    let second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let guard = tracing::subscriber::set_default(subscriber);
    let lane = lane(1, 256);
    let held = scan(&lane).await;
    let frees = async {
        sleep(Duration::from_secs(69)).await;
        drop(held);
    };
    let waits = async { drop(scan(&lane).await) };
    let preview = async {
        sleep(Duration::from_secs(65)).await;
        drop(enter(&lane, visit(Class::Interactive, "")).await);
    };
    tokio::join!(waits, preview, frees);
    drop((guard, second));
    let lines = lines.0.lock().unwrap().join("\n");
    insta::assert_snapshot!(lines, @r#"
    waits for its turn at upstream what=Users class="scan" position=1 queued=1 paused=false waited_ms=5000
    waits for its turn at upstream what=Users class="scan" position=1 queued=1 paused=false waited_ms=35000
    waits for its turn at upstream what=Users class="scan" position=1 queued=1 paused=false waited_ms=65000
    got its turn at upstream what=Users class="scan" waited_ms=69000
    "#);
}
