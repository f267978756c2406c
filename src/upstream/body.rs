//! Reading a body whole, and recognising one that is not data.

use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt;

use crate::transport::{ResponseBody, TransportError};

/// Why a body was not read.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is larger than the limit.
    TooLarge,
    /// It ended early.
    Cut(TransportError),
}

/// Reads `body` to its end, unless it is larger than `bytes_max`.
pub(super) async fn read_whole(mut body: ResponseBody, bytes_max: usize) -> Result<Bytes, Unread> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > bytes_max {
        return Err(Unread::TooLarge);
    }
    let mut whole = BytesMut::with_capacity(announced);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(Unread::Cut)?.into_data() else {
            continue;
        };
        if whole.len() + data.len() > bytes_max {
            return Err(Unread::TooLarge);
        }
        whole.extend_from_slice(&data);
    }
    Ok(fitted(whole))
}

/// The bytes, without much room behind them: they may be kept for hours. A buffer whose length was not announced
/// has doubled as it grew, and is up to half empty.
fn fitted(bytes: BytesMut) -> Bytes {
    let spare = bytes.capacity() - bytes.len();
    if spare <= bytes.len() / SPARE_PART_MAX {
        return bytes.freeze();
    }
    Vec::from(bytes).into_boxed_slice().into()
}

/// Whether this is a web page in place of data, by its label or by its first bytes.
pub(super) fn is_html(content_type: Option<&str>, body: &[u8]) -> bool {
    let labelled = content_type
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/html"));
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let body = body.trim_ascii_start();
    let begins = |with: &[u8]| {
        body.get(..with.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(with))
    };
    labelled || begins(b"<!doctype html") || begins(b"<html")
}

/// One byte of room for so many is not worth moving them.
const SPARE_PART_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    #[tokio::test]
    async fn limit_holds_with_and_without_a_length() {
        let full = |text: &'static str| {
            let full = http_body_util::Full::new(Bytes::from_static(text.as_bytes()));
            full.map_err(|never| match never {}).boxed_unsync()
        };
        assert_eq!(read_whole(full("12345"), 5).await.unwrap(), "12345");
        assert!(matches!(
            read_whole(full("123456"), 5).await,
            Err(Unread::TooLarge)
        ));
        let pieces =
            ["123", "456"].map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes()))));
        let body = StreamBody::new(stream::iter(pieces)).boxed_unsync();
        assert!(matches!(read_whole(body, 5).await, Err(Unread::TooLarge)));
    }

    #[tokio::test]
    async fn no_body_is_kept_with_much_room_behind_it() {
        for (length, announced) in [
            (1000, false),
            (66_000, false),
            (66_000, true),
            (300_000, false),
        ] {
            let bytes = Bytes::from(vec![b'x'; length]);
            let body = if announced {
                let full = http_body_util::Full::new(bytes.clone());
                full.map_err(|never| match never {}).boxed_unsync()
            } else {
                let pieces: Vec<_> = bytes.chunks(1000).map(Bytes::copy_from_slice).collect();
                let frames = pieces.into_iter().map(|piece| Ok(Frame::data(piece)));
                StreamBody::new(stream::iter(frames)).boxed_unsync()
            };
            let whole = read_whole(body, 1_000_000).await.unwrap();
            assert_eq!(whole, bytes);
            let capacity = whole.try_into_mut().unwrap().capacity();
            assert!(capacity <= length + length / 4, "{capacity} for {length}");
        }
    }

    #[test]
    fn html_is_recognised() {
        let cases = [
            (Some("text/html; charset=utf-8"), "", true),
            (Some("Text/HTML"), "{}", true),
            (None, "\u{feff}\r\n <!DOCTYPE html><html>", true),
            (Some("application/json"), "<HTML lang=en>", true),
            (Some("application/json"), "{\"value\":[]}", false),
            (Some("application/xml"), "<?xml version=\"1.0\"?>", false),
            (None, "", false),
        ];
        for (content_type, body, html) in cases {
            assert_eq!(is_html(content_type, body.as_bytes()), html, "{body}");
        }
    }
}
