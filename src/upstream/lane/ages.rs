//! Which class is next: the first that somebody waits in, unless another was passed over too often.
//!
//! `$metadata` comes first, then small questions that somebody waits for, then pages of whole tables, then what nobody waits
//! for. Nobody starves: a class that was passed over four times in a row is next. That is counted in turns and not in time,
//! because pages may take 50 ms or half a minute.

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
        let due = waiting.clone().filter(|class| self.is_due(*class));
        // Of those that are equally overdue, the first: `max_by_key` would take the last.
        let first_due = due.rev().max_by_key(|class| self.overdue(*class));
        first_due.or_else(|| waiting.min())
    }

    /// Whether the class was passed over so often that the next grant is its own.
    pub(super) fn is_due(&self, class: Class) -> bool {
        self.overdue(class).is_some()
    }

    /// How often the class was passed over since it is due.
    fn overdue(&self, class: Class) -> Option<u32> {
        let age = *self.passed_over.of(class);
        age.checked_sub(passed_over_max(class))
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

/// A class that was passed over so often gets the next grant.
///
/// What nobody waits for is to go on, so that it ends while it is of use; but those who wait give it one grant in
/// seventeen at most, where each other class may take one in five.
pub(super) fn passed_over_max(class: Class) -> u32 {
    match class {
        Class::Metadata | Class::Interactive | Class::Scan => 4,
        Class::Background => 16,
    }
}

/// So many times more it may happen, because three classes may be due at once. The first class is never one of them.
#[cfg(test)]
pub(super) const DUE_BEFORE_MAX: u32 = 2;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

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
            ("b", "bbbb"),
            ("sb", "ssssssssssssssssbssssssssssssssssb"),
            ("isb", "iiiisiiiisiiiisibiisiiiisiiiisiiib"),
        ] {
            assert_eq!(grants(waits, expected.len()), expected, "{waits}");
        }
    }

    /// All that can happen: whoever waits at each grant, and whatever happened before.
    #[test]
    fn nobody_is_passed_over_for_longer_than_its_class_bears() {
        let sets = (0..1_u32 << Class::ALL.len()).map(|set| {
            let mut bit = 0;
            ByClass::from_fn(|_| {
                bit += 1;
                set >> (bit - 1) & 1 == 1
            })
        });
        let sets: Vec<_> = sets.collect();
        let of = |ages: &Ages| Class::ALL.map(|class| *ages.passed_over.of(class));
        let mut seen = HashSet::from([of(&Ages::default())]);
        let mut to_look_at = vec![Ages::default()];
        let mut oldest = ByClass::<u32>::default();
        while let Some(ages) = to_look_at.pop() {
            for waits in &sets {
                let mut next = ages;
                let Some(class) = ages.next(*waits) else {
                    continue;
                };
                next.granted(class, *waits);
                for (class, age) in Class::ALL.into_iter().zip(of(&next)) {
                    let oldest = oldest.of_mut(class);
                    *oldest = age.max(*oldest);
                }
                if seen.insert(of(&next)) {
                    to_look_at.push(next);
                }
            }
        }
        let passed_over = Class::ALL.map(|class| *oldest.of(class));
        assert_eq!(passed_over, [3, 5, 5, 18]);
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
