//! A client with a connection of its own, which asks, reads to the end or not, and asks again.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use memchr::memmem;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::question::Question;
use super::tally::{Outcome, Tally};

/// A client.
#[derive(Debug)]
pub(crate) struct Client {
    address: String,
    /// Of its random numbers.
    state: u64,
    tally: Arc<Mutex<Tally>>,
}

impl Client {
    pub(crate) fn new(address: String, number: u64, tally: Arc<Mutex<Tally>>) -> Self {
        Self {
            address,
            state: number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            tally,
        }
    }

    /// Asks until then.
    pub(crate) async fn run_until(mut self, end: Instant) {
        let mut connection = None;
        while Instant::now() < end {
            // Nobody asks all the time.
            sleep(Duration::from_millis(self.random() % 400)).await;
            let question = Question::chosen(self.random(), self.random());
            let began = Instant::now();
            let asked = timeout(PATIENCE, self.ask(question, &mut connection));
            let outcome = match asked.await {
                Err(_) => Outcome::Lost,
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Outcome::Cut,
            };
            if matches!(outcome, Outcome::Left | Outcome::Cut | Outcome::Lost) {
                connection = None;
            }
            self.tally
                .lock()
                .unwrap()
                .note(question, outcome, began.elapsed());
        }
    }

    async fn ask(
        &self,
        question: Question,
        connection: &mut Option<BufReader<TcpStream>>,
    ) -> io::Result<Outcome> {
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(BufReader::new(TcpStream::connect(&self.address).await?)),
        };
        let (path, address) = (question.path(), &self.address);
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        connection.get_mut().write_all(request.as_bytes()).await?;
        let leaves_at = match question {
            Question::Left(_, bytes) => Some(bytes),
            _ => None,
        };
        let (status, length) = head(connection).await?;
        let Some(body) = body(connection, length, leaves_at).await? else {
            return Ok(Outcome::Left);
        };
        Ok(match status {
            200 => {
                let rows = memmem::find_iter(&body, b"\"SessionKey\":").count();
                // A body that ends as it should is JSON to its last byte.
                let sound = serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok();
                if sound && rows as u64 == question.rows() {
                    Outcome::Whole
                } else {
                    Outcome::Wrong
                }
            }
            400.. if memmem::find(&body, b"\"error\"").is_some() => Outcome::Error(status),
            _ => Outcome::Wrong,
        })
    }

    /// Xorshift: quick, and the same in every run.
    fn random(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}

/// The status, and the body's length when it is told.
async fn head(connection: &mut BufReader<TcpStream>) -> io::Result<(u16, Option<usize>)> {
    let status = line(connection).await?;
    let status = status
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let mut length = None;
    loop {
        let line = line(connection).await?.to_ascii_lowercase();
        if line.is_empty() {
            return Ok((status.ok_or(io::ErrorKind::InvalidData)?, length));
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok();
        }
    }
}

/// The body; `None` when the client has left after so many bytes.
async fn body(
    connection: &mut BufReader<TcpStream>,
    length: Option<usize>,
    leaves_at: Option<usize>,
) -> io::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    if let Some(length) = length {
        body.resize(length, 0);
        connection.read_exact(&mut body).await?;
        return Ok(Some(body));
    }
    loop {
        let length = line(connection).await?;
        let length = usize::from_str_radix(&length, 16).map_err(|_| io::ErrorKind::InvalidData)?;
        let before = body.len();
        body.resize(before + length, 0);
        connection
            .read_exact(body.get_mut(before..).unwrap_or_default())
            .await?;
        line(connection).await?;
        if length == 0 {
            return Ok(Some(body));
        }
        if leaves_at.is_some_and(|bytes| body.len() > bytes) {
            return Ok(None);
        }
    }
}

async fn line(connection: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    connection.read_line(&mut line).await?;
    if line.pop() != Some('\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end().len());
    Ok(line)
}

/// Longer than the proxy may take for anything here.
const PATIENCE: Duration = Duration::from_mins(2);
