//! An answer while it is being made: one writer, many readers, each at its own pace.
//!
//! Every part of an answer stays until its end, so that clients that ask the same later read it from its
//! beginning: in memory up to the [`Allowance`], and beyond that in a file on the [`Disk`]. At its end an answer
//! that is in memory as a whole becomes an entry; a file goes away with its last reader.
//!
//! Where there is no room in a file, or it cannot be written, only what somebody has not taken yet stays:
//! nobody can join any more, and the slowest reader sets the pace.
//!
//! Back-pressure: the writer asks [`SpoolWriter::room`] before it fetches a page. There is room when the
//! fastest reader has taken all parts but one (so the next page is fetched while the last one is being sent),
//! and, for an answer that does not stay, when the slowest is not far behind.
//!
//! Whoever reads alone may take all the time that they want. Whoever stands still while another waits for
//! them is dropped after [`STANDSTILL_MAX`]: their part must not be taken for the whole, so they get an error.
//!
//! A fill that everybody has left stops, unless it is nearly done and its answer will be stored.

mod allowance;
mod disk;
mod file;
mod progress;
mod reader;
mod record;
mod slot;
mod state;
mod writer;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;

use self::allowance::Share;
use self::record::Record;
use self::state::{Keep, Next, Room, State};
use super::entry::{Content, Segment};

pub(super) use self::allowance::Allowance;
pub(super) use self::disk::Disk;
pub use self::progress::{Progress, Way};
pub use self::reader::Reader;
pub use self::writer::SpoolWriter;

/// Where answers are while they are being made.
#[derive(Debug, Clone)]
pub(super) struct Space {
    /// Memory.
    pub(super) allowance: Arc<Allowance>,
    /// Disk for what memory has no room for, when there is some.
    pub(super) disk: Option<Arc<Disk>>,
}

/// The state that a writer and its readers share.
#[derive(Debug)]
pub(super) struct Spool<E> {
    state: Mutex<State<E>>,
    readers_wake: Notify,
    writer_wake: Notify,
    progress: Arc<Progress>,
    disk: Option<Arc<Disk>>,
    /// What readers are told for whom the answer ends too early.
    interrupted: E,
}

impl<E: Clone> Spool<E> {
    /// An empty spool. `storable` says whether the answer may become an entry.
    pub(super) fn new(space: Space, storable: bool, interrupted: E) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::new(Share::of(space.allowance), storable)),
            readers_wake: Notify::new(),
            writer_wake: Notify::new(),
            progress: Arc::default(),
            disk: space.disk,
            interrupted,
        })
    }

    fn state(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader from the beginning; `None` when the beginning is gone, or the fill has failed or is about to
    /// stop. The first reader always gets in.
    pub(super) fn join(self: &Arc<Self>) -> Option<Reader<E>> {
        let id = self.state().join()?;
        Some(Reader::new(id, Arc::clone(self)))
    }

    /// How many read.
    pub(super) fn readers(&self) -> usize {
        self.state().readers()
    }

    /// Resolves when every reader has left an answer that is not worth finishing for those who come later.
    pub(super) async fn abandoned(&self) {
        wait(&self.writer_wake, || ready(self.state().abandoned())).await;
    }

    /// The answer, when all of it is in memory.
    pub(super) fn whole(&self) -> Option<(Content, Vec<Segment>)> {
        let state = self.state();
        state.content.zip(state.whole())
    }

    /// The answer is an entry now, whose memory is counted as such: what is held here counts no more.
    pub(super) fn hand_over(&self) {
        self.state().hand_over();
    }

    /// The answer will not become an entry: it was purged.
    pub(super) fn unlist(&self) {
        self.state().unlist();
        self.writer_wake.notify_waiters();
    }

    /// Ends the answer.
    pub(super) fn finish(&self, end: Result<(), E>) {
        self.state().end(end);
        self.readers_wake.notify_waiters();
    }

    /// Ends an answer that has not ended yet with an error.
    pub(super) fn interrupt(&self) {
        self.finish(Err(self.interrupted.clone()));
    }

    pub(super) fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Gives readers a part; says how the answer is kept from now on.
    fn publish(&self, segment: Segment) -> Keep {
        self.progress.add_rows(segment.rows);
        let beyond = match self.disk {
            Some(_) => Keep::File,
            None => Keep::Untaken,
        };
        let nearly_done = self.progress.nearly_done();
        let keep = self.state().push(segment, beyond, nearly_done);
        self.readers_wake.notify_waiters();
        self.writer_wake.notify_waiters();
        keep
    }

    /// The part that was published last is in a file now.
    fn filed(&self, record: Record) {
        self.state().filed(record);
    }

    /// The part that was published last could not be written to a file.
    fn not_filed(&self) {
        self.state().let_go();
    }

    fn room(&self) -> Room {
        self.state().room()
    }

    /// Drops the readers who still hold the answer at this part.
    fn drop_readers_at(&self, part: usize) {
        let dropped = self.state().drop_readers_at(part);
        if dropped > 0 {
            let seconds = STANDSTILL_MAX.as_secs();
            tracing::warn!(
                dropped,
                "a client took nothing for {seconds} s while another waited for the same answer, and is cut off"
            );
        }
    }

    fn take(&self, reader: u64) -> Poll<Option<Result<Next, E>>> {
        let taken = self.state().take(reader, &self.interrupted);
        self.writer_wake.notify_waiters();
        taken
    }

    fn advance(&self, reader: u64) -> Result<(), E> {
        let advanced = self.state().advance(reader);
        self.writer_wake.notify_waiters();
        advanced
            .then_some(())
            .ok_or_else(|| self.interrupted.clone())
    }

    fn leave(&self, reader: u64) {
        let nearly_done = self.progress.nearly_done();
        self.state().leave(reader, nearly_done);
        self.writer_wake.notify_waiters();
    }
}

/// Waits until `look` finds something, looking again at every notice.
async fn wait<T>(notice: &Notify, mut look: impl FnMut() -> Poll<T>) -> T {
    loop {
        let notified = notice.notified();
        tokio::pin!(notified);
        // Registered before looking, so that no notice is lost in between.
        notified.as_mut().enable();
        if let Poll::Ready(found) = look() {
            return found;
        }
        notified.await;
    }
}

fn ready(yes: bool) -> Poll<()> {
    if yes { Poll::Ready(()) } else { Poll::Pending }
}

/// How long readers of an answer that does not stay may take nothing while they alone keep another from
/// getting more.
const STANDSTILL_MAX: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests;
