//! The service root as the client knows it: what every link in its answer begins with.

use bytes::Bytes;
use url::Url;

use super::host::Authority;

/// The service root, without a slash at its end. `path` is the root's path as the client typed it.
///
/// `scheme` is the one by which requests come here. Power Query holds `localhost`, `127.0.0.1` and a machine's name for different sources, so host and port are
/// the client's own, except behind something that changes them: then they are `public_url`'s.
pub(crate) fn service_root(
    public_url: Option<&Url>,
    scheme: &str,
    authority: &Authority,
    path: &str,
) -> Bytes {
    match public_url {
        Some(url) => [url.as_str().trim_end_matches('/'), path].concat().into(),
        None => [scheme, "://", authority.as_str(), path].concat().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_the_client_typed() {
        for (host, path, expected) in [
            (
                "localhost:8484",
                "/monitorodata",
                "http://localhost:8484/monitorodata",
            ),
            (
                "[::1]:8484",
                "/Main/MonitorOData",
                "http://[::1]:8484/Main/MonitorOData",
            ),
            (
                "LOCALHOST",
                "/monitorodata",
                "http://LOCALHOST/monitorodata",
            ),
        ] {
            let authority = Authority::of(host);
            assert_eq!(service_root(None, "http", &authority, path), expected);
            let secured = expected.replace("http:", "https:");
            assert_eq!(service_root(None, "https", &authority, path), secured);
        }
    }

    #[test]
    fn or_the_public_address() {
        let authority = Authority::of("localhost:8484");
        for (url, expected) in [
            (
                "https://bi.example.com",
                "https://bi.example.com/monitorodata",
            ),
            (
                "https://bi.example.com:444/",
                "https://bi.example.com:444/monitorodata",
            ),
            (
                "https://bi.example.com/citrix/",
                "https://bi.example.com/citrix/monitorodata",
            ),
        ] {
            let url: Url = url.parse().unwrap();
            let root = service_root(Some(&url), "http", &authority, "/monitorodata");
            assert_eq!(root, expected);
        }
    }
}
