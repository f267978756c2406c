//! Bodies that lie ready: of stored answers, in the form in which they are sent.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::encoding::Coding;
use super::frames;
use super::notes::Notes;
use crate::cache::{Entry, GzipWriter};

/// The body of `entry` for a client with this service root, when it can be sent without more work than putting it
/// together: nothing is copied but short pieces. `None` when it is long and has to be read, packed or unpacked on its way.
/// Its pieces are at most `bytes_max` long.
pub(crate) fn ready(
    entry: &Entry,
    coding: Coding,
    root: &Bytes,
    bytes_max: usize,
    notes: &Notes,
) -> Option<Body> {
    let mut frames = VecDeque::new();
    match coding {
        Coding::Identity => {
            let packed = entry.plain()?;
            match packed.short(root) {
                Some(whole) => frames.push_back(whole),
                None => frames = packed.plain(root).collect::<io::Result<_>>().ok()?,
            }
        }
        Coding::Gzip => {
            let packed = entry.in_memory()?;
            packed.gzip_len_at(root.len())?;
            let mut writer = GzipWriter::new();
            for part in packed.parts() {
                writer.write(part, root, &mut frames).ok()?;
            }
            writer.end(&mut frames);
        }
    }
    Some(Body::new(Ready {
        left: frames.iter().map(|frame| frame.len() as u64).sum(),
        frames,
        bytes_max,
        rows: Some((entry.facts.rows, notes.clone())),
    }))
}

struct Ready {
    frames: VecDeque<Bytes>,
    bytes_max: usize,
    /// Bytes in the frames.
    left: u64,
    /// To be noted when the body is asked for.
    rows: Option<(u64, Notes)>,
}

impl http_body::Body for Ready {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some((rows, notes)) = self.rows.take() {
            notes.add_rows(rows);
        }
        let Self {
            frames, bytes_max, ..
        } = &mut *self;
        let frame = frames::next(frames, *bytes_max);
        self.left -= frame.as_ref().map_or(0, |frame| frame.len() as u64);
        Poll::Ready(frame.map(|frame| Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
