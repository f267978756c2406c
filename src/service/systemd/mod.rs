//! What systemd is told, when it has started us: ready, alive, stopping, and how things are.
//!
//! Or whatever else speaks its protocol: lines of text to the socket that the variable `NOTIFY_SOCKET` names. Without
//! that variable, and on other platforms, nobody is told and nothing here does anything.

#[cfg(not(target_os = "linux"))]
mod nobody;
#[cfg(target_os = "linux")]
mod notify;

#[cfg(not(target_os = "linux"))]
use self::nobody as platform;
#[cfg(target_os = "linux")]
use self::notify as platform;

use std::time::Duration;

use tokio::time::MissedTickBehavior;

/// What the service manager may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Clients are answered from now on.
    Ready,
    /// The order to stop was heard, and work under way is being finished.
    Stopping,
    /// The program is not stuck.
    Alive,
    /// How things are, in one line for people.
    Status(String),
}

/// Tells the service manager, if there is one. That it cannot be told is said in the log, and is no failure.
pub fn tell(news: &[News]) {
    let news: Vec<News> = news.iter().map(News::fit).collect();
    if let Err(error) = platform::tell(&news) {
        tracing::warn!(%error, "the service manager cannot be told how the program does");
    }
}

/// Tells the service manager that the program is alive, twice in the time after which it would be given up, for as long
/// as this is polled; and how things are, when that has changed since `status`. Ends at once when nobody waits for it.
///
/// To be run by the runtime that answers clients, not by a thread of its own: when the one is stuck, so is the other.
pub async fn keep_alive(mut status: String, mut now: impl FnMut() -> String) {
    let Some(limit) = platform::watchdog() else {
        return;
    };
    let mut beats = tokio::time::interval(beat(limit));
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        let mut news = vec![News::Alive];
        let new = now();
        if new != status {
            status.clone_from(&new);
            news.push(News::Status(new));
        }
        tell(&news);
    }
}

/// The time between two signs of life, for a service manager that waits so long for one.
fn beat(limit: Duration) -> Duration {
    (limit / 2).max(BEAT_MIN)
}

impl News {
    /// The same in one line: each line that is sent is a message of its own.
    fn fit(&self) -> Self {
        match self {
            Self::Status(text) => Self::Status(text.replace(char::is_control, " ")),
            other => other.clone(),
        }
    }
}

/// However impatient the service manager is.
const BEAT_MIN: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_two_beats_within_the_limit() {
        for (limit, expected) in [(60_000, 30_000), (2_000, 1_000), (1, 10), (0, 10)] {
            let beat = beat(Duration::from_millis(limit));
            assert_eq!(beat, Duration::from_millis(expected), "{limit}");
        }
    }

    #[test]
    fn a_status_is_one_line_whatever_is_in_it() {
        let status = News::Status("no token\nWATCHDOG=trigger\r\t".to_owned());
        let expected = News::Status("no token WATCHDOG=trigger  ".to_owned());
        assert_eq!(status.fit(), expected);
    }
}
