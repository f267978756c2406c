//! `health`: does a proxy that runs on this machine answer?
//!
//! For container engines and scripts that have no HTTP client. It asks for `/healthz`, which needs no access key, and
//! reads of the settings only where the proxy listens: no secret, and nothing of the sites.

mod ask;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use tokio::time::timeout;
use url::Url;

use self::ask::ask;
use super::{Failure, print};
use crate::config::Server;

/// Asks at each place in turn, until one says that it is well.
pub(super) async fn health(places: Vec<Url>) -> Result<ExitCode, Failure> {
    let mut last =
        "no address is known, because the system chooses the port; name it with --url".to_owned();
    for place in places {
        let answered = timeout(PATIENCE, ask(&place)).await;
        last = match answered
            .unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
        {
            Ok(()) => {
                print(&format!("{place} is well"))?;
                return Ok(ExitCode::SUCCESS);
            }
            Err(reason) => format!("{place}: {reason}"),
        };
    }
    Err(Failure::Unwell(last))
}

/// Where to ask when only the server's base address is given.
pub(super) fn at(base: &str) -> Result<Url, Failure> {
    let bad = |what: String| Failure::Flag {
        flag: "--url",
        what,
    };
    let url = Url::parse(base).map_err(|error| bad(format!("`{base}` is no address: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(bad(format!(
            "`{base}` is no address of a server; write it as in `http://localhost:8484`"
        )));
    }
    let path = format!("{}/{PATH}", url.path().trim_end_matches('/'));
    let mut url = url;
    url.set_path(&path);
    url.set_query(None);
    Ok(url)
}

/// Where to ask a proxy with these settings.
pub(super) fn places(server: &Server) -> Vec<Url> {
    let scheme = if server.tls.is_some() {
        "https"
    } else {
        "http"
    };
    at_addresses(scheme, &server.listen)
}

fn at_addresses(scheme: &str, listen: &[SocketAddr]) -> Vec<Url> {
    let addresses = listen.iter().filter(|address| address.port() != 0);
    let places = addresses.map(|address| {
        let address = SocketAddr::new(reachable(address.ip()), address.port());
        Url::parse(&format!("{scheme}://{address}/{PATH}"))
    });
    places.filter_map(Result::ok).collect()
}

/// Where this machine finds what listens on an address: on all of them means on loopback, too.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

const PATH: &str = "healthz";

/// How long one place may take. Less than the patience of a container engine, which says less about the reason.
const PATIENCE: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_that_this_machine_reaches() {
        for (scheme, listen, expected) in [
            ("http", "127.0.0.1:8484", "http://127.0.0.1:8484/healthz"),
            ("https", "127.0.0.1:8484", "https://127.0.0.1:8484/healthz"),
            ("http", "0.0.0.0:80", "http://127.0.0.1/healthz"),
            ("http", "[::]:8484", "http://[::1]:8484/healthz"),
            ("https", "192.0.2.7:443", "https://192.0.2.7/healthz"),
            ("http", "127.0.0.1:0", ""),
        ] {
            let places = at_addresses(scheme, &[listen.parse().unwrap()]);
            let places: Vec<&str> = places.iter().map(Url::as_str).collect();
            assert_eq!(places.join(" "), expected, "{scheme} {listen}");
        }
    }

    #[test]
    fn an_address_is_completed() {
        for (base, expected) in [
            (
                "http://localhost:8484",
                Some("http://localhost:8484/healthz"),
            ),
            (
                "https://reports.example.com/citrix/",
                Some("https://reports.example.com/citrix/healthz"),
            ),
            ("http://[::1]:8484/?x=1", Some("http://[::1]:8484/healthz")),
            ("localhost:8484", None),
            ("ftp://localhost", None),
            ("", None),
        ] {
            let found = at(base).ok().map(|url| url.to_string());
            assert_eq!(found.as_deref(), expected, "{base}");
        }
    }
}
