//! Content codings: gzip, and identity. Others are not offered: `deflate` is ambiguous, and Power Query asks
//! for neither `br` nor `zstd`.

use std::error::Error;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, header};

use super::body::{Part, Parts};
use super::list;

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// As it is.
    Identity,
    /// Compressed.
    Gzip,
}

impl Coding {
    /// The coding for a body of `bytes` (`None` when that is not known yet): gzip when the client takes it.
    pub(crate) fn choose(headers: &HeaderMap, bytes: Option<usize>) -> Self {
        if bytes.is_some_and(|bytes| bytes < GZIP_BYTES_MIN) {
            return Self::Identity;
        }
        let offers = list::members(headers, header::ACCEPT_ENCODING);
        let offer = |wanted: &[&str]| {
            let named = |offer: &&str| {
                let name = list::split(offer, ';').first().copied().unwrap_or_default();
                wanted
                    .iter()
                    .any(|wanted| name.eq_ignore_ascii_case(wanted))
            };
            offers.iter().copied().find(|offer| named(offer))
        };
        match offer(&["gzip", "x-gzip"]).or_else(|| offer(&["*"])) {
            Some(offer) if list::weight(offer) > 0.0 => Self::Gzip,
            _ => Self::Identity,
        }
    }
}

/// A body, compressed while it is sent. After an error there is no gzip trailer either.
pub(crate) struct Gzip {
    parts: Parts,
    /// `None` after the end.
    encoder: Option<GzEncoder<Vec<u8>>>,
    /// Still to be compressed.
    rest: Bytes,
    /// Other tasks get the thread before the next slice.
    tired: bool,
}

impl Gzip {
    /// Compresses `parts`.
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            parts,
            encoder: Some(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL))),
            rest: Bytes::new(),
            tired: false,
        }
    }

    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Failure>> {
        loop {
            let Some(encoder) = &mut self.encoder else {
                return Poll::Ready(Ok(Bytes::new()));
            };
            if self.tired {
                self.tired = false;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.rest.is_empty() {
                match ready!(self.parts.poll_next_unpin(cx)) {
                    Some(Ok(Part::Bytes(bytes))) => self.rest = bytes,
                    Some(Ok(Part::Flush)) => encoder.flush()?,
                    Some(Err(error)) => return Poll::Ready(Err(error.into())),
                    None => return Poll::Ready(finish(self.encoder.take())),
                }
            } else {
                let slice = self.rest.split_to(SLICE_BYTES_MAX.min(self.rest.len()));
                encoder.write_all(&slice)?;
                self.tired = !self.rest.is_empty();
            }
            if let Some(encoder) = &mut self.encoder
                && !encoder.get_ref().is_empty()
            {
                return Poll::Ready(Ok(std::mem::take(encoder.get_mut()).into()));
            }
        }
    }
}

impl Stream for Gzip {
    type Item = Result<Bytes, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match ready!(self.poll_output(cx)) {
            Ok(bytes) if bytes.is_empty() => Poll::Ready(None),
            Ok(bytes) => Poll::Ready(Some(Ok(bytes))),
            Err(error) => {
                self.encoder = None;
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

fn finish(encoder: Option<GzEncoder<Vec<u8>>>) -> Result<Bytes, Failure> {
    let end = encoder.map(GzEncoder::finish).transpose()?;
    Ok(end.unwrap_or_default().into())
}

/// The answer's error, or (never yet seen) the compressor's.
type Failure = Box<dyn Error + Send + Sync>;

/// Smaller bodies stay as they are: they fit into one packet anyway.
const GZIP_BYTES_MIN: usize = 1024;
/// On loopback, time matters more than size.
const GZIP_LEVEL: u32 = 1;
/// Compressing so much takes a fraction of a millisecond.
const SLICE_BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::super::body::tests::{cut, parts, segment};
    use super::super::notes::Notes;
    use super::*;

    #[test]
    fn gzip_for_those_who_take_it() {
        for (accept, expected) in [
            ("gzip, deflate", Coding::Gzip),
            ("deflate, X-GZIP;q=0.1", Coding::Gzip),
            ("*", Coding::Gzip),
            ("gzip;q=0, *", Coding::Identity),
            ("br, zstd, deflate", Coding::Identity),
            ("identity", Coding::Identity),
            ("", Coding::Identity),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("accept-encoding", accept.parse().unwrap());
            assert_eq!(Coding::choose(&headers, None), expected, "{accept}");
            assert_eq!(Coding::choose(&headers, Some(1023)), Coding::Identity);
        }
        assert_eq!(Coding::choose(&HeaderMap::new(), None), Coding::Identity);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_sent_decodes_and_each_segment_arrives_at_once() {
        let script = vec![(0, Ok(segment("[1", 1))), (9, Ok(segment(",2]", 1)))];
        let mut gzip = Gzip::new(parts(script, &Notes::default()));
        let mut sent = gzip.next().await.unwrap().unwrap().to_vec();
        while sent.len() < 15 {
            sent.extend(gzip.next().await.unwrap().unwrap());
        }
        let mut early = [0; 2];
        GzDecoder::new(&*sent).read_exact(&mut early).unwrap();
        assert_eq!(&early, b"[1", "before the second segment is there");
        while let Some(bytes) = gzip.next().await {
            sent.extend(bytes.unwrap());
        }
        assert!(gzip.next().await.is_none(), "ends once");
        let mut text = String::new();
        GzDecoder::new(&*sent).read_to_string(&mut text).unwrap();
        assert_eq!(text, "[1,2]");
    }

    #[tokio::test(start_paused = true)]
    async fn large_segments_are_cut_into_slices() {
        let large: &'static str = "0123456789".repeat(100_000).leak();
        let gzip = Gzip::new(parts(vec![(0, Ok(segment(large, 1)))], &Notes::default()));
        let sent: Vec<u8> = gzip.map(Result::unwrap).collect::<Vec<_>>().await.concat();
        let mut text = String::new();
        GzDecoder::new(&*sent).read_to_string(&mut text).unwrap();
        assert_eq!(text, large);
        assert!(sent.len() < large.len() / 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_answer_has_no_trailer() {
        let script = vec![(0, Ok(segment("[1", 1))), (0, Err(cut()))];
        let mut gzip = Gzip::new(parts(script, &Notes::default()));
        let mut sent = Vec::new();
        let error = loop {
            match gzip.next().await.unwrap() {
                Ok(bytes) => sent.extend(bytes),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().starts_with("interrupted"), "{error}");
        assert!(gzip.next().await.is_none(), "ends once");
        assert!(GzDecoder::new(&*sent).read_to_end(&mut Vec::new()).is_err());
    }
}
