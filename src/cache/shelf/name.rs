//! What a stored answer's file is called.

use std::fmt;

use xxhash_rust::xxh3::Xxh3;

use crate::cache::CacheKey;

/// What tells apart the realms in which one question has different answers, each a digest of its own: whose data it is
/// and what may be seen of it.
pub type Realm = u128;

/// The name of an answer's file: a digest of its realm and its key, written in hexadecimal digits. Two keys of one name
/// are possible, so the file holds the whole key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Name(u128);

impl Name {
    /// The name for the answer to `key` in this realm.
    pub(super) fn new(realm: Realm, key: &CacheKey) -> Self {
        let mut digest = Xxh3::new();
        digest.update(&realm.to_le_bytes());
        let page_size = key.page_size().map_or(0, std::num::NonZero::get);
        for text in [
            key.site().as_str(),
            &key.question().canonical(),
            &key.representation().to_string(),
            &page_size.to_string(),
        ] {
            digest.update(&text.len().to_le_bytes());
            digest.update(text.as_bytes());
        }
        Self(digest.digest128())
    }

    /// Reads a file's name; `None` when it is not an answer's.
    pub(super) fn parse(file_name: &str) -> Option<Self> {
        let digits = file_name.strip_suffix(EXTENSION)?;
        let name = Self(u128::from_str_radix(digits, 16).ok()?);
        (name.to_string() == file_name).then_some(name)
    }

    /// One of so many, as even as can be.
    pub(super) fn stripe(self, count: usize) -> usize {
        let [low, ..] = self.0.to_le_bytes();
        usize::from(low) % count
    }
}

/// The file's name.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}{EXTENSION}", self.0)
    }
}

const EXTENSION: &str = ".answer";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::num::NonZeroU32;

    use super::*;
    use crate::odata::name::SiteId;
    use crate::odata::question::Question;
    use crate::odata::representation::{MetadataLevel, Representation};

    #[test]
    fn whatever_changes_an_answer_changes_its_name() {
        let mut names = HashSet::new();
        let full = Representation {
            metadata: MetadataLevel::Full,
            ..Representation::default()
        };
        for realm in [1, 2] {
            for site in ["main", "lab"] {
                for query in [None, Some("$top=1"), Some("$top=11")] {
                    for representation in [Representation::default(), full] {
                        for page_size in [None, NonZeroU32::new(1), NonZeroU32::new(11)] {
                            let question = Question::parse("Users", query).unwrap();
                            let site = SiteId::new(site).unwrap();
                            let key = CacheKey::new(site, question, representation, page_size);
                            names.insert(Name::new(realm, &key));
                        }
                    }
                }
            }
        }
        assert_eq!(names.len(), 2 * 2 * 3 * 2 * 3);
        for name in names {
            assert_eq!(Name::parse(&name.to_string()), Some(name));
        }
    }

    #[test]
    fn other_files_are_not_answers() {
        let name = Name(0xab).to_string();
        assert_eq!(name, "000000000000000000000000000000ab.answer");
        for other in [
            "",
            ".answer",
            "ab.answer",
            "000000000000000000000000000000AB.answer",
            "+00000000000000000000000000000ab.answer",
            &format!("0{name}"),
            &format!("{name}.1.new"),
            "000000000000000000000000000000ab",
        ] {
            assert_eq!(Name::parse(other), None, "{other}");
        }
    }
}
