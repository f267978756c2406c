//! Answers that are too large for memory, with a real folder.

use std::io::Write;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::cache::SpoolFolder;

/// Part `n` of an answer: 100 bytes and more, with links in it.
pub(super) fn part(n: usize) -> Segment {
    let mut text = NeutralText::new();
    text.push(format!("{{\"n\":{n},\"@odata.id\":\""));
    text.push_root();
    text.push(format!("/Sessions({n})\",\"pad\":\""));
    text.push(vec![b'x'; 100]);
    text.push_root();
    text.push_root();
    text.push("\"}");
    let text = Packed::pack(&text);
    Segment { text, rows: 1 }
}

pub(super) fn parts(count: usize) -> Vec<Segment> {
    (0..count).map(part).collect()
}

pub(super) fn disk_of(path: &Path, bytes_max: u64) -> Arc<Disk> {
    Disk::new(SpoolFolder {
        path: path.to_owned(),
        bytes_max,
    })
}

/// A folder that need not be there yet, and space without a bound in it.
fn disk() -> (TempDir, Arc<Disk>) {
    let folder = TempDir::new().unwrap();
    let disk = disk_of(&folder.path().join("data/spool"), u64::MAX);
    (folder, disk)
}

/// Names in the folder.
fn names(folder: &TempDir) -> usize {
    let files = std::fs::read_dir(folder.path().join("data/spool"));
    files.unwrap().count()
}

/// Writes so many parts as a fill does, and ends.
pub(super) async fn write(
    spool: &Arc<Spool<&'static str>>,
    count: usize,
    end: Result<(), &'static str>,
) {
    let mut writer = SpoolWriter::new(Arc::clone(spool));
    writer.begin(Content::Text);
    for n in 0..count {
        writer.room().await;
        writer.put(part(n)).await;
    }
    spool.finish(end);
}

/// Everything that a reader gets, and how it ended.
pub(super) async fn read(
    mut reader: Reader<&'static str>,
) -> (Vec<Segment>, Result<(), &'static str>) {
    let mut segments = Vec::new();
    while let Some(next) = reader.next().await {
        match next {
            Ok(segment) => segments.push(segment),
            Err(error) => return (segments, Err(error)),
        }
    }
    (segments, Ok(()))
}

/// Lets writes that nobody waits for come to their end.
pub(super) async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

/// Bytes in memory of the first parts.
pub(super) fn memory_of(count: usize) -> usize {
    let bytes = parts(count);
    bytes.iter().map(|part| part.text.stored_len()).sum()
}

/// Bytes in a file of these parts.
pub(super) fn file_of(parts: impl IntoIterator<Item = usize>) -> u64 {
    let bytes = parts.into_iter().map(|n| {
        let text = part(n).text;
        text.encoded_len() as u64
    });
    bytes.sum()
}

