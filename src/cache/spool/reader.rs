//! Who reads an answer.

use std::io;
use std::sync::Arc;
use std::task::Poll;

use tokio::task::spawn_blocking;

use super::{Next, Progress, Record, Spool, wait};
use crate::cache::{Content, Failure, Segment};

/// Reads one answer while it is being made. Dropping it leaves; when the last reader leaves, the fill stops, unless it
/// is nearly done and will be stored.
#[derive(Debug)]
pub struct Reader<E: Failure> {
    id: u64,
    spool: Arc<Spool<E>>,
}

impl<E: Failure> Reader<E> {
    pub(super) fn new(id: u64, spool: Arc<Spool<E>>) -> Self {
        Self { id, spool }
    }

    /// Waits until the answer has begun: its kind, or the error that kept it from beginning.
    pub async fn begun(&self) -> Result<Content, E> {
        wait(&self.spool.readers_wake, || {
            let state = self.spool.state();
            match (&state.content, &state.end) {
                (_, Some(Err(error))) if state.written() == 0 => Poll::Ready(Err(error.clone())),
                (Some(content), _) if state.written() > 0 || state.end.is_some() => {
                    Poll::Ready(Ok(*content))
                }
                _ => Poll::Pending,
            }
        })
        .await
    }

    /// The next part; `None` at the end of a complete answer. An error after the first part means that the
    /// answer cannot be completed, at least for this reader: whoever sends it must cut the connection.
    ///
    /// A call that is dropped before it is done has taken nothing.
    pub async fn next(&mut self) -> Option<Result<Segment, E>> {
        match wait(&self.spool.readers_wake, || self.spool.take(self.id)).await? {
            Ok(Next::Segment(segment)) => Some(Ok(segment)),
            Ok(Next::Record(record)) => Some(self.read(record).await),
            Err(error) => Some(Err(error)),
        }
    }

    /// Leaves, and lets the answer be made for those who come later.
    pub fn leave_it_to_others(self) {
        self.spool.state().make_in_background();
    }

    /// How far the answer has come.
    pub fn progress(&self) -> &Arc<Progress> {
        self.spool.progress()
    }

    /// Reads a part from its file. One that cannot be read is the end for this reader.
    async fn read(&self, record: Record) -> Result<Segment, E> {
        let read = spawn_blocking(move || record.read()).await;
        match read.map_err(io::Error::other).flatten() {
            Ok(segment) => self.spool.advance(self.id).map(|()| segment),
            Err(error) => {
                tracing::warn!(
                    %error,
                    "a part of an answer cannot be read from its temporary file, and its client is cut off"
                );
                self.spool.leave(self.id);
                Err(E::interrupted())
            }
        }
    }
}

impl<E: Failure> Drop for Reader<E> {
    fn drop(&mut self) {
        self.spool.leave(self.id);
    }
}
