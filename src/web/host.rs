//! Which host names are ours: the guard against DNS rebinding.
//!
//! A web page of a stranger can make a browser send requests here under the stranger's host name. Such a
//! request carries that name in `Host`, so a request under a name that the operator does not know is refused.

use std::borrow::Cow;
use std::net::IpAddr;

use http::request::Parts;
use http::{StatusCode, header};

use super::Settings;
use super::problem::Problem;
use super::refusal::Refusal;

/// The host and port that the client used, as typed; checked to hold nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authority(String);

/// The host names under which clients may ask.
#[derive(Debug)]
pub(crate) struct AllowedHosts {
    names: Vec<HostName<'static>>,
    /// Listening on every address of the machine: then each of them is ours, and which they are may change.
    /// An address cannot be rebound, so this opens nothing.
    any_ip: bool,
}

/// A host's name, comparable.
#[derive(Debug, Clone)]
enum HostName<'a> {
    Ip(IpAddr),
    /// As it was written, without a dot at its end. Compared without regard to case.
    Name(Cow<'a, str>),
}

impl AllowedHosts {
    /// Localhost, the listen addresses, and what the operator named.
    pub(crate) fn new(settings: &Settings) -> Self {
        let public = settings.public_url.as_ref().and_then(url::Url::host_str);
        let named = ["localhost", "127.0.0.1", "[::1]"]
            .into_iter()
            .chain(settings.allowed_hosts.iter().map(String::as_str))
            .chain(public)
            .filter_map(HostName::of)
            .map(HostName::into_owned);
        let listening = settings
            .listen
            .iter()
            .map(|address| HostName::Ip(address.ip()));
        Self {
            names: named.chain(listening).collect(),
            any_ip: settings.listen.iter().any(|a| a.ip().is_unspecified()),
        }
    }

    /// The request's authority, when it is ours. An absolute-form URL (and HTTP/2) wins over `Host`.
    pub(crate) fn authority(&self, request: &Parts) -> Result<Authority, Problem> {
        let mut lines = request.headers.get_all(header::HOST).iter();
        let (line, more) = (lines.next(), lines.next());
        let typed = match request.uri.authority() {
            Some(authority) => authority.as_str(),
            None if more.is_some() => return Err(refusal(None)),
            None => line
                .and_then(|line| line.to_str().ok())
                .ok_or_else(|| refusal(None))?,
        };
        let (text, name) = read(typed).ok_or_else(|| refusal(None))?;
        let authority = Authority(text.to_owned());
        if self.allows(&name) {
            Ok(authority)
        } else {
            Err(refusal(Some(&authority)))
        }
    }

    /// The authority in a URL, when it is ours.
    pub(crate) fn named(&self, typed: &str) -> Option<Authority> {
        let (text, name) = read(typed)?;
        self.allows(&name).then(|| Authority(text.to_owned()))
    }

    fn allows(&self, name: &HostName<'_>) -> bool {
        (self.any_ip && matches!(name, HostName::Ip(_)))
            || self.names.iter().any(|ours| ours.is(name))
    }
}

impl Authority {
    /// One that is checked already.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As the client typed it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`, and nothing that could leave a URL's host: without a colon at its end, and
/// the host's name.
fn read(text: &str) -> Option<(&str, HostName<'_>)> {
    let host = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => {
            // `parse` alone would take a `+`.
            let digits = port.bytes().all(|c| c.is_ascii_digit());
            let sound = port.is_empty() || (digits && port.parse::<u16>().is_ok());
            sound.then_some(host)?
        }
        _ => text,
    };
    Some((text.trim_end_matches(':'), HostName::of(host)?))
}

impl<'a> HostName<'a> {
    fn is(&self, other: &HostName<'_>) -> bool {
        match (self, other) {
            (Self::Ip(ip), HostName::Ip(other)) => ip == other,
            (Self::Name(name), HostName::Name(other)) => name.eq_ignore_ascii_case(other),
            (Self::Ip(_), HostName::Name(_)) | (Self::Name(_), HostName::Ip(_)) => false,
        }
    }

