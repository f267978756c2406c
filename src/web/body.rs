//! The text of an answer on its way out: segments with the client's service root filled in.
//!
//! INVARIANT: an error of the answer is an error of the stream, and the stream's last item. hyper then closes
//! the connection without the final chunk, so that no client takes a part for the whole.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};

use super::heartbeat::Heartbeat;
use super::notes::Notes;
use crate::cache::{Content, Reader, Segment};
use crate::gateway::{AnswerBody, SharedError};

/// A piece of a body, before it is encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// Bytes to send.
    Bytes(Bytes),
    /// The end of a segment: what was sent so far should reach the client now.
    Flush,
}

/// The parts of an answer's body. Ends once, after its end or its error.
pub(crate) struct Parts {
    /// `None` after the end.
    segments: Option<BoxStream<'static, Result<Segment, SharedError>>>,
    root: Bytes,
    queue: VecDeque<Part>,
    heartbeat: Heartbeat,
    notes: Notes,
}

impl Parts {
    /// The parts of a body for a client with this service root.
    pub(crate) fn of(content: Content, body: AnswerBody, root: Bytes, notes: Notes) -> Self {
        match body {
            AnswerBody::Stored(entry) => {
                let segment = move |at| entry.segments.get(at).cloned().map(Ok);
                let segments = stream::iter((0..).map_while(segment)).boxed();
                Self::new(segments, Heartbeat::never(), root, notes)
            }
            AnswerBody::Live(reader) => {
                Self::new(live(reader).boxed(), Heartbeat::of(content), root, notes)
            }
        }
    }

    /// The parts of a body that is already whole.
    pub(crate) fn of_whole(segments: Vec<Segment>, root: Bytes, notes: Notes) -> Self {
        let segments = stream::iter(segments.into_iter().map(Ok)).boxed();
        Self::new(segments, Heartbeat::never(), root, notes)
    }

    /// The parts of these segments.
    pub(crate) fn new(
        segments: BoxStream<'static, Result<Segment, SharedError>>,
        heartbeat: Heartbeat,
        root: Bytes,
        notes: Notes,
    ) -> Self {
        Self {
            segments: Some(segments),
            root,
            queue: VecDeque::new(),
            heartbeat,
            notes,
        }
    }

    /// The body without any coding.
    pub(crate) fn identity(self) -> impl Stream<Item = Result<Bytes, SharedError>> + Send {
        self.filter_map(|part| async {
            match part {
                Ok(Part::Bytes(bytes)) => Some(Ok(bytes)),
                Ok(Part::Flush) => None,
                Err(error) => Some(Err(error)),
            }
        })
    }

    fn enqueue(&mut self, segment: &Segment) {
        self.notes.add_rows(segment.rows);
        let chunks = segment.text.chunks(&self.root).into_iter();
        self.queue.extend(chunks.map(Part::Bytes));
        self.queue.push_back(Part::Flush);
    }
}

/// The segments of an answer that is being made, as they come.
pub(crate) fn live(
    reader: Reader<SharedError>,
) -> impl Stream<Item = Result<Segment, SharedError>> + Send {
    stream::unfold(reader, async |mut reader: Reader<SharedError>| {
        let segment = reader.next().await?;
        Some((segment, reader))
    })
}

impl Stream for Parts {
    type Item = Result<Part, SharedError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let parts = &mut *self;
        loop {
            if let Some(part) = parts.queue.pop_front() {
                return Poll::Ready(Some(Ok(part)));
            }
            let Some(segments) = &mut parts.segments else {
                return Poll::Ready(None);
            };
            match segments.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(segment))) => {
                    parts.heartbeat.segment_came();
                    parts.enqueue(&segment);
                }
                Poll::Ready(Some(Err(error))) => {
                    parts.segments = None;
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => parts.segments = None,
                Poll::Pending => {
                    std::task::ready!(parts.heartbeat.poll_beat(cx));
                    parts.queue.push_back(Part::Bytes(BLANK));
                    parts.queue.push_back(Part::Flush);
                }
            }
        }
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("ended", &self.segments.is_none())
            .finish_non_exhaustive()
    }
}

const BLANK: Bytes = Bytes::from_static(b" ");

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::gateway::AnswerError;
    use crate::odata::neutral::NeutralText;
    use crate::odata::representation::Representation;

    /// A segment with `^` for the service root.
    pub(crate) fn segment(text: &'static str, rows: u64) -> Segment {
        let mut neutral = NeutralText::new();
        for (n, piece) in text.split('^').enumerate() {
            if n > 0 {
                neutral.push_root();
            }
            neutral.push(piece);
        }
        Segment {
            text: neutral,
            rows,
        }
    }

    /// Parts of segments that come after so many seconds each; `Err` cuts.
    pub(crate) fn parts(script: Vec<(u64, Result<Segment, SharedError>)>, notes: &Notes) -> Parts {
        let segments = stream::iter(script).then(|(seconds, segment)| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            segment
        });
        let heartbeat = Heartbeat::of(Content::Json(Representation::default()));
        let root = Bytes::from_static(b"http://h/monitorodata");
        Parts::new(segments.boxed(), heartbeat, root, notes.clone())
    }

    pub(crate) fn cut() -> SharedError {
        Arc::new(AnswerError::Interrupted)
    }

    async fn sent(parts: Parts) -> Vec<(u64, String)> {
        let began = Instant::now();
        let mut body = parts.identity().boxed();
        let mut sent = Vec::new();
        while let Some(item) = body.next().await {
            let text = match item {
                Ok(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                Err(error) => format!("cut: {error}"),
            };
            sent.push((began.elapsed().as_secs(), text));
        }
        assert!(body.next().await.is_none(), "ends once");
        sent
    }

    #[tokio::test(start_paused = true)]
    async fn fills_in_the_root_and_counts_rows() {
        let notes = Notes::default();
        let script = vec![
            (0, Ok(segment("{\"c\":\"^/$metadata\",[1", 1))),
            (1, Ok(segment(",2]}", 1))),
        ];
        let sent = sent(parts(script, &notes)).await;
        let text: String = sent.into_iter().map(|(_, text)| text).collect();
        assert_eq!(text, "{\"c\":\"http://h/monitorodata/$metadata\",[1,2]}");
        assert_eq!(notes.facts().rows, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_is_the_last_item() {
        let script = vec![
            (0, Ok(segment("[1", 1))),
            (1, Err(cut())),
            (1, Ok(segment("]", 0))),
        ];
        let sent = sent(parts(script, &Notes::default())).await;
        let expected = [
            (0, "[1".to_owned()),
            (1, format!("cut: {}", AnswerError::Interrupted)),
        ];
        assert_eq!(sent, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn blanks_break_a_long_silence_but_never_come_first() {
        let script = vec![
            (60, Ok(segment("[1", 1))),
            (60, Ok(segment(",2", 1))),
            (10, Ok(segment("]", 1))),
        ];
        let sent = sent(parts(script, &Notes::default())).await;
        let expected = [(60, "[1"), (85, " "), (110, " "), (120, ",2"), (130, "]")];
        assert_eq!(sent, expected.map(|(at, text)| (at, text.to_owned())));
    }
}
