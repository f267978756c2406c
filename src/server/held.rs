//! An answer's body, which tells its connection whose turn it is.
//!
//! Over HTTP/2 each answer has a window of its own: a client may take others and leave one where it is, for ever, while the
//! socket itself stays in motion. Then nobody asks the body for more.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};

use super::places::UnderWay;

/// A body whose request is under way until its end, or until it is dropped.
#[derive(Debug)]
pub(super) struct Held<B> {
    inner: B,
    under_way: UnderWay,
}

impl<B> Held<B> {
    /// What is there to take counts from now on: without a window for it, nobody asks the body even once.
    pub(super) fn new(inner: B, mut under_way: UnderWay) -> Self {
        under_way.set_given(true);
        Self { inner, under_way }
    }
}

impl<B: Body + Unpin> Body for Held<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(cx);
        self.under_way.set_given(frame.is_ready());
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
