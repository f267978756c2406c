//! Paths that try to lead elsewhere.

use percent_encoding::percent_decode_str;

use super::{guarded, rows};
use crate::wire::Wire;

/// What somebody may put between two parts of a path.
const TRICKS: &[&str] = &[
    "../",
    "./",
    "/../",
    "/..",
    "..%2f",
    "%2e%2e/",
    "%2E%2E%2F",
    ".%2e/",
    "%2e./",
    "..;/",
    "..\\",
    "%5c..%5c",
    "%2f",
    "%2F%2F",
    "%252e%252e%252f",
    "//",
    "///",
    "/./",
    "%00",
    "%0d%0aX:%20y",
    "%c0%ae%c0%ae/",
    "%ff",
    "%",
    "%z",
    "%2",
    "\\",
    ";",
    "@evil.example/",
    "//evil.example/",
    "http://evil.example/",
    "?",
    "%3f",
    "#",
    "%23",
];

const PATHS: &[&str] = &[
    "/monitorodata/Machines(1)/Sessions",
    "/main/monitorodata/Machines",
    "/api/cache/purge",
    "/assets/page.css",
];

#[tokio::test]
async fn no_path_leads_anywhere_else() {
    let upstream = rows().await;
    let proxy = guarded(&upstream, "").await;
    let mut asked = 0;
    let mut client = Wire::open(proxy.address).await;
    for path in PATHS {
        let places = (1..=path.len()).filter(|at| {
            let around = [
                path.as_bytes()[at - 1],
                *path.as_bytes().get(*at).unwrap_or(&b'/'),
            ];
            around.iter().any(|byte| b"/(".contains(byte))
        });
        for (at, trick) in places.flat_map(|at| TRICKS.iter().map(move |trick| (at, trick))) {
            let target = format!("{}{trick}{}", &path[..at], &path[at..]);
            client
                .send(&format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
                .await;
            let reply = client.reply().await;
            asked += 1;
            assert!(
                [200, 400, 404, 405, 501, 502].contains(&reply.status()),
                "{target}: {} {}",
                reply.status(),
                reply.text()
            );
            // 502: to some of them the upstream of this test has no answer that makes sense.
            // What is no HTTP at all is refused before there is anything to say.
            if reply.status() >= 400 && !(reply.status() == 400 && reply.body.is_empty()) {
                reply.error_code();
            }
            let ends = reply.header("connection") == Some("close");
            if ends {
                client = Wire::open(proxy.address).await;
            }
        }
    }
    assert!(asked > 500, "{asked}");
    for sent in upstream.requests() {
        let target = sent.line.split(' ').nth(1).unwrap();
        let path = target.split('?').next().unwrap();
        assert!(path.starts_with("/monitorodata"), "{}", sent.line);
        // Once more than Citrix should decode them, and split by whatever somebody may take for a slash.
        let twice = decoded(&decoded(path));
        assert!(!twice.contains(char::is_control), "{}", sent.line);
        for piece in twice.split(['/', '\\']) {
            let piece = piece.split(';').next().unwrap().trim();
            assert!(![".", ".."].contains(&piece), "{}", sent.line);
        }
        assert_eq!(sent.all("host"), [upstream.address.to_string()]);
    }
    let log = proxy.killed().await.stderr;
    assert!(!log.contains("panicked"), "{log}");
}

fn decoded(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}
