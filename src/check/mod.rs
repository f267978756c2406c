//! Does it work from here? One step after another on the way to the first row, each with what to do when it
//! fails.

mod remedy;
mod report;
mod steps;

use std::path::PathBuf;

use url::Url;

pub use report::{Outcome, Report, Step, Suspect, line, to_json};
pub use steps::run;

/// Where the settings of a site come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A settings file.
    File(PathBuf),
    /// The environment alone.
    Environment,
    /// Answers of a person, which are not written down yet.
    Answers,
}

/// The site to be checked.
#[derive(Debug, Clone)]
pub struct CheckTarget {
    /// Its name in the settings.
    pub site: String,
    /// Where its settings come from.
    pub settings: Origin,
    /// Where its data comes from; the same as the upstream's service root.
    pub endpoint: Url,
    /// The token endpoint.
    pub token_url: Url,
    /// The proxy that the environment or the system names for the endpoint, without a password. Only told
    /// here: the transport finds it by itself.
    pub proxy: Option<String>,
}
