//! What an answer is filed under.

use std::num::NonZeroU32;

use crate::odata::name::{EntitySet, SiteId};
use crate::odata::question::Question;
use crate::odata::representation::Representation;

/// Site, canonical question and everything else that changes an answer's bytes. Answers of different sites
/// never meet, because what a client id may see depends on its role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheKey {
    site: SiteId,
    question: Question,
    representation: Representation,
    page_size: Option<NonZeroU32>,
}

impl CacheKey {
    /// The key of a question's answer.
    pub fn new(
        site: SiteId,
        question: Question,
        representation: Representation,
        page_size: Option<NonZeroU32>,
    ) -> Self {
        Self {
            site,
            question,
            representation,
            page_size,
        }
    }

    /// The site that answers.
    pub fn site(&self) -> &SiteId {
        &self.site
    }

    /// The set that is asked for, when there is one.
    pub fn set(&self) -> Option<&EntitySet> {
        self.question.set()
    }

    /// Bytes that the key itself takes in memory, roughly.
    pub fn stored_len(&self) -> usize {
        let options = self.question.options();
        let text: usize = options
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        text + KEY_BYTES
    }
}

/// A key's own size without its texts, with the map's bookkeeping, rounded up.
const KEY_BYTES: usize = 512;
