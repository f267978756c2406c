//! Reading the settings: the only code that looks at the environment, the working directory and files.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use directories::ProjectDirs;

use super::flags::Flags;
use super::problem::{ConfigError, Problem};
use super::raw::{Layer, Raw};
use super::secret::{self, ApiClient};
use super::{Config, Log, Report, Server, check, environment, file, text};
use crate::keystore::{Keystore, SystemKeystore};

/// What settings may come from, apart from flags. Tests bring their own.
#[derive(Clone)]
pub struct Surroundings {
    /// The environment.
    pub variables: BTreeMap<String, OsString>,
    /// The working directory.
    pub directory: PathBuf,
    /// The platform's folder for settings of ours; `None` for an account without a home.
    pub config_folder: Option<PathBuf>,
    /// The platform's folder for data of ours.
    pub data_folder: PathBuf,
    /// The folder for log files when the settings name none; `None`: no files then.
    pub log_folder: Option<PathBuf>,
    /// The system's credential store. It is asked for a site's client secret when nothing else says where that is.
    pub keystore: Arc<dyn Keystore>,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Self {
        let folders = ProjectDirs::from("", "", NAME);
        let directory = std::env::current_dir().unwrap_or_default();
        let data_folder = match &folders {
            Some(folders) => folders.data_local_dir().to_path_buf(),
            None => directory.join(format!("{NAME}-data")),
        };
        Self {
            variables: variables(),
            directory,
            config_folder: folders.map(|folders| folders.config_dir().to_path_buf()),
            data_folder,
            keystore: Arc::new(SystemKeystore::new()),
            log_folder: None,
        }
    }

    /// The settings file that is found from everywhere: in the platform's folder, or for an account without a home in
    /// the working directory.
    pub fn settings_file(&self) -> PathBuf {
        let folder = self.config_folder.as_ref().unwrap_or(&self.directory);
        folder.join(format!("{NAME}.toml"))
    }

    /// Whether a program that is started here without `--config` reads this settings file.
    pub fn finds(&self, file: &Path) -> bool {
        let mut places = self.places().into_iter();
        places.find(|place| place.exists()).as_deref() == Some(file)
    }

    /// Those of a service of Windows that has all in `home`. Its account has no profile that an administrator could put
    /// anything into, and it is started in a folder of the system.
    pub fn of_service(home: PathBuf) -> Self {
        Self {
            variables: variables(),
            data_folder: home.join("data"),
            log_folder: Some(home.join("logs")),
            config_folder: None,
            directory: home,
            keystore: Arc::new(SystemKeystore::new()),
        }
    }

    /// The machine's folder for a service of ours, by the variable that Windows has for it.
    pub fn service_home(&self) -> PathBuf {
        let shared = self.variables.get("PROGRAMDATA").map(PathBuf::from);
        shared
            .unwrap_or_else(|| PathBuf::from(r"C:\ProgramData"))
            .join(NAME)
    }

    /// A variable's value.
    pub(super) fn variable(&self, name: &str) -> Option<&OsString> {
        if cfg!(windows) {
            self.variables.get(&name.to_uppercase())
        } else {
            self.variables.get(name)
        }
    }

    /// Where a settings file is looked for when none is named.
    pub fn places(&self) -> Vec<PathBuf> {
        let name = format!("{NAME}.toml");
        let folders = [Some(&self.directory), self.config_folder.as_ref()];
        folders
            .into_iter()
            .flatten()
            .map(|folder| folder.join(&name))
            .collect()
    }
}

/// The environment. A variable whose name is not Unicode is none of ours. Windows does not tell cases apart in names.
fn variables() -> BTreeMap<String, OsString> {
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        let name = if cfg!(windows) {
            name.to_uppercase()
        } else {
            name
        };
        Some((name, value))
    });
    variables.collect()
}

/// Without the environment, which may hold secrets.
impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings")
            .field("directory", &self.directory)
            .field("config_folder", &self.config_folder)
            .field("data_folder", &self.data_folder)
            .field("log_folder", &self.log_folder)
            .finish_non_exhaustive()
    }
}

/// The settings in force, and how they came about.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the operator decided.
    pub config: Config,
    /// The same for people, with origins.
    pub report: Report,
    /// The settings file that was read, if any.
    pub file: Option<PathBuf>,
    /// What works, and should be otherwise; a sentence each, for the log.
    pub warnings: Vec<String>,
}

/// Settings that were read and layered, and not checked yet.
struct Layered {
    raw: Raw,
    file: Option<PathBuf>,
    /// What was found wrong on the way.
    problems: Vec<Problem>,
}

/// Reads, layers and checks all settings.
pub fn load(surroundings: &Surroundings, flags: &Flags) -> Result<Loaded, ConfigError> {
    let Layered {
        raw,
        file,
        mut problems,
    } = layered(surroundings, flags)?;
    match check::check(&raw, surroundings, &mut problems) {
        Ok(config) if problems.is_empty() => Ok(Loaded {
            report: Report::new(&raw, &config, file.as_deref()),
            warnings: secret::warnings(&config, surroundings),
            config,
            file,
        }),
        _ => Err(ConfigError::new(problems)),
    }
}

