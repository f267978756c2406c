//! How long an answer stays fresh, by what it is about. Pure.

use std::time::Duration;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::odata::question::{Question, Resource};

/// The operator's rules: the first that matches a set wins.
#[derive(Debug, Clone)]
pub struct Lifetimes {
    /// For the service document and `$metadata`, which change with upstream's releases.
    metadata: Duration,
    /// For sets that no rule names.
    default: Duration,
    rules: Vec<(GlobSet, Duration)>,
}

/// A rule for sets.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Globs over names of entity sets, without regard to case.
    pub sets: Vec<String>,
    /// How long their answers stay fresh; zero: not stored.
    pub ttl: Duration,
}

impl Lifetimes {
    /// Compiles the rules. The error is a glob that cannot be read.
    pub fn new(
        metadata: Duration,
        default: Duration,
        rules: &[Rule],
    ) -> Result<Self, globset::Error> {
        let compile = |rule: &Rule| {
            let mut globs = GlobSetBuilder::new();
            for glob in &rule.sets {
                globs.add(GlobBuilder::new(glob).case_insensitive(true).build()?);
            }
            Ok((globs.build()?, rule.ttl))
        };
        Ok(Self {
            metadata,
            default,
            rules: rules
                .iter()
                .map(compile)
                .collect::<Result<_, globset::Error>>()?,
        })
    }

    /// How long the answer to `question` stays fresh.
    pub fn of(&self, question: &Question) -> Duration {
        match (question.resource(), question.set()) {
            (Resource::ServiceDocument | Resource::Metadata, _) => self.metadata,
            (_, Some(set)) => {
                let rule = self
                    .rules
                    .iter()
                    .find(|(sets, _)| sets.is_match(set.as_str()));
                rule.map_or(self.default, |(_, ttl)| *ttl)
            }
            (_, None) => self.default,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_matching_rule_wins() {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let rule = |sets: &[&str], ttl| Rule {
            sets: sets.iter().map(|&glob| glob.to_owned()).collect(),
            ttl,
        };
        let rules = [
            rule(&["*Summaries", "*Summary"], minutes(30)),
            rule(&["Machine*"], minutes(1)),
            rule(&["*"], minutes(7)),
        ];
        let lifetimes = Lifetimes::new(minutes(60), minutes(5), &rules[..2]).unwrap();
        let with_catch_all = Lifetimes::new(minutes(60), minutes(5), &rules).unwrap();
        for (path, expected) in [
            ("", 60),
            ("$metadata", 60),
            ("MachineSummaries", 30),
            ("machines", 1),
            ("Machines(5)/Sessions", 1),
            ("Users/$count", 5),
        ] {
            let question = Question::parse(path, None).unwrap();
            assert_eq!(lifetimes.of(&question), minutes(expected), "{path}");
        }
        let users = Question::parse("Users", None).unwrap();
        assert_eq!(with_catch_all.of(&users), minutes(7));
    }
}
