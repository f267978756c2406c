//! The client secret: written in the settings, in a file of its own, in a variable; when none of them is named, among
//! the credentials that systemd hands over, else in the system's credential store.
//!
//! No text made here holds the secret, nor the file's or variable's name as given: people put the secret
//! itself into the wrong line. The name of a file that was read is none.
//!
//! The store is asked last, from a thread of its own and within a bound, because it may ask a person, and on a server it may be
//! a bus that nobody answers.

use std::io;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::check::{Read, Reader};
use super::load::{self, Surroundings};
use super::problem::Problem;
use super::{Config, text};
use crate::keystore;
use crate::odata::name::SiteId;

/// Where a client secret was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In the settings themselves.
    Settings,
    /// In the file that `client_secret_file` names.
    File(PathBuf),
    /// In the variable that `client_secret_env` names.
    Variable,
    /// In a file of systemd's folder of credentials.
    Credential(PathBuf),
    /// In the system's credential store.
    Keystore,
}

impl SecretSource {
    /// How a report calls it, when no setting names it.
    pub(super) fn outside_settings(&self) -> Option<String> {
        match self {
            Self::Settings | Self::File(_) | Self::Variable => None,
            Self::Credential(path) => Some(format!("systemd credential {}", path.display())),
            Self::Keystore => Some("the system's credential store".to_owned()),
        }
    }
}

/// The API client of a site, for those who look after its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiClient {
    /// The site.
    pub site: SiteId,
    /// The API client's id.
    pub client_id: String,
    /// What names the secret, so that the credential store is not asked for it: a setting, or a file of systemd's.
    pub secret_elsewhere: Option<String>,
}

/// Reads the secret of the site `name`, which is first mentioned at `origin`. Without a client id the credential store
/// cannot be asked.
pub(super) fn read(
    reader: &mut Reader<'_>,
    surroundings: &Surroundings,
    name: &str,
    origin: &str,
    client_id: Option<&str>,
) -> Read<(SecretString, SecretSource)> {
    let [inline, file, variable] = WAYS.map(|way| format!("sites.{name}.{way}"));
    // All three are read before any of them is judged, so that each wrong one is reported.
    let (text, path, named) = (
        reader.text(&inline),
        reader.path(&file),
        reader.text(&variable),
    );
    let (text, path, named) = (text?, path?, named?);
    match (text.as_str(), path, named.as_str()) {
        ("", None, "") => unnamed(surroundings, name, client_id).or_else(|(what, hint)| {
            reader.note(Problem::new(inline, what).from(Some(origin)).hint(hint))
        }),
        (text, None, "") => Ok((text.into(), SecretSource::Settings)),
        ("", Some(path), "") => match from_file(load::read(&path)) {
            Ok(secret) => Ok((secret, SecretSource::File(path))),
            Err(what) => reader.refuse(&file, format!("the file it names {what}"), FILE_HINT),
        },
        ("", None, named) => match from_variable(surroundings, named) {
            Ok(secret) => Ok((secret, SecretSource::Variable)),
            Err(what) => reader.refuse(&variable, what, VARIABLE_HINT),
        },
        _ => reader.refuse(
            &inline,
            "the client secret is set in more than one way",
            "keep one of client_secret, client_secret_file and client_secret_env",
        ),
    }
}

/// What names the secret of the site `name` in place of the credential store.
pub(super) fn elsewhere(
    reader: &mut Reader<'_>,
    surroundings: &Surroundings,
    name: &str,
) -> Option<String> {
    let set = WAYS.into_iter().find(|way| {
        let text = reader.text(&format!("sites.{name}.{way}"));
        text.is_ok_and(|text| !text.is_empty())
    });
    let credential = || {
        let path = credentials(surroundings, name).find(|path| path.exists())?;
        Some(format!("systemd credential {}", path.display()))
    };
    set.map(ToOwned::to_owned).or_else(credential)
}

/// What could be kept better, of settings that work.
pub(super) fn warnings(config: &Config, surroundings: &Surroundings) -> Vec<String> {
    let open = |(name, site): (&SiteId, &super::Site)| match &site.client_secret_source {
        SecretSource::File(path)
            if !is_handed_over(path, surroundings) && keystore::is_open_to_others(path) =>
        {
            Some(format!(
                "every account of this machine can read `{path}`, the client secret of site `{name}`; let its owner \
                 alone read it: chmod 600",
                path = path.display()
            ))
        }
        _ => None,
    };
    config.sites.iter().filter_map(open).collect()
}

