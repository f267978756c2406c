//! Watches over an answer while it is being made: measures how fast rows come, and says now and then how far it is.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::pace::{Pace, Rate};
use crate::cache::{Progress, Way};
use crate::odata::name::SiteId;

/// Measures `progress` every second, for those who ask, and tells of it every five seconds once there is more than
/// one page. Never ends: whoever makes the answer drops it.
pub(super) async fn watch(progress: &Progress, mut tell: impl FnMut(&Pace)) -> Infallible {
    let mut now = Instant::now();
    let mut ticks = interval_at(now + MEASURE_EVERY, MEASURE_EVERY);
    // After a standstill of the whole program, one measure will do.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rate = Rate::default();
    let mut before = None;
    let mut told = now;
    loop {
        ticks.tick().await;
        now = Instant::now();
        // Time spent waiting for the first rows says nothing of the others, and they did not come in a second.
        let rows = progress.rows();
        if rows > 0
            && let Some((rows_before, then)) = before.replace((rows, now))
        {
            rate.add(rows.saturating_sub(rows_before), now.duration_since(then));
            progress.set_rows_per_second(rate.per_second());
        }
        if progress.pages() > 1 && now.duration_since(told) >= TELL_EVERY {
            told = now;
            tell(&Pace::of(progress));
        }
    }
}

/// Writes a line into the log: `what` is read from `site` at this pace.
pub(super) fn log(site: &SiteId, what: &str, pace: &Pace) {
    tracing::info!(
        site = %site,
        what,
        rows = pace.rows,
        rows_per_second = pace.rows_per_second,
        expected_rows = pace.expected_rows,
        seconds_left = pace.left().map(|left| left.as_secs()),
        upstream.pages = pace.pages,
        upstream.way = pace.way.map(Way::as_str),
        "reading {what}: {pace}",
    );
}

/// What filters of the log call the lines of [`log`], so that they can be turned off by themselves.
pub const LOG_TARGET: &str = module_path!();

const MEASURE_EVERY: Duration = Duration::from_secs(1);
const TELL_EVERY: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    /// Adds a page each `page` seconds, the first of them after `wait`; how often that was told of within a minute, and
    /// the last pace.
    async fn told(wait: u64, page: u64, pages: u64) -> (usize, Option<Pace>) {
        let progress = Progress::new();
        progress.expect_rows(100_000);
        let fill = async {
            sleep(Duration::from_secs(wait)).await;
            for _ in 0..pages {
                progress.add_page(Duration::ZERO);
                progress.add_rows(1000);
                sleep(Duration::from_secs(page)).await;
            }
            std::future::pending::<()>().await;
        };
        let mut told = Vec::new();
        let watch = watch(&progress, |pace| told.push(pace.clone()));
        let both = async { tokio::join!(fill, watch) };
        assert!(timeout(Duration::from_mins(1), both).await.is_err());
        (told.len(), told.pop())
    }

    #[tokio::test(start_paused = true)]
    async fn one_page_is_not_worth_a_word() {
        assert_eq!(told(0, 1, 1).await.0, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn every_five_seconds_are_told_once_there_are_two_pages() {
        let (count, last) = told(9, 2, 30).await;
        // At 11 s the second page comes, and from then on there is one line each five seconds.
        assert_eq!(count, 10);
        let last = last.unwrap();
        assert!(
            (450..550).contains(&last.rows_per_second.unwrap()),
            "{last}"
        );
        let seconds = last.left().unwrap().as_secs();
        assert!((120..200).contains(&seconds), "{last}");
    }

    #[tokio::test(start_paused = true)]
    async fn rows_that_come_later_than_their_page_do_not_make_a_rate_fast() {
        let progress = Progress::new();
        let fill = async {
            // 500 a second. At 10 s the first page is counted, and its rows are not yet.
            sleep(Duration::from_millis(9900)).await;
            progress.add_page(Duration::ZERO);
            sleep(Duration::from_millis(200)).await;
            progress.add_rows(5000);
            for _ in 0..5 {
                sleep(Duration::from_secs(2)).await;
                progress.add_page(Duration::ZERO);
                progress.add_rows(1000);
            }
            sleep(Duration::from_millis(500)).await;
        };
        tokio::select! {
            () = fill => {}
            never = watch(&progress, |_| {}) => match never {},
        }
        let rate = progress.rows_per_second().unwrap();
        assert!((400..600).contains(&rate), "{rate}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_for_the_first_page_does_not_make_a_rate_slow() {
        let (_, last) = told(40, 1, 20).await;
        let rate = last.unwrap().rows_per_second.unwrap();
        assert!((900..1100).contains(&rate), "{rate}");
    }
}
