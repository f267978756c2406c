//! Whether anybody waits for an answer: known at each moment, because those who do come and go.
//!
//! What nobody waits for, waits for everybody. Whether anybody reads an answer is asked at each request, and again when it
//! changes while one queues: a fill whose readers have left goes behind all clients, and back up when one joins. While clients
//! use the lane it gets one turn in seventeen, and the lane's level does not grow for it. They use it until a second after
//! their last page, because the next one is asked for only when that one has been read: a lane that is free for a moment would
//! be taken each time, and a lone client would have half of it. This room is given a flag that changes, and knows nothing of
//! readers.

use tokio::sync::watch;

/// Whether anybody waits for an answer, as it changes. When nobody is left who could change it, the last word holds.
#[derive(Debug, Clone)]
pub struct Awaited(watch::Receiver<bool>);

impl Awaited {
    /// As `receiver` says.
    pub fn by(receiver: watch::Receiver<bool>) -> Self {
        Self(receiver)
    }

    /// Somebody waits until there is an answer.
    pub fn always() -> Self {
        let (_, receiver) = watch::channel(true);
        Self(receiver)
    }

    /// Whether somebody waits now.
    pub(super) fn now(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves at the next change, at once when there was one that this clone has not been told of. A call that is
    /// dropped has told nothing.
    pub(super) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
