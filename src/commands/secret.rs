//! `secret`: client secrets in the system's credential store.

use std::io;
use std::process::ExitCode;

use secrecy::SecretString;

use super::terminal::{Prompter, Terminal, first_line};
use super::{Failure, print};
use crate::cli::{SecretCommand, SecretOf};
use crate::config::{self, ApiClient, Flags, Surroundings};
use crate::keystore::Keystore;

/// Stores, removes, or says whether there is one.
pub(super) fn secret(
    surroundings: &Surroundings,
    command: SecretCommand,
) -> Result<ExitCode, Failure> {
    let clients = |of: &SecretOf| {
        let flags = Flags {
            file: of.settings.file.clone(),
            ..Flags::default()
        };
        Ok::<_, Failure>(config::api_clients(surroundings, &flags)?)
    };
    let keystore = surroundings.keystore.as_ref();
    let lines = match command {
        SecretCommand::Set(of) => {
            let clients = clients(&of)?;
            let client = chosen(&clients, of.site.as_deref())?;
            set(client, keystore, &ask(client)?)?
        }
        SecretCommand::Forget(of) => {
            let clients = clients(&of)?;
            vec![forget(chosen(&clients, of.site.as_deref())?, keystore)?]
        }
        SecretCommand::Status(of) => match &of.site {
            Some(site) => vec![status(chosen(&clients(&of)?, Some(site))?, keystore)?],
            None => clients(&of)?
                .iter()
                .map(|client| status(client, keystore))
                .collect::<Result<_, _>>()?,
        },
    };
    for line in lines {
        print(&line)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The site that is named, else the only one, else `main`.
fn chosen<'a>(clients: &'a [ApiClient], site: Option<&str>) -> Result<&'a ApiClient, Failure> {
    let of_site = |name: &str| clients.iter().find(|client| client.site.as_str() == name);
    let found = match (site, clients) {
        (Some(name), _) => of_site(name),
        (None, [only]) => Some(only),
        (None, _) => of_site("main"),
    };
    found.ok_or_else(|| {
        let known: Vec<&str> = clients.iter().map(|client| client.site.as_str()).collect();
        let known = known.join(", ");
        Failure::Flag {
            flag: "--site",
            what: match site {
                Some(site) => format!("there is no site `{site}`; the settings have {known}"),
                None => format!("say which site: the settings have {known}"),
            },
        }
    })
}

fn ask(client: &ApiClient) -> Result<SecretString, Failure> {
    match Terminal::attended() {
        Some(mut terminal) => {
            terminal.hidden(&format!("Client secret of API client {}", client.client_id))
        }
        None => first_line(io::stdin().lock()),
    }
}

fn set(
    client: &ApiClient,
    keystore: &dyn Keystore,
    secret: &SecretString,
) -> Result<Vec<String>, Failure> {
    keystore.write(&client.client_id, secret)?;
    let ApiClient {
        site, client_id, ..
    } = client;
    let mut lines = vec![format!(
        "{site}: the client secret of API client {client_id} is in this account's credential store; restart the proxy \
         if it runs"
    )];
    if let Some(elsewhere) = &client.secret_elsewhere {
        lines.push(format!(
            "{site}: it is not used as long as there is another one: {elsewhere}"
        ));
    }
    Ok(lines)
}

fn forget(client: &ApiClient, keystore: &dyn Keystore) -> Result<String, Failure> {
    let ApiClient {
        site, client_id, ..
    } = client;
    Ok(if keystore.remove(client_id)? {
        format!(
            "{site}: the client secret of API client {client_id} is removed from this account's credential store"
        )
    } else {
        format!("{site}: no client secret of API client {client_id} was stored")
    })
}

fn status(client: &ApiClient, keystore: &dyn Keystore) -> Result<String, Failure> {
    let ApiClient {
        site, client_id, ..
    } = client;
    let stored = match keystore.read(client_id) {
        Ok(Some(_)) => "stored",
        Ok(None) => "not stored",
        // Where the secret comes from elsewhere nobody needs a store.
        Err(_) if client.secret_elsewhere.is_some() => "no credential store",
        Err(error) => return Err(error.into()),
    };
    let used = match &client.secret_elsewhere {
        Some(elsewhere) => format!("; in use: {elsewhere}"),
        None => String::new(),
    };
    Ok(format!("{site}: {stored} (API client {client_id}){used}"))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::keystore::memory::MemoryKeystore;
    use crate::odata::name::SiteId;

    fn client(site: &str, elsewhere: Option<&str>) -> ApiClient {
        ApiClient {
            site: SiteId::new(site).unwrap(),
            client_id: format!("id-{site}"),
            secret_elsewhere: elsewhere.map(ToOwned::to_owned),
        }
    }

    #[test]
    fn the_site_is_named_or_the_only_one_or_main() {
        let one = [client("lab", None)];
        let two = [client("lab", None), client("main", None)];
        let others = [client("a", None), client("b", None)];
        let cases = [
            (&one[..], None, Ok("lab")),
            (&two, None, Ok("main")),
            (&two, Some("lab"), Ok("lab")),
            (&others, None, Err("have a, b")),
            (
                &two,
                Some("x"),
                Err("no site `x`; the settings have lab, main"),
            ),
        ];
        for (clients, site, expected) in cases {
            match (chosen(clients, site), expected) {
                (Ok(client), Ok(name)) => assert_eq!(client.site.as_str(), name),
                (Err(failure), Err(words)) => {
                    assert!(failure.to_string().contains(words), "{failure}");
                    assert!(failure.to_string().contains("--site"), "{failure}");
                }
                (found, _) => panic!("{site:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_secret_is_stored_told_of_and_forgotten() {
        let store = MemoryKeystore::default();
        let main = client("main", None);
        assert_eq!(
            status(&main, &store).unwrap(),
            "main: not stored (API client id-main)"
        );
        let told = set(&main, &store, &"hunter2".into()).unwrap();
        assert_eq!(told.len(), 1);
        assert!(!told.concat().contains("hunter2"));
        let stored = store.read("id-main").unwrap().unwrap();
        assert_eq!(stored.expose_secret(), "hunter2");
        assert_eq!(
            status(&main, &store).unwrap(),
            "main: stored (API client id-main)"
        );
        assert!(forget(&main, &store).unwrap().contains("is removed"));
        assert!(forget(&main, &store).unwrap().contains("was stored"));
    }

    #[test]
    fn another_way_that_wins_is_told() {
        let store = MemoryKeystore::default();
        let main = client("main", Some("client_secret_file"));
        let told = set(&main, &store, &"hunter2".into()).unwrap();
        assert!(told.concat().contains("client_secret_file"), "{told:?}");
        assert_eq!(
            status(&main, &store).unwrap(),
            "main: stored (API client id-main); in use: client_secret_file"
        );
        let absent = MemoryKeystore::absent();
        assert!(
            status(&main, &absent)
                .unwrap()
                .contains("no credential store")
        );
        let failure = status(&client("main", None), &absent).unwrap_err();
        assert!(failure.to_string().contains("no bus"), "{failure}");
    }
}
