//! An answer while it is being made: one writer, many readers, each at its own pace.
//!
//! While an answer is small enough to be kept, every part of it is retained: clients that ask the same later
//! read it from its beginning, and at the end it becomes an entry. Once it has outgrown that, parts that all
//! readers have taken are dropped, nobody can join any more, and the slowest reader sets the pace.
//!
//! Back-pressure: the writer asks [`SpoolWriter::room`] before it fetches a page. There is room when the
//! fastest reader has taken all parts but one (so the next page is fetched while the last one is being sent),
//! and, for an answer that is not kept, when the slowest is not far behind.
//!
//! Whoever reads alone may take all the time that they want. Whoever stands still while another waits for
//! them is dropped after [`STANDSTILL_MAX`]: their part must not be taken for the whole, so they get an error.

mod progress;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::entry::{Content, Segment};

pub use progress::{Progress, Way};

/// Bytes that all spools together may retain, and how many of them they do.
#[derive(Debug)]
pub(super) struct Allowance {
    /// For one answer.
    pub(super) each_max: usize,
    /// For all that are being made at once.
    pub(super) all_max: usize,
    pub(super) used: AtomicUsize,
}

/// The state that a writer and its readers share.
#[derive(Debug)]
pub(super) struct Spool<E> {
    state: Mutex<State<E>>,
    readers_wake: Notify,
    writer_wake: Notify,
    progress: Arc<Progress>,
    allowance: Arc<Allowance>,
    /// What readers are told for whom the answer ends too early.
    interrupted: E,
}

#[derive(Debug)]
struct State<E> {
    content: Option<Content>,
    segments: VecDeque<Segment>,
    /// The number of the first segment in `segments`.
    first: usize,
    /// Bytes of `segments` that count as part of the allowance.
    retained: usize,
    /// Whether everything since the beginning is still here and may stay.
    keeping: bool,
    end: Option<Result<(), E>>,
    /// Those who read. Who left is not here any more, nor is who was dropped.
    places: BTreeMap<u64, Place>,
    readers_ever: u64,
}

/// How far a reader is.
#[derive(Debug, Default)]
struct Place {
    /// The number of the segment that it takes next.
    next: usize,
    /// Whether it asked for that one and found nothing.
    waits: bool,
}

/// Whether it is worth fetching more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Yes,
    /// What there is has not been taken yet.
    No,
    /// Somebody waits for more, and only those who are at this segment are in the way.
    HeldAt(usize),
}

impl<E> State<E> {
    fn written(&self) -> usize {
        self.first + self.segments.len()
    }

    /// The segment that the slowest reader takes next.
    fn slowest(&self) -> usize {
        let next = self.places.values().map(|place| place.next);
        next.min().unwrap_or(0)
    }

    fn room(&self) -> Room {
        let next = self.places.values().map(|place| place.next);
        let fastest = next.max().unwrap_or(0);
        let (slowest, written) = (self.slowest(), self.written());
        // Nobody has read yet: perhaps nobody will (`HEAD`). After that, one part may lie ready.
        let ahead = usize::from(fastest > 0);
        if fastest + ahead < written {
            return Room::No;
        }
        if self.keeping || slowest + SEGMENTS_AHEAD_MAX >= written {
            return Room::Yes;
        }
        let waits = |place: &Place| place.waits && place.next == written;
        if self.places.values().any(waits) {
            Room::HeldAt(slowest)
        } else {
            Room::No
        }
    }

    fn drop_taken(&mut self) -> usize {
        let mut freed = 0;
        let slowest = self.slowest();
        while !self.keeping && self.first < slowest {
            let Some(segment) = self.segments.pop_front() else {
                break;
            };
            freed += segment.text.stored_len();
            self.first += 1;
        }
        self.retained -= freed;
        freed
    }
}

