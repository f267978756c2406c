//! Bytes of a file → text, however a Windows editor saved it.

/// Reads UTF-8 with or without a byte order mark, and UTF-16 with one: Windows `PowerShell`'s `>` and old
/// editors write the latter. `None` when it is neither.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        [0xFF, 0xFE, rest @ ..] => decode_utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => decode_utf16(rest, u16::from_be_bytes),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().copied().map(unit).collect();
    rest.is_empty().then(|| String::from_utf16(&units).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_windows_editors_write() {
        let cases: [(&[u8], Option<&str>); 6] = [
            (b"a\r\n", Some("a\r\n")),
            (b"\xEF\xBB\xBFa", Some("a")),
            (b"\xFF\xFEa\0\xE9\0", Some("aé")),
            (b"\xFE\xFF\0a", Some("a")),
            (b"\xFF\xFEa", None),
            (b"caf\xE9", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(decode(bytes).as_deref(), expected, "{bytes:?}");
        }
    }
}
