//! Who may read the file with the secret: only what the platform makes true is said.

use std::ffi::OsString;
use std::path::Path;

use crate::config::Surroundings;

/// How a file that the set-up makes comes by its access rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    /// It is made for its owner alone (mode 600).
    Owner,
    /// It has those of its folder, as on Windows, and whoever may read there may read it.
    Inherited,
}

impl Rights {
    /// Those of the platform that the program was built for.
    pub(super) const HERE: Self = if cfg!(unix) {
        Self::Owner
    } else {
        Self::Inherited
    };

    /// What a person chooses who keeps the secret in a file.
    pub(super) fn offer(self) -> &'static str {
        match self {
            Self::Owner => "a file beside the settings that only this account may read",
            Self::Inherited => {
                "a file beside the settings, for everybody who may read their folder"
            }
        }
    }

    /// What is to be done about `file`, which was written; `account` is whose it shall be. Nothing where it is its
    /// owner's anyway.
    pub(super) fn advice(self, file: &Path, account: &str) -> Vec<String> {
        match self {
            Self::Owner => Vec::new(),
            Self::Inherited => vec![
                "Its access rights are those of its folder: right in your profile and in the folder of the Windows service, \
                 where other users cannot read. Anywhere else, leave it to your account and the system with"
                    .to_owned(),
                format!(
                    "    icacls \"{}\" /inheritance:r /grant:r \"{account}:F\" \"{SYSTEM}:F\"",
                    file.display()
                ),
                "A proxy that runs as another account needs one more grant there: \"ACCOUNT:R\".".to_owned(),
            ],
        }
    }
}

/// The account of this process as `icacls` takes it, by the variables that Windows has for it.
pub(super) fn account(surroundings: &Surroundings) -> String {
    let variable = |name: &str| {
        let value = surroundings.variables.get(name);
        value
            .map(OsString::as_os_str)
            .map(|value| value.to_string_lossy())
            .filter(|value| !value.is_empty())
    };
    match (variable("USERDOMAIN"), variable("USERNAME")) {
        (Some(domain), Some(name)) => format!(r"{domain}\{name}"),
        (None, Some(name)) => name.into_owned(),
        (_, None) => "YOUR-ACCOUNT".to_owned(),
    }
}

/// The system's well-known identifier: its name differs from language to language.
const SYSTEM: &str = "*S-1-5-18";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::keystore::memory::MemoryKeystore;

    #[test]
    fn a_file_for_its_owner_is_promised_only_where_it_is_made_so() {
        let file = Path::new("C:/set tings/main.client_secret");
        let advice = |rights: Rights| rights.advice(file, r"ACME\ada").join("\n");
        assert!(Rights::Owner.offer().contains("only this account"));
        assert_eq!(advice(Rights::Owner), "");
        assert!(!Rights::Inherited.offer().contains("only"));
        let command = "    icacls \"C:/set tings/main.client_secret\" /inheritance:r /grant:r \"ACME\\ada:F\" \
                       \"*S-1-5-18:F\"\n";
        let told = advice(Rights::Inherited);
        assert!(told.contains(command), "{told}");
        assert_eq!(Rights::HERE == Rights::Owner, cfg!(unix));
    }

    #[test]
    fn the_account_is_told_as_windows_calls_it() {
        for (variables, expected) in [
            (
                &[("USERDOMAIN", "ACME"), ("USERNAME", "ada")][..],
                r"ACME\ada",
            ),
            (&[("USERNAME", "ada")], "ada"),
            (&[("USERDOMAIN", ""), ("USERNAME", "ada")], "ada"),
            (&[("USERDOMAIN", "ACME"), ("USERNAME", "")], "YOUR-ACCOUNT"),
            (&[], "YOUR-ACCOUNT"),
        ] {
            let variables = variables.iter();
            let variables = variables.map(|(name, value)| ((*name).to_owned(), value.into()));
            let surroundings = Surroundings {
                variables: variables.collect::<BTreeMap<_, _>>(),
                directory: PathBuf::new(),
                config_folder: None,
                data_folder: PathBuf::new(),
                log_folder: None,
                keystore: Arc::<MemoryKeystore>::default(),
            };
            assert_eq!(account(&surroundings), expected);
        }
    }
}
