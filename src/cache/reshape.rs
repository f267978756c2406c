//! Bringing a long answer into the form that its clients ask for.
//!
//! It is done behind the clients' backs, for one answer at a time: while it is done, memory holds both forms. Only for an
//! answer that has a file on disk, which is where its packed form is while its text is in memory; the file stays as it is.

use std::sync::Arc;

use super::demand::Form;
use super::kept::Kept;
use super::{Cache, CacheKey, Failure};

impl<E: Failure> Cache<E> {
    /// Begins to bring an answer that is given into the form that its clients ask for, when that is another one than it
    /// has, it may have it, and no answer's form is being changed.
    pub(super) fn reshape(&self, key: &CacheKey, kept: &Arc<Kept<E>>) {
        let Some(form) = kept.entry.wanted() else {
            return;
        };
        let Some(disk) = &self.shelf else { return };
        if kept.entry.facts.text_len > disk.memory_each_max() {
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
