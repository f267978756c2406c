//! Writing the files of a plan: each whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use secrecy::SecretString;

use super::Failure;
use crate::keystore;

/// Writes the secret, for its owner alone where the platform has such files.
pub(super) fn secret(path: &Path, secret: &SecretString) -> Result<(), Failure> {
    keystore::write_file(path, secret).map_err(|source| Failure::Write {
        path: path.to_path_buf(),
        source,
    })
}

/// Writes the settings, which hold no secret: another account may run the proxy with them.
pub(super) fn settings(path: &Path, text: &str) -> Result<(), Failure> {
    replace(path, text).map_err(|source| Failure::Write {
        path: path.to_path_buf(),
        source,
    })
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder)?;
    let mut temporary = tempfile::Builder::new();
    temporary.prefix(".citrix-odata-proxy-");
    #[cfg(unix)]
    temporary.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = temporary.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