#[tokio::test(start_paused = true)]
async fn the_fast_waits_for_nobody_and_the_slow_gets_everything() {
    let (folder, disk) = disk();
    let bound = memory_of(4);
    let allowance = Allowance::new(bound, usize::MAX);
    let space = Space::new(Arc::clone(&allowance), Some(Arc::clone(&disk)));
    let spool = Spool::new(space, PURPOSE);
    let (fast, slow) = (spool.join().unwrap(), spool.join().unwrap());
    let began = Instant::now();
    let (fast, ()) = join(read(fast), write(&spool, 200, Ok(()))).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(fast == (parts(200), Ok(())));
    assert!(names(&folder) == 0 || cfg!(windows), "it has no name");
    let recent = (RECENT + 1) * part(199).text.stored_len();
    assert!(allowance.used() <= bound + recent, "in memory");
    assert!(disk.used() >= file_of(4..199));
    assert!(!whole(&spool) && spool.join().is_none());
    sleep(Duration::from_hours(1)).await;
    drop(spool);
    assert!(read(slow).await == (parts(200), Ok(())));
    settle().await;
    assert_eq!((allowance.used(), disk.used()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_joins_in_the_middle_reads_from_the_beginning() {
    let (_folder, disk) = disk();
    let spool = spool_in(memory_of(2), Some(&disk));
    let first = spool.join().unwrap();
    let late = async {
        while spool.progress().rows() < 50 {
            tokio::task::yield_now().await;
        }
        read(spool.join().unwrap()).await
    };
    let (first, late, ()) = join3(read(first), late, write(&spool, 100, Ok(()))).await;
    assert!(first == (parts(100), Ok(())));
    assert!(late == (parts(100), Ok(())));
}

#[tokio::test(start_paused = true)]
async fn who_keeps_up_needs_no_file() {
    let (_folder, disk) = disk();
    let spool = spool_in(0, Some(&disk));
    let mut reader = spool.join().unwrap();
    let mut writer = SpoolWriter::new(Arc::clone(&spool));
    writer.begin(Content::Text);
    writer.put(part(0)).await;
    for n in 0..20 {
        let next = reader.next().now_or_never();
        assert!(next == Some(Some(Ok(part(n)))), "{n}");
        // As many as there is room for.
        while writer.room().now_or_never().is_some() {
            let next = usize::try_from(spool.progress().rows()).unwrap();
            writer.put(part(next)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_fastest_reader_sets_the_pace_of_an_answer_in_a_file() {
    let (_folder, disk) = disk();
    let spool = spool_in(0, Some(&disk));
    let mut slow = spool.join().unwrap();
    let fast = spool.join().unwrap();
    let mut writer = SpoolWriter::new(Arc::clone(&spool));
    writer.begin(Content::Text);
    let mut fast = Some(fast);
    for n in 0..20 {
        assert!(writer.room().now_or_never().is_some());
        writer.put(part(n)).await;
        if let Some(fast) = &mut fast {
            fast.next().await;
        }
    }
    // Who is alone then, is not overtaken by what nobody may want.
    fast.take();
    writer.put(part(20)).await;
    assert!(timeout_of(writer.room()).await);
    for n in 0..20 {
        assert!(slow.next().await == Some(Ok(part(n))), "{n}");
    }
    assert!(!timeout_of(writer.room()).await);
}

async fn timeout_of(work: impl Future<Output = ()>) -> bool {
    let hour = Duration::from_hours(1);
    timeout(hour, work).await.is_err()
}

#[tokio::test(start_paused = true)]
async fn an_error_comes_after_what_is_in_the_file() {
    let (_folder, disk) = disk();
    let spool = spool_in(0, Some(&disk));
    let (fast, slow) = (spool.join().unwrap(), spool.join().unwrap());
    let (fast, ()) = join(read(fast), write(&spool, 30, Err("broken"))).await;
    for received in [fast, read(slow).await] {
        assert!(received == (parts(30), Err("broken")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_that_was_not_awaited_to_its_end_is_given_again() {
    let (_folder, disk) = disk();
    let spool = spool_in(0, Some(&disk));
    let (fast, mut slow) = (spool.join().unwrap(), spool.join().unwrap());
    let (_, ()) = join(read(fast), write(&spool, 9, Ok(()))).await;
    // The file may be read before we look.
    let taken = usize::from(slow.next().now_or_never().is_some());
    assert!(read(slow).await == (parts(9).split_off(taken), Ok(())));
}

/// Two readers of an answer in which the file cannot be written from some part on: the slowest sets the pace.
async fn goes_on_without(disk: &Arc<Disk>) {
    let spool = spool_in(memory_of(2), Some(disk));
    let (fast, slow) = (spool.join().unwrap(), spool.join().unwrap());
    let slow = async {
        sleep(Duration::from_secs(50)).await;
        assert!(spool.join().is_none());
        let written = spool.progress().rows();
        assert!(written < 100, "{written}");
        sleep(Duration::from_secs(5)).await;
        assert_eq!(spool.progress().rows(), written);
        read(slow).await
    };
    let began = Instant::now();
    let (fast, slow, ()) = join3(read(fast), slow, write(&spool, 100, Ok(()))).await;
    assert_eq!(began.elapsed(), Duration::from_secs(55));
    assert!(fast == (parts(100), Ok(())));
    assert!(slow == (parts(100), Ok(())));
    assert_eq!(spool.state().retained(), 0);
    settle().await;
    assert_eq!(disk.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_is_full_leaves_the_pace_to_the_slowest() {
    let folder = TempDir::new().unwrap();
    goes_on_without(&disk_of(folder.path(), file_of(2..12))).await;
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_cannot_be_made_leaves_the_pace_to_the_slowest() {
    let folder = TempDir::new().unwrap();
    let occupied = folder.path().join("spool");
    std::fs::write(&occupied, "").unwrap();
    goes_on_without(&disk_of(&occupied, u64::MAX)).await;
}

#[tokio::test(start_paused = true)]
async fn who_stands_still_where_the_disk_is_full_is_dropped() {
    let folder = TempDir::new().unwrap();
    let disk = disk_of(folder.path(), file_of(0..10));
    let spool = spool_in(0, Some(&disk));
    let (fast, still) = (spool.join().unwrap(), spool.join().unwrap());
    let began = Instant::now();
    let (fast, ()) = join(read(fast), write(&spool, 100, Ok(()))).await;
    assert_eq!(began.elapsed(), STANDSTILL_MAX + LOOK_AGAIN_AFTER);
    assert!(fast == (parts(100), Ok(())));
    assert!(read(still).await == (vec![], Err("interrupted")));
}

#[tokio::test(start_paused = true)]
async fn answers_share_the_disk() {
    let folder = TempDir::new().unwrap();
    let disk = disk_of(folder.path(), file_of(0..30));
    let one = spool_in(0, Some(&disk));
    let (fast, slow) = (one.join().unwrap(), one.join().unwrap());
    let (_, ()) = join(read(fast), write(&one, 25, Ok(()))).await;
    settle().await;
    assert_eq!(disk.used(), file_of(0..25));
    // There is room for five parts of the other one.
    let other = spool_in(0, Some(&disk));
    let reader = other.join().unwrap();
    let (received, ()) = join(read(reader), write(&other, 10, Ok(()))).await;
    assert!(received == (parts(10), Ok(())));
    assert!(other.join().is_none());
    drop(other);
    settle().await;
    assert_eq!(disk.used(), file_of(0..25));
    assert!(read(slow).await == (parts(25), Ok(())));
    drop(one);
    settle().await;
    assert_eq!(disk.used(), 0);
    let third = spool_in(0, Some(&disk));
    let (fast, slow) = (third.join().unwrap(), third.join().unwrap());
    let (_, ()) = join(read(fast), write(&third, 30, Ok(()))).await;
    assert!(read(slow).await == (parts(30), Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_changed_is_an_error_and_never_data() {
    for truncated in [true, false] {
        let (_folder, disk) = disk();
        let spool = spool_in(memory_of(2), Some(&disk));
        let (fast, mut slow) = (spool.join().unwrap(), spool.join().unwrap());
        let mut writer = SpoolWriter::new(Arc::clone(&spool));
        writer.begin(Content::Text);
        let write = async {
            for n in 0..40 {
                writer.room().await;
                writer.put(part(n)).await;
                if n == 20 {
                    let file = writer.file.as_ref().unwrap().inner();
                    let place = file_of(2..10);
                    if truncated {
                        file.set_len(place).unwrap();
                    } else {
                        crate::cache::file::At::new(file, place + 50)
                            .write_all(b"!")
                            .unwrap();
                    }
                }
            }
            spool.finish(Ok(()));
        };
        let (fast, ()) = join(read(fast), write).await;
        assert!(fast == (parts(40), Ok(())));
        for n in 0..10 {
            assert!(slow.next().await == Some(Ok(part(n))), "{n}");
        }
        for _ in 0..2 {
            assert!(slow.next().await == Some(Err("interrupted")));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_cannot_read_the_file_is_in_nobodys_way() {
    let (_folder, disk) = disk();
    let spool = spool_in(0, Some(&disk));
    let mut reader = spool.join().unwrap();
    let mut writer = SpoolWriter::new(Arc::clone(&spool));
    for n in 0..9 {
        writer.put(part(n)).await;
    }
    let file = writer.file.as_ref().unwrap().inner();
    file.set_len(0).unwrap();
    assert!(reader.next().await == Some(Err("interrupted")));
    assert_eq!(spool.readers(), 0);
    spool.abandoned().await;
}

#[cfg(unix)]
#[test]
fn files_belong_to_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, disk) = disk();
    let file = disk.file().unwrap();
    let mode = |data: std::fs::Metadata| data.permissions().mode() & 0o777;
    assert_eq!(mode(file.inner().metadata().unwrap()), 0o600);
    for path in ["data", "data/spool"] {
        let path = folder.path().join(path);
        assert_eq!(mode(path.metadata().unwrap()), 0o700);
    }
    assert_eq!(names(&folder), 0);
}
