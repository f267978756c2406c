//! The service's folders, made and given their access rights.
//!
//! Access rights are set by `icacls`, which is part of Windows: its interface for programs takes raw pointers.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use winsafe::GetSystemDirectory;

use crate::service::{Installation, ServiceError};

/// Makes what is not there, and sets the rights of what is.
pub(super) fn make(installation: &Installation) -> Result<(), ServiceError> {
    // Not any program of that name that lies around where this one does.
    let system = GetSystemDirectory()
        .map_err(|error| ServiceError::Path(io::Error::from_raw_os_error(number(error))))?;
    let icacls = PathBuf::from(system).join("icacls.exe");
    for access in installation.access(Path::exists) {
        let folder = &access.folder;
        make_folder(folder).map_err(|source| ServiceError::Folder {
            folder: folder.clone(),
            source,
        })?;
        for arguments in &access.calls {
            call(&icacls, folder, arguments).map_err(|reason| ServiceError::Access {
                folder: folder.clone(),
                reason,
            })?;
        }
    }
    Ok(())
}

/// A link is refused, because rights would be given to whatever it leads to.
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    if fs::symlink_metadata(folder)?.file_type().is_symlink() {
        return Err(io::Error::other("it is a link"));
    }
    Ok(())
}

fn call(icacls: &Path, folder: &Path, arguments: &[String]) -> Result<(), String> {
    let done = Command::new(icacls).arg(folder).args(arguments).output();
    let output = done.map_err(|error| format!("cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("ended with {}: {}", output.status, said.trim()))
}

/// The number of an error of Windows.
fn number(error: winsafe::co::ERROR) -> i32 {
    i32::try_from(error.raw()).unwrap_or(i32::MAX)
}
