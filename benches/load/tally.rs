//! What became of the questions.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::histogram::Histogram;
use super::question::Question;

/// What became of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// Every row was there.
    Whole,
    /// The client left, as it meant to.
    Left,
    /// An error in words.
    Error(u16),
    /// The connection ended in the middle.
    Cut,
    /// A clean end with other rows than there are: never.
    Wrong,
    /// No answer in two minutes: never.
    Lost,
}

/// Counts of outcomes and times.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    outcomes: BTreeMap<Outcome, u64>,
    popular: Histogram,
    others: Histogram,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            outcomes: BTreeMap::new(),
            popular: Histogram::new(),
            others: Histogram::new(),
        }
    }
}

impl Tally {
    pub(crate) fn note(&mut self, question: Question, outcome: Outcome, took: Duration) {
        *self.outcomes.entry(outcome).or_default() += 1;
        match (question, outcome) {
            (Question::Popular(_), Outcome::Whole) => self.popular.add(took),
            (_, Outcome::Whole) => self.others.add(took),
            _ => {}
        }
    }

    /// Whether nothing happened that must not happen, and everything that should.
    pub(crate) fn is_sound(&self) -> bool {
        let count = |outcome| self.outcomes.get(&outcome).copied().unwrap_or_default();
        count(Outcome::Wrong) == 0 && count(Outcome::Lost) == 0 && count(Outcome::Whole) > 0
    }

    /// For a line while it goes on.
    pub(crate) fn progress(&self) -> String {
        let outcomes = self.outcomes.iter();
        let outcomes = outcomes.map(|(outcome, count)| format!("{outcome} {count}"));
        outcomes.collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("whole"),
            Self::Left => f.write_str("left early"),
            Self::Error(status) => write!(f, "status {status}"),
            Self::Cut => f.write_str("cut"),
            Self::Wrong => f.write_str("WRONG"),
            Self::Lost => f.write_str("LOST"),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "answers: {}", self.progress())?;
        for (name, times) in [("popular", &self.popular), ("others", &self.others)] {
            let (median, late) = (times.quantile(50), times.quantile(99));
            writeln!(
                f,
                "{name}: {} whole, p50 {median:.1?}, p99 {late:.1?}",
                times.count()
            )?;
        }
        Ok(())
    }
}
