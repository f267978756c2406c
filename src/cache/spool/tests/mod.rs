//! One writer and several readers, poll by poll.

mod any;
mod disk;

use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use tokio::time::{Instant, sleep};

use super::state::RECENT;
use super::*;
use crate::odata::neutral::NeutralText;

/// A spool that retains so many bytes in memory, and the rest in this folder, if any.
fn spool_in(each_max: usize, disk: Option<&Arc<Disk>>) -> Arc<Spool<&'static str>> {
    let space = Space {
        allowance: Allowance::new(each_max, usize::MAX),
        disk: disk.cloned(),
    };
    Spool::new(space, true, "interrupted")
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
        text: neutral,
        rows: 1,
    }
}

#[tokio::test(start_paused = true)]
async fn every_reader_reads_everything() {
    let (spool, mut writer) = spool(1000);
    let mut early = spool.join().unwrap();
    assert!(early.begun().now_or_never().is_none());
    writer.begin(Content::Text);
    writer.push(segment("a")).await;
    assert_eq!(early.begun().now_or_never(), Some(Ok(Content::Text)));
    let mut late = spool.join().unwrap();
    writer.push(segment("b")).await;
    assert!(spool.whole().is_some());
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
    let (spool, mut writer) = spool(1000);
    let mut fast = spool.join().unwrap();
    let _idle = spool.join().unwrap();
    writer.begin(Content::Text);
    assert!(writer.room().now_or_never().is_some());
    writer.push(segment("a")).await;
    assert!(writer.room().now_or_never().is_none());
    for text in ["b", "c", "d", "e", "f"] {
        fast.next().now_or_never().unwrap();
        assert!(writer.room().now_or_never().is_some());
        writer.push(segment(text)).await;
    }
    assert!(writer.room().now_or_never().is_some());
    writer.push(segment("g")).await;
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
        writer.push(segment("xx")).await;
        fast.next().now_or_never().unwrap();
        written += 1;
        assert!(written < 100);
    }
    assert!(spool.join().is_none());
    slow.next().now_or_never().unwrap();
    assert!(writer.room().now_or_never().is_some());
    drop(slow);
    assert_eq!(spool.state().retained(), 0);
    assert!(spool.whole().is_none());
    spool.finish(Ok(()));
    assert_eq!(fast.next().now_or_never().unwrap(), None);
}

/// Reads to the end, with a pause of so many seconds before the part of that number, and one before
/// each part. Returns how it ended.
async fn paced(
    mut reader: Reader<&'static str>,
    pause: Option<(usize, u64)>,
    each: u64,
) -> &'static str {
    for part in 0.. {
        let long = pause.filter(|(before, _)| *before == part);
        sleep(Duration::from_secs(
            each + long.map_or(0, |(_, seconds)| seconds),
        ))
        .await;
        match reader.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => return error,
            None => break,
        }
    }
    "whole"
}

#[tokio::test(start_paused = true)]
async fn who_stands_still_while_another_waits_is_dropped() {
    let (whole, cut) = ("whole", "interrupted");
    let hour = 3600;
    for (case, readers, expected) in [
        ("none", vec![(None, 0), (None, 0)], vec![whole, whole]),
        (
            "one",
            vec![(Some((0, hour)), 0), (None, 0)],
            vec![cut, whole],
        ),
        (
            "in the middle",
            vec![(None, 0), (Some((7, hour)), 0)],
            vec![whole, cut],
        ),
        (
            "two",
            vec![(Some((0, hour)), 0), (None, 0), (Some((2, hour)), 0)],
            vec![cut, whole, cut],
        ),
        ("alone", vec![(Some((7, hour)), 0)], vec![whole]),
        (
            // The second has all that was written, and is busy with it.
            "nobody waits",
            vec![(Some((0, hour)), 0), (Some((5, hour)), 0)],
            vec![whole, whole],
        ),
        (
            "not for long",
            vec![(Some((7, 59)), 0), (None, 0)],
            vec![whole, whole],
        ),
        ("slowly", vec![(None, 59), (None, 0)], vec![whole, whole]),
        (
            // What is written is no more than they may be behind.
            "not in the way",
            vec![(Some((16, hour)), 0), (None, 0)],
            vec![whole, whole],
        ),
    ] {
        let (spool, mut writer) = spool(1);
        let readers = readers
            .into_iter()
            .map(|(pause, each)| paced(spool.join().unwrap(), pause, each));
        let read = join_all(readers.collect::<Vec<_>>());
        let write = async {
            writer.begin(Content::Text);
            for _ in 0..20 {
                writer.room().await;
                writer.push(segment("xx")).await;
            }
            spool.finish(Ok(()));
        };
        let (ends, ()) = join(read, write).await;
        assert_eq!(ends, expected, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waited_goes_on_after_the_grace_period() {
    let (spool, mut writer) = spool(1);
    let (_still, fast) = (spool.join().unwrap(), spool.join().unwrap());
    let write = async {
        writer.begin(Content::Text);
        for _ in 0..20 {
            writer.room().await;
            writer.push(segment("xx")).await;
        }
        spool.finish(Ok(()));
    };
    let began = Instant::now();
    let (end, ()) = join(paced(fast, None, 0), write).await;
    assert_eq!((end, began.elapsed()), ("whole", STANDSTILL_MAX));
}

#[tokio::test(start_paused = true)]
async fn an_error_reaches_readers_after_what_was_written() {
    let (spool, mut writer) = spool(1000);
    let mut reader = spool.join().unwrap();
    writer.begin(Content::Text);
    writer.push(segment("a")).await;
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

#[test]
fn nobody_joins_a_deserted_fill() {
    let (spool, _writer) = spool(1000);
    let reader = spool.join().unwrap();
    assert!(spool.abandoned().now_or_never().is_none());
    drop(reader);
    assert!(spool.abandoned().now_or_never().is_some());
    assert!(spool.join().is_none());
}
