//! Answers → what is written where, and what the operator does next.

use std::path::{Path, PathBuf};

use super::answers::{Answers, Place};
use crate::config::quote;

/// What will be written.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) answers: Answers,
}

impl Plan {
    pub(super) fn new(answers: Answers) -> Self {
        Self { answers }
    }

    /// The file that the secret is written to, if it is written to one.
    pub(super) fn secret_file(&self) -> Option<PathBuf> {
        (self.answers.place == Place::File)
            .then(|| self.answers.file.with_file_name(self.secret_name()))
    }

    /// As systemd's credential of the site is called.
    fn secret_name(&self) -> String {
        format!("{}.client_secret", self.answers.site)
    }

    /// Files that are there already and would be replaced.
    pub(super) fn occupied(&self) -> Vec<PathBuf> {
        let files = self
            .secret_file()
            .into_iter()
            .chain([self.answers.file.clone()]);
        files.filter(|path| path.exists()).collect()
    }

    /// The settings file: what differs from the defaults, and nothing else. Never holds the secret.
    pub(super) fn text(&self) -> String {
        let Answers {
            site,
            customer_id,
            region,
            endpoint,
            client_id,
            listen,
            ..
        } = &self.answers;
        let server = listen.as_ref().map(|listen| {
            let addresses = listen.split(',').map(str::trim);
            let addresses = addresses.filter(|address| !address.is_empty());
            let addresses = addresses.map(quote).collect::<Vec<_>>().join(", ");
            format!("\n[server]\nlisten = [{addresses}]\n")
        });
        let region = (region != DEFAULT_REGION).then(|| format!("region = {}\n", quote(region)));
        let upstream = endpoint.as_ref().map(|endpoint| {
            let endpoint = quote(endpoint);
            format!("\n[sites.{site}.upstream]\nendpoint = {endpoint}\n")
        });
        format!(
            "{HEADING}{server}\n[sites.{site}]\n{region}customer_id = {customer_id}\nclient_id = {client_id}\n\
             {secret}{upstream}",
            server = server.unwrap_or_default(),
            region = region.unwrap_or_default(),
            customer_id = quote(customer_id),
            client_id = quote(client_id),
            secret = self.secret_lines(),
            upstream = upstream.unwrap_or_default(),
        )
    }

    fn secret_lines(&self) -> String {
        match &self.answers.place {
            Place::Keystore => format!(
                "# The client secret is in the credential store of the account that wrote this file, under the client \
                 id.\n# A new one: citrix-odata-proxy secret set --site {}\n",
                self.answers.site
            ),
            Place::File => format!("client_secret_file = {}\n", quote(&self.secret_name())),
            Place::There(path) => {
                format!("client_secret_file = {}\n", quote(&path.to_string_lossy()))
            }
            Place::Environment => format!("client_secret_env = \"{VARIABLE}\"\n"),
        }
    }

    /// What was done, and what to do next. `is_found`: whether the program finds the settings file by itself; `advice`:
    /// what is to be done about the secret's file.
    pub(super) fn told(&self, is_found: bool, advice: Vec<String>) -> Vec<String> {
        let port = self.port();
        let config = if is_found {
            String::new()
        } else {
            format!(" --config {}", argument(&self.answers.file))
        };
        let mut lines = vec![
            String::new(),
            format!("Written: {}", self.answers.file.display()),
        ];
        lines.push(match &self.answers.place {
            Place::Keystore => "The client secret is in this account's credential store. A service that runs under \
                 another account has a store of its own: run `citrix-odata-proxy secret set` as that account."
                .to_owned(),
            Place::File | Place::There(_) => {
                let path = match (&self.answers.place, self.secret_file()) {
                    (Place::There(path), _) => path.clone(),
                    (_, path) => path.unwrap_or_default(),
                };
                format!(
                    "The client secret is in {}; the account that runs the proxy must be able to read it.",
                    path.display()
                )
            }
            Place::Environment => format!(
                "Set the variable {VARIABLE} to the client secret for the account that runs the proxy: it is written \
                 nowhere."
            ),
        });
        lines.extend(advice);
        lines.extend([
            String::new(),
            format!("Start it:         citrix-odata-proxy serve{config}"),
            format!("Power BI, Excel:  http://localhost:{port}/monitorodata (OData feed, sign in as Anonymous)"),
            format!("Or in a browser:  http://localhost:{port}/connect"),
        ]);
        lines
    }

    /// The port of the first address.
    fn port(&self) -> &str {
        let listen = self.answers.listen.as_deref();
        let first = listen.and_then(|listen| listen.split(',').next());
        let port = first.and_then(|address| address.trim().rsplit(':').next());
        port.unwrap_or(DEFAULT_PORT)
    }
}

/// A path as a shell takes it.
fn argument(path: &Path) -> String {
    let path = path.display().to_string();
    if path.contains(char::is_whitespace) {
        format!("\"{path}\"")
    } else {
        path
    }
}

const HEADING: &str = "\
# Settings of citrix-odata-proxy. What is not here has its default: docs/configuration.md lists all settings.
# `citrix-odata-proxy config` shows what is in force, `citrix-odata-proxy check` tries it out.
";

/// The variable that holds the secret, when it is kept in the environment.
pub(super) const VARIABLE: &str = "CITRIX_CLIENT_SECRET";

const DEFAULT_REGION: &str = "us";

/// What is listened on when nobody says otherwise.
pub(super) const DEFAULT_PORT: &str = "8484";
