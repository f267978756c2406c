//! Connection files for Power BI Desktop (`.pbids`): JSON that opens its navigator at an address.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::odata::name::SiteId;

/// A connection to an address. It has no credentials: Desktop asks for them.
pub(super) fn connection(url: &str) -> String {
    let file = json!({
        "version": "0.1",
        "connections": [{
            "details": { "protocol": "odata", "address": { "url": url } },
            "mode": "Import",
        }],
    });
    format!("{file:#}\n")
}

/// `citrix.pbids`, `citrix-lab.pbids`, `citrix-lab-Users.pbids`: the default site needs no name.
pub(super) fn file_name(site: Option<&SiteId>, set: Option<&str>) -> String {
    let parts = site.map(SiteId::as_str).into_iter().chain(set);
    let name = parts.fold("citrix".to_owned(), |name, part| format!("{name}-{part}"));
    format!("{name}.pbids")
}

/// The file as a download. Site names and set names have no quotes or slashes in them, but sets may have letters of any
/// script: older clients get `_` in their place (RFC 6266, appendix D).
pub(super) fn download(name: &str, text: String) -> Response {
    let ascii = |c: char| {
        let sound = c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if sound { c } else { '_' }
    };
    let plain: String = name.chars().map(ascii).collect();
    let disposition = if plain == name {
        format!("attachment; filename=\"{plain}\"")
    } else {
        let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC);
        format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
    };
    let mut response = text.into_response();
    let headers = response.headers_mut();
    for (header, value) in [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(header, HeaderValue::from_static(value));
    }
    // Always a value: the names above are ASCII by now.
    if let Ok(disposition) = HeaderValue::try_from(disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_connection_has_one_address_and_no_credentials() {
        let url = "https://bi.example.com/c%20\"x\"/monitorodata";
        let file: Value = serde_json::from_str(&connection(url)).unwrap();
        let expected = json!({
            "version": "0.1",
            "connections": [{
                "details": { "protocol": "odata", "address": { "url": url } },
                "mode": "Import",
            }],
        });
        assert_eq!(file, expected);
    }

    #[test]
    fn names_are_safe_in_headers_and_on_disks() {
        let lab = SiteId::new("lab").unwrap();
        for (site, set, expected) in [
            (None, None, "attachment; filename=\"citrix.pbids\""),
            (
                Some(&lab),
                None,
                "attachment; filename=\"citrix-lab.pbids\"",
            ),
            (
                Some(&lab),
                Some("Users"),
                "attachment; filename=\"citrix-lab-Users.pbids\"",
            ),
            (
                None,
                Some("Größe"),
                "attachment; filename=\"citrix-Gr__e.pbids\"; filename*=UTF-8''citrix%2DGr%C3%B6%C3%9Fe%2Epbids",
            ),
        ] {
            let name = file_name(site, set);
            let response = download(&name, String::new());
            assert_eq!(response.headers()[header::CONTENT_DISPOSITION], expected);
        }
    }
}
