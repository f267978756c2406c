//! The messages of systemd, `sd_notify(3)`.

use std::io;
use std::time::Duration;

use sd_notify::NotifyState;

use super::News;

/// Sends one message. It is a datagram to a socket of this machine, so it is not worth a thread of its own.
pub(super) fn tell(news: &[News]) -> io::Result<()> {
    let states: Vec<NotifyState<'_>> = news.iter().map(state).collect();
    sd_notify::notify(&states)
}

/// How long it waits for a sign of life before it gives us up; `None` when it does not.
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero())
}

fn state(news: &News) -> NotifyState<'_> {
    match news {
        News::Ready => NotifyState::Ready,
        News::Stopping => NotifyState::Stopping,
        News::Alive => NotifyState::Watchdog,
        News::Status(text) => NotifyState::Status(text),
    }
}
