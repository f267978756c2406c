//! GUIDs that hide a row number: they look random, and can be turned back without a lookup.

use super::dice::mix;

/// Makes and reads the GUID keys of one table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guids {
    secret: u64,
}

impl Guids {
    /// Different tables of one seed get unrelated keys.
    pub(crate) fn new(seed: u64, table: u64) -> Self {
        Self {
            secret: mix(seed, table, 0x6775_6964),
        }
    }

    /// The key of row `index`.
    pub(crate) fn of(self, index: u64) -> u128 {
        let low = self.scramble(index);
        let high = mix(self.secret, low, 1);
        // Version 4, variant 1: what a random GUID says of itself.
        let high = (high & 0xffff_ffff_ffff_0fff) | 0x4000;
        (u128::from(high) << 64) | u128::from(low | 1 << 63)
    }

    /// The row that has this key; the caller checks that there is such a row.
    pub(crate) fn index(self, guid: u128) -> Option<u64> {
        let index = self.unscramble(guid as u64 & (u64::MAX >> 2));
        (self.of(index) == guid).then_some(index)
    }

    /// A Feistel network over 62 bits.
    fn scramble(self, index: u64) -> u64 {
        let (mut left, mut right) = (index >> 31 & HALF, index & HALF);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ self.round(right, round));
        }
        left << 31 | right
    }

    fn unscramble(self, scrambled: u64) -> u64 {
        let (mut left, mut right) = (scrambled >> 31 & HALF, scrambled & HALF);
        for round in (0..ROUNDS).rev() {
            (left, right) = (right ^ self.round(left, round), left);
        }
        left << 31 | right
    }

    fn round(self, half: u64, round: u64) -> u64 {
        mix(self.secret, half, round) & HALF
    }
}

const HALF: u64 = (1 << 31) - 1;
const ROUNDS: u64 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_back_into_the_index() {
        let guids = Guids::new(7, 3);
        for index in (0..1000).chain([1 << 20, 1 << 40, (1 << 62) - 1]) {
            assert_eq!(guids.index(guids.of(index)), Some(index));
        }
        assert_eq!(guids.index(12345), None);
        assert_eq!(Guids::new(7, 4).index(guids.of(5)), None);
    }
}
