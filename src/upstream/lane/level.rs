//! How many queries may be in flight: a number that finds its own level below a maximum.
//!
//! Nobody knows how many upstream allows, and other tools of the customer use it, too. So the level begins at one,
//! grows by one while all goes well, and halves when upstream says that it was too many (additive increase,
//! multiplicative decrease, as in TCP).
//!
//! A level that was too high is not tried again for five minutes.

use std::time::Duration;

use tokio::time::Instant;

/// Between one and the maximum.
#[derive(Debug)]
pub(super) struct Level {
    now: usize,
    max: usize,
    /// Successes in a row at this level, while it was the limit.
    successes: usize,
    /// The level that was too high, and until when it is not tried again.
    barrier: Option<(usize, Instant)>,
}

impl Level {
    /// One, whatever the maximum. A maximum of zero is taken for one.
    pub(super) fn new(max: usize) -> Self {
        Self {
            now: 1,
            max: max.max(1),
            successes: 0,
            barrier: None,
        }
    }

    pub(super) fn now(&self) -> usize {
        self.now
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// A query succeeded. `was_limit` says whether somebody waited for room meanwhile: a level that nobody needs
    /// proves nothing.
    pub(super) fn succeeded(&mut self, was_limit: bool, at: Instant) {
        if !was_limit {
            return;
        }
        self.successes = self.successes.saturating_add(1);
        let next = self.now + 1;
        let barred = self
            .barrier
            .is_some_and(|(level, until)| next >= level && at < until);
        if self.successes >= self.now && next <= self.max && !barred {
            self.now = next;
            self.successes = 0;
        }
    }

    /// A query ended in some other way.
    pub(super) fn failed(&mut self) {
        self.successes = 0;
    }

    /// Upstream answered 429.
    pub(super) fn throttled(&mut self, at: Instant) {
        self.barrier = Some((self.now, at + BARRED_FOR));
        self.now = (self.now / 2).max(1);
        self.successes = 0;
    }
}

/// How long a level that was too high is not tried again.
const BARRED_FOR: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;

    /// What the level is after each of `events`: `+` a success while others wait, `.` one while nobody does, `-` a
    /// failure, `!` a 429, and `m` a minute that goes by.
    fn levels(max: usize, events: &str) -> String {
        let mut level = Level::new(max);
        let mut at = Instant::now();
        let mut levels = String::new();
        for event in events.chars() {
            match event {
                '+' => level.succeeded(true, at),
                '.' => level.succeeded(false, at),
                '-' => level.failed(),
                '!' => level.throttled(at),
                'm' => at += Duration::from_mins(1),
                other => panic!("{other}"),
            }
            assert!((1..=level.max()).contains(&level.now()));
            levels += &level.now().to_string();
        }
        levels
    }

    #[test]
    fn level_finds_itself() {
        let cases = [
            (1, "++++!++++mmmmmm++", "11111111111111111"),
            (3, "+++++++++", "223333333"),
            (9, "+++++++++++", "22333444455"),
            // Nobody waited, or something failed in between.
            (9, "....+....", "111122222"),
            (9, "++-+-++", "2222223"),
            (9, "+++!", "2231"),
            // 3 was too many, for five minutes.
            (9, "+++!++++mmmm+m+", "223122222222223"),
            // 1 is never too many, but neither is it the time for more.
            (9, "!+++mmmmm+", "1111111112"),
        ];
        for (max, events, expected) in cases {
            assert_eq!(levels(max, events), expected, "{max} {events}");
        }
    }
}
