//! A secret in a file of its own.

use std::fs::DirBuilder;
use std::io::{self, Write};
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use tempfile::NamedTempFile;

/// Writes the secret into `path`, in place of what is there: whole or not at all, and for its owner alone. A folder
/// that is missing is made, for its owner alone, too. On Windows both inherit the access rights of the folder that they
/// are in, and so does a file that takes the place of another: whoever may read there may read the secret.
pub fn write_file(path: &Path, secret: &SecretString) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut missing = DirBuilder::new();
    missing.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut missing, 0o700);
    missing.create(folder)?;
    // Where the system knows owners, a temporary file is for its owner alone.
    let mut file = NamedTempFile::new_in(folder)?;
    writeln!(file, "{}", secret.expose_secret())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Whether every account of the machine may read the file. That its group may is a way to share it with a service on
/// purpose. Only Unix has an answer that can be read off the file. Elsewhere, and when it cannot be asked, the answer is
/// `false`, which is no promise that nobody can.
pub fn is_open_to_others(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        const OTHERS_READ: u32 = 0o004;
        std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & OTHERS_READ != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn writes_it_whole_into_folders_that_it_makes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("main.client_secret");
        for secret in ["hunter2", "another"] {
            write_file(&path, &secret.into()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{secret}\n"));
        }
        let files = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(files, 1);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let occupied = folder.path().join("file");
        fs::write(&occupied, "").unwrap();
        write_file(&occupied.join("secret"), &"hunter2".into()).unwrap_err();
        assert_eq!(fs::read_to_string(&occupied).unwrap(), "");
    }

    #[cfg(unix)]
    #[test]
    fn it_belongs_to_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "").unwrap();
        let permit = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        for (mode, open) in [
            (0o644, true),
            (0o640, false),
            (0o600, false),
            (0o400, false),
        ] {
            permit(mode);
            assert_eq!(is_open_to_others(&path), open, "{mode:o}");
        }
        permit(0o644);
        write_file(&path, &"hunter2".into()).unwrap();
        assert!(!is_open_to_others(&path));
        assert!(!is_open_to_others(&folder.path().join("absent")));
    }
}
