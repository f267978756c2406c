//! What is installed: the command line, the account, and who may do what with the service's folders.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{NAME, ServiceError};

/// A service that is to be installed. All paths are absolute, because the service manager starts programs in a folder of
/// the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The settings file, when it is not the one that the service finds by itself.
    pub settings: Option<PathBuf>,
    /// Addresses to listen on instead of those in the settings.
    pub listen: Vec<String>,
    /// The folder for files of our own, when it is not the one below `home`.
    pub data_dir: Option<PathBuf>,
    /// Who the service is.
    pub account: Account,
    /// The folder for settings and secrets: administrators write there, the service reads, nobody else does either.
    pub home: PathBuf,
}

/// Who a service is. None of these accounts has a password that a person knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account(String);

/// What is done to the access rights of a folder: the arguments of `icacls`, for one call after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The folder.
    pub folder: PathBuf,
    /// The arguments of each call, after the folder.
    pub calls: Vec<Vec<String>>,
}

impl Installation {
    /// The arguments with which the service manager starts the program.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["service".into(), "run".into()];
        // In the service's own environment the machine's folder may be another one.
        arguments.extend(["--home".into(), self.home.clone().into()]);
        if let Some(settings) = &self.settings {
            arguments.extend(["--config".into(), settings.into()]);
        }
        if !self.listen.is_empty() {
            arguments.extend(["--listen".into(), self.listen.join(",").into()]);
        }
        if let Some(data_dir) = &self.data_dir {
            arguments.extend(["--data-dir".into(), data_dir.into()]);
        }
        arguments
    }

    /// The folders, each after the one that it is in, and who may do what there.
    ///
    /// Everybody may make files and folders in the machine's folder for data of programs, so nothing is inherited from
    /// it, and what somebody has made there before is taken from him. Rights are given to the service itself, and so
    /// hold whatever its account. Nothing is done to what is in the folders by name, because links there could lead
    /// anywhere. A folder for data elsewhere that is `there` already is somebody's, who keeps all rights.
    pub fn access(&self, there: impl Fn(&Path) -> bool) -> Vec<Access> {
        let service = format!(r"NT SERVICE\{NAME}");
        let ours = |folder: PathBuf, rights: &str| {
            let own = ["/setowner", ADMINISTRATORS, "/Q"];
            let grant = [
                "/inheritance:r".to_owned(),
                "/grant:r".to_owned(),
                format!("{SYSTEM}:(OI)(CI)F"),
                format!("{ADMINISTRATORS}:(OI)(CI)F"),
                format!("{service}:(OI)(CI){rights}"),
                "/Q".to_owned(),
            ];
            // Rights that somebody has given himself are no inherited ones, and would stay.
            let forget = ["/reset", "/Q"];
            let calls = vec![
                own.map(ToOwned::to_owned).to_vec(),
                forget.map(ToOwned::to_owned).to_vec(),
                grant.to_vec(),
            ];
            Access { folder, calls }
        };
        let data = match self.data_dir.clone() {
            None => ours(self.home.join("data"), MODIFY),
            Some(folder) if there(&folder) => {
                let grant = format!("{service}:(OI)(CI){MODIFY}");
                let calls = vec![vec!["/grant".to_owned(), grant, "/Q".to_owned()]];
                Access { folder, calls }
            }
            Some(folder) => ours(folder, MODIFY),
        };
        vec![
            ours(self.home.clone(), READ),
            data,
            ours(self.home.join("logs"), MODIFY),
        ]
    }
}

impl Account {
    /// The account that `--account` names; without, the service's own: it is made with the service, has the rights that
    /// are given to the service, and signs on to other machines as this machine.
    pub fn named(name: Option<&str>) -> Result<Self, ServiceError> {
        let Some(name) = name.map(str::trim) else {
            return Ok(Self(format!(r"NT SERVICE\{NAME}")));
        };
        let is = |known: &&&str| {
            let short = known.rsplit('\\').next().unwrap_or(known);
            name.eq_ignore_ascii_case(known) || name.eq_ignore_ascii_case(short)
        };
        if let Some(known) = BUILT_IN.iter().find(is) {
            return Ok(Self((*known).to_owned()));
        }
        let own = name
            .get(..VIRTUAL.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(VIRTUAL));
        let managed = name.ends_with('$') && name.contains('\\');
        if own || managed {
            return Ok(Self(name.to_owned()));
        }
        Err(ServiceError::Password(name.to_owned()))
    }

