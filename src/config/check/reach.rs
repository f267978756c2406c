//! Where the server may be reached from: other machines only when their users are known and nobody listens on the way,
//! or when the operator says that this is not needed. Pure.
//!
//! A public address that is not this machine's says that something here, a reverse proxy, answers for us elsewhere: to us all
//! of its clients are on this machine. Who they are must be known; how they reach it is the reverse proxy's affair.

use std::net::SocketAddr;

use url::Url;

use super::address::is_loopback;

/// What stands between the server and whoever reaches it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guards {
    /// There is an access key, or the operator lets in anybody.
    pub(super) access: bool,
    /// There is a certificate, or the operator does without.
    pub(super) encryption: bool,
}

/// Something that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    /// The setting that makes it necessary.
    pub(super) name: &'static str,
    /// The problem.
    pub(super) what: String,
    /// What can be done.
    pub(super) hint: &'static str,
}

/// What is missing for a server that listens at these addresses, and that clients reach under `public_url` when there is one.
pub(super) fn missing(
    listen: &[SocketAddr],
    public_url: Option<&Url>,
    guards: Guards,
) -> Vec<Missing> {
    let open: Vec<String> = listen
        .iter()
        .filter(|address| !address.ip().to_canonical().is_loopback())
        .map(|address| format!("`{address}`"))
        .collect();
    let mut missing = Vec::new();
    if open.is_empty() {
        if let Some(url) = public_url.filter(|url| !is_loopback(url) && !guards.access) {
            missing.push(Missing {
                name: "server.public_url",
                what: format!(
                    "`{url}` is for other machines, and this server answers anyone who can reach it"
                ),
                hint: PUBLIC_HINT,
            });
        }
        return missing;
    }
    let reach = format!("{} can be reached from other machines", open.join(", "));
    if !guards.access {
        missing.push(Missing {
            name: "server.listen",
            what: format!("{reach}, and this server answers anyone who can reach it"),
            hint: KEY_HINT,
        });
    }
    if !guards.encryption {
        missing.push(Missing {
            name: "server.listen",
            what: format!("{reach}, and data and keys would travel unencrypted"),
            hint: TLS_HINT,
        });
    }
    missing
}

const KEY_HINT: &str = "listen on 127.0.0.1 and [::1] only; or make a key with `citrix-odata-proxy key` and put its section \
     [[server.keys]] into the settings file; or set server.anonymous = true, if everyone who reaches the address may read \
     everything";

const PUBLIC_HINT: &str = "make a key with `citrix-odata-proxy key` and put its section [[server.keys]] into the settings file; or \
     set server.anonymous = true, if everyone who reaches the address may read everything, or the reverse proxy there asks \
     who they are";

const TLS_HINT: &str = "set certificate_file and key_file in [server.tls]; or server.plain_http = true, if the network \
     itself, or a reverse proxy, encrypts";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_need_both_or_the_operators_word() {
        for (listen, access, encryption, expected) in [
            ("127.0.0.1:1 [::1]:1 [::ffff:127.0.0.1]:1", false, false, 0),
            ("127.0.0.1:1 0.0.0.0:1", false, false, 2),
            ("[::]:1", false, false, 2),
            ("192.0.2.1:1 [2001:db8::1]:1", false, false, 2),
            ("0.0.0.0:1", true, false, 1),
            ("0.0.0.0:1", false, true, 1),
            ("0.0.0.0:1", true, true, 0),
        ] {
            let listen: Vec<SocketAddr> = listen
                .split(' ')
                .map(|text| text.parse().unwrap())
                .collect();
            let guards = Guards { access, encryption };
            let found = missing(&listen, None, guards);
            assert_eq!(found.len(), expected, "{listen:?} {guards:?}: {found:?}");
        }
    }

    #[test]
    fn a_public_address_elsewhere_needs_access_and_no_encryption() {
        for (public_url, listen, access, expected) in [
            (
                "https://bi.example.com/",
                "127.0.0.1:1",
                false,
                Some("server.public_url"),
            ),
            (
                "http://192.0.2.1:8080/",
                "[::1]:1",
                false,
                Some("server.public_url"),
            ),
            (
                "https://localhost.example.com/",
                "[::1]:1",
                false,
                Some("server.public_url"),
            ),
            ("https://bi.example.com/", "127.0.0.1:1", true, None),
            ("http://localhost:9000/", "127.0.0.1:1", false, None),
            ("http://127.0.0.2/", "127.0.0.1:1", false, None),
            ("http://[::1]:9000/", "127.0.0.1:1", false, None),
            // Said once.
            (
                "https://bi.example.com/",
                "0.0.0.0:1",
                false,
                Some("server.listen"),
            ),
        ] {
            let listen: SocketAddr = listen.parse().unwrap();
            let guards = Guards {
                access,
                encryption: !listen.ip().is_loopback(),
            };
            let found = missing(&[listen], Some(&public_url.parse().unwrap()), guards);
            let names: Vec<&str> = found.iter().map(|missing| missing.name).collect();
            let expected: Vec<&str> = expected.into_iter().collect();
            assert_eq!(names, expected, "{public_url} {listen} {access}");
        }
    }
}
