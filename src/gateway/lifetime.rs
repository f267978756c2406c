//! How long an answer lives, by what it is about. Pure.

use std::sync::Arc;
use std::time::Duration;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::cache::Lifetime;
use crate::memo::Memo;
use crate::odata::question::{Question, Resource};

/// The operator's rules: the first that matches a set wins.
#[derive(Debug, Clone)]
pub struct Lifetimes {
    /// For the service document and `$metadata`, which change with upstream's releases.
    metadata: Lifetime,
    /// For sets that no rule names.
    default: Lifetime,
    rules: Vec<(GlobSet, Lifetime)>,
    /// Names of sets that were looked at before.
    known: Arc<Memo<Lifetime>>,
}

/// A rule for sets.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Globs over names of entity sets, without regard to case.
    pub sets: Vec<String>,
    /// How long their answers live.
    pub lifetime: Lifetime,
}

impl Lifetimes {
    /// Compiles the rules. `metadata` is how long the service document and `$metadata` stay fresh; after that they
    /// live as `default` says. The error is a glob that cannot be read.
    pub fn new(
        metadata: Duration,
        default: Lifetime,
        rules: &[Rule],
    ) -> Result<Self, globset::Error> {
        let compile = |rule: &Rule| {
            let mut globs = GlobSetBuilder::new();
            for glob in &rule.sets {
                globs.add(GlobBuilder::new(glob).case_insensitive(true).build()?);
            }
            Ok((globs.build()?, rule.lifetime))
        };
        Ok(Self {
            metadata: Lifetime {
                fresh: metadata,
                ..default
            },
            default,
            rules: rules
                .iter()
                .map(compile)
                .collect::<Result<_, globset::Error>>()?,
            known: Arc::new(Memo::of_names()),
        })
    }

    /// How long the answer to `question` lives.
    pub fn of(&self, question: &Question) -> Lifetime {
        match (question.resource(), question.set()) {
            (Resource::ServiceDocument | Resource::Metadata, _) => self.metadata,
            (_, Some(set)) => {
                let set = set.as_str();
                self.known.get(set, || self.of_set(set))
            }
            (_, None) => self.default,
        }
    }

    fn of_set(&self, set: &str) -> Lifetime {
        let mut rules = self.rules.iter();
        let rule = rules.find(|(sets, _)| sets.is_match(set));
        rule.map_or(self.default, |(_, lifetime)| *lifetime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime(fresh: u64, while_revalidate: u64, if_error: u64) -> Lifetime {
        Lifetime {
            fresh: Duration::from_mins(fresh),
            while_revalidate: Duration::from_mins(while_revalidate),
            if_error: Duration::from_mins(if_error),
        }
    }

    fn rule(sets: &[&str], lifetime: Lifetime) -> Rule {
        Rule {
            sets: sets.iter().map(|&glob| glob.to_owned()).collect(),
            lifetime,
        }
    }

    #[test]
    fn first_matching_rule_wins() {
        let rules = [
            rule(&["*Summaries", "*Summary"], lifetime(30, 60, 90)),
            rule(&["Machine*"], lifetime(1, 0, 9)),
            rule(&["*"], lifetime(7, 8, 9)),
        ];
        let (hour, default) = (Duration::from_hours(1), lifetime(5, 10, 20));
        let lifetimes = Lifetimes::new(hour, default, &rules[..2]).unwrap();
        let with_catch_all = Lifetimes::new(hour, default, &rules).unwrap();
        for (path, expected) in [
            ("", lifetime(60, 10, 20)),
            ("$metadata", lifetime(60, 10, 20)),
            ("MachineSummaries", lifetime(30, 60, 90)),
            ("machines", lifetime(1, 0, 9)),
            ("Machines(5)/Sessions", lifetime(1, 0, 9)),
            ("Users/$count", default),
            ("Users/Ns.Type", default),
        ] {
            let question = Question::parse(path, None).unwrap();
            assert_eq!(lifetimes.of(&question), expected, "{path}");
        }
        let users = Question::parse("Users", None).unwrap();
        assert_eq!(with_catch_all.of(&users), lifetime(7, 8, 9));
    }
}
