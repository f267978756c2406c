//! What the command line says, and the site that the demo brings along.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::file::absolute;
use super::raw::Layer;

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config`: the settings file, which must be there then.
    pub file: Option<PathBuf>,
    /// `--listen`: addresses as written; empty when not given.
    pub listen: Vec<String>,
    /// `--data-dir`.
    pub data_dir: Option<String>,
    /// A site that the program itself brings along, for the demo. Then no file is looked for, and of the
    /// environment only `RUST_LOG` and `NO_COLOR` count; the folder for files of our own is that of `data_dir`, else
    /// the one of the surroundings.
    pub site: Option<GivenSite>,
}

/// A site called `main` that no operator configured.
#[derive(Debug, Clone)]
pub struct GivenSite {
    /// Where it is: scheme, host and port.
    pub endpoint: String,
    /// The customer.
    pub customer_id: String,
    /// The API client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
}

impl Flags {
    pub(super) fn layer(&self, directory: &Path) -> Layer {
        let mut layer = Layer::default();
        if !self.listen.is_empty() {
            layer.set("server.listen", self.listen.join(","), "flag --listen");
        }
        if let Some(path) = &self.data_dir {
            layer.set("data_dir", absolute(directory, path), "flag --data-dir");
        }
        layer
    }
}

impl GivenSite {
    pub(super) fn layer(&self) -> Layer {
        let mut layer = Layer::default();
        for (name, value) in [
            ("sites.main.upstream.endpoint", self.endpoint.as_str()),
            ("sites.main.customer_id", self.customer_id.as_str()),
            ("sites.main.client_id", self.client_id.as_str()),
            (
                "sites.main.client_secret",
                self.client_secret.expose_secret(),
            ),
        ] {
            layer.set(name, value, "demo");
        }
        layer
    }
}