    fn into_owned(self) -> HostName<'static> {
        match self {
            Self::Ip(ip) => HostName::Ip(ip),
            Self::Name(name) => HostName::Name(name.into_owned().into()),
        }
    }

    fn of(host: &'a str) -> Option<Self> {
        let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        if let Some(address) = inner {
            return address.parse().ok().map(|ip| Self::Ip(IpAddr::V6(ip)));
        }
        if let Ok(ip) = host.parse() {
            return Some(Self::Ip(IpAddr::V4(ip)));
        }
        let letter = |c: u8| c.is_ascii_alphanumeric() || b"-._".contains(&c);
        let name = host.strip_suffix('.').unwrap_or(host);
        let sound = !name.is_empty() && name.len() <= HOST_BYTES_MAX && name.bytes().all(letter);
        sound.then_some(Self::Name(name.into()))
    }
}

fn refusal(authority: Option<&Authority>) -> Problem {
    let message = match authority {
        Some(authority) => format!(
            "This server does not answer to the host name `{}`. Use `localhost`, or have the \
             administrator add the name to `server.allowed_hosts`.",
            authority.as_str()
        ),
        None => "The request names no host, or not a sound one. Use an address such as \
                 `http://localhost:8484/monitorodata`."
            .to_owned(),
    };
    Problem::new(StatusCode::MISDIRECTED_REQUEST, "HostNotAllowed", message)
        .counted_as(Refusal::Host)
}

/// DNS has no longer names.
const HOST_BYTES_MAX: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(listen: &str) -> AllowedHosts {
        AllowedHosts::new(&Settings {
            listen: vec![listen.parse().unwrap()],
            allowed_hosts: vec!["BI-Host.example.com".to_owned()],
            public_url: Some("https://data.example.com/citrix".parse().unwrap()),
            tls: false,
            access: crate::web::AccessSettings::default(),
        })
    }

    fn check(listen: &str, uri: &str, hosts: &[&str]) -> Option<String> {
        let mut request = http::Request::get(uri);
        for host in hosts {
            request = request.header("host", *host);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let found = allowed(listen).authority(&parts).ok()?;
        Some(found.as_str().to_owned())
    }

    #[test]
    fn our_names_pass_as_typed() {
        for host in [
            "localhost",
            "LocalHost:8484",
            "localhost.",
            "127.0.0.1:1",
            "[::1]:8484",
            "[0:0:0:0:0:0:0:1]",
            "10.1.2.3:8484",
            "bi-host.EXAMPLE.com:9",
            "data.example.com",
        ] {
            let found = check("10.1.2.3:8484", "/x", &[host]);
            assert_eq!(found.as_deref(), Some(host));
        }
        assert_eq!(
            check("10.1.2.3:8484", "/x", &["localhost:"]).as_deref(),
            Some("localhost")
        );
    }

    #[test]
    fn other_names_and_tricks_do_not() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "192.168.0.1",
            "localhost:8484/path",
            "localhost:99999",
            "localhost:+8484",
            "[::1]:+8484",
            "localhost:80:80",
            "user@localhost",
            "localhost\"",
            "localhost, localhost",
            "[::1",
            "::1",
            "",
            ":80",
        ] {
            assert_eq!(check("10.1.2.3:8484", "/x", &[host]), None, "{host}");
        }
        assert_eq!(check("10.1.2.3:8484", "/x", &[]), None);
        assert_eq!(
            check("10.1.2.3:8484", "/x", &["localhost", "localhost"]),
            None
        );
    }

    #[test]
    fn absolute_form_wins() {
        let uri = "http://localhost:8484/x";
        let found = check("10.1.2.3:8484", uri, &["evil.example"]);
        assert_eq!(found.as_deref(), Some("localhost:8484"));
        assert_eq!(
            check("10.1.2.3:8484", "http://evil/x", &["localhost"]),
            None
        );
    }

    #[test]
    fn listening_everywhere_allows_every_address_but_no_other_name() {
        assert!(check("0.0.0.0:8484", "/x", &["192.168.0.1:8484"]).is_some());
        assert!(check("[::]:8484", "/x", &["0.0.0.0"]).is_some());
        assert!(check("0.0.0.0:8484", "/x", &["evil.example"]).is_none());
    }
}
