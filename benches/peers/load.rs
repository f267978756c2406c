//! The load: connections that each ask, read the answer to its end, and ask again.

use std::cell::RefCell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use super::check::Expected;
use super::histogram::Histogram;
use super::incoming::Incoming;

/// What is asked, of whom, and how.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) request: String,
    pub(crate) expected: Expected,
    pub(crate) connections: usize,
    /// Threads at most.
    pub(crate) threads: usize,
    /// How long new questions are asked.
    pub(crate) duration: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Carried {
    /// How long each question took, from its first byte to its answer's last.
    pub(crate) waits: Histogram,
    /// From the first question to the last answer.
    pub(crate) elapsed: Duration,
    /// What the meter gained meanwhile.
    pub(crate) metered: Duration,
}

impl Load {
    /// Opens the connections, asks once on each, and then measures. The first response that is not as expected is an error.
    pub(crate) fn carry(&self, meter: impl Fn() -> Duration) -> Result<Carried, String> {
        let threads = self.threads.min(self.connections);
        // Passed twice: when all connections are open, and when the meter was read.
        let barrier = &Barrier::new(threads + 1);
        thread::scope(|scope| {
            let running: Vec<_> = (0..threads)
                .map(|thread| {
                    let connections = (self.connections + thread) / threads;
                    scope.spawn(move || self.share(connections, barrier))
                })
                .collect();
            barrier.wait();
            let before = meter();
            let began = Instant::now();
            barrier.wait();
            let mut waits = Histogram::new();
            let shares: Vec<_> = running
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect();
            let elapsed = began.elapsed();
            let metered = meter().saturating_sub(before);
            for share in shares {
                waits.merge(&share?);
            }
            Ok(Carried {
                waits,
                elapsed,
                metered,
            })
        })
    }

    /// The share of one thread.
    fn share(&self, connections: usize, barrier: &Barrier) -> Result<Histogram, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        // One for all connections, so that the load stays small in the processor's caches.
        let buffer = RefCell::new(vec![0; BUFFER]);
        let opened = (0..connections).map(|_| Connection::open(self, &buffer));
        let opened = runtime.block_on(try_join_all(opened));
        barrier.wait();
        barrier.wait();
        let end = Instant::now() + self.duration;
        let waits = RefCell::new(Histogram::new());
        runtime.block_on(async {
            let all = opened?.into_iter();
            let mut asking: FuturesUnordered<_> = all
                .map(|connection| connection.ask_until(end, &waits))
                .collect();
            let finished = async {
                while let Some(asked) = asking.next().await {
                    asked?;
                }
                Ok::<(), String>(())
            };
            tokio::time::timeout(self.duration + PATIENCE, finished)
                .await
                .map_err(|_| "an answer did not come to its end".to_owned())?
        })?;
        Ok(waits.into_inner())
    }
}

/// A connection with one question at a time.
struct Connection<'a> {
    load: &'a Load,
    stream: TcpStream,
    incoming: Incoming,
    buffer: &'a RefCell<Vec<u8>>,
}

impl<'a> Connection<'a> {
    async fn open(load: &'a Load, buffer: &'a RefCell<Vec<u8>>) -> Result<Self, String> {
        let stream = TcpStream::connect(load.address).await;
        let stream = stream.map_err(|error| error.to_string())?;
        stream
            .set_nodelay(true)
            .map_err(|error| error.to_string())?;
        let mut connection = Self {
            load,
            stream,
            incoming: Incoming::default(),
            buffer,
        };
        connection.ask().await?;
        Ok(connection)
    }

    async fn ask_until(mut self, end: Instant, waits: &RefCell<Histogram>) -> Result<(), String> {
        loop {
            let began = Instant::now();
            if began >= end {
                return Ok(());
            }
            self.ask().await?;
            waits.borrow_mut().add(began.elapsed());
        }
    }

    async fn ask(&mut self) -> Result<(), String> {
        let sent = self.stream.write_all(self.load.request.as_bytes()).await;
        sent.map_err(|error| error.to_string())?;
        loop {
            let response = poll_fn(|cx| {
                let mut buffer = self.buffer.borrow_mut();
                let mut buffer = ReadBuf::new(&mut buffer);
                let read = std::task::ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
                let bytes = buffer.filled();
                std::task::Poll::Ready(match read {
                    Err(error) => Err(error.to_string()),
                    Ok(()) if bytes.is_empty() => Err("the connection was cut".to_owned()),
                    Ok(()) => self.incoming.feed(bytes),
                })
            });
            if let Some(response) = response.await? {
                return self.load.expected.check(&response);
            }
        }
    }
}

/// As much as one look at a socket may bring.
const BUFFER: usize = 256 << 10;
/// For the last answers, after the last question.
const PATIENCE: Duration = Duration::from_mins(1);
