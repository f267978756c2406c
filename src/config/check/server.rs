//! The section `[server]`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};

use url::Url;

use super::reach::{Guards, Missing, missing};
use super::reader::{Noted, Read, Reader};
use super::{address, keys};
use crate::config::{AccessKey, Limits, Server, Tls};

/// `sites` are those that are configured, whatever may be wrong with them.
pub(super) fn check(reader: &mut Reader<'_>, sites: &BTreeMap<String, String>) -> Read<Server> {
    let (listen, all_sound) = listen(reader);
    let allowed_hosts = allowed_hosts(reader);
    let public_url = address::public_url(reader, "server.public_url");
    let keys = keys::check(reader, sites);
    let tls = tls(reader);
    let reach = reach(reader, &listen, &public_url, &keys, &tls);
    let cors_origins = cors_origins(reader);
    let limits = limits(reader);
    let drain = reader.duration("server.drain");
    all_sound?;
    reach?;
    Ok(Server {
        listen,
        allowed_hosts: allowed_hosts?,
        public_url: public_url?,
        keys: keys?,
        tls: tls?,
        cors_origins: cors_origins?,
        limits: limits?,
        drain: drain?,
    })
}

/// Whether strangers are kept out. What is wrong with the public address, keys and certificate is noted already, and is not
/// missing besides.
fn reach(
    reader: &mut Reader<'_>,
    listen: &[SocketAddr],
    public_url: &Read<Option<Url>>,
    keys: &Read<Vec<AccessKey>>,
    tls: &Read<Option<Tls>>,
) -> Read<()> {
    let anonymous = reader.switch("server.anonymous");
    let plain_http = reader.switch("server.plain_http");
    let has_keys = keys.as_ref().map_or(true, |keys| !keys.is_empty());
    let (anonymous, plain_http) = (anonymous?, plain_http?);
    let mut sound = Ok(());
    if anonymous && has_keys {
        let what = "anybody may ask, and there are keys to ask for";
        let hint = "remove `anonymous`, or the sections [[server.keys]]";
        sound = reader.refuse("server.anonymous", what, hint);
    }
    let guards = Guards {
        access: has_keys || anonymous,
        encryption: tls.as_ref().map_or(true, Option::is_some) || plain_http,
    };
    let public_url = public_url.as_ref().ok().and_then(Option::as_ref);
    for Missing { name, what, hint } in missing(listen, public_url, guards) {
        sound = reader.refuse(name, what, hint);
    }
    sound
}

fn tls(reader: &mut Reader<'_>) -> Read<Option<Tls>> {
    const NAMES: [&str; 2] = ["server.tls.certificate_file", "server.tls.key_file"];
    let [certificate, key] = NAMES.map(|name| reader.path(name));
    match (certificate?, key?) {
        (None, None) => Ok(None),
        (Some(certificate_file), Some(key_file)) => Ok(Some(Tls {
            certificate_file,
            key_file,
        })),
        (Some(_), None) => reader.refuse(NAMES[1], "the certificate has no key", TLS_HINT),
        (None, Some(_)) => reader.refuse(NAMES[0], "the key has no certificate", TLS_HINT),
    }
}

/// In the form in which browsers write them.
fn cors_origins(reader: &mut Reader<'_>) -> Read<Vec<String>> {
    const NAME: &str = "server.cors_origins";
    let mut origins = Vec::new();
    let mut sound = Ok(());
    for text in reader.list(NAME)? {
        let url = Url::parse(&text).ok().filter(|url| {
            let web = matches!(url.scheme(), "http" | "https");
            let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
            let wild = text.contains(['*', '@']);
            web && bare && !wild
        });
        if let Some(url) = url {
            origins.push(url.origin().ascii_serialization());
        } else {
            let what = format!("`{text}` is not an origin");
            let hint = "write scheme, host and port only, each origin in full: \"https://app.example.com\"";
            sound = reader.refuse(NAME, what, hint);
        }
    }
    sound.map(|()| origins)
}

fn limits(reader: &mut Reader<'_>) -> Read<Limits> {
    const HEADER_BYTES: &str = "server.limits.header_bytes";
    let connections = reader.count("server.limits.connections");
    let connections_per_address = reader.count_if_set("server.limits.connections_per_address");
    let header_bytes = reader.size(HEADER_BYTES).and_then(|bytes| {
        let fits = (HEADER_BYTES_MIN..=HEADER_BYTES_MAX).contains(&bytes);
        match u32::try_from(bytes) {
            Ok(bytes) if fits => Ok(bytes),
            _ => reader.refuse(
                HEADER_BYTES,
                "this is not a size within the limits",
                "write a size from \"8KiB\" to \"1MiB\"",
            ),
        }
    });
    let requests_per_second = reader.count("server.limits.requests_per_second");
    let connections = connections?;
    let per_address = connections_per_address?.unwrap_or(connections.div_ceil(4));
    Ok(Limits {
        connections: NonZeroUsize::new(connections).unwrap_or(NonZeroUsize::MIN),
        connections_per_address: NonZeroUsize::new(per_address).unwrap_or(NonZeroUsize::MIN),
        header_bytes: header_bytes?,
        requests_per_second: u32::try_from(requests_per_second?)
            .ok()
            .and_then(NonZeroU32::new),
    })
}

/// The addresses that are sound, and whether all are.
fn listen(reader: &mut Reader<'_>) -> (Vec<SocketAddr>, Read<()>) {
    const NAME: &str = "server.listen";
    let mut addresses: Vec<SocketAddr> = Vec::new();
    let Ok(texts) = reader.list(NAME) else {
        return (addresses, Err(Noted));
    };
    if texts.is_empty() {
        let none = reader.refuse(NAME, "no address to listen on", LISTEN_HINT);
        return (addresses, none);
    }
    let mut sound = Ok(());
    for text in texts {
        match text.parse::<SocketAddr>() {
            Err(_) => {
                let what = format!("`{text}` is not an address with a port");
                sound = reader.refuse(NAME, what, LISTEN_HINT);
            }
            Ok(address) if address.port() != 0 && addresses.contains(&address) => {
                let what = format!("`{text}` is listed twice");
                sound = reader.refuse(NAME, what, "remove one of the two");
            }
            Ok(address) => addresses.push(address),
        }
    }
    (addresses, sound)
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

const TLS_HINT: &str = "set both certificate_file and key_file, files in PEM, in [server.tls]";

/// What is read at a time at least.
const HEADER_BYTES_MIN: u64 = 8 << 10;

/// Every connection may take so much.
const HEADER_BYTES_MAX: u64 = 1 << 20;
