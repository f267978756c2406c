//! What the command line says, and a site that a command brings along.

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
    /// A site that a command itself brings along, `demo` for instance. Then no file is looked for, and of the
    /// environment only `RUST_LOG` and `NO_COLOR` count; the folder for files of our own is that of `data_dir`, else
    /// the one of the surroundings.
    pub site: Option<GivenSite>,
}

/// A site that is not, or not yet, part of any settings.
#[derive(Debug, Clone)]
pub struct GivenSite {
    /// Its name.
    pub name: String,
    /// Its region; empty for the default one.
    pub region: String,
    /// Where it is: scheme, host and port; empty for where the region is.
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
        for (setting, value) in [
            ("region", self.region.as_str()),
            ("upstream.endpoint", self.endpoint.as_str()),
            ("customer_id", self.customer_id.as_str()),
            ("client_id", self.client_id.as_str()),
            ("client_secret", self.client_secret.expose_secret()),
        ] {
            if !value.is_empty() {
                layer.set(&format!("sites.{}.{setting}", self.name), value, "given");
            }
        }
        layer
    }
}
