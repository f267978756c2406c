//! What an answer is filed under.

use crate::odata::name::{EntitySet, SiteId};

/// Site, canonical question and representation. Answers of different sites never meet, because what a
/// client id may see depends on its role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheKey {
    /// The site that answers.
    pub site: SiteId,
    /// The set that is asked for, when there is one: for rules and purges.
    pub set: Option<EntitySet>,
    /// Canonical question and representation, as text.
    pub text: String,
}
