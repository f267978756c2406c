//! Whatever readers, memory and disk there are: who reads to the end has everything, and nothing is left behind.

use proptest::prelude::*;

use super::disk::{disk_of, part, parts};
use super::*;

/// How a reader behaves.
#[derive(Debug, Clone)]
struct Habit {
    /// It comes when so many parts are written; the first reader is there from the beginning.
    comes: u64,
    /// Seconds that it takes for a part.
    pace: u64,
    /// It leaves after so many parts.
    leaves: usize,
}

fn habit() -> impl Strategy<Value = Habit> {
    let leaves = prop_oneof![0..PARTS, Just(usize::MAX)];
    let habit = (0..PARTS as u64, 0..50_u64, leaves);
    habit.prop_map(|(comes, pace, leaves)| Habit {
        comes,
        pace,
        leaves,
    })
}

/// A fill that stops when it is abandoned, as the cache's does.
async fn fill(spool: &Arc<Spool<&'static str>>, writer: SpoolWriter<&'static str>, pause: u64) {
    let work = async move {
        let mut writer = writer;
        writer.begin(Content::Text);
        for n in 0..PARTS {
            writer.room().await;
            sleep(Duration::from_secs(pause)).await;
            writer.put(part(n)).await;
        }
    };
    tokio::select! {
        biased;
        () = work => spool.finish(Ok(())),
        () = spool.abandoned() => spool.interrupt(),
    }
}

/// Reads as its habit is. Says whether it wanted the end.
async fn visit(mut reader: Reader<&'static str>, habit: &Habit) -> bool {
    for expected in parts(PARTS).into_iter().take(habit.leaves) {
        sleep(Duration::from_secs(habit.pace)).await;
        assert!(reader.next().await == Some(Ok(expected)));
    }
    let wants_all = habit.leaves > PARTS;
    if wants_all {
        assert!(reader.next().await.is_none());
    }
    wants_all
}

async fn play(each_max: usize, disk: Option<Arc<Disk>>, pause: u64, habits: &[Habit]) {
    let allowance = Allowance::new(each_max, usize::MAX);
    let space = Space::new(Arc::clone(&allowance), disk.clone());
    let spool = Spool::new(space, PURPOSE);
    let writer = SpoolWriter::new(Arc::clone(&spool));
    let mut first = spool.join();
    let visits: Vec<_> = habits
        .iter()
        .map(|habit| {
            let (spool, first) = (Arc::clone(&spool), first.take());
            async move {
                if let Some(first) = first {
                    return visit(first, habit).await;
                }
                while spool.progress().rows() < habit.comes && spool.readers() > 0 {
                    sleep(Duration::from_millis(700)).await;
                }
                let read = spool.readers() > 0;
                assert_eq!(spool.progress().is_awaited(), read);
                match spool.join() {
                    Some(reader) => visit(reader, habit).await,
                    None => false,
                }
            }
        })
        .collect();
    let (_, ()) = join(join_all(visits), fill(&spool, writer, pause)).await;
    assert!(!spool.progress().is_awaited());
    drop(spool);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(allowance.used(), 0);
    assert_eq!(disk.map_or(0, |disk| disk.used()), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn who_reads_to_the_end_has_everything(
        each_max in 0..6000_usize,
        bytes_max in prop_oneof![Just(None), (0..6000_u64).prop_map(Some), Just(Some(u64::MAX))],
        pause in 0..20_u64,
        habits in prop::collection::vec(habit(), 1..6),
    ) {
        let folder = tempfile::TempDir::new().unwrap();
        let disk = bytes_max.map(|bytes_max| disk_of(folder.path(), bytes_max));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(play(each_max, disk, pause, &habits));
    }
}

const PARTS: usize = 30;
