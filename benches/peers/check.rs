//! Whether a server gives the right answer: its rows are those of the origin, byte for byte.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::cell::{Cell, Encoding};
use super::incoming::{Incoming, Response};
use super::rows;

/// What every response of a server in a cell has to be like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    gzip: bool,
    /// Of the body, as it is sent.
    pub(crate) length: u64,
}

impl Expected {
    /// Asks once, and checks the content of the answer.
    pub(crate) fn of(address: SocketAddr, cell: Cell) -> Result<Self, String> {
        let response = ask(address, &cell.request(address))?;
        let expected = Self {
            gzip: cell.encoding == Encoding::Gzip,
            length: response.length,
        };
        expected.check(&response)?;
        let mut body = Vec::new();
        if response.gzip {
            let mut decoder = MultiGzDecoder::new(&*response.body);
            decoder
                .read_to_end(&mut body)
                .map_err(|error| format!("its gzip is broken: {error}"))?;
        } else {
            body = response.body;
        }
        let read =
            |body| serde_json::from_slice(body).map_err(|error| format!("bad JSON: {error}"));
        let theirs: Collection<'_> = read(&body)?;
        let right = rows::collection(cell.size, address);
        let right: Collection<'_> = read(right.as_bytes())?;
        let context = format!("/monitorodata/$metadata#{}", cell.size.set());
        let rows = |collection: &Collection<'_>| -> Vec<String> {
            let rows = collection.value.iter();
            rows.map(|row| row.get().to_owned()).collect()
        };
        if theirs.context.ends_with(&context) && rows(&theirs) == rows(&right) {
            Ok(expected)
        } else {
            Err("its rows are not the origin's".to_owned())
        }
    }

    /// Checks one more response by all that shows without reading it.
    pub(crate) fn check(&self, response: &Response) -> Result<(), String> {
        let Response {
            status,
            gzip,
            length,
            ..
        } = *response;
        if status == 200 && gzip == self.gzip && length == self.length {
            return Ok(());
        }
        let coding = if gzip { "gzip" } else { "no" };
        Err(format!(
            "a response of status {status}, {coding} coding and {length} bytes"
        ))
    }
}

/// Asks one question on a connection of its own, and keeps the body of the answer.
pub(crate) fn ask(address: SocketAddr, request: &str) -> Result<Response, String> {
    let asked = || -> std::io::Result<Result<Response, String>> {
        let mut connection = TcpStream::connect(address)?;
        connection.write_all(request.as_bytes())?;
        let mut incoming = Incoming::kept();
        let mut buffer = vec![0; 1 << 18];
        loop {
            let length = connection.read(&mut buffer)?;
            let bytes = buffer.get(..length).unwrap_or_default();
            if bytes.is_empty() {
                return Ok(Err("the connection was cut".to_owned()));
            }
            if let Some(response) = incoming.feed(bytes).transpose() {
                return Ok(response);
            }
        }
    };
    asked().map_err(|error| error.to_string())?
}

#[derive(Deserialize)]
struct Collection<'a> {
    #[serde(rename = "@odata.context")]
    context: String,
    #[serde(borrow)]
    value: Vec<&'a RawValue>,
}
