//! One writer and several readers, poll by poll.

mod any;
mod disk;
mod ended;
mod pace;

use futures_util::FutureExt;
use futures_util::future::{join, join_all, join3};
use tokio::time::{Instant, sleep};

use super::state::RECENT;
use super::*;
use crate::cache::Content;
use crate::cache::packed::Packed;
use crate::odata::neutral::NeutralText;

/// A spool that retains so many bytes in memory, and the rest in this folder, if any.
fn spool_in(each_max: usize, disk: Option<&Arc<Disk>>) -> Arc<Spool<&'static str>> {
    let space = Space::new(Allowance::new(each_max, usize::MAX), disk.cloned());
    Spool::new(space, PURPOSE)
}

/// Answers that stay fresh for five minutes.
const PURPOSE: Purpose = Purpose {
    fresh: Duration::from_mins(5),
    useful: Duration::from_mins(5),
    storable: true,
    in_background: false,
};

/// Whether the answer could become an entry.
fn whole<E: Failure>(spool: &Spool<E>) -> bool {
    spool.state().blocks().is_some()
}

fn spool(each_max: usize) -> (Arc<Spool<&'static str>>, SpoolWriter<&'static str>) {
    let spool = spool_in(each_max, None);
    let writer = SpoolWriter::new(Arc::clone(&spool));
    (spool, writer)
}

fn segment(text: &'static str) -> Segment {
    let mut neutral = NeutralText::new();
    neutral.push(text);
    Segment {
        text: Packed::pack(&neutral),
        rows: 1,
    }
}

#[tokio::test(start_paused = true)]
async fn every_reader_reads_everything() {
    let (spool, mut writer) = spool(1000);
    let mut early = spool.join().unwrap();
    assert!(early.begun().now_or_never().is_none());
    writer.begin(Content::Text);
    writer.put(segment("a")).await;
    assert_eq!(early.begun().now_or_never(), Some(Ok(Content::Text)));
    let mut late = spool.join().unwrap();
    writer.put(segment("b")).await;
    assert!(whole(&spool));
    spool.finish(Ok(()));
    for reader in [&mut early, &mut late] {
        assert_eq!(
            reader.next().now_or_never().unwrap(),
            Some(Ok(segment("a")))
        );
        assert_eq!(
            reader.next().now_or_never().unwrap(),
            Some(Ok(segment("b")))
        );
        assert_eq!(reader.next().now_or_never().unwrap(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn room_follows_the_fastest_reader_of_a_kept_answer() {
    let (spool, mut writer) = spool(10_000);
    let mut fast = spool.join().unwrap();
    let _idle = spool.join().unwrap();
    writer.begin(Content::Text);
    assert!(writer.room().now_or_never().is_some());
    writer.put(segment("a")).await;
    assert!(writer.room().now_or_never().is_none());
    for text in ["b", "c", "d", "e", "f"] {
        fast.next().now_or_never().unwrap();
        assert!(writer.room().now_or_never().is_some());
        writer.put(segment(text)).await;
    }
    assert!(writer.room().now_or_never().is_some());
    writer.put(segment("g")).await;
    assert!(writer.room().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn without_a_disk_a_large_answer_does_not_stay_and_waits_for_the_slowest() {
    let (spool, mut writer) = spool(1);
    let mut fast = spool.join().unwrap();
    let mut slow = spool.join().unwrap();
    writer.begin(Content::Text);
    let mut written = 0;
    while writer.room().now_or_never().is_some() {
        writer.put(segment("xx")).await;
        fast.next().now_or_never().unwrap();
        written += 1;
        assert!(written < 100);
    }
    assert!(spool.join().is_none());
    slow.next().now_or_never().unwrap();
    assert!(writer.room().now_or_never().is_some());
    drop(slow);
    assert_eq!(spool.state().retained(), 0);
    assert!(!whole(&spool));
    spool.finish(Ok(()));
    assert_eq!(fast.next().now_or_never().unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn an_error_reaches_readers_after_what_was_written() {
    let (spool, mut writer) = spool(1000);
    let mut reader = spool.join().unwrap();
    writer.begin(Content::Text);
    writer.put(segment("a")).await;
    spool.finish(Err("broken"));
    assert_eq!(reader.begun().now_or_never(), Some(Ok(Content::Text)));
    assert_eq!(
        reader.next().now_or_never().unwrap(),
        Some(Ok(segment("a")))
    );
    assert_eq!(reader.next().now_or_never().unwrap(), Some(Err("broken")));
}

#[test]
fn an_error_before_the_beginning_is_the_answer() {
    let (spool, _writer) = spool(1000);
    let reader = spool.join().unwrap();
    spool.finish(Err("broken"));
    assert_eq!(reader.begun().now_or_never(), Some(Err("broken")));
}

#[tokio::test(start_paused = true)]
async fn nobody_joins_a_deserted_fill() {
    let (spool, _writer) = spool(1000);
    let reader = spool.join().unwrap();
    assert!(spool.abandoned().now_or_never().is_none());
    drop(reader);
    assert!(spool.abandoned().now_or_never().is_some());
    assert!(spool.join().is_none());
}

#[tokio::test(start_paused = true)]
async fn whether_somebody_reads_is_told_as_it_changes() {
    let (spool, mut writer) = spool(1000);
    let progress = Arc::clone(spool.progress());
    let mut told = progress.awaited();
    assert!(!progress.is_awaited(), "nobody has come yet");
    let (first, second) = (spool.join().unwrap(), spool.join().unwrap());
    assert!(progress.is_awaited() && *told.borrow_and_update());
    // It is worth finishing without them.
    progress.expect_rows(1);
    writer.begin(Content::Text);
    writer.put(segment("a")).await;
    drop(first);
    assert!(progress.is_awaited() && !told.has_changed().unwrap());
    drop(second);
    assert!(!progress.is_awaited() && told.has_changed().unwrap());
    let late = spool.join().unwrap();
    assert!(progress.is_awaited());
    drop(late);
    assert!(!*told.borrow_and_update());
}

#[tokio::test(start_paused = true)]
async fn who_is_dropped_does_not_read_any_more() {
    let (spool, mut writer) = spool(1);
    let (fast, slow) = (spool.join().unwrap(), spool.join().unwrap());
    let reads = async {
        let mut fast = fast;
        while fast.next().await.is_some() {}
    };
    let pages = async {
        writer.begin(Content::Text);
        for _ in 0..20 {
            writer.room().await;
            writer.put(segment("xx")).await;
        }
        assert_eq!(spool.readers(), 1);
        spool.finish(Ok(()));
    };
    join(reads, pages).await;
    assert!(!spool.progress().is_awaited());
    drop(slow);
    assert!(!spool.progress().is_awaited());
}
