//! What becomes of the wish for a new answer that nobody waits for.

use tokio::sync::oneshot;

/// Resolves at the end of an answer in the making; with an error of its own when the program is stopped before.
pub type Ending<E> = oneshot::Receiver<Result<Made, E>>;

/// An answer that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// The rows that it has; those so far, when it was given up because it cannot be kept.
    pub rows: u64,
    /// Whether it is stored now: not when it turned out too large, was purged meanwhile, or is not to be stored.
    pub kept: bool,
}

/// Why no new answer is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotNow<E> {
    /// One is being made already.
    Underway,
    /// It was tried just now, and this went wrong.
    InVain(E),
}
