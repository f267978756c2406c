//! A live answer read to its end before anything of it is sent: for clients of HTTP/1.0.
//!
//! HTTP/1.0 has no chunks. A body of unknown length ends with its connection, so one that was cut would look
//! like one that is complete; a reverse proxy would even pass it on with a last chunk.

use futures_util::StreamExt;
use http::StatusCode;

use super::body::{Part, Parts};
use super::notes::Notes;
use super::problem::Problem;
use crate::cache::Packed;

/// An answer with its end.
#[derive(Debug)]
pub(crate) struct Whole {
    /// The body, in order.
    pub texts: Vec<Packed>,
    /// Its bytes on the wire.
    pub len: u64,
}

/// Reads `parts` to their end, `bytes_max` of text at most, for a client whose service root is `root_len` bytes long.
pub(crate) async fn whole(
    mut parts: Parts,
    root_len: usize,
    bytes_max: u64,
    notes: &Notes,
) -> Result<Whole, Problem> {
    let mut whole = Whole {
        texts: Vec::new(),
        len: 0,
    };
    while let Some(part) = parts.next().await {
        let part = part
            .inspect_err(|error| notes.failed(error))
            .map_err(|error| Problem::from(&*error))?;
        // A blank breaks a silence; here is none.
        let Part::Text(text) = part else { continue };
        whole.len += text.len_at(root_len);
        if whole.len > bytes_max {
            return Err(too_large());
        }
        whole.texts.push(text);
    }
    Ok(whole)
}

/// What a client of HTTP/1.0 is told whose answer is longer than [`WHOLE_BYTES_MAX`].
pub(crate) fn too_large() -> Problem {
    Problem::new(
        StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        "HttpVersionNotSupported",
        "The answer is too large for HTTP/1.0, where one that was cut would look complete. Speak HTTP/1.1; a \
         reverse proxy with nginx does so with `proxy_http_version 1.1;`.",
    )
}

/// The largest body that is collected in memory. What is stored has its length and is not collected.
pub(crate) const WHOLE_BYTES_MAX: u64 = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::super::body::tests::{cut, parts, segment};
    use super::*;
    use crate::cache::Segment;
    use crate::gateway::SharedError;

    async fn collected(script: Vec<Result<Segment, SharedError>>) -> Result<Whole, Problem> {
        let script = script.into_iter().map(|segment| (0, segment)).collect();
        let notes = Notes::default();
        whole(parts(script, &notes), 10, 20, &notes).await
    }

    #[tokio::test]
    async fn has_all_segments_and_their_length() {
        let script = vec![Ok(segment("[1,^", 1)), Ok(segment(",3]", 1))];
        let whole = collected(script).await.unwrap();
        assert_eq!((whole.texts.len(), whole.len), (2, 16));
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
