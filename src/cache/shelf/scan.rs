//! Looking through the folder after the start.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::spawn_blocking;

use super::Room;
use super::folder::{Found, removed};
use super::format::{Head, Rejected};
use super::index::{Known, Shelved};
use super::name::Name;
use super::read::OF_ANOTHER_RUN;
use crate::cache::kept::{Asked, Used};

/// Reads the beginning of every answer's file, and removes what is no answer that could ever be found.
pub(super) async fn run(room: Arc<Room>) {
    let scan = spawn_blocking(move || {
        let looked = Looked(&room);
        let removed = room.scan();
        drop(looked);
        (removed, room.index().size())
    });
    let Ok((removed, (answers, bytes))) = scan.await else {
        return;
    };
    if answers > 0 {
        tracing::info!(answers, bytes, "stored answers were found on disk");
    }
    if removed > 0 {
        tracing::warn!(
            removed,
            "files of stored answers that cannot be used were removed: half-written, damaged, of another version, of a \
             site with other settings, or not of this program"
        );
    }
}

/// When dropped, all files were looked at, or will not be any more: purges wait for this.
struct Looked<'a>(&'a Room);

impl Drop for Looked<'_> {
    fn drop(&mut self) {
        self.0.index().completed();
        // There may be less room than in the last run.
        self.0.make_room(0);
        self.0.scanned.send_replace(true);
    }
}

impl Room {
    /// Returns how many files were removed.
    fn scan(&self) -> u64 {
        let found = self.folder.list().unwrap_or_else(|error| {
            tracing::warn!(%error, "the folder of stored answers cannot be read");
            Vec::new()
        });
        let mut count = 0;
        for found in found {
            let is_removed = match found {
                Found::Answer(name) => {
                    let keep = self.look_at(name);
                    if !keep {
                        self.remove(name);
                    }
                    !keep
                }
                Found::Stray(path) => removed(&path).is_ok(),
            };
            count += u64::from(is_removed);
        }
        count
    }

    /// Whether a file is an answer that can be found, or one that was written or removed meanwhile.
    fn look_at(&self, name: Name) -> bool {
        let is_open = || matches!(self.index().get(name), Known::Perhaps);
        if !is_open() {
            return true;
        }
        let described = self.describe(name);
        // It may have been written, or removed, meanwhile.
        if !is_open() {
            return true;
        }
        match described {
            Ok(Some(shelved)) => {
                self.index().discover(name, || shelved);
                true
            }
            // One that cannot be read could not be purged either.
            Ok(None) | Err(_) => false,
        }
    }

    /// What there is to know of an answer; `None` when nobody will ever find it, or nobody knows how old it is.
    fn describe(&self, name: Name) -> Result<Option<Shelved>, Rejected> {
        let file = self.folder.open(name)?;
        let (head, begin) = Head::read(&file)?;
        let facts = head.facts().ok_or(Rejected::Damaged)?;
        let key = head.key().read().ok_or(Rejected::Damaged)?;
        let of_realm = |(realm, own)| head.is_of(realm) && own == name;
        if !self.name(&key).is_some_and(of_realm) {
            return Ok(None);
        }
        let now = self.now();
        let Some(asked) = Asked::before(facts.fetched_at, now) else {
            return Ok(None);
        };
        let modified = file.metadata()?.modified()?;
        let used = Timestamp::try_from(modified).unwrap_or(Timestamp::UNIX_EPOCH);
        let bytes = begin.saturating_add(head.records_len().unwrap_or_default());
        let used = Used::at(used.min(self.uses.at(now.0, now.1)));
        Ok(Some(Shelved::new(
            head.key(),
            OF_ANOTHER_RUN,
            bytes,
            asked,
            used,
        )))
    }
}
