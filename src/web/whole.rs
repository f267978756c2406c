//! A live answer read to its end before anything of it is sent: for clients of HTTP/1.0.
//!
//! HTTP/1.0 has no chunks. A body of unknown length ends with its connection, so one that was cut would look
//! like one that is complete; a reverse proxy would even pass it on with a last chunk.

use futures_util::{Stream, StreamExt};
use http::StatusCode;

use super::notes::Notes;
use super::problem::Problem;
use crate::cache::Segment;
use crate::gateway::SharedError;

/// An answer with its end.
#[derive(Debug)]
pub(crate) struct Whole {
    /// The body, in order.
    pub segments: Vec<Segment>,
    /// Its bytes on the wire.
    pub len: usize,
}

/// Reads `segments` to their end, `bytes_max` at most, for a client whose service root is `root_len` bytes long.
pub(crate) async fn whole(
    segments: impl Stream<Item = Result<Segment, SharedError>>,
    root_len: usize,
    bytes_max: usize,
    notes: &Notes,
) -> Result<Whole, Problem> {
    let mut segments = std::pin::pin!(segments);
    let mut whole = Whole {
        segments: Vec::new(),
        len: 0,
    };
    while let Some(segment) = segments.next().await {
        let segment = segment
            .inspect_err(|error| notes.failed(error))
            .map_err(|error| Problem::from(&*error))?;
        whole.len += segment.text.len_at(root_len);
        if whole.len > bytes_max {
            return Err(too_large());
        }
        whole.segments.push(segment);
    }
    Ok(whole)
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        "HttpVersionNotSupported",
        "The answer is too large for HTTP/1.0, where one that was cut would look complete. Speak HTTP/1.1; a \
         reverse proxy with nginx does so with `proxy_http_version 1.1;`.",
    )
}

/// The largest body that is collected in memory. What is stored has its length and is not collected.
pub(crate) const WHOLE_BYTES_MAX: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::super::body::tests::{cut, segment};
    use super::*;

    async fn collected(script: Vec<Result<Segment, SharedError>>) -> Result<Whole, Problem> {
        whole(stream::iter(script), 10, 20, &Notes::default()).await
    }

    #[tokio::test]
    async fn has_all_segments_and_their_length() {
        let script = vec![Ok(segment("[1,^", 1)), Ok(segment(",3]", 1))];
        let whole = collected(script).await.unwrap();
        assert_eq!((whole.segments.len(), whole.len), (2, 16));
    }

    #[tokio::test]
    async fn is_not_begun_when_it_cannot_be_completed() {
        let problem = collected(vec![Ok(segment("[1", 1)), Err(cut())]).await;
        assert_eq!(problem.unwrap_err().status, 503);
        let script = vec![Ok(segment("^0123456789", 1)), Ok(segment("]", 0))];
        let problem = collected(script).await.unwrap_err();
        assert_eq!(problem.status, 505);
        assert!(problem.message.contains("`proxy_http_version 1.1;`"));
    }
}
