//! `StartDate` of sessions: what is stored there, and which rows have nothing there.
//!
//! Rows that have a date have later ones, or the same, the higher their number. So rows of a stretch of time
//! are found by halving.

use crate::demo::moment::TICKS;
use crate::demo::value::Value;

use super::Estate;
use super::dice::mix;

/// What is odd about start dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Oddities {
    /// One session in each block of so many has no date; 0: all have one.
    pub(crate) null_every: u64,
    /// Dates are whole multiples of so many ticks; 0 leaves them as they are.
    pub(crate) tied: i64,
    /// Dates are ticks; otherwise whole milliseconds.
    pub(crate) fine: bool,
}

impl Estate {
    /// The same estate with these oddities.
    #[must_use]
    pub(crate) fn with_dates(self, dates: Oddities) -> Self {
        Self { dates, ..self }
    }

    /// How many sessions there are, those that have not arrived included.
    pub(crate) fn sessions(&self) -> u64 {
        self.sessions
    }

    /// What is stored as the start of a session.
    pub(super) fn start_date(&self, index: u64) -> Value {
        if self.undated(index) {
            Value::Null
        } else {
            Value::Date(self.start_ticks(index))
        }
    }

    /// The same for a session that has a date; for others, the date that would be in order there.
    pub(crate) fn start_ticks(&self, index: u64) -> i64 {
        let ticks = self.session_ticks(index);
        let coarse = match (self.dates.fine, self.dates.tied) {
            (_, 1..) => self.dates.tied,
            (true, _) => 1,
            (false, _) => TICKS,
        };
        ticks - ticks.rem_euclid(coarse)
    }

    /// The first session that started at or after this moment, whether it has a date or not.
    pub(crate) fn first_since(&self, ticks: i64) -> u64 {
        first(self.sessions, |index| self.start_ticks(index) >= ticks)
    }

    /// Whether a session has no start date.
    pub(crate) fn undated(&self, index: u64) -> bool {
        self.dates.null_every > 0 && self.undated_in(index / self.dates.null_every) == Some(index)
    }

    /// How many sessions before this one have no start date.
    pub(crate) fn undated_before(&self, index: u64) -> u64 {
        match index.checked_div(self.dates.null_every) {
            None => 0,
            Some(block) => block + u64::from(self.undated_in(block).is_some_and(|at| at < index)),
        }
    }

    /// All sessions without a start date, in their usual order.
    pub(crate) fn undated_sessions(&self) -> impl Iterator<Item = u64> {
        let blocks = match self.dates.null_every {
            0 => 0,
            size => self.sessions.div_ceil(size),
        };
        (0..blocks).filter_map(|block| self.undated_in(block))
    }

    /// The session of a block that has no start date; the last block may be too short to have one.
    fn undated_in(&self, block: u64) -> Option<u64> {
        one_of(self.seed, block, self.dates.null_every, UNDATED).filter(|at| *at < self.sessions)
    }

    /// The session of a block that arrives late, if late ones are one in so many.
    pub(crate) fn late_in(&self, block: u64, size: u64) -> Option<u64> {
        one_of(self.seed, block, size, LATE).filter(|at| *at < self.sessions)
    }
}

/// A chosen row of a block; None without blocks.
fn one_of(seed: u64, block: u64, size: u64, salt: u64) -> Option<u64> {
    let place = mix(seed, block, salt).checked_rem(size)?;
    Some(block * size + place)
}

/// The first of `0..count` for which this holds, or `count`; it must hold for all that follow.
pub(crate) fn first(count: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = u64::midpoint(low, high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

const UNDATED: u64 = 0x6e75;
const LATE: u64 = 0x6c61_7465;

#[cfg(test)]
mod tests {
    use super::*;

    fn estate(dates: Oddities) -> Estate {
        Estate::new(3, 2003, 1_772_806_800_000).with_dates(dates)
    }

    #[test]
    fn dates_rise_and_undated_rows_are_counted() {
        for (null_every, tied, fine) in [(0, 0, false), (7, 0, true), (1, 0, true), (40, 600, true)]
        {
            let estate = estate(Oddities {
                null_every,
                tied: tied * 1000 * TICKS,
                fine,
            });
            let ticks: Vec<i64> = (0..2003).map(|index| estate.start_ticks(index)).collect();
            assert!(ticks.is_sorted());
            let mut undated = 0;
            for index in 0..2003 {
                assert_eq!(
                    estate.undated_before(index),
                    undated,
                    "{null_every} {index}"
                );
                undated += u64::from(estate.undated(index));
            }
            assert_eq!(estate.undated_before(2003), undated);
            let expected = 2003_u64.checked_div(null_every).unwrap_or(0);
            assert!((expected..=expected + 1).contains(&undated));
            for index in (0..2003).step_by(97) {
                let found = estate.first_since(estate.start_ticks(index));
                assert_eq!(estate.start_ticks(found), estate.start_ticks(index));
                assert!(found == 0 || estate.start_ticks(found - 1) < estate.start_ticks(found));
            }
        }
    }

    #[test]
    fn ties_and_digits_are_as_chosen() {
        let tied = estate(Oddities {
            tied: 600_000 * TICKS,
            ..Oddities::default()
        });
        assert!((0..2003).all(|index| tied.start_ticks(index) % (600_000 * TICKS) == 0));
        let coarse = estate(Oddities::default());
        assert!((0..2003).all(|index| coarse.start_ticks(index) % TICKS == 0));
        let fine = estate(Oddities {
            fine: true,
            ..Oddities::default()
        });
        assert!(
            (0..2003)
                .filter(|index| fine.start_ticks(*index) % TICKS == 0)
                .count()
                < 10
        );
    }
}
