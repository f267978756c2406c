//! A connection that waits long for a slow reader, and not for ever.
//!
//! A client that asks and then takes nothing holds what its answer takes up. The system itself notices only when the other
//! machine is gone.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::places::State;

/// A stream that fails when nothing of what is to be written has been taken for [`STANDSTILL_MAX`].
#[derive(Debug)]
pub(super) struct Patient<S> {
    stream: S,
    state: Arc<State>,
    /// Runs while the other side takes nothing.
    standstill: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, state: Arc<State>) -> Self {
        Self {
            stream,
            state,
            standstill: None,
        }
    }

    /// Notes whether there was progress, and how long there has been none.
    fn judge<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            if self.standstill.take().is_some() {
                self.state.set_behind(false);
            }
            return written;
        }
        let standstill = self.standstill.get_or_insert_with(|| {
            self.state.set_behind(true);
            Box::pin(sleep(STANDSTILL_MAX))
        });
        match standstill.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.judge(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.judge(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// A socket has nothing of its own to flush.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Report tools stop reading for minutes while they compute; none does so for longer.
pub(super) const STANDSTILL_MAX: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;
    use tokio_util::sync::CancellationToken;

    use super::super::places::tests::{HERE, places_of};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_standstill_ends_and_a_slow_reader_goes_on() {
        let places = places_of(1);
        let place = places.take(HERE, &CancellationToken::new()).await.unwrap();
        let (ours, mut theirs) = duplex(8);
        let mut stream = Patient::new(ours, Arc::clone(place.state()));
        let read = async {
            let mut some = [0; 8];
            for _ in 0..5 {
                assert_eq!(place.state().idle_for(), None, "it is behind");
                sleep(STANDSTILL_MAX.mul_f64(0.9)).await;
                theirs.read_exact(&mut some).await.unwrap();
            }
            Instant::now()
        };
        let written = async { (stream.write_all(&[1; 1000]).await, Instant::now()) };
        let ((error, ended), last) = tokio::join!(written, read);
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(ended.duration_since(last), STANDSTILL_MAX);
    }
}
