//! Addresses: where upstream is, what clients see, and where traces go.
//!
//! An address with a user name or password in it is refused without being shown.

use url::{Host, Url};

use super::reader::{Read, Reader};

/// Where upstream is: scheme, host and port only, or `None` within when it is not set.
pub(super) fn endpoint(reader: &mut Reader<'_>, name: &str) -> Read<Option<Url>> {
    let Some(mut url) = http_url(reader, name)? else {
        return Ok(None);
    };
    if !without_service(url.path()).is_empty() {
        return reader.refuse(
            name,
            format!("`{url}` has a path"),
            "write scheme and host only, like \"https://api.cloud.com\"; /monitorodata is added to it",
        );
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return reader.refuse(
            name,
            format!("`{url}` would carry the client secret unencrypted"),
            "use https://; http:// is allowed for this machine only (localhost, 127.0.0.1, [::1])",
        );
    }
    url.set_path("");
    Ok(Some(url))
}

/// What clients see, or `None` within when it is not set.
pub(super) fn public_url(reader: &mut Reader<'_>, name: &str) -> Read<Option<Url>> {
    let Some(mut url) = http_url(reader, name)? else {
        return Ok(None);
    };
    let path = without_service(url.path()).to_owned();
    url.set_path(&path);
    Ok(Some(url))
}

/// Where traces go, or `None` within when it is not set. An address without a path gets the one that collectors have.
pub(super) fn collector(reader: &mut Reader<'_>, name: &str) -> Read<Option<Url>> {
    let Some(mut url) = http_url(reader, name)? else {
        return Ok(None);
    };
    if url.path() == "/" {
        url.set_path("/v1/traces");
    }
    Ok(Some(url))
}

fn http_url(reader: &mut Reader<'_>, name: &str) -> Read<Option<Url>> {
    let text = reader.text(name)?;
    if text.is_empty() {
        return Ok(None);
    }
    let Some(url) = Url::parse(&text).ok().filter(Url::has_host) else {
        return reader.refuse(name, "this is not an address", ADDRESS_HINT);
    };
    let secret = !url.username().is_empty() || url.password().is_some();
    let more = url.query().is_some() || url.fragment().is_some();
    match url.scheme() {
        _ if secret => reader.refuse(
            name,
            "the address contains a user name or password",
            "remove the part before the @",
        ),
        "http" | "https" if more => reader.refuse(
            name,
            "the address has a query or fragment",
            "remove what follows the `?` or `#`",
        ),
        "http" | "https" => Ok(Some(url)),
        other => {
            let what = format!("`{other}://` is not supported");
            reader.refuse(name, what, ADDRESS_HINT)
        }
    }
}

/// A path without slashes at its end and without `/monitorodata`, which people paste along.
fn without_service(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    let start = path.rfind('/').unwrap_or(0);
    match path.split_at_checked(start) {
        Some((before, last)) if last.eq_ignore_ascii_case("/monitorodata") => {
            before.trim_end_matches('/')
        }
        _ => path,
    }
}

/// Whether it leads to this machine, for whoever is on it.
pub(in crate::config) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

const ADDRESS_HINT: &str = "write a whole address, beginning with https://";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_what_people_paste_along() {
        let cases = [
            ("/", ""),
            ("", ""),
            ("/monitorodata", ""),
            ("/MonitorOData/", ""),
            ("/citrix/monitorodata//", "/citrix"),
            ("/citrix/", "/citrix"),
            ("/monitorodata/Sessions", "/monitorodata/Sessions"),
            ("/xmonitorodata", "/xmonitorodata"),
        ];
        for (path, expected) in cases {
            assert_eq!(without_service(path), expected, "{path}");
        }
    }
}
