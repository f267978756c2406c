//! One value, judged before it is part of any settings: for those who ask for it.
//!
//! `init` judges each answer by these, so that there is one set of rules.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;

use super::check;
use super::load::Surroundings;
use super::problem::Problem;
use super::raw::{Layer, Raw};
use crate::keystore::{Keystore, KeystoreError};

/// What is wrong with `value` as the setting `name`, by the same checks that all settings pass. `None` when nothing is.
///
/// The credential store is not asked, and nothing that is wrong elsewhere counts.
pub fn flaw(name: &str, value: &str) -> Option<Problem> {
    let mut layer = Layer::default();
    layer.set(name, value, "your answer");
    let raw = match Raw::merge(vec![layer]) {
        Ok(raw) => raw,
        Err(problem) => return Some(problem),
    };
    let surroundings = Surroundings {
        log_folder: None,
        variables: BTreeMap::new(),
        directory: PathBuf::new(),
        config_folder: None,
        data_folder: PathBuf::new(),
        keystore: Arc::new(Empty),
    };
    let mut problems = Vec::new();
    // Whether the rest is a whole is no question here.
    drop(check::check(&raw, &surroundings, &mut problems));
    problems.into_iter().find(|problem| problem.key == name)
}

/// A credential store with nothing in it.
#[derive(Debug)]
struct Empty;

impl Keystore for Empty {
    fn read(&self, _: &str) -> Result<Option<SecretString>, KeystoreError> {
        Ok(None)
    }

    fn write(&self, _: &str, _: &SecretString) -> Result<(), KeystoreError> {
        Ok(())
    }

    fn remove(&self, _: &str) -> Result<bool, KeystoreError> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_one_value_as_the_settings_do() {
        let cases = [
            ("sites.main.customer_id", "acme1234", ""),
            ("sites.main.customer_id", "", "this is not set"),
            ("sites.main.customer_id", "acme 1234", "letters, digits"),
            ("sites.main.client_id", "a/b", "letters, digits"),
            ("sites.main.region", "EU", ""),
            ("sites.main.region", "mars", "`mars` is not known here"),
            (
                "sites.main.upstream.endpoint",
                "https://api-eu.cloud.com",
                "",
            ),
            (
                "sites.main.upstream.endpoint",
                "http://api.cloud.com",
                "unencrypted",
            ),
            ("server.listen", "127.0.0.1:9000,[::1]:9000", ""),
            ("server.listen", "9000", "not an address"),
        ];
        for (name, value, words) in cases {
            let flaw = flaw(name, value);
            match (&flaw, words) {
                (None, "") => {}
                (Some(problem), words) if !words.is_empty() => {
                    assert!(problem.what.contains(words), "{problem}");
                }
                _ => panic!("{name} = {value}: {flaw:?}"),
            }
        }
    }
}
