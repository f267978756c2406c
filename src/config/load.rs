//! Reading the settings: the only code that looks at the environment, the working directory and files.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::flags::Flags;
use super::problem::{ConfigError, Problem};
use super::raw::{Layer, Raw};
use super::{Config, Log, Report, check, environment, file, text};

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
            log_folder: None,
        }
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
}

/// Reads, layers and checks all settings.
pub fn load(surroundings: &Surroundings, flags: &Flags) -> Result<Loaded, ConfigError> {
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
    match check::check(&raw, surroundings, &mut problems) {
        Ok(config) if problems.is_empty() => Ok(Loaded {
            report: Report::new(&raw, &config, file.as_deref()),
            config,
            file,
        }),
        _ => Err(ConfigError::new(problems)),
    }
}

/// The settings of the log alone, from defaults and environment: for commands that need no others.
pub fn log(surroundings: &Surroundings) -> Result<Log, ConfigError> {
    let mut problems = Vec::new();
    let layer = environment::rust_log(&surroundings.variables, &mut problems);
    let raw = Raw::merge(vec![layer]).map_err(|problem| ConfigError::new(vec![problem]))?;
    check::check_log(&raw, surroundings, &mut problems).map_err(|_| ConfigError::new(problems))
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
        "no settings file was found at {}; write one, name one with --config, or set the variables \
         CITRIX_CUSTOMER_ID, CITRIX_CLIENT_ID and CITRIX_CLIENT_SECRET",
        places.join(" or ")
    ))
}

const NAME: &str = "citrix-odata-proxy";

const FILE_BYTES_MAX: u64 = 1 << 20;