/// Whether the file is in a folder that a container engine or systemd made for secrets: their modes are not the
/// operator's, and others do not see them.
fn is_handed_over(path: &Path, surroundings: &Surroundings) -> bool {
    let folders = ["/run/secrets", "/var/run/secrets"].map(PathBuf::from);
    let credentials = credentials_folder(surroundings);
    folders
        .into_iter()
        .chain(credentials)
        .any(|folder| path.starts_with(folder))
}

/// The secret when no setting says where it is; what is wrong and what to do when there is none.
fn unnamed(
    surroundings: &Surroundings,
    name: &str,
    client_id: Option<&str>,
) -> Result<(SecretString, SecretSource), (String, String)> {
    for path in credentials(surroundings, name) {
        match load::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            read => {
                return match from_file(read) {
                    Ok(secret) => Ok((secret, SecretSource::Credential(path))),
                    Err(what) => {
                        let what = format!("the systemd credential `{}` {what}", path.display());
                        Err((what, CREDENTIAL_HINT.to_owned()))
                    }
                };
            }
        }
    }
    let stored = client_id.map(|client_id| surroundings.keystore.read(client_id));
    match stored {
        Some(Ok(Some(secret))) => Ok((secret, SecretSource::Keystore)),
        None | Some(Ok(None)) => {
            let what = "no client secret is set, and none is stored".to_owned();
            Err((what, none_hint(surroundings)))
        }
        Some(Err(error)) => {
            let what = format!("no client secret is set, and {error}");
            let hint = error.hint();
            let hint = format!("{NAMED_HINT}; for `citrix-odata-proxy secret set`, {hint}");
            Err((what, hint))
        }
    }
}

/// Where systemd may have put the site's secret; the first that is there counts.
fn credentials(surroundings: &Surroundings, name: &str) -> impl Iterator<Item = PathBuf> {
    let names = [format!("{name}.client_secret"), "client_secret".to_owned()];
    credentials_folder(surroundings)
        .into_iter()
        .flat_map(move |folder| names.clone().map(|name| folder.join(name)))
}

fn credentials_folder(surroundings: &Surroundings) -> Option<PathBuf> {
    let folder = surroundings.variable("CREDENTIALS_DIRECTORY")?;
    (!folder.is_empty()).then(|| PathBuf::from(folder))
}

/// The secret, or what is to be said of the file.
fn from_file(bytes: io::Result<Vec<u8>>) -> Result<SecretString, String> {
    let bytes = bytes.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "cannot be read: access is denied".to_owned(),
        _ => format!("cannot be read: {error}"),
    })?;
    client_secret(&bytes).map_err(ToOwned::to_owned)
}

fn from_variable(surroundings: &Surroundings, name: &str) -> Result<SecretString, String> {
    let value = surroundings.variable(name);
    let value = value.ok_or("the variable it names is not set")?;
    let text = value.to_str().ok_or("the variable it names is not text")?;
    sound(text).map_err(|what| format!("the variable it names {what}"))
}

/// A client secret as an editor or a shell wrote it: UTF-8 or UTF-16, without blanks and line ends around it.
///
/// The error completes a sentence: the file `is empty`.
pub fn client_secret(bytes: &[u8]) -> Result<SecretString, &'static str> {
    sound(&text::decode(bytes).ok_or("is not text")?)
}

fn sound(text: &str) -> Result<SecretString, &'static str> {
    match text.trim() {
        "" => Err("is empty"),
        text if text.contains(['\n', '\r']) => Err("has more than one line"),
        text => Ok(text.into()),
    }
}

fn none_hint(surroundings: &Surroundings) -> String {
    if surroundings.variable("CITRIX_CLIENT_SECRET").is_some() {
        "set client_secret_env = \"CITRIX_CLIENT_SECRET\": CITRIX_… variables alone make a site only when none is configured"
            .to_owned()
    } else {
        format!("store it with `citrix-odata-proxy secret set`, or {NAMED_HINT}")
    }
}

const WAYS: [&str; 3] = ["client_secret", "client_secret_file", "client_secret_env"];

const NAMED_HINT: &str = "set one of client_secret_file, client_secret_env and client_secret";

const FILE_HINT: &str = "the file holds the secret and nothing else, readable for the account that runs this program; \
     a relative path starts at the folder of the settings file";

const VARIABLE_HINT: &str = "write the variable's name, not its value; it must be set for the account that runs this program";

const CREDENTIAL_HINT: &str = "it holds the secret and nothing else; check what LoadCredential= or \
     LoadCredentialEncrypted= of the service's unit names";
