//! The environment → a layer. Pure: `load` collects the variables.
//!
//! The `config` crate has a reader of its own, which quotes a variable's value when it is not Unicode and
//! does not say which variable a value came from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::file::{absolute, bad_site, unknown};
use super::keys::{self, Kind};
use super::problem::Problem;
use super::raw::Layer;
use crate::odata::name::SiteId;

/// Variables by name.
pub(super) type Variables = BTreeMap<String, OsString>;

/// What the variables `CITRIX_ODATA_PROXY__…` say; a double underscore separates the levels.
pub(super) fn layer(variables: &Variables, directory: &Path, problems: &mut Vec<Problem>) -> Layer {
    let mut layer = Layer::default();
    for (variable, value) in variables {
        let Some(rest) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        let name = rest.to_lowercase().replace("__", ".");
        let origin = format!("variable {variable}");
        let site = name
            .strip_prefix("sites.")
            .and_then(|rest| rest.split('.').next());
        match (keys::list_of_tables(&name), keys::find(&name)) {
            (Some(list), _) => problems.push(
                Problem::new(list, "a list of tables cannot be set by a variable")
                    .from(Some(&origin))
                    .hint(format!("write it in the settings file, as [[{list}]]")),
            ),
            (None, None) => problems.push(unknown(&name, &origin)),
            (None, Some(_)) if site.is_some_and(|site| SiteId::new(site).is_none()) => {
                problems.push(bad_site(&name, &origin));
            }
            (None, Some(key)) => set(
                &mut layer,
                key.kind,
                &name,
                (&origin, value),
                directory,
                problems,
            ),
        }
    }
    layer
}

/// One site called `main`, from the variables that Citrix's Terraform provider reads and a few more. `None`
/// when none of those is set that make a site.
pub(super) fn well_known_site(
    variables: &Variables,
    directory: &Path,
    problems: &mut Vec<Problem>,
) -> Option<Layer> {
    let given = |variable: &str| variables.get(variable).filter(|value| !value.is_empty());
    if !SITE_MAKERS.iter().any(|variable| given(variable).is_some()) {
        return None;
    }
    let mut layer = Layer::default();
    layer.add_site("main", "environment");
    for (variable, name) in WELL_KNOWN {
        if let (Some(value), Some(key)) = (given(variable), keys::find(name)) {
            let origin = format!("variable {variable}");
            set(
                &mut layer,
                key.kind,
                name,
                (&origin, value),
                directory,
                problems,
            );
        }
    }
    Some(layer)
}

/// `RUST_LOG`, for those who are used to it, wins over every other way to set the filter.
pub(super) fn rust_log(variables: &Variables, problems: &mut Vec<Problem>) -> Layer {
    let mut layer = Layer::default();
    if let Some(value) = variables.get("RUST_LOG").filter(|value| !value.is_empty()) {
        let value = ("variable RUST_LOG", value);
        set(
            &mut layer,
            Kind::Text,
            "log.filter",
            value,
            Path::new(""),
            problems,
        );
    }
    layer
}

fn set(
    layer: &mut Layer,
    kind: Kind,
    name: &str,
    (origin, value): (&str, &OsString),
    directory: &Path,
    problems: &mut Vec<Problem>,
) {
    match (value.to_str(), kind) {
        (None, _) => problems.push(
            Problem::new(name, "the variable's value is not Unicode text").from(Some(origin)),
        ),
        (Some(text), Kind::Path) => layer.set(name, absolute(directory, text.trim()), origin),
        (Some(text), _) => layer.set(name, text, origin),
    }
}

const PREFIX: &str = "CITRIX_ODATA_PROXY__";

/// Any of these makes the site; a region alone does not.
const SITE_MAKERS: [&str; 4] = [
    "CITRIX_CUSTOMER_ID",
    "CITRIX_CLIENT_ID",
    "CITRIX_CLIENT_SECRET",
    "CITRIX_CLIENT_SECRET_FILE",
];

const WELL_KNOWN: [(&str, &str); 6] = [
    ("CITRIX_CUSTOMER_ID", "sites.main.customer_id"),
    ("CITRIX_CLIENT_ID", "sites.main.client_id"),
    ("CITRIX_CLIENT_SECRET", "sites.main.client_secret"),
    ("CITRIX_CLIENT_SECRET_FILE", "sites.main.client_secret_file"),
    ("CITRIX_REGION", "sites.main.region"),
    ("CITRIX_ENDPOINT", "sites.main.upstream.endpoint"),
];
