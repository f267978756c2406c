//! Random numbers: names for transactions, and jitter.

use ring::rand::{SecureRandom, SystemRandom};

/// A fresh id for `Citrix-TransactionId` in the form of a UUID (version 4), by which Citrix's support finds
/// a request.
pub(super) fn transaction_id() -> String {
    let bits = u128::from_be_bytes(random());
    let version_4 = (bits & !(0xf << 76)) | (4 << 76);
    let variant_1 = (version_4 & !(0b11 << 62)) | (0b10 << 62);
    let hex = format!("{variant_1:032x}");
    let mut id = String::with_capacity(36);
    for (position, digit) in hex.chars().enumerate() {
        if matches!(position, 8 | 12 | 16 | 20) {
            id.push('-');
        }
        id.push(digit);
    }
    id
}

/// From 0 to 1.
pub(super) fn jitter() -> f64 {
    f64::from(u32::from_be_bytes(random())) / f64::from(u32::MAX)
}

/// Zeros when the system has no random bytes: an id that repeats does no harm.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_like_uuids_and_differ() {
        let id = transaction_id();
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        assert_eq!(&id[14..15], "4");
        assert!("89ab".contains(&id[19..20]), "{id}");
        assert_ne!(id, transaction_id());
        assert!((0.0..=1.0).contains(&jitter()));
    }
}
