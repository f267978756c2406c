//! The body of a request, for the few that are read.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::problem::Problem;
use super::refusal::Refusal;

/// Reads a body of `bytes_max` bytes at most, copying what comes into one buffer: frames of single bytes would hold many
/// times as much. Whoever sends slowly holds this buffer and a connection, and for [`PATIENCE`] at most.
///
/// What is too large is read on and thrown away, up to [`DISCARDED_BYTES_MAX`], since most clients read no answer before
/// they have sent everything: they would see nothing but a connection that breaks. Those that ask first (`Expect`) are told
/// at once.
pub(crate) async fn received(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
) -> Result<Bytes, Problem> {
    let announced = http_body::Body::size_hint(&body).lower();
    let at_once = headers.contains_key(header::EXPECT) || announced > DISCARDED_BYTES_MAX;
    if announced > bytes_max as u64 && at_once {
        return Err(too_large(bytes_max));
    }
    timeout(PATIENCE, read(body, bytes_max))
        .await
        .unwrap_or_else(|_| Err(slow()))
}

async fn read(mut body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::new();
    let mut discarded = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| broken())?.into_data() else {
            continue;
        };
        if discarded > 0 || bytes.len() + data.len() > bytes_max {
            discarded += (std::mem::take(&mut bytes).len() + data.len()) as u64;
            if discarded > DISCARDED_BYTES_MAX {
                break;
            }
        } else {
            bytes.extend_from_slice(&data);
        }
    }
    if discarded > 0 {
        return Err(too_large(bytes_max));
    }
    Ok(bytes.freeze())
}

fn too_large(bytes_max: usize) -> Problem {
    let message = format!(
        "The body of the request is larger than {bytes_max} bytes, so nothing of it was done. Send less at once."
    );
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLarge", message)
        .counted_as(Refusal::BodyTooLarge)
}

fn slow() -> Problem {
    let message = format!(
        "The body of the request did not come within {} seconds, so nothing of it was done. Send it again.",
        PATIENCE.as_secs()
    );
    Problem::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", message)
}

fn broken() -> Problem {
    let message = "The body of the request ended before its end. Send it again.";
    Problem::new(StatusCode::BAD_REQUEST, "InvalidRequest", message)
}

/// How long a body may take. The largest that is read is done in it at 40 kB a second.
const PATIENCE: Duration = Duration::from_mins(1);

/// Nobody sends more by mistake.
const DISCARDED_BYTES_MAX: u64 = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll};

    use http_body::{Frame, SizeHint};
    use http_body_util::Full;

    use futures_util::{StreamExt, stream};

    use super::*;

    /// What comes of chunks that each come after a second; `None` breaks the connection.
    async fn outcome(chunks: Vec<Option<&'static str>>) -> Result<Bytes, u16> {
        let chunks = stream::iter(chunks).then(|chunk| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            chunk.ok_or_else(|| io::Error::other("reset"))
        });
        let read = received(&HeaderMap::new(), Body::from_stream(chunks), 4).await;
        read.map_err(|problem| problem.status.as_u16())
    }

    #[tokio::test(start_paused = true)]
    async fn is_read_up_to_the_limit() {
        assert_eq!(outcome(vec![]).await, Ok("".into()));
        assert_eq!(
            outcome(vec![Some("ab"), Some("cd")]).await,
            Ok("abcd".into())
        );
        assert_eq!(outcome(vec![Some("ab"), Some("cde")]).await, Err(413));
        assert_eq!(outcome(vec![Some("ab"), None]).await, Err(400));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_large_is_read_to_its_end_for_a_client_that_would_not_stop() {
        let began = tokio::time::Instant::now();
        let chunks = vec![Some("abcde"); 9];
        assert_eq!(outcome(chunks).await, Err(413));
        assert_eq!(began.elapsed(), Duration::from_secs(9));
        assert_eq!(outcome(vec![Some("abcde"), None]).await, Err(400));
    }

    /// What of a body that is announced with its length was read before it was refused.
    async fn read_of(headers: &HeaderMap, len: usize) -> usize {
        let left = Arc::new(AtomicUsize::new(len));
        let counted = Arc::clone(&left);
        let body = Full::new(Bytes::from(vec![b'x'; len])).map_frame(move |frame| {
            counted.fetch_sub(frame.data_ref().map_or(0, Bytes::len), Ordering::Relaxed);
            frame
        });
        let announced = WithLength(body, len as u64);
        let problem = received(headers, Body::new(announced), 4)
            .await
            .unwrap_err();
        assert_eq!(problem.status, 413);
        len - left.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn but_not_where_it_need_not_be() {
        let none = HeaderMap::new();
        assert_eq!(read_of(&none, 5).await, 5);
        assert_eq!(read_of(&none, (64 << 20) + 1).await, 0);
        let mut asks_first = HeaderMap::new();
        asks_first.insert("expect", "100-continue".parse().unwrap());
        assert_eq!(read_of(&asks_first, 5).await, 0);
        let fits = received(&asks_first, Body::from("abcd"), 4).await;
        assert_eq!(fits.unwrap(), "abcd");
    }

    /// A body that says how long it is.
    struct WithLength<B>(B, u64);

    impl<B: http_body::Body + Unpin> http_body::Body for WithLength<B> {
        type Data = B::Data;
        type Error = B::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
            Pin::new(&mut self.0).poll_frame(cx)
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.1)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends() {
        assert_eq!(outcome(vec![Some(""); 59]).await, Ok("".into()));
        assert_eq!(outcome(vec![Some(""); 61]).await, Err(408));
    }
}
