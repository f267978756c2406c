//! Who is dropped for standing still while another waits, and who is not.

use futures_util::future::join4;

use super::*;

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
                writer.put(segment("xx")).await;
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
            writer.put(segment("xx")).await;
        }
        spool.finish(Ok(()));
    };
    let began = Instant::now();
    let (end, ()) = join(paced(fast, None, 0), write).await;
    let patience = STANDSTILL_MAX + LOOK_AGAIN_AFTER;
    assert_eq!((end, began.elapsed()), ("whole", patience));
}

#[tokio::test(start_paused = true)]
async fn who_stood_still_because_the_machine_slept_is_not_dropped() {
    let (spool, mut writer) = spool(1);
    let (slow, fast) = (spool.join().unwrap(), spool.join().unwrap());
    let write = async {
        writer.begin(Content::Text);
        for _ in 0..20 {
            writer.room().await;
            writer.put(segment("xx")).await;
        }
        spool.finish(Ok(()));
    };
    let sleeps = async {
        sleep(Duration::from_secs(10)).await;
        tokio::time::advance(Duration::from_hours(8)).await;
    };
    let slow = paced(slow, Some((0, 30)), 0);
    // The writer is the first to see that it is later.
    let ((), fast, slow, ()) = join4(write, paced(fast, None, 0), slow, sleeps).await;
    assert_eq!((fast, slow), ("whole", "whole"));
}
