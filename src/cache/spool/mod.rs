//! An answer while it is being made: one writer, many readers, each at its own pace.
//!
//! Every part of an answer stays until its end, so that clients that ask the same later read it from its
//! beginning: in memory up to the [`Allowance`], and beyond that in a file on the [`Disk`]. At its end an answer
//! that is there as a whole may become an entry; of any other, only what somebody has not taken yet stays. Parts are
//! packed once, when they are written, for all who read them.
//!
//! Where there is no room in a file, or it cannot be written, only what somebody has not taken yet stays:
//! nobody can join any more, and the slowest reader sets the pace.
//!
//! Back-pressure: the writer asks [`SpoolWriter::room`] before it fetches a page. There is room when the
//! fastest reader has taken all parts but one (so the next page is fetched while the last one is being sent),
//! and, for an answer that does not stay, when the slowest is not far behind.
//!
//! Whoever reads alone may take all the time that they want; but nobody joins an answer that has long stood still for
//! lack of readers, because its parts are of very different ages. Whoever stands still while another waits for
//! them, or for the room that they take after an answer's end, is dropped after [`STANDSTILL_MAX`]: their part must
//! not be taken for the whole, so they get an error.
//!
//! A fill that everybody has left stops, unless it is nearly done, and its answer still fresh and will be stored.
//!
//! What memory has no room for stays readable from its beginning, so that the slowest client holds back nobody and the third
//! one can still join. The files have no format to keep: they end with their last reader, or with the program. A reader that is
//! in nobody's way is never dropped.

mod allowance;
mod disk;
mod ended;
mod places;
mod progress;
mod purpose;
mod reader;
mod slot;
mod standstill;
mod state;
mod writer;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use self::allowance::Share;
use self::ended::Ended;
use self::places::Idle;
use self::state::{Keep, Next, Room, State};
use super::Failure;
use super::entry::{Block, Facts, Segment};
use super::record::Record;

pub(super) use self::allowance::Allowance;
pub(super) use self::disk::Disk;
pub use self::progress::{Progress, Way};
pub(super) use self::purpose::Purpose;
pub use self::reader::Reader;
pub use self::writer::SpoolWriter;

/// Where answers are while they are being made, and until their last reader has them.
#[derive(Debug, Clone)]
pub(super) struct Space<E> {
    /// Memory.
    pub(super) allowance: Arc<Allowance>,
    /// Disk for what memory has no room for, when there is some.
    pub(super) disk: Option<Arc<Disk>>,
    /// Who has some of it, and can be made to give it back.
    ended: Arc<Ended<E>>,
    /// Whether an answer that is partly on disk may become an entry.
    files_stay: bool,
}

impl<E: Failure> Space<E> {
    pub(super) fn new(allowance: Arc<Allowance>, disk: Option<Arc<Disk>>) -> Self {
        Self {
            allowance,
            disk,
            ended: Ended::new(),
            files_stay: false,
        }
    }

    /// The same, where an answer may become an entry that is partly on disk.
    pub(super) fn where_files_stay(self, files_stay: bool) -> Self {
        Self { files_stay, ..self }
    }
}

/// The state that a writer and its readers share.
#[derive(Debug)]
pub(super) struct Spool<E> {
    state: Mutex<State<E>>,
    readers_wake: Notify,
    writer_wake: Notify,
    progress: Arc<Progress>,
    space: Space<E>,
    purpose: Purpose,
}

impl<E: Failure> Spool<E> {
    /// An empty spool for an answer that is made for this purpose.
    pub(super) fn new(space: Space<E>, purpose: Purpose) -> Arc<Self> {
        let share = Share::of(Arc::clone(&space.allowance));
        Arc::new(Self {
            state: Mutex::new(State::new(share, purpose, space.files_stay)),
            readers_wake: Notify::new(),
            writer_wake: Notify::new(),
            progress: Arc::default(),
            space,
            purpose,
        })
    }

