//! CRC-32 of texts that are put together (RFC 1952, section 8).
//!
//! A CRC is the remainder of a polynomial over GF(2). To put `b` behind `a` is to multiply the CRC of `a` by x to the power
//! of `b`'s bits, and to add that of `b`. That power takes a microsecond to find, and depends on the length alone: so it is
//! found once for each text that is kept.

/// The CRC-32 of a text, ready to be put behind others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crc {
    pub(super) value: u32,
    /// x to the power of the text's bits.
    shift: u32,
}

impl Crc {
    /// The CRC of a text of so many bytes.
    pub(super) fn new(value: u32, text_len: u64) -> Self {
        let (mut shift, mut power, mut left) = (ONE, X_TO_THE_EIGHTH, text_len);
        while left > 0 {
            if left & 1 == 1 {
                shift = multiplied(shift, power);
            }
            power = multiplied(power, power);
            left >>= 1;
        }
        Self { value, shift }
    }

    /// The CRC of the text that this one's follows, whose CRC is `before`, with this one's.
    pub(super) fn behind(self, before: u32) -> u32 {
        multiplied(before, self.shift) ^ self.value
    }
}

/// The product of two polynomials, modulo that of CRC-32. The highest bit is the one without x.
fn multiplied(mut a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    while a != 0 {
        if a & ONE != 0 {
            product ^= b;
        }
        a <<= 1;
        b = (b >> 1) ^ if b & 1 == 1 { POLYNOMIAL } else { 0 };
    }
    product
}

const ONE: u32 = 1 << 31;
const X_TO_THE_EIGHTH: u32 = ONE >> 8;
const POLYNOMIAL: u32 = 0xedb8_8320;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_put_together_have_the_crc_of_the_whole(a: Vec<u8>, b: Vec<u8>) {
            let behind = Crc::new(crc32fast::hash(&b), b.len() as u64);
            let whole = crc32fast::hash(&[a.as_slice(), &b].concat());
            prop_assert_eq!(behind.behind(crc32fast::hash(&a)), whole);
        }
    }
}
