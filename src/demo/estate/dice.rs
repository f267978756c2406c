//! Seeded chance: the same seed and place always give the same number.

/// Mixes three numbers into one that looks random.
pub(crate) fn mix(seed: u64, place: u64, salt: u64) -> u64 {
    let mut hash = seed
        .wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_add(salt.wrapping_mul(0xd1b5_4a32_d192_ed03));
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// A stream of numbers for one place.
#[derive(Debug, Clone)]
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    /// The stream that belongs to row `index` of something called `salt`.
    pub(crate) fn new(seed: u64, salt: u64, index: u64) -> Self {
        Self {
            state: mix(seed, index, salt),
        }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state, 0, 0)
    }

    /// From 0 to `limit`, exclusive; 0 when the limit is 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        scale(self.next(), limit)
    }

    /// The same, as a signed number.
    pub(crate) fn upto(&mut self, limit: i64) -> i64 {
        self.below(limit.unsigned_abs()).cast_signed()
    }

    /// From `low` to `high`, exclusive.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.upto(high - low)
    }

    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// From 0 to `limit` with two decimals.
    pub(crate) fn decimal(&mut self, limit: f64) -> f64 {
        let share = self.below(10_001) as f64 / 10_000.0;
        (share * limit * 100.0).round() / 100.0
    }

    /// One of the list.
    pub(crate) fn pick<T: Copy + Default>(&mut self, list: &[T]) -> T {
        let place = self.below(list.len() as u64);
        nth(list, place)
    }
}

/// The element at `place`, counted around the list.
pub(crate) fn nth<T: Copy + Default>(list: &[T], place: u64) -> T {
    let length = list.len().max(1) as u64;
    usize::try_from(place % length)
        .ok()
        .and_then(|place| list.get(place))
        .copied()
        .unwrap_or_default()
}

/// Brings a random number into `0..limit`.
pub(crate) fn scale(random: u64, limit: u64) -> u64 {
    ((u128::from(random) * u128::from(limit)) >> 64) as u64
}
