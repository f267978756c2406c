//! Where the server may be reached from: other machines only when their users are known and nobody listens on the way,
//! or when the operator says that this is not needed. Pure.

use std::net::SocketAddr;

/// What stands between the server and whoever reaches it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guards {
    /// There is an access key, or the operator lets in anybody.
    pub(super) access: bool,
    /// There is a certificate, or the operator does without.
    pub(super) encryption: bool,
}

/// What is missing, as problem and hint.
pub(super) fn missing(listen: &[SocketAddr], guards: Guards) -> Vec<(String, &'static str)> {
    let open: Vec<String> = listen
        .iter()
        .filter(|address| !address.ip().to_canonical().is_loopback())
        .map(|address| format!("`{address}`"))
        .collect();
    let mut missing = Vec::new();
    if open.is_empty() {
        return missing;
    }
    let reach = format!("{} can be reached from other machines", open.join(", "));
    if !guards.access {
        let what = format!("{reach}, and this server answers anyone who can reach it");
        missing.push((what, KEY_HINT));
    }
    if !guards.encryption {
        let what = format!("{reach}, and data and keys would travel unencrypted");
        missing.push((what, TLS_HINT));
    }
    missing
}

const KEY_HINT: &str = "listen on 127.0.0.1 and [::1] only; or make a key with `citrix-odata-proxy key` and put its section \
     [[server.keys]] into the settings file; or set server.anonymous = true, if everyone who reaches the address may read \
     everything";

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
            let found = missing(&listen, guards);
            assert_eq!(found.len(), expected, "{listen:?} {guards:?}: {found:?}");
        }
    }
}
