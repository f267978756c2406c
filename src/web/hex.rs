//! Hexadecimal digits, without the detour over a formatter.

/// The sixteen digits of a number.
pub(crate) fn digits(number: u64) -> [u8; 16] {
    let mut digits = [b'0'; 16];
    let mut left = number;
    for digit in digits.iter_mut().rev() {
        let value = (left & 0xf) as u8;
        *digit = value + if value < 10 { b'0' } else { b'a' - 10 };
        left >>= 4;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_those_of_a_formatter() {
        for number in [0, 9, 10, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(digits(number), *format!("{number:016x}").as_bytes());
        }
    }
}
