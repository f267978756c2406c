//! A client of HTTP/2 that does what no library for it would.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// A client that answers every ping but the one that follows the word of the end. So the connection lives, and its end is
/// never agreed upon.
pub(super) struct Deaf(DuplexStream);

impl Deaf {
    /// With a window of so many bytes for each answer.
    pub(super) async fn open(mut stream: DuplexStream, window: u32) -> Self {
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        stream.write_all(preface).await.unwrap();
        let mut client = Self(stream);
        let name = INITIAL_WINDOW_SIZE.to_be_bytes();
        let settings = [&name[..], &window.to_be_bytes()].concat();
        client.send(SETTINGS, 0, 0, &settings).await;
        client
    }

    /// Asks for a path of the host `x`.
    pub(super) async fn ask(&mut self, stream: u32, path: &str) {
        // GET, http, `:path` and `:authority` (RFC 7541, Appendix A), the texts as they are.
        let length = u8::try_from(path.len()).unwrap();
        let start = [0x82, 0x86, 0x04, length];
        let head = [&start[..], path.as_bytes(), b"\x01\x01x"].concat();
        let flags = END_STREAM | END_HEADERS;
        self.send(HEADERS, flags, stream, &head).await;
    }

    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        // It may be cut meanwhile.
        let _ = self.0.write_all(&[&head, payload].concat()).await;
    }

    /// Takes what comes until the connection is cut: what was in the answers, all together.
    pub(super) async fn listen(&mut self) -> String {
        let mut data = Vec::new();
        let mut head = [0; 9];
        while self.0.read_exact(&mut head).await.is_ok() {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            if self.0.read_exact(&mut payload).await.is_err() {
                break;
            }
            let is_ack = head[4] & ACK != 0;
            match head[3] {
                DATA => data.extend(payload),
                SETTINGS if !is_ack => self.send(SETTINGS, ACK, 0, &[]).await,
                PING if !is_ack && payload != LAST_PING => self.send(PING, ACK, 0, &payload).await,
                _ => {}
            }
        }
        String::from_utf8(data).unwrap()
    }
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const INITIAL_WINDOW_SIZE: u16 = 4;

/// By which h2 tells the ping that follows the word of the end from others.
const LAST_PING: [u8; 8] = [0x0b, 0x7b, 0xa2, 0xf0, 0x8b, 0x9b, 0xfe, 0x54];
