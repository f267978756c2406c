//! The parts of an answer on their way out.
//!
//! INVARIANT: an error of the answer is an error of the stream, and the stream's last item. hyper then closes
//! the connection without the final chunk, so that no client takes a part for the whole.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};

use super::heartbeat::Heartbeat;
use super::notes::Notes;
use crate::cache::{Content, Entry, Packed, Reader, Segment};
use crate::gateway::{AnswerBody, AnswerError, SharedError};

/// A piece of a body, before it is encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// Text to send.
    Text(Packed),
    /// A blank between two rows, to break a silence.
    Blank,
}

/// The parts of an answer's body. Ends once, after its end or its error.
pub(crate) struct Parts {
    /// `None` after the end.
    segments: Option<BoxStream<'static, Result<Segment, SharedError>>>,
    heartbeat: Heartbeat,
    notes: Notes,
}

impl Parts {
    /// The parts of a body.
    pub(crate) fn of(content: Content, body: AnswerBody, notes: Notes) -> Self {
        match body {
            AnswerBody::Stored(entry) => {
                Self::new(stored(entry).boxed(), Heartbeat::never(), notes)
            }
            AnswerBody::Live(reader) => {
                Self::new(live(reader).boxed(), Heartbeat::of(content), notes)
            }
        }
    }

    /// The parts of a body that is already whole, and whose rows are counted.
    pub(crate) fn of_whole(texts: Vec<Packed>, notes: Notes) -> Self {
        let segments = texts.into_iter().map(|text| Ok(Segment { text, rows: 0 }));
        Self::new(stream::iter(segments).boxed(), Heartbeat::never(), notes)
    }

    /// The parts of these segments.
    pub(crate) fn new(
        segments: BoxStream<'static, Result<Segment, SharedError>>,
        heartbeat: Heartbeat,
        notes: Notes,
    ) -> Self {
        Self {
            segments: Some(segments),
            heartbeat,
            notes,
        }
    }
}

/// The segments of a stored answer. A part that cannot be read from disk is an error.
fn stored(entry: Arc<Entry>) -> impl Stream<Item = Result<Segment, SharedError>> + Send {
    stream::unfold((Some(entry), 0), async |(entry, at)| {
        let entry = entry?;
        let part = entry.part(at).await?;
        let part = part.map_err(|_| SharedError::from(AnswerError::Interrupted));
        // Whoever reads the last part needs nothing else of it, and may take long.
        let entry = (at + 1 < entry.parts()).then_some(entry);
        Some((part, (entry, at + 1)))
    })
}

/// The segments of an answer that is being made, as they come.
fn live(reader: Reader<SharedError>) -> impl Stream<Item = Result<Segment, SharedError>> + Send {
    stream::unfold(reader, async |mut reader: Reader<SharedError>| {
        let segment = reader.next().await?;
        Some((segment, reader))
    })
}

impl Stream for Parts {
    type Item = Result<Part, SharedError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let parts = &mut *self;
        let Some(segments) = &mut parts.segments else {
            return Poll::Ready(None);
        };
        match segments.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(segment))) => {
                parts.heartbeat.segment_came();
                parts.notes.add_rows(segment.rows);
                Poll::Ready(Some(Ok(Part::Text(segment.text))))
            }
            Poll::Ready(Some(Err(error))) => {
                parts.segments = None;
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => {
                parts.segments = None;
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(parts.heartbeat.poll_beat(cx));
                Poll::Ready(Some(Ok(Part::Blank)))
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

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use tokio::time::Instant;

    use super::super::encoding::{Coding, Encoded};
    use super::*;
    use crate::odata::neutral::NeutralText;
    use crate::odata::representation::Representation;

    pub(crate) const ROOT: Bytes = Bytes::from_static(b"http://h/monitorodata");

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
            text: Packed::pack(&neutral),
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
        Parts::new(segments.boxed(), heartbeat, notes.clone())
    }

    pub(crate) fn cut() -> SharedError {
        Arc::new(AnswerError::Interrupted)
    }

    async fn sent(parts: Parts) -> Vec<(u64, String)> {
        let began = Instant::now();
        let mut body = Encoded::new(parts, Coding::Identity, ROOT, usize::MAX);
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