impl<E: Clone> Spool<E> {
    pub(super) fn new(allowance: Arc<Allowance>, interrupted: E) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                content: None,
                segments: VecDeque::new(),
                first: 0,
                retained: 0,
                keeping: true,
                end: None,
                places: BTreeMap::new(),
                readers_ever: 0,
            }),
            readers_wake: Notify::new(),
            writer_wake: Notify::new(),
            progress: Arc::default(),
            allowance,
            interrupted,
        })
    }

    fn state(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader from the beginning; `None` when the beginning is gone, or everybody has left and the fill is
    /// about to stop. The first reader always gets in.
    pub(super) fn join(self: &Arc<Self>) -> Option<Reader<E>> {
        let mut state = self.state();
        let deserted = state.readers_ever > 0 && state.places.is_empty();
        let failed = matches!(state.end, Some(Err(_)));
        if !state.keeping || deserted || failed {
            return None;
        }
        let id = state.readers_ever;
        state.readers_ever += 1;
        state.places.insert(id, Place::default());
        Some(Reader {
            id,
            spool: Arc::clone(self),
        })
    }

    /// Resolves when every reader has left.
    pub(super) async fn deserted(&self) {
        wait(&self.writer_wake, || ready(self.state().places.is_empty())).await;
    }

    /// What the answer is made of so far, when it may be kept.
    pub(super) fn kept(&self) -> Option<(Content, Vec<Segment>)> {
        let state = self.state();
        let content = state.content.filter(|_| state.keeping)?;
        Some((content, state.segments.iter().cloned().collect()))
    }

    /// The answer is an entry now, whose memory is counted as such: what is held here counts no more.
    pub(super) fn hand_over(&self) {
        let counted = std::mem::take(&mut self.state().retained);
        self.allowance.used.fetch_sub(counted, Ordering::Relaxed);
    }

    /// Ends the answer.
    pub(super) fn finish(&self, end: Result<(), E>) {
        self.state().end = Some(end);
        self.readers_wake.notify_waiters();
    }

    /// Ends an answer that has not ended yet with an error.
    pub(super) fn interrupt(&self) {
        let interrupted = || Err(self.interrupted.clone());
        self.state().end.get_or_insert_with(interrupted);
        self.readers_wake.notify_waiters();
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    fn push(&self, segment: Segment) {
        let bytes = segment.text.stored_len();
        self.progress.add_rows(segment.rows);
        let used = self.allowance.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let mut state = self.state();
        state.retained += bytes;
        state.segments.push_back(segment);
        state.keeping &=
            state.retained <= self.allowance.each_max && used <= self.allowance.all_max;
        let freed = state.drop_taken();
        drop(state);
        self.allowance.used.fetch_sub(freed, Ordering::Relaxed);
        self.readers_wake.notify_waiters();
    }

    /// Drops the readers who still hold the answer at this segment.
    fn drop_readers_at(&self, segment: usize) {
        let mut state = self.state();
        if state.room() != Room::HeldAt(segment) {
            return;
        }
        let before = state.places.len();
        state.places.retain(|_, place| place.next != segment);
        let dropped = before - state.places.len();
        let freed = state.drop_taken();
        drop(state);
        self.allowance.used.fetch_sub(freed, Ordering::Relaxed);
        let seconds = STANDSTILL_MAX.as_secs();
        tracing::warn!(
            dropped,
            "a client took nothing for {seconds} s while another waited for the same answer, and is cut off"
        );
    }

    fn take(&self, reader: u64) -> Poll<Option<Result<Segment, E>>> {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some(place) = state.places.get_mut(&reader) else {
            return Poll::Ready(Some(Err(self.interrupted.clone())));
        };
        if let Some(segment) = state.segments.get(place.next - state.first).cloned() {
            place.next += 1;
            place.waits = false;
            let freed = state.drop_taken();
            drop(guard);
            self.allowance.used.fetch_sub(freed, Ordering::Relaxed);
            self.writer_wake.notify_waiters();
            return Poll::Ready(Some(Ok(segment)));
        }
        match state.end.clone() {
            None => {
                place.waits = true;
                drop(guard);
                self.writer_wake.notify_waiters();
                Poll::Pending
            }
            Some(Ok(())) => Poll::Ready(None),
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
        }
    }
}

impl<E> Drop for Spool<E> {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.allowance
            .used
            .fetch_sub(state.retained, Ordering::Relaxed);
    }
}

/// Reads one answer while it is being made. Dropping it leaves; when the last reader leaves, the fill stops.
#[derive(Debug)]
pub struct Reader<E: Clone> {
    id: u64,
    spool: Arc<Spool<E>>,
}

impl<E: Clone> Reader<E> {
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
    pub async fn next(&mut self) -> Option<Result<Segment, E>> {
        wait(&self.spool.readers_wake, || self.spool.take(self.id)).await
    }

    /// How far the answer has come.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.spool.progress
    }
}

impl<E: Clone> Drop for Reader<E> {
    fn drop(&mut self) {
        let mut state = self.spool.state();
        state.places.remove(&self.id);
        let freed = state.drop_taken();
        drop(state);
        self.spool
            .allowance
            .used
            .fetch_sub(freed, Ordering::Relaxed);
        self.spool.writer_wake.notify_waiters();
    }
}

/// Writes an answer.
#[derive(Debug)]
pub struct SpoolWriter<E: Clone> {
    spool: Arc<Spool<E>>,
}

impl<E: Clone> SpoolWriter<E> {
    pub(super) fn new(spool: Arc<Spool<E>>) -> Self {
        Self { spool }
    }

    /// Says what kind of body comes; to be called once, before the first [`SpoolWriter::push`].
    pub fn begin(&mut self, content: Content) {
        self.spool.state().content = Some(content);
    }

    /// Writes a part; to a file, when it is too much for memory.
    #[expect(clippy::unused_async, reason = "it will be")]
    pub async fn push(&mut self, segment: Segment) {
        self.spool.push(segment);
    }

    /// Waits until it is worth fetching more, and drops readers who stand in the way of others for too long.
    pub async fn room(&self) {
        let spool = &self.spool;
        loop {
            let room = spool.state().room();
            let changed = wait(&spool.writer_wake, || ready(spool.state().room() != room));
            match room {
                Room::Yes => return,
                Room::No => changed.await,
                // Readers only go forward, so that as long as it is this segment, nobody there has moved.
                Room::HeldAt(segment) => {
                    if timeout(STANDSTILL_MAX, changed).await.is_err() {
                        spool.drop_readers_at(segment);
                    }
                }
            }
        }
    }

    /// How far the answer has come.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.spool.progress
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

/// How many parts the slowest reader of an answer that is not kept may be behind.
const SEGMENTS_AHEAD_MAX: usize = 4;

/// How long readers of such an answer may take nothing while they alone keep another from getting more.
const STANDSTILL_MAX: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests;
