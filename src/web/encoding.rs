//! Content codings: gzip, in which texts are kept, and identity. Others are not offered: `deflate` is ambiguous, Power
//! Query asks for neither `br` nor `zstd`, and packing anew for those who do takes longer than it saves.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, header};

use super::body::{Part, Parts};
use super::{frames, list};
use crate::cache::{Form, GzipWriter, Packed, Plain};
use crate::gateway::{AnswerError, SharedError};
use crate::odata::neutral::NeutralText;

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
    pub(crate) fn choose(headers: &HeaderMap, bytes: Option<u64>) -> Self {
        if bytes.is_some_and(|bytes| bytes < GZIP_BYTES_MIN) {
            return Self::Identity;
        }
        let offer = |wanted: &[&str]| {
            let named = |offer: &&str| {
                let name = list::split(offer, ';').next().unwrap_or_default();
                wanted
                    .iter()
                    .any(|wanted| name.eq_ignore_ascii_case(wanted))
            };
            list::members(headers, header::ACCEPT_ENCODING).find(named)
        };
        match offer(&["gzip", "x-gzip"]).or_else(|| offer(&["*"])) {
            Some(offer) if list::weight(offer) > 0.0 => Self::Gzip,
            _ => Self::Identity,
        }
    }

    /// The form of a stored answer that this is served from best.
    pub(crate) fn form(self) -> Form {
        match self {
            Self::Identity => Form::Text,
            Self::Gzip => Form::Packed,
        }
    }
}

/// A body as it is sent.
#[derive(Debug)]
pub(crate) struct Encoded {
    parts: Parts,
    root: Bytes,
    /// `None` after the end.
    coder: Option<Coder>,
    /// To be sent next.
    queue: VecDeque<Bytes>,
    /// The longest piece that is sent.
    bytes_max: usize,
}

#[derive(Debug)]
enum Coder {
    /// The text that is being sent.
    Identity(Option<Box<Plain>>),
    /// Without its [`GzipWriter::end`], after an error, no reader takes the file for complete.
    Gzip {
        writer: GzipWriter,
        /// The text that is being sent, and the number of the part of it that comes next.
        text: Packed,
        next: usize,
    },
}

impl Encoded {
    /// The body of these `parts` for a client with this service root, in pieces of at most `bytes_max` bytes.
    pub(crate) fn new(parts: Parts, coding: Coding, root: Bytes, bytes_max: usize) -> Self {
        Self {
            parts,
            root,
            coder: Some(match coding {
                Coding::Identity => Coder::Identity(None),
                Coding::Gzip => Coder::Gzip {
                    writer: GzipWriter::new(),
                    text: Packed::default(),
                    next: 0,
                },
            }),
            queue: VecDeque::new(),
            bytes_max,
        }
    }

    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, SharedError>> {
        loop {
            if let Some(bytes) = frames::next(&mut self.queue, self.bytes_max) {
                return Poll::Ready(Ok(Some(bytes)));
            }
            let Some(coder) = &mut self.coder else {
                return Poll::Ready(Ok(None));
            };
            if coder.go_on(&self.root, &mut self.queue)? {
                continue;
            }
            match ready!(self.parts.poll_next_unpin(cx)?) {
                Some(Part::Text(text)) => coder.feed(text, &self.root),
                Some(Part::Blank) => coder.feed(blank(), &self.root),
                None => {
                    if let Some(Coder::Gzip { writer, .. }) = self.coder.take() {
                        writer.end(&mut self.queue);
                    }
                }
            }
        }
    }
}

impl Coder {
    /// A text to be sent, when the one before is.
    fn feed(&mut self, new: Packed, root: &Bytes) {
        match self {
            Self::Identity(text) => *text = Some(Box::new(new.plain(root))),
            Self::Gzip { text, next, .. } => {
                *text = new;
                *next = 0;
            }
        }
    }

    /// Sends one more part of what was fed, which is of bounded length where it has to be packed or unpacked; `false` when
    /// all of it is sent.
    fn go_on(&mut self, root: &Bytes, queue: &mut VecDeque<Bytes>) -> Result<bool, SharedError> {
        match self {
            Self::Identity(text) => match text.as_mut().and_then(Iterator::next) {
                Some(bytes) => queue.push_back(bytes.map_err(|error| unreadable(&error))?),
                None => return Ok(false),
            },
            Self::Gzip { writer, text, next } => {
                let Some(part) = text.parts().get(*next) else {
                    writer.flush(queue);
                    return Ok(!queue.is_empty());
                };
                *next += 1;
                let written = writer.write(part, root, queue);
                written.map_err(|error| unreadable(&error))?;
            }
        }
        Ok(true)
    }
}

/// Never seen: what was packed can be unpacked.
fn unreadable(error: &io::Error) -> SharedError {
    tracing::error!(%error, "a packed text cannot be unpacked; its client is cut off");
    AnswerError::Interrupted.into()
}

fn blank() -> Packed {
    let mut blank = NeutralText::new();
    blank.push(" ");
    Packed::pack(&blank)
}

impl Stream for Encoded {
    type Item = Result<Bytes, SharedError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match ready!(self.poll_output(cx)) {
            Ok(bytes) => Poll::Ready(bytes.map(Ok)),
            Err(error) => {
                self.coder = None;
                self.queue.clear();
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

/// Smaller bodies stay as they are: they fit into one packet anyway.
const GZIP_BYTES_MIN: u64 = 1024;

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::super::body::tests::{ROOT, cut, parts, segment};
    use super::super::notes::Notes;
    use super::*;

    fn gzip(script: Vec<(u64, Result<crate::cache::Segment, SharedError>)>) -> Encoded {
        Encoded::new(
            parts(script, &Notes::default()),
            Coding::Gzip,
            ROOT,
            usize::MAX,
        )
    }

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
        let mut body = gzip(script);
        let mut sent = body.next().await.unwrap().unwrap().to_vec();
        while sent.len() < 15 {
            sent.extend(body.next().await.unwrap().unwrap());
        }
        let mut early = [0; 2];
        GzDecoder::new(&*sent).read_exact(&mut early).unwrap();
        assert_eq!(&early, b"[1", "before the second segment is there");
        while let Some(bytes) = body.next().await {
            sent.extend(bytes.unwrap());
        }
        assert!(body.next().await.is_none(), "ends once");
        let mut text = String::new();
        GzDecoder::new(&*sent).read_to_string(&mut text).unwrap();
        assert_eq!(text, "[1,2]");
    }

    #[tokio::test(start_paused = true)]
    async fn large_segments_are_packed() {
        let large: &'static str = "0123456789".repeat(100_000).leak();
        let body = gzip(vec![(0, Ok(segment(large, 1)))]);
        let sent: Vec<u8> = body.map(Result::unwrap).collect::<Vec<_>>().await.concat();
        let mut text = String::new();
        GzDecoder::new(&*sent).read_to_string(&mut text).unwrap();
        assert_eq!(text, large);
        assert!(sent.len() < large.len() / 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_answer_has_no_trailer() {
        let script = vec![(0, Ok(segment("[1", 1))), (0, Err(cut()))];
        let mut body = gzip(script);
        let mut sent = Vec::new();
        let error = loop {
            match body.next().await.unwrap() {
                Ok(bytes) => sent.extend(bytes),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().starts_with("interrupted"), "{error}");
        assert!(body.next().await.is_none(), "ends once");
        assert!(GzDecoder::new(&*sent).read_to_end(&mut Vec::new()).is_err());
    }
}
