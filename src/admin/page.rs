//! A page for people: the address to paste, and how things are.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, Uri, header};
use url::Url;

use super::html::Text;
use super::status::{Lane, LastError, Site, Status, Token, Waiting};
use super::{Operator, scan, stored, warm};
use crate::gateway::Which;

/// `GET /`.
pub(super) async fn page(State(operator): State<Arc<Operator>>, request: Request) -> Response {
    let base = base(operator.settings.public_url.as_ref(), request.uri());
    let status = operator.status(Which::default(), STORED_MAX);
    (HEADERS, render(&status, &base)).into_response()
}

/// The address of this server as its clients know it, without a slash at its end.
pub(super) fn base(public_url: Option<&Url>, uri: &Uri) -> String {
    match public_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None => match uri.authority() {
            Some(authority) => format!("{}://{authority}", uri.scheme_str().unwrap_or("http")),
            None => String::new(),
        },
    }
}

fn render(status: &Status, base: &str) -> String {
    let sites: String = status.sites.iter().map(|s| section(s, base)).collect();
    let scans = scan::section(&status.scans);
    let stored = stored::table(&status.cache.stored, status.cache.stored_total);
    let warm = warm::section(&status.warm);
    let refresh = if status.is_busy() { REFRESH } else { "" };
    let base = Text(base);
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{refresh}<title>Citrix OData proxy</title>
<style>
{STYLE}</style>
</head>
<body>
<h1>Citrix OData proxy</h1>
<p>In Power BI or Excel choose <b>Get data</b>, <b>OData feed</b>, paste an address below, and sign in as <b>Anonymous</b>.</p>
{sites}{scans}<h2>Stored answers</h2>
<dl>
<dt>Answers</dt><dd>{entries}</dd>
<dt>Size</dt><dd>{size}</dd>
<dt>On disk</dt><dd>{disk_entries}, {disk_size}</dd>
<dt>Being made</dt><dd>{fills}</dd>
</dl>
{stored}{warm}<footer>Version {version}, running for {uptime}. <a href="{base}/api/status">Status as JSON</a>, <a href="{base}/metrics">metrics</a>, <a href="{base}/readyz">readiness</a>.</footer>
</body>
</html>
"#,
        entries = status.cache.entries,
        size = size(status.cache.bytes),
        fills = status.cache.fills,
        disk_entries = status.cache.disk_entries,
        disk_size = size(status.cache.disk_bytes),
        version = status.version,
        uptime = duration(status.uptime_seconds),
    )
}

fn section(site: &Site, base: &str) -> String {
    let address = if site.default {
        format!("{base}/monitorodata")
    } else {
        format!("{base}/{}/monitorodata", site.name)
    };
    let paused = match site.lane.paused_seconds {
        Some(seconds) => format!(", paused by Citrix Cloud for {}", duration(seconds)),
        None => String::new(),
    };
    format!(
        r#"<h2>{name}</h2>
<dl>
<dt>Address</dt><dd><code>{address}</code> (<a href="{address}">sets</a>, <a href="{address}/$metadata">metadata</a>)</dd>
<dt>Source</dt><dd>{endpoint}</dd>
<dt>Sign-in</dt><dd>{token}</dd>
<dt>Queries</dt><dd>{in_flight} under way, {queued} waiting{paused}</dd>
{next}{error}</dl>
"#,
        name = Text(&site.name),
        address = Text(&address),
        endpoint = Text(&site.endpoint),
        token = token(&site.token),
        in_flight = site.lane.in_flight,
        queued = site.lane.waiting.len(),
        next = next(&site.lane),
        error = site.last_error.as_ref().map(last_error).unwrap_or_default(),
    )
}

/// Those that wait at the front of the queue.
fn next(lane: &Lane) -> String {
    let told = |waiting: &Waiting| {
        let (what, since) = (Text(&waiting.what), duration(waiting.seconds));
        format!("{what} ({}, for {since})", waiting.class)
    };
    let front: Vec<String> = lane.waiting.iter().take(NEXT_MAX).map(told).collect();
    match front.join(", ") {
        text if text.is_empty() => text,
        text => format!("<dt>Next</dt><dd>{text}</dd>\n"),
    }
}

fn token(token: &Token) -> String {
    match token {
        Token::None => "not needed yet".to_owned(),
        Token::Valid { remaining_seconds } => {
            format!("valid for {}", duration(*remaining_seconds))
        }
        Token::Failed { explanation } => {
            format!(r#"<span class="bad">{}</span>"#, Text(explanation))
        }
    }
}

fn last_error(error: &LastError) -> String {
    let (at, message) = (Text(&error.at), Text(&error.message));
    format!("<dt>Last error</dt><dd>{at}: {message}</dd>\n")
}

/// The two largest units: `2days 3h`.
pub(super) fn duration(seconds: u64) -> String {
    let text = humantime::format_duration(Duration::from_secs(seconds)).to_string();
    let units: Vec<&str> = text.split(' ').take(2).collect();
    units.join(" ")
}

/// One decimal is enough.
pub(super) fn size(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..KIB => format!("{bytes} B"),
        KIB..MIB => format!("{} KiB", tenths(KIB)),
        MIB..GIB => format!("{} MiB", tenths(MIB)),
        _ => format!("{} GiB", tenths(GIB)),
    }
}

/// So many of those that wait are shown.
const NEXT_MAX: usize = 5;

/// So many stored answers are shown; the JSON has more.
const STORED_MAX: usize = 20;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// Looks again, in seconds; without a script, which the policy below forbids.
const REFRESH: &str = "<meta http-equiv=\"refresh\" content=\"5\">\n";
const STYLE: &str = include_str!("page.css");
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_TYPE, "text/html;charset=utf-8"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
    ),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_are_short() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (256 << 20, "256.0 MiB"),
            (5 << 30, "5.0 GiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
        assert_eq!(duration(0), "0s");
        assert_eq!(duration(93_784), "1day 2h");
    }

    #[test]
    fn addresses_are_the_clients_or_the_public_one() {
        let uri = Uri::from_static("http://[::1]:8484/");
        assert_eq!(base(None, &uri), "http://[::1]:8484");
        let secured = Uri::from_static("https://bi.example.com:8484/");
        assert_eq!(base(None, &secured), "https://bi.example.com:8484");
        for (url, expected) in [
            ("https://bi.example.com", "https://bi.example.com"),
            ("https://bi.example.com/c/", "https://bi.example.com/c"),
        ] {
            assert_eq!(base(Some(&url.parse().unwrap()), &uri), expected);
        }
    }
}
