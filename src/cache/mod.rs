//! Remembering answers, and sharing one fill among all who wait for it.
//!
//! The cache does not know where answers come from: it is handed a future to run on a miss. Nor does it know
//! the client's address: entries are neutral text. Freshness is decided by our clock and the caller's rule;
//! moka only bounds memory.

mod entry;
mod key;
mod spool;

pub use entry::{Content, Entry, Segment};
pub use key::CacheKey;
pub use spool::{Progress, Reader, SpoolWriter};
