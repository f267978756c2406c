//! Disk space for answers that are being made.
//!
//! Each answer has a file of its own. It has no name, or loses it when it is closed, so that nothing is left behind
//! however the program ends; and only the account that runs the program may read it.

use std::fs::{DirBuilder, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::runtime::Handle;

use crate::cache::file::At;
use crate::cache::record::{self, Record, RecordFile};
use crate::cache::{Segment, SpoolFolder};

/// The folder for these files, and the space that all of them together may take.
#[derive(Debug)]
pub(in crate::cache) struct Disk {
    folder: PathBuf,
    bytes_max: u64,
    used: AtomicU64,
}

impl Disk {
    /// Space in this folder, which need not be there yet.
    pub(in crate::cache) fn new(folder: SpoolFolder) -> Arc<Self> {
        Arc::new(Self {
            folder: folder.path,
            bytes_max: folder.bytes_max,
            used: AtomicU64::new(0),
        })
    }

    /// Bytes that the files take now.
    #[cfg(test)]
    pub(in crate::cache) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Makes a file, and the folder when it is not there. Blocks.
    pub(super) fn file(self: &Arc<Self>) -> io::Result<SpoolFile> {
        let mut folder = DirBuilder::new();
        folder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.create(&self.folder)?;
        let file = tempfile::tempfile_in(&self.folder)?;
        // A file that never had a name is made with whatever mode the account's mask leaves.
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        Ok(SpoolFile {
            file: Some(file),
            disk: Arc::clone(self),
            len: AtomicU64::new(0),
        })
    }

    /// Whether there is space for this part.
    pub(super) fn has_room(&self, segment: &Segment) -> bool {
        let used = self.used.load(Ordering::Relaxed);
        let bytes = segment.text.encoded_len() as u64;
        self.with(used, bytes).is_some()
    }

    /// Claims space, as long as there is some.
    fn claim(&self, bytes: u64) -> io::Result<()> {
        let claimed = |used: u64| self.with(used, bytes);
        let update = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, claimed);
        update.map(drop).map_err(|_| {
            let reason =
                "answers that are being made take all the space that `cache.spool` gives them";
            io::Error::new(io::ErrorKind::StorageFull, reason)
        })
    }

    /// What is used with so many bytes more; `None` when that is too much.
    fn with(&self, used: u64, bytes: u64) -> Option<u64> {
        let used = used.checked_add(bytes)?;
        (used <= self.bytes_max).then_some(used)
    }
}

/// One answer's file. Its space counts as free when it is dropped, and is a moment later.
#[derive(Debug)]
pub(super) struct SpoolFile {
    /// There until it is dropped.
    file: Option<File>,
    disk: Arc<Disk>,
    /// Bytes that it takes, those of a write that failed included.
    len: AtomicU64,
}

impl SpoolFile {
    /// Appends a part. Blocks.
    pub(super) fn append(self: &Arc<Self>, segment: &Segment) -> io::Result<Record> {
        let len = segment.text.encoded_len();
        self.disk.claim(len as u64)?;
        let place = self.len.fetch_add(len as u64, Ordering::Relaxed);
        let mut out = BufWriter::new(At::new(self.file()?, place));
        let checksum = record::write(&segment.text, &mut out)?;
        out.flush()?;
        Ok(Record {
            file: Arc::clone(self) as Arc<dyn RecordFile>,
            place,
            len,
            checksum,
            rows: segment.rows,
        })
    }

    #[cfg(test)]
    pub(super) fn inner(&self) -> &File {
        self.file().unwrap()
    }
}

impl RecordFile for SpoolFile {
    fn file(&self) -> io::Result<&File> {
        self.file
            .as_ref()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Drop for SpoolFile {
    fn drop(&mut self) {
        self.disk
            .used
            .fetch_sub(*self.len.get_mut(), Ordering::Relaxed);
        // Closing it gives back gigabytes, and the last one that has it may be an async thread.
        if let (Some(file), Ok(runtime)) = (self.file.take(), Handle::try_current()) {
            runtime.spawn_blocking(move || drop(file));
        }
    }
}
