//! The folder with the answers' files, and what is done to it.
//!
//! An answer is written under a temporary name and then renamed, so that under its own name there is all of it or
//! nothing. Nothing is forced onto the disk: what a loss of power tears, its checksums tell. Only the account that runs the
//! program may read the files. Everything here blocks.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::name::Name;

/// The folder with the answers' files.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// What the temporary names of this run have in them, so that those of runs before it are known.
    run: String,
}

/// A file of a name that is not an answer's. Removed when dropped.
#[derive(Debug)]
pub(super) struct Temporary {
    pub(super) file: File,
    path: PathBuf,
    renamed: bool,
}

/// What is in the folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// An answer's file, by its name.
    Answer(Name),
    /// Something that a program before this one has left behind, or that somebody put there.
    Stray(PathBuf),
}

impl Folder {
    /// The folder at `path`, which need not be there, for a run of the program that began at this moment.
    pub(super) fn new(path: PathBuf, began: Timestamp) -> Self {
        let run = format!("{:x}", began.as_nanosecond());
        Self { path, run }
    }

    /// Opens an answer's file for reading.
    pub(super) fn open(&self, name: Name) -> io::Result<File> {
        File::open(self.path_of(name))
    }

    /// Makes a file for the answer of that name, and the folder when it is not there.
    pub(super) fn begin(&self, name: Name) -> io::Result<Temporary> {
        let path = self.path.join(format!("{name}.{}{TEMPORARY}", self.run));
        let file = match create(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.make()?;
                create(&path)?
            }
            file => file?,
        };
        Ok(Temporary {
            file,
            path,
            renamed: false,
        })
    }

    /// Gives a file its answer's name, in place of one that has it.
    pub(super) fn finish(&self, mut temporary: Temporary, name: Name) -> io::Result<()> {
        fs::rename(&temporary.path, self.path_of(name))?;
        temporary.renamed = true;
        Ok(())
    }

    /// Removes an answer's file. One that is not there is no error.
    pub(super) fn remove(&self, name: Name) -> io::Result<()> {
        removed(&self.path_of(name))
    }

    /// Sets the file's modification time: when the answer was used the last time.
    pub(super) fn set_used(&self, name: Name, used: Timestamp) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.path_of(name))?;
        file.set_modified(used.into())
    }

    /// All files that are here and that this run is not writing. A folder that is not there has none.
    pub(super) fn list(&self) -> io::Result<Vec<Found>> {
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let own = format!(".{}{TEMPORARY}", self.run);
        let mut found = Vec::new();
        for entry in entries {
            // One that fails says nothing about the others.
            let Ok(entry) = entry else { continue };
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let file_name = entry.file_name();
            let text = file_name.to_string_lossy();
            match Name::parse(&text) {
                Some(name) => found.push(Found::Answer(name)),
                None if text.ends_with(&own) => {}
                None => found.push(Found::Stray(entry.path())),
            }
        }
        Ok(found)
    }

    fn path_of(&self, name: Name) -> PathBuf {
        self.path.join(name.to_string())
    }

    /// The folder, and the one that it is in. What that one is in has to be there: data that somebody has removed as a whole
    /// does not come back behind his back.
    fn make(&self) -> io::Result<()> {
        #[cfg_attr(not(unix), expect(unused_mut, reason = "folders have no mode there"))]
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        for folder in self.path.parent().into_iter().chain([&*self.path]) {
            match builder.create(folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => made?,
            }
        }
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed
            && let Err(error) = removed(&self.path)
        {
            tracing::debug!(%error, "a temporary file of a stored answer is left behind until the next start");
        }
    }
}

/// Removes a file. One that is not there is no error.
pub(super) fn removed(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

const TEMPORARY: &str = ".new";
