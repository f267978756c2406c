//! What the set-up has to know, and what the command line says of it.

use std::fs;
use std::path::PathBuf;

use secrecy::SecretString;

use super::Failure;
use super::plan::VARIABLE;
use crate::cli::{self, SecretPlace};
use crate::config::{self, Surroundings};
use crate::odata::name::SiteId;

/// All that the set-up has to know.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    pub(super) site: SiteId,
    pub(super) customer_id: String,
    pub(super) region: String,
    /// Scheme and host in place of the region's.
    pub(super) endpoint: Option<String>,
    pub(super) client_id: String,
    pub(super) secret: SecretString,
    pub(super) place: Place,
    /// Addresses, separated by commas; `None` for the default ones.
    pub(super) listen: Option<String>,
    /// The settings file; absolute.
    pub(super) file: PathBuf,
}

/// Where the client secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In the system's credential store.
    Keystore,
    /// In a file beside the settings.
    File,
    /// In the variable `CITRIX_CLIENT_SECRET`.
    Environment,
    /// In this file, where it is already; absolute.
    There(PathBuf),
}

/// What the command line says.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) site: SiteId,
    pub(super) customer_id: Option<String>,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) secret: Option<SecretString>,
    pub(super) place: Option<Place>,
    pub(super) listen: Option<String>,
    /// `--config`; absolute.
    pub(super) file: Option<PathBuf>,
    /// The settings file when nobody says another; absolute.
    pub(super) usual_file: PathBuf,
}

impl Given {
    /// What the flags say, with the content of the secret's file. All that is wrong is told at once; without somebody who
    /// is `attended` to, so is all that is missing.
    pub(super) fn from_flags(
        command: cli::Init,
        surroundings: &Surroundings,
        attended: bool,
    ) -> Result<Self, Failure> {
        let mut problems = flaws(&command);
        if !attended {
            problems.extend(missing(&command));
        }
        let site = match SiteId::new(&command.site) {
            Some(site) if problems.is_empty() => site,
            _ => return Err(Failure::CommandLine(problems)),
        };
        let absolute = |path: PathBuf| surroundings.directory.join(path);
        let named = command.client_secret_file.map(absolute);
        let place = match (command.secret_store, &named) {
            (Some(SecretPlace::Keyring), _) => Some(Place::Keystore),
            (Some(SecretPlace::File), _) => Some(Place::File),
            (Some(SecretPlace::Environment), _) => Some(Place::Environment),
            (None, Some(path)) => Some(Place::There(path.clone())),
            (None, None) => None,
        };
        let secret = match (named, &place) {
            (Some(path), _) => Some(secret_in(path)?),
            (None, Some(Place::Environment)) => secret_in_variable(surroundings)?,
            (None, _) => None,
        };
        Ok(Self {
            site,
            customer_id: command.customer_id,
            region: command.region,
            endpoint: command.endpoint,
            client_id: command.client_id,
            secret,
            place,
            listen: command.listen,
            file: command.file.map(absolute),
            usual_file: surroundings.settings_file(),
        })
    }

    /// The API client's id; empty when it is not given.
    pub(super) fn client_id(&self) -> &str {
        self.client_id.as_deref().unwrap_or_default()
    }

    /// Answers from what is given, once it is whole.
    pub(super) fn into_answers(self, secret: SecretString, place: Place) -> Answers {
        Answers {
            site: self.site,
            customer_id: self.customer_id.unwrap_or_default(),
            region: self.region.unwrap_or_default().to_ascii_lowercase(),
            endpoint: self.endpoint,
            client_id: self.client_id.unwrap_or_default(),
            secret,
            place,
            listen: self.listen,
            file: self.file.unwrap_or(self.usual_file),
        }
    }
}

/// The secret in a file that somebody names.
fn secret_in(path: PathBuf) -> Result<SecretString, Failure> {
    let read = fs::read(&path).map_err(|error| format!("cannot be read: {error}"));
    let secret = read.and_then(|bytes| config::client_secret(&bytes).map_err(ToOwned::to_owned));
    secret.map_err(|what| Failure::SecretFile { path, what })
}

/// The secret in the variable where it is to stay; `None` when that is not set yet.
fn secret_in_variable(surroundings: &Surroundings) -> Result<Option<SecretString>, Failure> {
    let value = surroundings.variables.get(VARIABLE);
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let secret = config::client_secret(value.to_string_lossy().as_bytes());
    let wrong = |what| Failure::CommandLine(vec![format!("the variable {VARIABLE} {what}")]);
    secret.map(Some).map_err(wrong)
}

/// What is wrong with the flags: a line for each.
fn flaws(command: &cli::Init) -> Vec<String> {
    let site = SiteId::new(&command.site).is_none();
    let site = site.then(|| format!("--site: {SITE_HINT}"));
    let others = [
        ("--customer-id", CUSTOMER_ID, &command.customer_id),
        ("--client-id", CLIENT_ID, &command.client_id),
        ("--region", REGION, &command.region),
        ("--listen", LISTEN, &command.listen),
        ("--endpoint", ENDPOINT, &command.endpoint),
    ];
    let others = others.into_iter().filter_map(|(flag, setting, value)| {
        let what = judge(setting, value.as_ref()?).err()?;
        Some(format!("{flag}: {what}"))
    });
    site.into_iter().chain(others).collect()
}

/// What nobody can be asked for: a line for each.
fn missing(command: &cli::Init) -> impl Iterator<Item = String> {
    [
        ("--customer-id", &command.customer_id),
        ("--client-id", &command.client_id),
        ("--region", &command.region),
    ]
    .into_iter()
    .filter(|(_, value)| value.is_none())
    .map(|(flag, _)| format!("{flag} is missing, and there is no terminal to ask for it"))
}

/// What is wrong with `value` as the setting `name`, and what to do.
pub(super) fn judge(name: &str, value: &str) -> Result<(), String> {
    let Some(problem) = config::flaw(name, value) else {
        return Ok(());
    };
    Err(match problem.hint {
        Some(hint) => format!("{}; {hint}", problem.what),
        None => problem.what,
    })
}

pub(super) const CUSTOMER_ID: &str = "sites.main.customer_id";
pub(super) const CLIENT_ID: &str = "sites.main.client_id";
pub(super) const REGION: &str = "sites.main.region";
pub(super) const LISTEN: &str = "server.listen";
const ENDPOINT: &str = "sites.main.upstream.endpoint";

const SITE_HINT: &str = "this is not a name for a site; use 1 to 64 lower-case letters, digits, `-` and `_`, the first \
     a letter or digit";
