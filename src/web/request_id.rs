//! A name for every request, so that what a client was told can be found in the log.

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};
use ring::rand::{SecureRandom, SystemRandom};

use super::hex;

/// Sixteen hexadecimal digits. No two requests of one run have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestId(u64);

impl RequestId {
    /// A new name: `SplitMix64`, from a random start. Names are for reading, not for secrecy.
    pub(crate) fn next() -> Self {
        let mut name = STATE.fetch_add(GAMMA, Ordering::Relaxed);
        // Each step can be undone, so that different states have different names.
        name = (name ^ (name >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        name = (name ^ (name >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(name ^ (name >> 31))
    }

    /// Says the name in `X-Request-Id`.
    pub(crate) fn name(self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::from_bytes(&hex::digits(self.0)) {
            headers.insert(HEADER, value);
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Where the names of this run are. Should the system have no randomness, those of all runs are the same.
static STATE: LazyLock<AtomicU64> = LazyLock::new(|| {
    let mut bytes = [0; 8];
    let _ = SystemRandom::new().fill(&mut bytes);
    AtomicU64::new(u64::from_be_bytes(bytes))
});

/// From one state to the next: 2^64 divided by the golden ratio, odd.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
const HEADER: HeaderName = HeaderName::from_static("x-request-id");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_sixteen_digits_and_differ() {
        let (a, b) = (RequestId::next(), RequestId::next());
        assert_eq!(a.to_string().len(), 16);
        assert_ne!(a, b);
        let mut headers = HeaderMap::new();
        a.name(&mut headers);
        assert_eq!(headers[HEADER], a.to_string());
    }
}
