//! The task that writes answers, one after the other, in the order in which they were made.
//!
//! Clients wait for none of this. When more is made than the disk takes, what does not fit the queue stays in memory
//! only.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::Room;
use super::pending::Begun;
use super::trouble::Trouble;
use super::write::Written;
use crate::cache::CacheKey;
use crate::cache::entry::Entry;
use crate::cache::kept::{Asked, Used};

/// What the task is told.
#[derive(Debug)]
pub(super) enum Message {
    /// To write an answer.
    Write(Box<Job>, Claim),
    /// To say when it has come to this.
    Settle(oneshot::Sender<()>),
}

/// An answer that is to be written.
pub(in crate::cache) struct Job {
    pub(in crate::cache) key: CacheKey,
    pub(in crate::cache) entry: Arc<Entry>,
    pub(in crate::cache) asked: Asked,
    pub(in crate::cache) used: Arc<Used>,
    pub(in crate::cache) begun: Begun,
    /// For an answer that cannot stay in memory as it is: is given what takes its place, or nothing when it could not be
    /// written.
    pub(in crate::cache) then: Option<Then>,
}

/// What is done when an answer was written.
pub(in crate::cache) type Then = Box<dyn FnOnce(Option<Arc<Entry>>) + Send>;

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").finish_non_exhaustive()
    }
}

/// A place in the queue.
#[derive(Debug)]
pub(in crate::cache) struct Seat {
    place: mpsc::OwnedPermit<Message>,
    claim: Claim,
}

/// Memory that an answer takes while it waits.
#[derive(Debug)]
pub(super) struct Claim {
    queued: Arc<AtomicU64>,
    bytes: u64,
}

impl Seat {
    /// Claims memory for an answer of so many bytes; `None` when there is too little.
    pub(super) fn new(place: mpsc::OwnedPermit<Message>, room: &Room, bytes: u64) -> Option<Self> {
        let claimed = |queued: u64| {
            let queued = queued.checked_add(bytes)?;
            // The last part of a large answer is in memory, and may be as large as it wants.
            (queued <= room.queued_max || queued == bytes).then_some(queued)
        };
        let queued = Arc::clone(&room.queued);
        let update = queued.fetch_update(Ordering::Relaxed, Ordering::Relaxed, claimed);
        update.ok()?;
        let claim = Claim { queued, bytes };
        Some(Self { place, claim })
    }

    /// Puts a job into the queue.
    pub(super) fn take(self, job: Job) {
        self.place.send(Message::Write(Box::new(job), self.claim));
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.queued.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Does what it is told until nobody can tell it anything any more.
pub(super) async fn run(room: Arc<Room>, mut messages: mpsc::Receiver<Message>) {
    let mut trouble = Trouble::default();
    let mut noted = Instant::now();
    while let Some(message) = messages.recv().await {
        match message {
            Message::Write(job, _claim) => {
                // A large answer is lost to everybody when it is not written.
                if job.then.is_some() || trouble.is_over(Instant::now()) {
                    write(&room, *job, &mut trouble).await;
                } else {
                    give_up(&room, *job).await;
                }
                if noted.elapsed() >= NOTED_AFTER {
                    noted = Instant::now();
                    note_uses(&room, NOTED_AFTER).await;
                }
            }
            Message::Settle(done) => {
                note_uses(&room, Duration::ZERO).await;
                // Who waited may have given up.
                done.send(()).unwrap_or_default();
            }
        }
    }
}

async fn write(room: &Arc<Room>, mut job: Job, trouble: &mut Trouble) {
    let then = job.then.take();
    let moves = then.is_some();
    let blocking = Arc::clone(room);
    let written = spawn_blocking(move || {
        let written = blocking.write(&job, moves);
        if matches!(written, Ok(Written::Unfit) | Err(_)) {
            blocking.forget_older(&job);
        }
        written
    });
    let written = written.await;
    let instead = match written.map_err(std::io::Error::other).flatten() {
        Ok(Written::Stored(instead)) => {
            trouble.worked();
            instead
        }
        Ok(Written::Stopped | Written::Unfit) => None,
        Err(error) => {
            room.failed();
            if trouble.failed(Instant::now()) {
                tracing::warn!(
                    %error,
                    "answers cannot be stored on disk, and are in memory only; this is tried again every now and then"
                );
            }
            None
        }
    };
    if let Some(then) = then {
        then(instead);
    }
}

/// An answer is not written.
async fn give_up(room: &Arc<Room>, mut job: Job) {
    let then = job.then.take();
    let room = Arc::clone(room);
    // Fails when the program ends.
    drop(spawn_blocking(move || room.forget_older(&job)).await);
    if let Some(then) = then {
        then(None);
    }
}

impl Room {
    /// An older answer to the same key must not be found, when the newer one is not written: nothing is read until the
    /// job is over. Blocks.
    fn forget_older(&self, job: &Job) {
        if let Some((_, name)) = self.name(&job.key) {
            self.remove(name);
        }
    }
}

/// Notes at their files when answers were used the last time, of those for which that is so much later than what is
/// noted.
async fn note_uses(room: &Arc<Room>, later: Duration) {
    let milliseconds = i64::try_from(later.as_millis()).unwrap_or(i64::MAX);
    let room = Arc::clone(room);
    let noted = spawn_blocking(move || {
        let unsaved = room.index().take_unsaved(milliseconds);
        for (name, used) in unsaved {
            let Ok(used) = Timestamp::from_millisecond(used) else {
                continue;
            };
            if let Err(error) = room.folder.set_used(name, used) {
                tracing::debug!(%error, "the last use of a stored answer cannot be noted");
            }
        }
    });
    // Fails when the program ends.
    drop(noted.await);
}

/// The last uses of answers are noted no more often than this, but at the end.
const NOTED_AFTER: Duration = Duration::from_mins(10);
