//! An upstream by script: it does what the simulator cannot do, and shows what it was sent.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// A service that does as told.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    _server: JoinSet<()>,
}

/// What a request gets.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// These bytes.
    Send(Vec<u8>),
    /// These bytes, and then the end of the connection.
    SendAndClose(Vec<u8>),
    /// The first bytes at once, the others one a second.
    Drip(Vec<u8>, Vec<u8>),
    /// Nothing, ever.
    Hang,
}

/// A request for data.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    /// `GET /monitorodata HTTP/1.1`
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
}

#[derive(Debug, Default)]
struct Seen {
    connections: usize,
    requests: Vec<Sent>,
}

impl Upstream {
    /// Starts one. `act` decides by the request and by how many came before it.
    pub(crate) async fn start(act: impl Fn(&Sent, usize) -> Act + Send + Sync + 'static) -> Self {
        let token = |request: &Sent| request.line.starts_with("POST /cctrustoauth2/");
        let act = move |request: &Sent, before| {
            if token(request) {
                Act::json(TOKEN)
            } else {
                act(request, before)
            }
        };
        Self::bare(act).await
    }

    /// One that gives even token requests to `act`.
    pub(crate) async fn bare(act: impl Fn(&Sent, usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Seen>>::default();
        let mut server = JoinSet::new();
        server.spawn(serve(listener, Arc::new(act), Arc::clone(&seen)));
        Self {
            address,
            seen,
            _server: server,
        }
    }

    /// One that should never hear from anybody.
    pub(crate) async fn bystander() -> Self {
        Self::start(|_, _| Act::Hang).await
    }

    /// Where it is, as an endpoint.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests for data, or for tunnels, so far.
    pub(crate) fn requests(&self) -> Vec<Sent> {
        self.seen.lock().unwrap().requests.clone()
    }

    /// The connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }
}

impl Sent {
    /// All values of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(known, _)| known == name);
        named.map(|(_, value)| value.as_str()).collect()
    }
}

impl Act {
    /// A response with status 200 and this JSON.
    pub(crate) fn json(body: &str) -> Self {
        Self::reply(
            "200 OK",
            "Content-Type: application/json\r\n",
            body.as_bytes(),
        )
    }

    /// A response with these header lines.
    pub(crate) fn reply(status: &str, headers: &str, body: &[u8]) -> Self {
        let head = format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        Self::Send([head.as_bytes(), body].concat())
    }
}

/// A place at which nothing listens, for as long as the socket is kept.
pub(crate) fn nobody() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

async fn serve(
    listener: TcpListener,
    act: Arc<impl Fn(&Sent, usize) -> Act + Send + Sync + 'static>,
    seen: Arc<Mutex<Seen>>,
) {
    // Ends with this future, and so do the connections.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        seen.lock().unwrap().connections += 1;
        connections.spawn(converse(stream, Arc::clone(&act), Arc::clone(&seen)));
    }
}

async fn converse(
    stream: TcpStream,
    act: Arc<impl Fn(&Sent, usize) -> Act + Send + Sync + 'static>,
    seen: Arc<Mutex<Seen>>,
) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        let before = {
            let mut seen = seen.lock().unwrap();
            let before = seen.requests.len();
            if !request.line.starts_with("POST ") {
                seen.requests.push(request.clone());
            }
            before
        };
        let (bytes, more) = match act(&request, before) {
            Act::Send(bytes) => (bytes, true),
            Act::SendAndClose(bytes) => (bytes, false),
            Act::Drip(first, rest) => match drip(&mut stream, &first, &rest).await {
                Ok(()) => continue,
                Err(_) => return,
            },
            Act::Hang => return std::future::pending().await,
        };
        if stream.write_all(&bytes).await.is_err() || !more {
            return;
        }
    }
}

/// Sends `first` at once, and `rest` one byte a second.
async fn drip(stream: &mut BufReader<TcpStream>, first: &[u8], rest: &[u8]) -> io::Result<()> {
    stream.write_all(first).await?;
    for byte in rest {
        stream.write_all(&[*byte]).await?;
        sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// The next request, its body read and forgotten.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<Sent> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut request = Sent {
        line: line.strip_suffix("\r\n")?.to_owned(),
        headers: Vec::new(),
    };
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        let header = (name.to_lowercase(), value.trim().to_owned());
        request.headers.push(header);
    }
    if let Some(length) = request.all("content-length").first() {
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).await.ok()?;
    }
    Some(request)
}

const TOKEN: &str = r#"{"token_type":"bearer","access_token":"scripted","expires_in":"3600"}"#;
