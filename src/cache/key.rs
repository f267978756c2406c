//! What an answer is filed under.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::odata::name::{EntitySet, SiteId};
use crate::odata::question::{Question, Resource};
use crate::odata::representation::Representation;

/// Site, canonical question and everything else that changes an answer's bytes. Answers of different sites
/// never meet, because what a client id may see depends on its role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheKey {
    site: SiteId,
    question: Arc<Question>,
    representation: Representation,
    page_size: Option<NonZeroU32>,
}

impl CacheKey {
    /// The key of a question's answer.
    pub fn new(
        site: SiteId,
        question: impl Into<Arc<Question>>,
        representation: Representation,
        page_size: Option<NonZeroU32>,
    ) -> Self {
        Self {
            site,
            question: question.into(),
            representation,
            page_size,
        }
    }

    /// The site that answers.
    pub fn site(&self) -> &SiteId {
        &self.site
    }

    /// What is asked.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// How the answer is written.
    pub fn representation(&self) -> Representation {
        self.representation
    }

    /// Rows on each page, when the client wants pages.
    pub fn page_size(&self) -> Option<NonZeroU32> {
        self.page_size
    }

    /// The set that is asked for, when there is one.
    pub fn set(&self) -> Option<&EntitySet> {
        self.question.set()
    }

    /// Bytes that the key itself takes in memory, roughly.
    pub fn stored_len(&self) -> usize {
        let path: usize = match self.question.resource() {
            Resource::ServiceDocument | Resource::Metadata | Resource::Batch => 0,
            Resource::Collection(set) | Resource::Count(set) => held(set.as_str()),
            Resource::Entity { set, key, rest } => {
                held(set.as_str()) + held(key) + rest.iter().map(|text| held(text)).sum::<usize>()
            }
            Resource::Other(segments) => segments.iter().map(|text| held(text)).sum(),
        };
        let options = self.question.options().iter();
        let options: usize = options.map(|(name, value)| held(name) + held(value)).sum();
        path + options + KEY_BYTES
    }
}

fn held(text: &str) -> usize {
    text.len() + size_of::<String>()
}

/// A key's own size without its texts, with the map's bookkeeping, rounded up.
const KEY_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_a_question_counts() {
        let long = "x".repeat(5000);
        for (path, query) in [
            (format!("Users({long})"), None),
            (format!("Users(5)/{long}"), None),
            (format!("Users/{long}/{long}"), None),
            ("Users".to_owned(), Some(format!("$filter={long}"))),
            ("Users".to_owned(), Some(format!("{long}=1"))),
        ] {
            let question = Question::parse(&path, query.as_deref()).unwrap();
            let site = SiteId::new("main").unwrap();
            let key = CacheKey::new(site, question, Representation::default(), None);
            let least = path.len() + query.map_or(0, |query| query.len() - 10);
            assert!(key.stored_len() >= least, "{path:.20}");
        }
    }
}
