//! The body of a response that has none: to HEAD, or a 304.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;

/// Nothing, of unknown length: for a body known to be empty the server would add `Content-Length: 0`, which
/// would be a statement about the body that is left out.
pub(crate) fn no_body() -> Body {
    Body::from_stream(stream::empty::<Result<Bytes, std::io::Error>>())
}
