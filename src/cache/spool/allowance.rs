//! Memory for answers that are being made.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of memory that all spools together may retain, and how many of them they do.
#[derive(Debug)]
pub(in crate::cache) struct Allowance {
    /// For one answer.
    each_max: usize,
    /// For all that are being made at once.
    all_max: usize,
    used: AtomicUsize,
}

impl Allowance {
    /// So many bytes for one answer, and for all of them together.
    pub(in crate::cache) fn new(each_max: usize, all_max: usize) -> Arc<Self> {
        Arc::new(Self {
            each_max,
            all_max,
            used: AtomicUsize::new(0),
        })
    }

    /// Whether so many bytes more are within the bound for all.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let used = self.used.load(Ordering::Relaxed);
        used.saturating_add(bytes) <= self.all_max
    }

    /// Bytes that are retained now.
    #[cfg(test)]
    pub(in crate::cache) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// What one answer has of the allowance; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    allowance: Arc<Allowance>,
    bytes: usize,
}

impl Share {
    /// Nothing yet.
    pub(super) fn of(allowance: Arc<Allowance>) -> Self {
        Self {
            allowance,
            bytes: 0,
        }
    }

    /// Takes more, and says whether that was within the bounds. Beyond them it is taken all the same: what is
    /// on its way to a file or to readers is in memory for a while.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let Allowance {
            each_max,
            all_max,
            used,
        } = &*self.allowance;
        let all = used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.bytes += bytes;
        self.bytes <= *each_max && all <= *all_max
    }

    /// Whether so many bytes more are within the bound for one answer.
    pub(super) fn may_hold(&self, bytes: usize) -> bool {
        self.bytes.saturating_add(bytes) <= self.allowance.each_max
    }

    /// Bytes that were taken and not given back.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives back a part of what was taken, as far as it was not given back already.
    pub(super) fn give_back(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.allowance.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Gives back everything.
    pub(super) fn give_back_all(&mut self) {
        self.give_back(self.bytes);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back_all();
    }
}
