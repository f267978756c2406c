//! What came in a body: its length, its digest and its rows, in constant memory.

use memchr::memmem::Finder;
use xxhash_rust::xxh3::Xxh3;

/// Counts while a body passes by.
pub(crate) struct Tally {
    pub(crate) bytes: u64,
    /// Rows of `Sessions`.
    pub(crate) rows: u64,
    digest: Xxh3,
    mark: Finder<'static>,
    /// The last bytes of what passed, in which a mark may have begun.
    tail: Vec<u8>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            bytes: 0,
            rows: 0,
            digest: Xxh3::new(),
            mark: Finder::new(MARK),
            tail: Vec::new(),
        }
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.digest.update(bytes);
        // Across the seam: the tail is shorter than a mark, so none is counted twice.
        let seam = MARK.len() - 1;
        self.tail.extend(bytes.iter().take(seam));
        self.rows += self.mark.find_iter(&self.tail).count() as u64;
        self.rows += self.mark.find_iter(bytes).count() as u64;
        self.tail.extend(bytes.iter().skip(seam));
        self.tail.drain(..self.tail.len().saturating_sub(seam));
    }

    /// Length, rows and digest: the same for the same body.
    pub(crate) fn identity(&self) -> (u64, u64, u128) {
        (self.bytes, self.rows, self.digest.digest128())
    }
}

/// What each session has once.
const MARK: &[u8] = br#""SessionKey":"#;
