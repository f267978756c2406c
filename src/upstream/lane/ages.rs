//! Which class is next: the first that somebody waits in, unless another was passed over too often.

use super::visit::{ByClass, Class};

/// How often in a row each class was passed over while somebody waited in it.
///
/// Counted in grants, not in time: pages may take 50 ms or half a minute.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ages {
    passed_over: ByClass<u32>,
}

impl Ages {
    /// The class of the next grant; `None` when nobody waits.
    pub(super) fn next(&self, waits: ByClass<bool>) -> Option<Class> {
        let waiting = Class::ALL.into_iter().filter(|class| *waits.of(*class));
        let age = |class: &Class| *self.passed_over.of(*class);
        let aged = waiting
            .clone()
            .filter(|class| age(class) >= PASSED_OVER_MAX);
        // Of those that are equally old, the first: `max_by_key` would take the last.
        aged.rev().max_by_key(age).or_else(|| waiting.min())
    }

    /// Notes a grant to `class`, made while `waits` was true of those that somebody waited in.
    pub(super) fn granted(&mut self, granted: Class, waits: ByClass<bool>) {
        self.passed_over = ByClass::from_fn(|class| {
            if class == granted || !waits.of(class) {
                0
            } else {
                self.passed_over.of(class).saturating_add(1)
            }
        });
    }
}

/// A class that was passed over so often gets the next grant. Two classes may be due at once, so nobody is passed
/// over more than one time more.
pub(super) const PASSED_OVER_MAX: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// The classes of the first grants, by their first letters, while nobody ever leaves.
    fn grants(waits: &str, count: usize) -> String {
        let waits = ByClass::from_fn(|class| waits.contains(letter(class)));
        let mut ages = Ages::default();
        let mut grants = String::new();
        for _ in 0..count {
            let Some(class) = ages.next(waits) else { break };
            ages.granted(class, waits);
            grants.push(letter(class));
        }
        grants
    }

    fn letter(class: Class) -> char {
        class.name().chars().next().unwrap()
    }

    #[test]
    fn first_class_first_and_nobody_starves() {
        for (waits, expected) in [
            ("", ""),
            ("s", "ssss"),
            ("mi", "mmmmimmmmim"),
            ("is", "iiiisiiiisi"),
            ("mis", "mmmmismmmismmm"),
        ] {
            assert_eq!(grants(waits, expected.len()), expected, "{waits}");
        }
    }

    #[test]
    fn a_class_that_nobody_waits_in_grows_no_older() {
        let both = ByClass::from_fn(|class| class != Class::Metadata);
        let alone = ByClass::from_fn(|class| class == Class::Interactive);
        let mut ages = Ages::default();
        for waits in [both, both, both, alone, both] {
            assert_eq!(ages.next(waits), Some(Class::Interactive));
            ages.granted(Class::Interactive, waits);
        }
        assert_eq!(ages.next(both), Some(Class::Interactive));
    }
}
