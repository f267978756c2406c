//! Settings from all sources together: what a load gives, and what it says when it cannot.

mod layers;
mod logs;
mod problems;
mod secrets;
mod values;

use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::keystore::Keystore;
use crate::keystore::memory::MemoryKeystore;

/// A working directory with a settings file, an environment and flags.
struct Given {
    folder: TempDir,
    surroundings: Surroundings,
    flags: Flags,
}

impl Given {
    fn nothing() -> Self {
        let folder = TempDir::new().unwrap();
        let surroundings = Surroundings {
            variables: BTreeMap::new(),
            directory: folder.path().to_path_buf(),
            config_folder: Some(folder.path().join("platform")),
            data_folder: PathBuf::from("/platform/data"),
            keystore: Arc::new(MemoryKeystore::default()),
            log_folder: None,
        };
        let flags = Flags::default();
        Self {
            folder,
            surroundings,
            flags,
        }
    }

    fn file(text: &str) -> Self {
        Self::nothing().with("citrix-odata-proxy.toml", text)
    }

    /// A file whose site is complete, with `text` in front.
    fn sound(text: &str) -> Self {
        Self::file(&format!("{text}\n{SITE}"))
    }

    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.surroundings
            .variables
            .insert(name.to_owned(), value.into());
        self
    }

    fn keystore(mut self, keystore: impl Keystore + 'static) -> Self {
        self.surroundings.keystore = Arc::new(keystore);
        self
    }

    fn load(&self) -> Loaded {
        load(&self.surroundings, &self.flags).unwrap_or_else(|error| panic!("{error}"))
    }

    /// All problems, with the temporary folder's name replaced.
    fn problems(&self) -> String {
        let error = load(&self.surroundings, &self.flags).unwrap_err();
        let debug = format!("{error:?}");
        assert!(
            !debug.contains("hunter2") && !error.to_string().contains("hunter2"),
            "{error}"
        );
        self.neutral(&error)
    }

    fn neutral(&self, text: &impl ToString) -> String {
        text.to_string()
            .replace(self.folder.path().to_str().unwrap(), "DIR")
            .replace("DIR\\", "DIR/")
            .replace("platform\\", "platform/")
    }
}

const SITE: &str = "
[sites.main]
customer_id = 'acme1234'
client_id = 'client-1'
client_secret = 'hunter2'
";
