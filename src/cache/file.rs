//! Reading and writing at a place of a file, on every platform.

use std::fs::File;
use std::io::{self, Read, Write};

/// A place in a file, which moves on with what is read or written. The file's own position is not used, so that any
/// number of these may work on one file at the same time. Blocks.
#[derive(Debug)]
pub(super) struct At<'a> {
    file: &'a File,
    /// Bytes from the file's beginning.
    place: u64,
}

impl<'a> At<'a> {
    /// So many bytes from the beginning of `file`.
    pub(super) fn new(file: &'a File, place: u64) -> Self {
        Self { file, place }
    }
}

impl Read for At<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = read_at(self.file, bytes, self.place)?;
        self.place += read as u64;
        Ok(read)
    }
}

impl Write for At<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = write_at(self.file, bytes, self.place)?;
        self.place += written as u64;
        Ok(written)
    }

    /// Nothing is held back here.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], place: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, place)
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], place: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, bytes, place)
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], place: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, place)
}

#[cfg(windows)]
fn write_at(file: &File, bytes: &[u8], place: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, bytes, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_do_not_disturb_each_other() {
        let file = tempfile::tempfile().unwrap();
        At::new(&file, 3).write_all(b"defg").unwrap();
        At::new(&file, 0).write_all(b"abc").unwrap();
        let (mut early, mut late) = (At::new(&file, 1), At::new(&file, 4));
        let mut bytes = [0; 2];
        for (at, expected) in [(&mut early, b"bc"), (&mut late, b"ef")] {
            at.read_exact(&mut bytes).unwrap();
            assert_eq!(&bytes, expected);
        }
        early.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"de");
        let end = late.read_exact(&mut bytes).unwrap_err();
        assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
    }
}
