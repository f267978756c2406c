//! An answer while it is being made: one writer, many readers.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::entry::{Content, Segment};

/// How far a fill has come; shared by the writer, its readers and the log line.
#[derive(Debug, Default)]
pub struct Progress {
    /// Rows so far.
    pub rows: AtomicU64,
    /// Upstream responses so far.
    pub pages: AtomicU64,
    /// Microseconds that upstream took for them.
    pub upstream_micros: AtomicU64,
}

/// Reads one answer while it is being made.
#[derive(Debug)]
pub struct Reader<E> {
    error: std::marker::PhantomData<E>,
    progress: Arc<Progress>,
}

impl<E: Clone> Reader<E> {
    /// Waits until the answer has begun: its kind, or the error that kept it from beginning.
    pub async fn begun(&mut self) -> Result<Content, E> {
        todo!()
    }

    /// The next part; `None` at the end of a complete answer. An error after the first part means that the
    /// answer cannot be completed: whoever sends it must cut the connection.
    pub async fn next(&mut self) -> Option<Result<Segment, E>> {
        todo!()
    }

    /// How far the answer has come.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }
}

/// Writes an answer.
#[derive(Debug)]
pub struct SpoolWriter<E>(std::marker::PhantomData<E>);
