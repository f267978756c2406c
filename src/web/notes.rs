//! What is learned about a request while it is answered: for its line in the log, written when it is over.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::readings::Reading;
use crate::cache::Progress;
use crate::gateway::{Answer, AnswerBody, Unanswered, Way};
use crate::odata::name::SiteId;
use crate::telemetry::chain;

/// The notes of one request; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<Facts>>);

/// What is known so far.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The name of the access key that was shown.
    pub key: Option<Arc<str>>,
    /// The site that was asked.
    pub site: Option<SiteId>,
    /// What was asked for.
    pub place: Option<Place>,
    /// How the answer came about.
    pub outcome: Option<&'static str>,
    /// Whether it was stored already.
    pub from_cache: bool,
    /// The age of a stored answer when it was given.
    pub age: Option<Duration>,
    /// Rows handed to the connection.
    pub rows: u64,
    /// What upstream did for this request.
    pub upstream: Upstream,
    /// The chain of errors; of an answer that is stale because of one, too. In a batch, that of its first request that has
    /// one.
    pub error: Option<String>,
    /// What became of the requests in a batch.
    pub tally: Option<Tally>,
}

/// The requests in a batch.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How many it holds.
    pub requests: usize,
    /// How many were answered, by outcome (`none` where the gateway gave no answer) and status.
    pub answered: BTreeMap<(&'static str, u16), u64>,
}

/// What a request asks for.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// This question.
    Question(Arc<Reading>),
    /// `$batch`: several questions.
    Batch,
    /// One of the operator's paths.
    Operator(&'static str),
}

impl Place {
    /// The operator's path, or the question without its values.
    pub(crate) fn shape(&self) -> Arc<str> {
        match self {
            Self::Question(reading) => Arc::clone(&reading.shape),
            Self::Batch => "$batch".into(),
            Self::Operator(path) => (*path).into(),
        }
    }
}

/// What upstream did for a request.
#[derive(Debug, Default)]
pub(crate) enum Upstream {
    /// Nothing.
    #[default]
    Nothing,
    /// It is, or was, at work.
    Working(Arc<Progress>),
    /// It worked on several questions, for so many responses and so long altogether.
    Worked {
        /// Responses.
        pages: u64,
        /// Time.
        time: Duration,
    },
}

impl Notes {
    /// The facts, for reading and adding.
    pub(crate) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts rows.
    pub(crate) fn add_rows(&self, rows: u64) {
        self.facts().rows += rows;
    }

    /// Notes an answer.
    pub(crate) fn answered(&self, answer: &Answer) {
        let mut facts = self.facts();
        facts.outcome = Some(answer.outcome.as_str());
        facts.age = answer.outcome.age();
        facts.from_cache = answer.outcome.age().is_some();
        if let AnswerBody::Live(reader) = &answer.body {
            facts.upstream = Upstream::Working(Arc::clone(reader.progress()));
        }
        let failure = answer.outcome.error();
        facts.error = failure.map(|error| chain(error));
    }

    /// Notes that there is no answer.
    pub(crate) fn unanswered(&self, unanswered: &Unanswered) {
        self.failed(&unanswered.error);
        if let Some(progress) = &unanswered.upstream {
            self.facts().upstream = Upstream::Working(Arc::clone(progress));
        }
    }

    /// Adds to the notes of a batch those of one of its requests, with the status of its answer.
    pub(crate) fn absorb(&self, own: &Self, status: Option<u16>) {
        let (own, mut batch) = (own.facts(), self.facts());
        batch.rows += own.rows;
        let (before, more) = (batch.upstream.totals(), own.upstream.totals());
        batch.upstream = Upstream::Worked {
            pages: before.0 + more.0,
            time: before.1 + more.1,
        };
        if batch.error.is_none() {
            batch.error.clone_from(&own.error);
        }
        let tally = batch.tally.get_or_insert_default();
        if let Some(status) = status {
            let outcome = own.outcome.unwrap_or("none");
            *tally.answered.entry((outcome, status)).or_default() += 1;
        }
    }

    /// Notes a failure.
    pub(crate) fn failed(&self, error: &dyn Error) {
        self.facts().error = Some(chain(error));
    }
}

impl Tally {
    /// Of a batch that holds so many requests, none of them asked.
    pub(crate) fn of(requests: usize) -> Self {
        Self {
            requests,
            ..Self::default()
        }
    }

    /// How many were answered with an error.
    pub(crate) fn failed(&self) -> u64 {
        let failed = |((_, status), count): (&(_, u16), &u64)| (*status >= 400).then_some(*count);
        self.answered.iter().filter_map(failed).sum()
    }
}

impl Upstream {
    /// Responses and time so far.
    pub(crate) fn totals(&self) -> (u64, Duration) {
        match self {
            Self::Nothing => (0, Duration::ZERO),
            Self::Working(progress) => (progress.pages(), progress.upstream_time()),
            Self::Worked { pages, time } => (*pages, *time),
        }
    }

    /// How its pages are walked, when there was a choice.
    pub(crate) fn way(&self) -> Option<Way> {
        match self {
            Self::Nothing | Self::Worked { .. } => None,
            Self::Working(progress) => progress.way(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::{AnswerError, SharedError};
    use crate::upstream::{BadResponse, FetchError};

    #[test]
    fn a_chain_says_everything_once() {
        let error = AnswerError::Fetch(FetchError::BadResponse(BadResponse::Html));
        let shared: SharedError = Arc::new(error);
        let wrapped = axum::Error::new(shared);
        assert_eq!(
            chain(&wrapped),
            "upstream gave no answer: upstream sent a response that cannot be used: \
             an HTML page instead of data"
        );
        let error = AnswerError::Fetch(FetchError::Credentials {
            explanation: "The secret has expired.".to_owned(),
        });
        assert!(chain(&error).ends_with("credentials: The secret has expired."));
    }
}
