//! Checked names.

use std::fmt;
use std::sync::Arc;

/// The name of a configured site: `main` in `/main/monitorodata`. Lower-case letters, digits, `-` and `_`,
/// 1 to 64 of them, beginning with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(Arc<str>);

impl SiteId {
    /// Checks `name`; `None` when it is not a site name.
    pub fn new(name: &str) -> Option<Self> {
        let letter = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let sound = name.len() <= NAME_BYTES_MAX
            && name.bytes().next().is_some_and(letter)
            && name.bytes().all(|c| letter(c) || c == b'-' || c == b'_');
        sound.then(|| Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same name, without a copy.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of an entity set as somebody wrote it: an `odataIdentifier` (OData ABNF), so no dot, slash,
/// quote or blank. Upstream folds case in set names, so comparisons that guard something fold it too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntitySet(Arc<str>);

impl EntitySet {
    /// Checks `name`; `None` when it is not an identifier.
    pub fn new(name: &str) -> Option<Self> {
        let sound = name.chars().count() <= NAME_BYTES_MAX * 2
            && name
                .chars()
                .next()
                .is_some_and(|c| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        sound.then(|| Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same name, without a copy.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Display for EntitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names longer than this are nobody's.
const NAME_BYTES_MAX: usize = 64;