    /// As the service manager wants it.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// Well-known identifiers: the names differ from language to language.
const SYSTEM: &str = "*S-1-5-18";
const ADMINISTRATORS: &str = "*S-1-5-32-544";

const READ: &str = "RX";
const MODIFY: &str = "M";

/// Accounts that are part of Windows, as the service manager calls them in every language.
const BUILT_IN: [&str; 3] = [
    r"NT AUTHORITY\LocalService",
    r"NT AUTHORITY\NetworkService",
    "LocalSystem",
];

const VIRTUAL: &str = r"NT SERVICE\";

/// When a service that failed is started again: after its first, its second, and any later failure.
pub const RESTARTS: [Duration; 3] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(1),
];

/// After so long without a failure the next one counts as the first.
pub const FAILURES_FORGOTTEN: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Installation {
        Installation {
            settings: None,
            listen: Vec::new(),
            data_dir: None,
            account: Account::named(None).unwrap(),
            home: PathBuf::from("home"),
        }
    }

    #[test]
    fn the_command_line_says_what_is_not_found_otherwise() {
        let arguments = plain().arguments();
        assert_eq!(arguments, ["service", "run", "--home", "home"]);
        let all = Installation {
            settings: Some(PathBuf::from("/set tings/a.toml")),
            listen: vec!["127.0.0.1:1".to_owned(), "[::1]:1".to_owned()],
            data_dir: Some(PathBuf::from("/data")),
            ..plain()
        };
        let expected = [
            "service",
            "run",
            "--home",
            "home",
            "--config",
            "/set tings/a.toml",
            "--listen",
            "127.0.0.1:1,[::1]:1",
            "--data-dir",
            "/data",
        ];
        assert_eq!(all.arguments(), expected);
    }

    #[test]
    fn accounts_without_a_password_are_taken() {
        let cases = [
            (None, Some(r"NT SERVICE\citrix-odata-proxy")),
            (
                Some(r"nt service\citrix-odata-proxy"),
                Some(r"nt service\citrix-odata-proxy"),
            ),
            (Some("localservice"), Some(r"NT AUTHORITY\LocalService")),
            (
                Some(r"NT AUTHORITY\NetworkService"),
                Some(r"NT AUTHORITY\NetworkService"),
            ),
            (Some("LocalSystem"), Some("LocalSystem")),
            (Some(r"EXAMPLE\reports$"), Some(r"EXAMPLE\reports$")),
            (Some(r"EXAMPLE\ada"), None),
            (Some("ada"), None),
            (Some("reports$"), None),
            (Some(""), None),
            (Some("é"), None),
        ];
        for (name, expected) in cases {
            let account = Account::named(name);
            let account = account.as_ref().map(Account::name).ok();
            assert_eq!(account, expected, "{name:?}");
        }
    }

    #[test]
    fn nobody_but_administrators_writes_settings_and_only_the_service_writes_data() {
        let access = plain().access(|_| true);
        let folders: Vec<_> = access.iter().map(|access| &access.folder).collect();
        let home = PathBuf::from("home");
        assert_eq!(folders, [&home, &home.join("data"), &home.join("logs")]);
        for (access, rights) in access.iter().zip(["RX", "M", "M"]) {
            let [own, forget, grant] = &access.calls[..] else {
                panic!("{access:?}")
            };
            assert_eq!(own[..2], ["/setowner", "*S-1-5-32-544"]);
            assert_eq!(*forget, ["/reset", "/Q"]);
            let expected = [
                "/inheritance:r",
                "/grant:r",
                "*S-1-5-18:(OI)(CI)F",
                "*S-1-5-32-544:(OI)(CI)F",
                &format!(r"NT SERVICE\citrix-odata-proxy:(OI)(CI){rights}"),
                "/Q",
            ];
            assert_eq!(*grant, expected);
        }
    }

    #[test]
    fn a_folder_of_somebody_else_keeps_its_rights() {
        let folder = PathBuf::from("/big/disk");
        let elsewhere = Installation {
            data_dir: Some(folder.clone()),
            ..plain()
        };
        let calls = |there: bool| {
            let access = elsewhere.access(|path| there && path == folder).remove(1);
            assert_eq!(access.folder, folder);
            access.calls
        };
        let grant = r"NT SERVICE\citrix-odata-proxy:(OI)(CI)M";
        assert_eq!(calls(true), [["/grant", grant, "/Q"]]);
        assert_eq!(calls(false)[2][0], "/inheritance:r");
    }
}
