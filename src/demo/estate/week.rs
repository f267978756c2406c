//! When people start working: the rhythm of a working week, spread over the days that are kept.

use crate::demo::moment::{DAY, HOUR, TICKS, weekday};

use super::dice::scale;

/// A stretch of time in which events are dense on weekday mornings and rare at night.
#[derive(Debug)]
pub(crate) struct Rhythm {
    start: i64,
    /// Weight of everything before the end of each hour.
    sums: Vec<u64>,
}

impl Rhythm {
    /// The `days` before `now`.
    pub(crate) fn before(now: i64, days: i64) -> Self {
        let start = now - days * DAY;
        let sums = (0..days * 24)
            .scan(0, |sum, hour| {
                *sum += weight(start + hour * HOUR);
                Some(*sum)
            })
            .collect();
        Self { start, sums }
    }

    /// The moment of event `index` of `count` in milliseconds; later events have later moments, or the same.
    pub(crate) fn moment(&self, index: u64, count: u64, jitter: u64) -> i64 {
        self.ticks(index, count, jitter).div_euclid(TICKS)
    }

    /// The same in ticks.
    pub(crate) fn ticks(&self, index: u64, count: u64, jitter: u64) -> i64 {
        let total = self.sums.last().copied().unwrap_or(1);
        let point = (u128::from(index) << 32) + u128::from(jitter >> 32);
        let target = (point * u128::from(total) * u128::from(SHARP)
            / (u128::from(count.max(1)) << 32)) as u64;
        let hour = self.sums.partition_point(|sum| sum * SHARP <= target);
        let before = hour
            .checked_sub(1)
            .and_then(|hour| self.sums.get(hour))
            .copied()
            .unwrap_or(0);
        let after = self.sums.get(hour).copied().unwrap_or(before + 1);
        let hour_ticks = HOUR * TICKS;
        let within = i128::from(target - before * SHARP) * i128::from(hour_ticks)
            / i128::from(((after - before) * SHARP).max(1));
        (self.start + hour as i64 * HOUR) * TICKS + (within as i64).min(hour_ticks - 1)
    }
}

/// How busy an hour is, from 0 to about 1000.
pub(crate) fn weight(moment: i64) -> u64 {
    let hour = moment.rem_euclid(DAY) / HOUR;
    let busy = match hour {
        7 => 900,
        8 => 1000,
        9 => 620,
        6 | 10 | 11 => 300,
        12 | 13 => 420,
        14 | 15 => 260,
        16 | 17 => 130,
        18 | 19 => 60,
        _ => NIGHT,
    };
    match weekday(moment) {
        weekend if weekend > 4 => busy / 20 + 2,
        4 => busy * 9 / 10,
        _ => busy,
    }
}

/// A number from `0..limit` that follows the hour's weight.
pub(crate) fn busy(moment: i64, limit: u64, random: u64) -> i64 {
    let top = limit * weight(moment) / 1000 + 1;
    scale(random, top) as i64
}

/// The weight of an hour at night.
const NIGHT: u64 = 20;

/// Steps within an hour's weight, so that events in a row get different moments.
const SHARP: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::moment::read;

    #[test]
    fn moments_rise_and_mornings_are_busy() {
        let now = read("2026-03-06T12:00:00Z").unwrap() / TICKS;
        let rhythm = Rhythm::before(now, 90);
        let moments: Vec<i64> = (0..10_000)
            .map(|index| rhythm.moment(index, 10_000, u64::MAX / 2))
            .collect();
        assert!(moments.is_sorted());
        assert!(
            moments
                .iter()
                .all(|moment| (now - 90 * DAY..now).contains(moment))
        );
        let weekend = moments
            .iter()
            .filter(|moment| weekday(**moment) > 4)
            .count();
        assert!(weekend < 500, "{weekend}");
    }
}