/// The API clients of all sites, for those who look after their secrets: so a secret that is missing, or cannot be
/// read, is no problem here, and neither is a setting of another section that is wrong.
pub fn api_clients(
    surroundings: &Surroundings,
    flags: &Flags,
) -> Result<Vec<ApiClient>, ConfigError> {
    let layered = layered(surroundings, flags)?;
    let mut problems = layered.problems;
    match check::api_clients(&layered.raw, surroundings, &mut problems) {
        Ok(clients) if problems.is_empty() => Ok(clients),
        _ => Err(ConfigError::new(problems)),
    }
}

fn layered(surroundings: &Surroundings, flags: &Flags) -> Result<Layered, ConfigError> {
    let mut problems = Vec::new();
    let (file, mut layers) = match &flags.site {
        Some(site) => (None, vec![site.layer()]),
        None => configured_layers(surroundings, flags, &mut problems)?,
    };
    if problems.is_empty() && layers.iter().all(|layer| layer.sites().is_empty()) {
        problems.push(no_site(surroundings, file.as_deref()));
    }
    layers.push(environment::rust_log(
        &surroundings.variables,
        &mut problems,
    ));
    layers.push(flags.layer(&surroundings.directory));
    let raw = Raw::merge(layers).map_err(|problem| ConfigError::new(vec![problem]))?;
    Ok(Layered {
        raw,
        file,
        problems,
    })
}

/// The settings of the log alone, from defaults and environment: for commands that need no others.
pub fn log(surroundings: &Surroundings) -> Result<Log, ConfigError> {
    let mut problems = Vec::new();
    let layer = environment::rust_log(&surroundings.variables, &mut problems);
    let raw = Raw::merge(vec![layer]).map_err(|problem| ConfigError::new(vec![problem]))?;
    check::check_log(&raw, surroundings, &mut problems).map_err(|_| ConfigError::new(problems))
}

/// How clients reach us, alone: for a command that asks a proxy which runs already, and has no use for the rest.
pub fn server(surroundings: &Surroundings, flags: &Flags) -> Result<Server, ConfigError> {
    let mut problems = Vec::new();
    let (_, mut layers) = configured_layers(surroundings, flags, &mut problems)?;
    layers.push(flags.layer(&surroundings.directory));
    let raw = Raw::merge(layers).map_err(|problem| ConfigError::new(vec![problem]))?;
    match check::check_server(&raw, &mut problems) {
        Ok(server) if problems.is_empty() => Ok(server),
        _ => Err(ConfigError::new(problems)),
    }
}

/// File and environment. A file that cannot be read at all ends it: whatever else seems wrong may be its fault.
fn configured_layers(
    surroundings: &Surroundings,
    flags: &Flags,
    problems: &mut Vec<Problem>,
) -> Result<(Option<PathBuf>, Vec<Layer>), ConfigError> {
    let found = find(surroundings, flags).map_err(|problem| ConfigError::new(vec![problem]))?;
    let mut layers = Vec::new();
    if let Some((path, text)) = &found {
        let layer =
            file::layer(path, text, problems).map_err(|problem| ConfigError::new(vec![problem]))?;
        layers.push(layer);
    }
    let (variables, directory) = (&surroundings.variables, &surroundings.directory);
    layers.push(environment::layer(variables, directory, problems));
    if layers.iter().all(|layer| layer.sites().is_empty()) {
        layers.extend(environment::well_known_site(variables, directory, problems));
    }
    Ok((found.map(|(path, _)| path), layers))
}

/// The settings file and its text: the one that is named, else the first that is there, else none.
fn find(surroundings: &Surroundings, flags: &Flags) -> Result<Option<(PathBuf, String)>, Problem> {
    let named = flags
        .file
        .as_ref()
        .map(|path| surroundings.directory.join(path));
    let places = named
        .clone()
        .map_or_else(|| surroundings.places(), |path| vec![path]);
    for path in places {
        let problem = |what: String| Problem::new("settings file", what);
        match read(&path) {
            Ok(bytes) => {
                let what = || problem(format!("`{}` is not text", path.display()));
                let text = text::decode(&bytes).ok_or_else(|| what().hint("save it as UTF-8"))?;
                return Ok(Some((path, text)));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(problem(format!("`{}` does not exist", path.display()))
                    .from(Some("flag --config"))
                    .hint("check the path; a relative one starts at the working directory"));
            }
            Err(error) => {
                return Err(
                    problem(format!("`{}` cannot be read: {error}", path.display()))
                        .hint("let the account that runs this program read it"),
                );
            }
        }
    }
    Ok(None)
}

/// A file's content, up to a limit that no settings and no secret reach.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let message = format!("larger than {FILE_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

fn no_site(surroundings: &Surroundings, file: Option<&Path>) -> Problem {
    let problem = Problem::new("sites", "no site is configured");
    if let Some(file) = file {
        return problem
            .from(Some(&file.display().to_string()))
            .hint("add a section [sites.main] with customer_id, client_id and client_secret_file");
    }
    let places = surroundings.places();
    let places: Vec<String> = places
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect();
    problem.hint(format!(
        "no settings file was found at {}; let `citrix-odata-proxy init` write one, name one with --config, or set the \
         variables CITRIX_CUSTOMER_ID, CITRIX_CLIENT_ID and CITRIX_CLIENT_SECRET",
        places.join(" or ")
    ))
}

const NAME: &str = "citrix-odata-proxy";

const FILE_BYTES_MAX: u64 = 1 << 20;
