//! The access keys that there are, as hashes.

use std::fmt;
use std::sync::Arc;

use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq;

use super::Scope;
use crate::odata::name::SiteId;

/// An access key. The key itself is nowhere: whoever reads the settings cannot ask with it.
///
/// Keys are random, 160 bits and more, so that nobody can try them all: a fast hash without salt is as good as a slow one,
/// and does not let strangers keep the processor busy.
#[derive(Clone)]
pub struct Key {
    /// What it is called, in the log.
    pub name: String,
    /// The SHA-256 of its text.
    pub sha256: [u8; 32],
    /// The sites that it is for; `None` is all, and the operator's paths.
    pub sites: Option<Vec<SiteId>>,
}

/// All keys.
#[derive(Debug)]
pub(super) struct Keys(Vec<Known>);

/// A key, ready to be compared.
#[derive(Debug)]
pub(super) struct Known {
    name: Arc<str>,
    key: Key,
}

impl Keys {
    pub(super) fn new(keys: Vec<Key>) -> Self {
        let known = |key: Key| Known {
            name: key.name.as_str().into(),
            key,
        };
        Self(keys.into_iter().map(known).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key with this text. All are compared, and each in the same time, so that the time tells nothing of any.
    pub(super) fn find(&self, text: &[u8]) -> Option<&Known> {
        let hash = digest(&SHA256, text);
        self.0.iter().fold(None, |found, known| {
            if known.key.sha256.ct_eq(hash.as_ref()).into() {
                Some(known)
            } else {
                found
            }
        })
    }
}

impl Known {
    /// For the log.
    pub(super) fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// Whether it is a key to `scope`.
    pub(super) fn opens(&self, scope: Scope<'_>) -> bool {
        match (&self.key.sites, scope) {
            (None, _) | (_, Scope::Open) => true,
            (Some(sites), Scope::Site(site)) => sites.contains(site),
            (Some(_), Scope::AllSites) => false,
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("name", &self.name)
            .field("sites", &self.sites)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, text: &str, sites: Option<&[&str]>) -> Key {
        let hash = digest(&SHA256, text.as_bytes());
        Key {
            name: name.to_owned(),
            sha256: hash.as_ref().try_into().unwrap(),
            sites: sites.map(|sites| {
                sites
                    .iter()
                    .map(|site| SiteId::new(site).unwrap())
                    .collect()
            }),
        }
    }

    #[test]
    fn a_key_is_found_by_its_text_and_opens_its_sites() {
        let keys = Keys::new(vec![
            key("all", "cop_all", None),
            key("one", "cop_one", Some(&["acme"])),
        ]);
        let (acme, other) = (SiteId::new("acme").unwrap(), SiteId::new("other").unwrap());
        for (text, name, opens) in [
            ("cop_all", "all", [true; 4]),
            ("cop_one", "one", [true, true, false, false]),
        ] {
            let found = keys.find(text.as_bytes()).unwrap();
            assert_eq!(&*found.name(), name);
            let scopes = [
                Scope::Open,
                Scope::Site(&acme),
                Scope::Site(&other),
                Scope::AllSites,
            ];
            assert_eq!(scopes.map(|scope| found.opens(scope)), opens, "{text}");
        }
        for text in ["", "cop_", "cop_al", "cop_all ", "COP_ALL", "all"] {
            assert!(keys.find(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn the_hash_is_the_one_that_other_tools_make() {
        // printf abc | sha256sum
        let key = key("x", "abc", None);
        assert_eq!(key.sha256[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert!(!format!("{key:?}").contains("186"));
    }
}