    fn state(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and notes whether somebody reads after that: whoever comes, leaves or is dropped, does so
    /// here. What nobody needs any more, is dropped when the lock is free again.
    fn change<R>(&self, change: impl FnOnce(&mut State<E>) -> R) -> R {
        let mut state = self.state();
        let result = change(&mut state);
        let gone = state.take_gone();
        // Under the lock, so that the last word is that of the last change.
        self.progress.set_awaited(state.readers() > 0);
        drop(state);
        drop(gone);
        result
    }

    /// A reader from the beginning; `None` when the beginning is gone, the answer has ended or is about to stop, or
    /// the writer has stood still for so long, for lack of readers, that there are old parts and new ones. The first
    /// reader always gets in.
    pub(super) fn join(self: &Arc<Self>) -> Option<Reader<E>> {
        let id = self.change(|state| state.join(Instant::now()))?;
        Some(Reader::new(id, Arc::clone(self)))
    }

    /// Whether it is made though nobody reads it.
    pub(super) fn is_in_background(&self) -> bool {
        self.state().in_background
    }

    /// How many read.
    pub(super) fn readers(&self) -> usize {
        self.state().readers()
    }

    /// Resolves when every reader has left an answer that is not worth finishing for those who come later.
    pub(super) async fn abandoned(&self) {
        let abandoned = || wait(&self.writer_wake, || ready(self.state().abandoned()));
        let useful_for = self.purpose.useful.saturating_sub(self.progress.elapsed());
        if timeout(useful_for, abandoned()).await.is_err() {
            self.change(State::unlist);
            abandoned().await;
        }
    }

    /// Whether the answer is worth finishing when nobody reads it: not much is missing, and it is still of use then.
    fn worth_finishing(&self) -> bool {
        self.progress.nearly_done() && self.progress.elapsed() < self.purpose.useful
    }

    /// The answer, when all of it is still there.
    pub(super) fn answer(&self, fetched_at: Timestamp) -> Option<(Facts, Vec<Block>)> {
        let state = self.state();
        let (content, blocks) = state.content.zip(state.blocks())?;
        let (digests, text_len) = state.digester.digests();
        let progress = &self.progress;
        let rows = progress.rows();
        let facts = Facts {
            content,
            digests,
            fetched_at,
            rows,
            ordered_rows: match progress.way() {
                Some(Way::Range) => state.first_rows,
                Some(Way::Links) | None => rows,
            },
            pages: progress.pages(),
            upstream_time: progress.upstream_time(),
            text_len,
        };
        Some((facts, blocks))
    }

    /// The answer will not become an entry: it was purged.
    pub(super) fn unlist(&self) {
        self.change(State::unlist);
        self.writer_wake.notify_waiters();
    }

    /// Ends the answer.
    pub(super) fn finish(self: &Arc<Self>, end: Result<(), E>) {
        if self.change(|state| state.end(end)) {
            self.space.ended.add(self);
        }
        self.readers_wake.notify_waiters();
    }

    /// Ends an answer that has not ended yet with an error.
    pub(super) fn interrupt(self: &Arc<Self>) {
        self.finish(Err(E::interrupted()));
    }

    pub(super) fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Has room made for a part when that is short because of other answers.
    async fn make_room(&self, segment: &Segment) {
        let Space {
            allowance, disk, ..
        } = &self.space;
        let bytes = segment.text.stored_len();
        let destination = self.state().destination(bytes);
        let has_room = match destination {
            Keep::Memory => allowance.has_room(bytes),
            Keep::File => disk.as_ref().is_none_or(|disk| disk.has_room(segment)),
            Keep::Untaken => true,
        };
        if !has_room {
            self.space.ended.make_room().await;
        }
    }

    /// Gives readers a part; says how the answer is kept from now on.
    fn publish(&self, segment: Segment) -> Keep {
        self.progress.add_rows(segment.rows);
        let beyond = match self.space.disk {
            Some(_) => Keep::File,
            None => Keep::Untaken,
        };
        let worth_finishing = self.worth_finishing();
        let keep = self.change(|state| state.push(segment, beyond, worth_finishing));
        self.readers_wake.notify_waiters();
        self.writer_wake.notify_waiters();
        keep
    }

    /// The part that was published last is in a file now.
    fn filed(&self, record: Record) {
        self.change(|state| state.filed(record));
    }

    /// The part that was published last could not be written to a file.
    fn not_filed(&self) {
        self.change(State::let_go);
    }

    fn room(&self) -> Room {
        self.state().room(Instant::now())
    }

    /// Drops the readers who still hold the answer at this part.
    fn drop_readers_at(&self, part: usize) {
        let dropped = self.change(|state| state.drop_readers_at(part));
        if dropped > 0 {
            let seconds = STANDSTILL_MAX.as_secs();
            tracing::warn!(
                dropped,
                "a client took nothing for {seconds} s while another waited for the same answer, and is cut off"
            );
        }
    }

    /// Drops those of these readers who have taken nothing since they were found idle.
    fn drop_idle(&self, idle: &[Idle]) {
        let dropped = self.change(|state| state.drop_idle(idle));
        if dropped > 0 {
            let seconds = STANDSTILL_MAX.as_secs();
            tracing::warn!(
                dropped,
                "a client took nothing for {seconds} s of an answer that takes room that others need, and is cut off"
            );
        }
    }

    fn take(&self, reader: u64) -> Poll<Option<Result<Next, E>>> {
        let now = Instant::now();
        let taken = self.change(|state| state.take(reader, now));
        self.writer_wake.notify_waiters();
        taken
    }

    fn advance(&self, reader: u64) -> Result<(), E> {
        let now = Instant::now();
        let advanced = self.change(|state| state.advance(reader, now));
        self.writer_wake.notify_waiters();
        advanced.then_some(()).ok_or_else(E::interrupted)
    }

    fn leave(&self, reader: u64) {
        let worth_finishing = self.worth_finishing();
        self.change(|state| state.leave(reader, worth_finishing));
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

/// Before readers are dropped for taking nothing, they get so much longer. When the machine has slept, every time is
/// over at once, for those too who are just about to go on.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
