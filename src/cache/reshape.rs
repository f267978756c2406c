//! Bringing a long answer into the form that its clients ask for.
//!
//! It is done behind the clients' backs, for one answer at a time: while it is done, memory holds both forms. Only for an
//! answer that has a file on disk, which is where its packed form is while its text is in memory; the file stays as it is. Only
//! while there is room for it, because no other answer is worth less than the time that this one takes to be unpacked.

use std::sync::Arc;

use super::demand::Form;
use super::entry::Entry;
use super::kept::Kept;
use super::shelf::Shelf;
use super::{Cache, CacheKey, Failure};

impl<E: Failure> Cache<E> {
    /// Whether the text may be in memory: it is no longer than one answer may be there, and takes no other's place.
    fn has_room_for_text(&self, disk: &Shelf, entry: &Entry) -> bool {
        let text_len = entry.facts.text_len;
        let taken = self.entries.weighted_size().saturating_add(text_len);
        let room = self.entries.policy().max_capacity();
        text_len <= disk.memory_each_max() && room.is_none_or(|room| taken <= room)
    }

    /// Begins to bring an answer that is given into the form that its clients ask for, when that is another one than it
    /// has, it may have it, and no answer's form is being changed.
    pub(super) fn reshape(&self, key: &CacheKey, kept: &Arc<Kept<E>>) {
        let Some(form) = kept.entry.wanted() else {
            return;
        };
        let Some(disk) = &self.shelf else { return };
        if form == Form::Text && !self.has_room_for_text(disk, &kept.entry) {
            return;
        }
        let Ok(turn) = Arc::clone(&self.reshaping).try_acquire_owned() else {
            return;
        };
        let (cache, disk) = (self.clone(), disk.clone());
        let (key, kept) = (key.clone(), Arc::clone(kept));
        self.tasks.spawn("stored answers: form", async move {
            let entry = match form {
                Form::Text => disk.with_text(&key, &kept.entry).await,
                Form::Packed => kept.entry.without_text().await,
            };
            match entry {
                Some(entry) => cache.replace(&key, &kept, Some(Arc::new(entry))),
                None => kept.entry.refuse_text(),
            }
            drop(turn);
        });
    }
}
