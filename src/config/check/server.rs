//! The section `[server]`.

use std::net::SocketAddr;

use super::address;
use super::reader::{Noted, Read, Reader};
use crate::config::Server;

pub(super) fn check(reader: &mut Reader<'_>) -> Read<Server> {
    let listen = listen(reader);
    let allowed_hosts = allowed_hosts(reader);
    let public_url = address::public_url(reader, "server.public_url");
    let drain = reader.duration("server.drain");
    Ok(Server {
        listen: listen?,
        allowed_hosts: allowed_hosts?,
        public_url: public_url?,
        drain: drain?,
    })
}

fn listen(reader: &mut Reader<'_>) -> Read<Vec<SocketAddr>> {
    const NAME: &str = "server.listen";
    let texts = reader.list(NAME)?;
    if texts.is_empty() {
        return reader.refuse(NAME, "no address to listen on", LISTEN_HINT);
    }
    let mut addresses: Vec<SocketAddr> = Vec::new();
    let mut sound = true;
    for text in texts {
        let Ok(address) = text.parse::<SocketAddr>() else {
            let what = format!("`{text}` is not an address with a port");
            sound = reader.refuse(NAME, what, LISTEN_HINT).unwrap_or(false);
            continue;
        };
        if !address.ip().to_canonical().is_loopback() {
            let what = format!(
                "`{text}` can be reached from other machines, and this server answers anyone who can reach it"
            );
            sound = reader.refuse(NAME, what, LOOPBACK_HINT).unwrap_or(false);
        } else if address.port() != 0 && addresses.contains(&address) {
            let what = format!("`{text}` is listed twice");
            sound = reader
                .refuse(NAME, what, "remove one of the two")
                .unwrap_or(false);
        } else {
            addresses.push(address);
        }
    }
    sound.then_some(addresses).ok_or(Noted)
}

fn allowed_hosts(reader: &mut Reader<'_>) -> Read<Vec<String>> {
    const NAME: &str = "server.allowed_hosts";
    let mut hosts = Vec::new();
    let mut sound = true;
    for text in reader.list(NAME)? {
        let wild = text.contains(['*', '/', '@']);
        match url::Host::parse(&text) {
            Ok(host) if !wild => hosts.push(host.to_string().to_ascii_lowercase()),
            _ => {
                sound = reader
                    .refuse(
                        NAME,
                        format!("`{text}` is not the name of a host"),
                        "write names only, without https://, port, path or *: \"reports.example.com\"",
                    )
                    .unwrap_or(false);
            }
        }
    }
    sound.then_some(hosts).ok_or(Noted)
}

const LISTEN_HINT: &str = "write IP address and port, like \"127.0.0.1:8484\" or \"[::1]:8484\"";

const LOOPBACK_HINT: &str = "listen on 127.0.0.1 and [::1] only; for other machines, put a reverse proxy that \
     authenticates its users in front, on this machine, and set server.public_url";
