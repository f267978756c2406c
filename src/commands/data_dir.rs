//! The folder for the program's own files, for one process at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use super::Failure;

/// The folder for the program's own files, taken for as long as this is there. However the process ends, the system
/// gives it free again.
#[derive(Debug)]
pub(super) struct DataDir {
    /// Locked until it is closed.
    _lock: File,
}

impl DataDir {
    /// Takes the folder, and makes it when it is not there. `None` when it cannot be written or locked, which the log
    /// then says: the program does without. It is an error when another process has it.
    pub(super) fn take(path: &Path) -> Result<Option<Self>, Failure> {
        let error = match lock(path) {
            Ok(lock) => return Ok(Some(Self { _lock: lock })),
            Err(TryLockError::WouldBlock) => return Err(Failure::Taken(path.to_path_buf())),
            Err(TryLockError::Error(error)) => error,
        };
        tracing::warn!(
            %error,
            folder = %path.display(),
            "the folder `data_dir` cannot be used; answers are stored in memory only"
        );
        Ok(None)
    }
}

fn lock(path: &Path) -> Result<File, TryLockError> {
    let file = open(path).map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(file)
}

fn open(path: &Path) -> io::Result<File> {
    let mut folder = DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(path)?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path.join(LOCK))
}

/// An empty file. It stays, because nobody could tell whether another process is about to take it.
const LOCK: &str = "lock";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("data");
        let first = DataDir::take(&path).unwrap();
        assert!(first.is_some());
        let message = DataDir::take(&path).unwrap_err().to_string();
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        assert!(message.contains("--data-dir"), "{message}");
        drop(first);
        assert!(DataDir::take(&path).unwrap().is_some());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_done_without() {
        let folder = tempfile::tempdir().unwrap();
        let occupied = folder.path().join("data");
        std::fs::write(&occupied, "").unwrap();
        assert!(DataDir::take(&occupied).unwrap().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn it_belongs_to_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let _taken = DataDir::take(&path).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join(LOCK)), 0o600);
    }
}
