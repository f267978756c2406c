//! What is given to a client who waits, when the answer cannot be had, or not soon: the stale answer to the same question, or
//! a part of a stale answer that holds it.
//!
//! INVARIANT: it is judged again when it is given, because a failure may take minutes to be one.

use std::sync::Arc;

use super::{Answer, CacheKey, Gateway, Outcome, SharedError, Site};
use crate::cache::{Failure, Fallback};
use crate::odata::contained::Derivation;

/// A stale answer that is held ready.
#[derive(Debug)]
pub(super) enum StandIn {
    /// To the same question.
    Own(Fallback<SharedError>),
    /// One that holds it.
    Part(Spare),
}

/// A stale answer of which a part may be given.
#[derive(Debug, Clone)]
pub(super) struct Spare {
    /// All of it.
    pub(super) whole: Fallback<SharedError>,
    /// How the part is cut from it.
    pub(super) derivation: Derivation,
}

impl StandIn {
    /// Gives it, or the part of it. `None` when it has become too old, or when the part cannot be cut after all.
    pub(super) async fn give(
        &self,
        gateway: &Gateway,
        site: &Arc<Site>,
        key: &CacheKey,
        because: Because,
    ) -> Option<Answer> {
        let whole = match self {
            Self::Own(whole) | Self::Part(Spare { whole, .. }) => whole,
        };
        let (hit, waited) = match because {
            Because::Failed(error) => (whole.give(error)?, true),
            Because::Slow { waited } => (whole.give_meanwhile()?, waited),
        };
        let outcome = Outcome::of_hit(&hit, waited);
        match self {
            Self::Own(_) => Some(Answer::stored(hit, outcome, key.page_size())),
            Self::Part(spare) => {
                let part = gateway.part(site, key, &hit.entry, &spare.derivation);
                Some(Answer::part(part.await?, outcome))
            }
        }
    }
}

/// Why a stale answer is given to a client who waits for a new one.
#[derive(Debug)]
pub(super) enum Because {
    /// There is none.
    Failed(SharedError),
    /// It has not begun yet.
    Slow {
        /// Whether this client has waited for it; others had waited before it came, otherwise.
        waited: bool,
    },
}

impl Spare {
    /// The question itself was asked, and this is how that ended. When it was in vain, nobody asks for a while what this
    /// answer holds.
    pub(super) fn note(&self, end: &Result<(), SharedError>) {
        if let Err(error) = end
            && Failure::is_trouble(error)
        {
            self.whole.failed(error);
        }
    }
}
