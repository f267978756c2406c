//! HTTP/1 as it is on the wire, read without a library, so that nothing mends what is broken.

use std::io;
use std::io::Read;
use std::net::SocketAddr;

use flate2::read::GzDecoder;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::process::PATIENCE;

/// A connection of a client.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: BufReader<TcpStream>,
}

/// Status line and header lines.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// `HTTP/1.1 200 OK`
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
}

/// A whole reply, or as much of it as came.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// Its head.
    pub(crate) head: Head,
    /// Its body without the framing of chunks, still compressed.
    pub(crate) body: Vec<u8>,
    /// The same with the framing, as it came.
    pub(crate) framed: Vec<u8>,
    /// How it ended.
    pub(crate) end: End,
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// As its framing promised: the last chunk, or the last byte of its length.
    Clean,
    /// The connection ended before that.
    Cut,
    /// With the connection, which is all that HTTP/1.0 has.
    Closed,
}

impl Wire {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    /// Connects with little room for what is not read.
    pub(crate) async fn open_narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self::over(socket.connect(address).await.unwrap())
    }

    /// Over a connection that is there.
    pub(crate) fn over(stream: TcpStream) -> Self {
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// Sends these bytes.
    pub(crate) async fn send(&mut self, text: &str) {
        let sent = timeout(PATIENCE, self.stream.write_all(text.as_bytes())).await;
        sent.expect("they are taken").unwrap();
    }

    /// Sends a GET under the name `localhost`, with more header lines.
    pub(crate) async fn ask(&mut self, path: &str, headers: &[&str]) {
        let port = self.stream.get_ref().peer_addr().unwrap().port();
        let mut text = format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n");
        for header in headers {
            text.push_str(header);
            text.push_str("\r\n");
        }
        text.push_str("\r\n");
        self.send(&text).await;
    }

    /// Asks on a connection of its own; `None` when the server goes away before the end of its reply.
    pub(crate) async fn try_get(address: SocketAddr, path: &str) -> Option<Reply> {
        let mut wire = Self::over(TcpStream::connect(address).await.ok()?);
        let text = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        wire.stream.write_all(text.as_bytes()).await.ok()?;
        let head = wire.head().await?;
        let reply = wire.body(head).await;
        (reply.end == End::Clean).then_some(reply)
    }

    /// The head of the next reply; `None` when the connection ends before it does.
    pub(crate) async fn head(&mut self) -> Option<Head> {
        let mut head = Head {
            line: self.line().await.ok()?,
            headers: Vec::new(),
        };
        loop {
            let line = self.line().await.ok()?;
            if line.is_empty() {
                return Some(head);
            }
            let (name, value) = line.split_once(':').expect("a header line");
            head.headers
                .push((name.to_lowercase(), value.trim().to_owned()));
        }
    }

    /// The body behind `head`, to its end.
    pub(crate) async fn body(&mut self, head: Head) -> Reply {
        let mut reply = Reply {
            head,
            body: Vec::new(),
            framed: Vec::new(),
            end: End::Clean,
        };
        let length = reply
            .header("content-length")
            .map(|text| text.parse().unwrap());
        let chunked = reply.header("transfer-encoding") == Some("chunked");
        let ended = match (reply.status(), chunked, length) {
            (204 | 304, ..) => Ok(()),
            (_, true, _) => self.chunks(&mut reply).await,
            (_, false, Some(length)) => self.exactly(length, &mut reply.body).await,
            (_, false, None) => {
                reply.end = End::Closed;
                timeout(PATIENCE, self.stream.read_to_end(&mut reply.body))
                    .await
                    .expect("it ends")
                    .map(drop)
            }
        };
        if ended.is_err() {
            reply.end = End::Cut;
        }
        reply
    }

    /// The next reply.
    pub(crate) async fn reply(&mut self) -> Reply {
        let head = self.head().await.expect("a reply");
        self.body(head).await
    }

    /// Whether the other side has closed the connection, and sent nothing more.
    pub(crate) async fn closed(&mut self) -> bool {
        let mut rest = Vec::new();
        matches!(
            timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await,
            Ok(Ok(0) | Err(_))
        )
    }

    /// The next chunk's data; empty for the last.
    pub(crate) async fn chunk(&mut self) -> io::Result<Vec<u8>> {
        let mut framed = Vec::new();
        self.one_chunk(&mut framed).await
    }

    async fn chunks(&mut self, reply: &mut Reply) -> io::Result<()> {
        loop {
            let data = self.one_chunk(&mut reply.framed).await?;
            if data.is_empty() {
                return Ok(());
            }
            reply.body.extend(data);
        }
    }

    async fn one_chunk(&mut self, framed: &mut Vec<u8>) -> io::Result<Vec<u8>> {
        let size = self.line().await?;
        framed.extend_from_slice(format!("{size}\r\n").as_bytes());
        let length = usize::from_str_radix(&size, 16).map_err(io::Error::other)?;
        let mut data = Vec::new();
        let whole = self.exactly(length, &mut data).await;
        framed.extend_from_slice(&data);
        whole?;
        let end = self.line().await?;
        assert_eq!(end, "", "the end of a chunk");
        framed.extend_from_slice(b"\r\n");
        Ok(data)
    }

    /// The next line, if one comes before the connection ends.
    pub(crate) async fn try_line(&mut self) -> Option<String> {
        self.line().await.ok()
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        let read = timeout(PATIENCE, self.stream.read_line(&mut line)).await;
        read.expect("a line or the end")?;
        let line = line
            .strip_suffix("\r\n")
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(line.to_owned())
    }

    /// So many bytes; those that came stay in `into` when there are fewer.
    async fn exactly(&mut self, length: usize, into: &mut Vec<u8>) -> io::Result<()> {
        let mut part = (&mut self.stream).take(length as u64);
        let read = timeout(PATIENCE, part.read_to_end(into)).await;
        let read = read.expect("bytes or the end")?;
        if read < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

impl Head {
    /// The status.
    pub(crate) fn status(&self) -> u16 {
        self.line.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The only value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert_eq!(values.next(), None, "one {name}");
        value
    }
}

impl Reply {
    /// The status.
    pub(crate) fn status(&self) -> u16 {
        self.head.status()
    }

    /// The only value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// The error that the body is, as its code, after a look at what every error must have.
    pub(crate) fn error_code(&self) -> String {
        let error = &self.json()["error"];
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        assert!(
            self.header("content-type")
                .unwrap()
                .starts_with("application/json")
        );
        error["code"].as_str().unwrap().to_owned()
    }

    /// The rows of a collection.
    pub(crate) fn rows(&self) -> Vec<Value> {
        assert_eq!(
            (self.status(), self.end),
            (200, End::Clean),
            "{}",
            self.text()
        );
        self.json()["value"].as_array().unwrap().clone()
    }

    /// The body uncompressed, as far as that is possible, and whether its compression has an end.
    pub(crate) fn unzipped(&self) -> (Vec<u8>, bool) {
        assert_eq!(self.header("content-encoding"), Some("gzip"));
        let mut text = Vec::new();
        let whole = GzDecoder::new(&*self.body).read_to_end(&mut text).is_ok();
        (text, whole)
    }
}

/// One GET on a connection of its own.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Reply {
    get_with(address, path, &[]).await
}

/// The same with more header lines.
pub(crate) async fn get_with(address: SocketAddr, path: &str, headers: &[&str]) -> Reply {
    let mut wire = Wire::open(address).await;
    wire.ask(path, &[headers, &["Connection: close"]].concat())
        .await;
    wire.reply().await
}

/// One POST on a connection of its own.
pub(crate) async fn post(address: SocketAddr, path: &str, body: &str) -> Reply {
    let text = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    exchange(address, &text).await
}

/// One request, as it is, and its reply.
pub(crate) async fn exchange(address: SocketAddr, request: &str) -> Reply {
    let mut wire = Wire::open(address).await;
    wire.send(request).await;
    wire.reply().await
}
