//! Answers that have ended: what they hold, and who may keep it.

use std::sync::mpsc;

use bytes::Bytes;
use tempfile::TempDir;

use super::disk::{disk_of, file_of, memory_of, part, parts, read, settle, write};
use super::*;

/// An answer of so many parts that has ended, and a reader who has taken the first.
async fn ended(space: &Space<&'static str>, count: usize) -> Reader<&'static str> {
    let spool = Spool::new(space.clone(), PURPOSE);
    let (fast, mut slow) = (spool.join().unwrap(), spool.join().unwrap());
    let (_, ()) = join(read(fast), write(&spool, count, Ok(()))).await;
    assert!(slow.next().await == Some(Ok(part(0))));
    slow
}

/// What becomes of those who stand still where an answer in memory, or in files, leaves no room for another one, so
/// many seconds after it has ended. Says whether they are cut off, and whether the other one can be joined meanwhile.
async fn after(seconds: u64, space: &Space<&'static str>, second: usize) -> (bool, bool) {
    let idle = ended(space, 20).await;
    sleep(Duration::from_secs(seconds)).await;
    let other = Spool::new(space.clone(), PURPOSE);
    let (first, late) = (other.join().unwrap(), other.join().unwrap());
    let writes = async {
        let mut writer = SpoolWriter::new(Arc::clone(&other));
        writer.begin(Content::Text);
        for n in 0..second {
            writer.room().await;
            writer.put(part(n)).await;
        }
        let joined = other.join().is_some();
        other.finish(Ok(()));
        joined
    };
    let (received, later, joined) = join3(read(first), read(late), writes).await;
    assert!(received == (parts(second), Ok(())) && later == received);
    let cut = match read(idle).await {
        (rest, Ok(())) => {
            assert!(rest == parts(20).split_off(1));
            false
        }
        (rest, Err(_)) => {
            assert!(rest.is_empty());
            true
        }
    };
    settle().await;
    assert_eq!(space.allowance.used(), 0);
    assert_eq!(space.disk.as_ref().map_or(0, |disk| disk.used()), 0);
    (cut, joined)
}

#[tokio::test(start_paused = true)]
async fn who_stands_still_makes_room_for_others() {
    let folder = TempDir::new().unwrap();
    for (case, seconds, second, expected) in [
        ("there is room", 3600, 10, (false, true)),
        ("short for a minute", 60, 20, (true, true)),
        ("not yet", 58, 20, (false, false)),
    ] {
        let memory = Allowance::new(usize::MAX, memory_of(30));
        let in_memory = Space::new(memory, None);
        assert_eq!(after(seconds, &in_memory, second).await, expected, "{case}");
        let disk = disk_of(folder.path(), file_of(0..30));
        let in_file = Space::new(Allowance::new(0, usize::MAX), Some(disk));
        assert_eq!(after(seconds, &in_file, second).await, expected, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_goes_on_in_time_is_not_dropped_for_others() {
    let space = Space::new(Allowance::new(usize::MAX, memory_of(30)), None);
    let mut slow = ended(&space, 20).await;
    tokio::time::advance(Duration::from_hours(8)).await;
    let other = Spool::new(space.clone(), PURPOSE);
    let reader = other.join().unwrap();
    let goes_on = async {
        sleep(LOOK_AGAIN_AFTER / 2).await;
        assert!(slow.next().await == Some(Ok(part(1))));
        read(slow).await
    };
    let (rest, _, ()) = join3(goes_on, read(reader), write(&other, 20, Ok(()))).await;
    assert!(rest == (parts(20).split_off(2), Ok(())));
}

#[tokio::test(start_paused = true)]
async fn parts_are_dropped_when_the_lock_is_free() {
    struct Watched(std::sync::Weak<Spool<&'static str>>, mpsc::Sender<bool>);

    impl AsRef<[u8]> for Watched {
        fn as_ref(&self) -> &[u8] {
            b"xx"
        }
    }

    impl Drop for Watched {
        fn drop(&mut self) {
            let spool = self.0.upgrade();
            let free = spool.is_none_or(|spool| spool.state.try_lock().is_ok());
            self.1.send(free).unwrap();
        }
    }

    let (spool, mut writer) = spool(1);
    let mut reader = spool.join().unwrap();
    let (tell, told) = mpsc::channel();
    for _ in 0..20 {
        let mut text = NeutralText::new();
        let watched = Watched(Arc::downgrade(&spool), tell.clone());
        text.push(Bytes::from_owner(watched));
        writer.push(text, 1).await;
    }
    for _ in 0..5 {
        drop(reader.next().await);
    }
    drop(reader);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [true; 20]);
}

/// Files of this folder that the program has open. They have no name.
#[cfg(target_os = "linux")]
fn open_files(folder: &TempDir) -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    let targets = open.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    targets
        .filter(|file| file.starts_with(folder.path()))
        .count()
}

#[cfg(target_os = "linux")]
#[test]
fn files_are_closed_where_nobody_waits_for_it() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = TempDir::new().unwrap();
        let disk = disk_of(folder.path(), u64::MAX);
        let space = Space::new(Allowance::new(0, usize::MAX), Some(Arc::clone(&disk)));
        let reader = ended(&space, 20).await;
        settle().await;
        assert_eq!(open_files(&folder), 1);
        let (goes_on, waits) = mpsc::channel();
        let occupied = tokio::task::spawn_blocking(move || waits.recv());
        drop(reader);
        assert_eq!((open_files(&folder), disk.used()), (1, 0));
        goes_on.send(()).unwrap();
        occupied.await.unwrap().unwrap();
        settle().await;
        assert_eq!(open_files(&folder), 0);
    });
}
