//! The origin, and the servers in front of it.

use super::check;
use super::cores::Cores;
use super::process::{Process, free_address};
use super::server::{Server, stock};
use super::stock::ASKED;

/// All that runs.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) members: Vec<Member>,
    origin: Process,
}

/// A server that is measured.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) server: Server,
    pub(crate) process: Process,
}

impl Fleet {
    /// Starts the origin on the cores of the load, where it is in nobody's way, and `servers` on theirs.
    pub(crate) fn start(
        servers: &[Server],
        server_cores: &Cores,
        load_cores: &Cores,
    ) -> Result<Self, String> {
        let address = free_address();
        let folder = tempfile::tempdir().unwrap();
        let origin = Process::start(stock(address, load_cores), address, folder)?;
        let members = servers.iter().map(|&server| {
            let process = server.start(origin.address, server_cores)?;
            Ok(Member { server, process })
        });
        Ok(Self {
            members: members.collect::<Result<_, String>>()?,
            origin,
        })
    }

    /// Questions that have reached the origin.
    pub(crate) fn asked(&self) -> Result<u64, String> {
        let address = self.origin.address;
        let request = format!("GET {ASKED} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let response = check::ask(address, &request)?;
        let number = String::from_utf8_lossy(&response.body).parse();
        number.map_err(|_| "the origin does not say how often it was asked".to_owned())
    }
}
