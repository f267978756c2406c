//! Log lines in files: a new one every day or hour, of which the latest are kept.
//!
//! Dates in the files' names are UTC, like the times in the lines.

use std::fs::DirBuilder;
use std::io;
use std::path::PathBuf;

use tracing_appender::rolling::{self, RollingFileAppender};

/// Where log files are, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFiles {
    /// The folder; absolute, and not necessarily there yet.
    pub folder: PathBuf,
    /// When a new file is begun.
    pub rotation: Rotation,
    /// How many files there are at most: two or more. With fewer, a restart would remove what was written before it.
    pub keep: usize,
}

/// When a new file is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// At midnight.
    Daily,
    /// At the full hour.
    Hourly,
}

/// Log files that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The folder is not there and cannot be made.
    #[error("the folder cannot be made")]
    Folder(#[source] io::Error),
    /// The first file cannot be opened.
    #[error("no file can be written there")]
    File(#[source] rolling::InitError),
}

impl LogFiles {
    /// Opens the file of the moment, and makes the folder when it is not there. What was written to it today is kept.
    /// Lines are written at once; this blocks as standard error does.
    pub fn open(&self) -> Result<RollingFileAppender, FilesError> {
        let mut folder = DirBuilder::new();
        folder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.create(&self.folder).map_err(FilesError::Folder)?;
        let rotation = match self.rotation {
            Rotation::Daily => rolling::Rotation::DAILY,
            Rotation::Hourly => rolling::Rotation::HOURLY,
        };
        RollingFileAppender::builder()
            .rotation(rotation)
            .filename_prefix(PREFIX)
            .filename_suffix(SUFFIX)
            .max_log_files(self.keep)
            .build(&self.folder)
            .map_err(FilesError::File)
    }
}

/// Names are `citrix-odata-proxy.2026-03-02.log`.
const PREFIX: &str = "citrix-odata-proxy";
const SUFFIX: &str = "log";

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use tempfile::TempDir;

    use super::*;

    fn files(folder: PathBuf, keep: usize) -> LogFiles {
        LogFiles {
            folder,
            rotation: Rotation::Daily,
            keep,
        }
    }

    fn names(place: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(place.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_restart_goes_on_in_the_same_file() {
        let place = TempDir::new().unwrap();
        let files = files(place.path().join("new").join("logs"), 2);
        for line in ["one", "two"] {
            writeln!(files.open().unwrap(), "{line}").unwrap();
        }
        let entries: Vec<_> = fs::read_dir(&files.folder).unwrap().collect();
        assert_eq!(entries.len(), 1);
        let text = fs::read_to_string(entries[0].as_ref().unwrap().path()).unwrap();
        assert_eq!(text, "one\ntwo\n");
    }

    #[test]
    fn so_many_files_stay_and_those_of_others_do() {
        let place = TempDir::new().unwrap();
        for day in 1..9 {
            let name = format!("citrix-odata-proxy.2001-02-0{day}.log");
            fs::write(place.path().join(name), "old\n").unwrap();
        }
        fs::write(place.path().join("notes.txt"), "").unwrap();
        drop(files(place.path().to_path_buf(), 3).open().unwrap());
        // Which of the old ones go is told by when they were made, and that is the same moment here.
        let names = names(&place);
        let (logs, others): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|name| name.starts_with(PREFIX));
        assert_eq!(logs.len(), 3, "{logs:?}");
        assert!(!logs[2].contains("2001"), "{logs:?}");
        assert_eq!(others, ["notes.txt"]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let place = TempDir::new().unwrap();
        let occupied = place.path().join("logs");
        fs::write(&occupied, "").unwrap();
        let error = files(occupied.join("below"), 2).open().unwrap_err();
        assert!(matches!(error, FilesError::Folder(_)), "{error}");
        // On Unix the folder is there then, and is none.
        assert!(files(occupied, 2).open().is_err());
    }
}
