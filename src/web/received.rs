//! The body of a request, for the few that are read.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::problem::Problem;

/// Reads a body of `bytes_max` bytes at most, copying what comes into one buffer: frames of single bytes would hold many
/// times as much. Whoever sends slowly holds this buffer and a connection, and for [`PATIENCE`] at most.
pub(crate) async fn received(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    timeout(PATIENCE, read(body, bytes_max))
        .await
        .unwrap_or_else(|_| Err(slow()))
}

async fn read(mut body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    // What is announced need not be read to be refused.
    if http_body::Body::size_hint(&body).lower() > bytes_max as u64 {
        return Err(too_large(bytes_max));
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| broken())?.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

fn too_large(bytes_max: usize) -> Problem {
    let message = format!(
        "The body of the request is larger than {bytes_max} bytes, so nothing of it was done. Send less at once."
    );
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLarge", message)
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

#[cfg(test)]
mod tests {
    use std::io;

    use futures_util::{StreamExt, stream};

    use super::*;

    /// What comes of chunks that each come after a second; `None` breaks the connection.
    async fn outcome(chunks: Vec<Option<&'static str>>) -> Result<Bytes, u16> {
        let chunks = stream::iter(chunks).then(|chunk| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            chunk.ok_or_else(|| io::Error::other("reset"))
        });
        let read = received(Body::from_stream(chunks), 4).await;
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
    async fn what_is_announced_as_too_large_is_not_read() {
        let problem = received(Body::from("abcde"), 4).await.unwrap_err();
        assert_eq!(problem.status, 413);
        assert_eq!(received(Body::from("abcd"), 4).await.unwrap(), "abcd");
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends() {
        assert_eq!(outcome(vec![Some(""); 59]).await, Ok("".into()));
        assert_eq!(outcome(vec![Some(""); 61]).await, Err(408));
    }
}
