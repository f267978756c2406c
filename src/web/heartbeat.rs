//! Keeps the connection of a slow answer alive.
//!
//! .NET's clients give up on a body that is silent for 300 seconds, proxies on the way sooner. A blank between
//! two rows of JSON means nothing and ends the silence. INVARIANT: segments of JSON answers begin and end
//! between tokens, so that a blank between two of them is never inside a string or number.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use crate::cache::Content;

/// Says when a blank is due.
#[derive(Debug)]
pub(crate) enum Heartbeat {
    /// Blanks have no place in this body.
    Never,
    /// Allowed once the first segment is out: a body does not begin with a blank.
    Later,
    /// Allowed; the timer of the present silence, when it was noticed.
    Beating(Option<Pin<Box<Sleep>>>),
}

impl Heartbeat {
    /// For bodies that must not contain blanks, or never wait.
    pub(crate) fn never() -> Self {
        Self::Never
    }

    /// For a body of this kind.
    pub(crate) fn of(content: Content) -> Self {
        match content {
            Content::Json(_) => Self::Later,
            Content::Xml | Content::Text | Content::Empty => Self::Never,
        }
    }

    /// The silence is over.
    pub(crate) fn segment_came(&mut self) {
        match self {
            Self::Never => {}
            Self::Later | Self::Beating(_) => *self = Self::Beating(None),
        }
    }

    /// Ready when a blank is due; the next silence begins then.
    pub(crate) fn poll_beat(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self::Beating(silence) = self else {
            return Poll::Pending;
        };
        let timer = silence.get_or_insert_with(|| Box::pin(sleep(SILENCE_MAX)));
        std::task::ready!(timer.as_mut().poll(cx));
        *silence = None;
        Poll::Ready(())
    }
}

/// Well below the timeouts of clients (90 s in python-odata, 60 s in Grafana).
const SILENCE_MAX: Duration = Duration::from_secs(25);
