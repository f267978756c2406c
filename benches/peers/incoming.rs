//! An HTTP/1.1 response as it comes in, read with as little work as can be: its body is counted, and kept on request.

use memchr::memmem;

/// A response that is being read. Bytes of a second one must not follow before the first is done with.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    /// Head, or a line between chunks, as far as it has come.
    line: Vec<u8>,
    state: State,
    status: u16,
    gzip: bool,
    length: u64,
    /// The body, when it is wanted.
    kept: Option<Vec<u8>>,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Head,
    /// So many bytes are to come.
    Body(u64),
    ChunkSize,
    /// So many bytes of a chunk are to come.
    Chunk(u64),
    /// The end of the line behind a chunk; of the last one, when `true`.
    ChunkEnd(bool),
}

/// A response that has come.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Whether its body is compressed.
    pub(crate) gzip: bool,
    /// Bytes of the body, as it was sent.
    pub(crate) length: u64,
    /// The body, if it was to be kept.
    pub(crate) body: Vec<u8>,
}

impl Incoming {
    /// A response whose body is kept.
    pub(crate) fn kept() -> Self {
        Self {
            kept: Some(Vec::new()),
            ..Self::default()
        }
    }

    /// Takes the next bytes. Returns the response when it is whole; then this is ready for another one.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Result<Option<Response>, String> {
        loop {
            let done = match self.state {
                State::Head => {
                    let Some(head) = self.until(&mut bytes, b"\r\n\r\n") else {
                        return Ok(None);
                    };
                    self.read_head(&head)?
                }
                State::Body(left) => {
                    let left = self.pass(&mut bytes, left);
                    self.state = State::Body(left);
                    left == 0
                }
                State::ChunkSize => {
                    let Some(line) = self.until(&mut bytes, b"\r\n") else {
                        return Ok(None);
                    };
                    let size = std::str::from_utf8(&line).ok();
                    let size = size.and_then(|size| u64::from_str_radix(size, 16).ok());
                    let size = size.ok_or("a chunk without its size")?;
                    self.state = if size == 0 {
                        State::ChunkEnd(true)
                    } else {
                        State::Chunk(size)
                    };
                    false
                }
                State::Chunk(left) => {
                    let left = self.pass(&mut bytes, left);
                    self.state = if left == 0 {
                        State::ChunkEnd(false)
                    } else {
                        State::Chunk(left)
                    };
                    false
                }
                State::ChunkEnd(last) => {
                    let Some(line) = self.until(&mut bytes, b"\r\n") else {
                        return Ok(None);
                    };
                    if !line.is_empty() {
                        return Err("a chunk is longer than it says".to_owned());
                    }
                    self.state = State::ChunkSize;
                    last
                }
            };
            if done {
                if !bytes.is_empty() {
                    return Err("bytes follow the response".to_owned());
                }
                return Ok(Some(self.take()));
            }
            if bytes.is_empty() {
                return Ok(None);
            }
        }
    }

    fn take(&mut self) -> Response {
        let response = Response {
            status: self.status,
            gzip: self.gzip,
            length: self.length,
            body: self.kept.take().unwrap_or_default(),
        };
        (self.state, self.length) = (State::Head, 0);
        response
    }

    /// What came before `mark`, once the mark is there; what is behind it stays in `bytes`.
    fn until(&mut self, bytes: &mut &[u8], mark: &[u8]) -> Option<Vec<u8>> {
        let seam = self.line.len().saturating_sub(mark.len() - 1);
        let before = self.line.len();
        self.line.extend_from_slice(bytes);
        let Some(at) = memmem::find(self.line.get(seam..)?, mark) else {
            *bytes = &[];
            return None;
        };
        let end = seam + at;
        *bytes = bytes.get(end + mark.len() - before..)?;
        self.line.truncate(end);
        Some(std::mem::take(&mut self.line))
    }

    /// Passes at most `left` bytes of the body, and returns how many are still to come.
    fn pass(&mut self, bytes: &mut &[u8], left: u64) -> u64 {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let (body, rest) = bytes.split_at(length);
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(body);
        }
        *bytes = rest;
        self.length += length as u64;
        left - length as u64
    }

    /// Reads a head; returns whether the response ends with it.
    fn read_head(&mut self, head: &[u8]) -> Result<bool, String> {
        let head = std::str::from_utf8(head).map_err(|_| "a head that is no text")?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status = status.and_then(|status| status.parse().ok());
        self.status = status.ok_or("a response without a status")?;
        self.gzip = false;
        let mut body = None;
        for line in lines {
            let Some((name, value)) = line.split_once(':') else {
                return Err("a header without a name".to_owned());
            };
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                body = value.parse().ok().map(State::Body);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                body = Some(State::ChunkSize);
            } else if name.eq_ignore_ascii_case("content-encoding") {
                self.gzip = value.eq_ignore_ascii_case("gzip");
            }
        }
        self.state = body.ok_or("a response that does not say where it ends")?;
        Ok(matches!(self.state, State::Body(0)))
    }
}
