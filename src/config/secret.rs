//! The client secret, by one of three ways: written in the settings, in a file of its own, in a variable.
//!
//! No text made here holds the secret, nor the file's or variable's name as given: people put the secret
//! itself into the wrong line.

use std::io;

use secrecy::SecretString;

use super::check::{Read, Reader};
use super::load::{self, Surroundings};
use super::problem::Problem;
use super::text;

/// Reads the secret of the site `name`, which is first mentioned at `origin`.
pub(super) fn read(
    reader: &mut Reader<'_>,
    surroundings: &Surroundings,
    name: &str,
    origin: &str,
) -> Read<SecretString> {
    let [inline, file, variable] = WAYS.map(|way| format!("sites.{name}.{way}"));
    // All three are read before any of them is judged, so that each wrong one is reported.
    let (text, path, named) = (
        reader.text(&inline),
        reader.path(&file),
        reader.text(&variable),
    );
    let (text, path, named) = (text?, path?, named?);
    match (text.as_str(), path, named.as_str()) {
        ("", None, "") => {
            let hint = none_hint(surroundings);
            let problem = Problem::new(inline, "no client secret is set").from(Some(origin));
            reader.note(problem.hint(hint))
        }
        (text, None, "") => Ok(text.into()),
        ("", Some(path), "") => match from_file(load::read(&path)) {
            Ok(secret) => Ok(secret),
            Err(what) => reader.refuse(&file, what, FILE_HINT),
        },
        ("", None, named) => match from_variable(surroundings, named) {
            Ok(secret) => Ok(secret),
            Err(what) => reader.refuse(&variable, what, VARIABLE_HINT),
        },
        _ => reader.refuse(
            &inline,
            "the client secret is set in more than one way",
            "keep one of client_secret, client_secret_file and client_secret_env",
        ),
    }
}

fn from_file(bytes: io::Result<Vec<u8>>) -> Result<SecretString, String> {
    let bytes = bytes.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "the file it names does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "access to the file it names is denied".to_owned(),
        _ => format!("the file it names cannot be read: {error}"),
    })?;
    let text = text::decode(&bytes).ok_or("the file it names is not text")?;
    sound(&text).ok_or_else(|| "the file it names is empty".to_owned())?
}

fn from_variable(surroundings: &Surroundings, name: &str) -> Result<SecretString, String> {
    let value = surroundings.variable(name);
    let value = value.ok_or("the variable it names is not set")?;
    let text = value.to_str().ok_or("the variable it names is not text")?;
    sound(text).ok_or_else(|| "the variable it names is empty".to_owned())?
}

/// The secret without blanks and line ends around it; `None` when nothing is left.
fn sound(text: &str) -> Option<Result<SecretString, String>> {
    let text = text.trim();
    match text {
        "" => None,
        text if text.contains(['\n', '\r']) => {
            Some(Err("what it names has more than one line".to_owned()))
        }
        text => Some(Ok(text.into())),
    }
}

fn none_hint(surroundings: &Surroundings) -> &'static str {
    if surroundings.variable("CITRIX_CLIENT_SECRET").is_some() {
        "set client_secret_env = \"CITRIX_CLIENT_SECRET\": CITRIX_… variables alone make a site only when none is configured"
    } else {
        "set one of client_secret_file, client_secret_env and client_secret"
    }
}

const WAYS: [&str; 3] = ["client_secret", "client_secret_file", "client_secret_env"];

const FILE_HINT: &str = "the file holds the secret and nothing else, readable for the account that runs this program; \
     a relative path starts at the folder of the settings file";

const VARIABLE_HINT: &str = "write the variable's name, not its value; it must be set for the account that runs this program";
