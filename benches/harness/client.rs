//! A bare client of HTTP/1.1: one connection, one question at a time, nothing kept.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

/// A client of the simulator or of the proxy.
#[derive(Debug)]
pub(crate) struct Client {
    connection: BufReader<TcpStream>,
    /// Header lines of each question, with the empty line behind them.
    headers: String,
}

impl Client {
    /// A client of the proxy, which asks for no token.
    pub(crate) fn new(address: &str) -> Self {
        let connection = TcpStream::connect(address).unwrap();
        connection.set_nodelay(true).unwrap();
        Self {
            connection: BufReader::with_capacity(256 * 1024, connection),
            headers: format!("Host: {address}\r\n\r\n"),
        }
    }

    /// A client of the simulator, with a token.
    pub(crate) fn with_token(address: &str) -> Self {
        let mut client = Self::new(address);
        let form = "grant_type=client_credentials&client_id=demo-client&client_secret=demo-secret";
        let mut answer = Vec::new();
        client.exchange(
            &format!(
                "POST /cctrustoauth2/nordhafen/tokens/clients HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
                form.len(),
            ),
            |bytes| answer.extend_from_slice(bytes),
        );
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        let token = answer.get("access_token").unwrap().as_str().unwrap();
        client.headers = format!(
            "Host: {address}\r\nUser-Agent: bench\r\nAuthorization: CwsAuth Bearer={token}\r\nCitrix-CustomerId: nordhafen\r\n\r\n"
        );
        client
    }

    /// Reads the answer at `path` to its end, which must be a clean one, and hands its body to `take` in pieces.
    pub(crate) fn get(&mut self, path: &str, take: impl FnMut(&[u8])) {
        let request = format!("GET {path} HTTP/1.1\r\n{}", self.headers);
        self.exchange(&request, take);
    }

    fn exchange(&mut self, request: &str, mut take: impl FnMut(&[u8])) {
        self.connection
            .get_mut()
            .write_all(request.as_bytes())
            .unwrap();
        let status = self.line();
        let mut length = None;
        loop {
            let header = self.line().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = Some(value.trim().parse().unwrap());
            }
        }
        if let Some(length) = length {
            self.pass(length, &mut take);
        } else {
            self.pass_chunks(&mut take);
        }
        assert!(status.starts_with("HTTP/1.1 200"), "{request}{status}");
    }

    fn pass_chunks(&mut self, take: &mut impl FnMut(&[u8])) {
        loop {
            let length = usize::from_str_radix(&self.line(), 16).unwrap();
            self.pass(length, take);
            assert_eq!(self.line(), "", "a chunk is longer than it says");
            if length == 0 {
                return;
            }
        }
    }

    /// Hands on `left` bytes.
    fn pass(&mut self, mut left: usize, take: &mut impl FnMut(&[u8])) {
        while left > 0 {
            let bytes = self.connection.fill_buf().unwrap();
            assert!(!bytes.is_empty(), "the answer was cut");
            let bytes = bytes.get(..left.min(bytes.len())).unwrap();
            take(bytes);
            let length = bytes.len();
            self.connection.consume(length);
            left -= length;
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.connection.read_line(&mut line).unwrap();
        assert!(line.ends_with("\r\n"), "the answer was cut");
        line.truncate(line.len() - 2);
        line
    }
}
