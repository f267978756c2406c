//! Pages and rows far beyond what Citrix Cloud sends, on real sockets: they pass as they are.

use crate::process::Program;
use crate::upstream::{Act, Upstream};
use crate::wire::{self, End};

const MEGABYTE: usize = 1_000_000;

/// A buffer of a fixed size anywhere on the way would cut them, and one that grows by copying would take minutes.
#[tokio::test]
async fn a_page_of_200_mb_and_rows_of_5_mb_pass() {
    let rows = rows(40, 5 * MEGABYTE);
    let page = format!(r#"{{"value":[{rows}]}}"#);
    assert!(page.len() > 200 * MEGABYTE);
    let upstream = Upstream::start(move |_, _| Act::json(&page)).await;
    let proxy = Program::serve(&upstream.endpoint()).start().await;
    let reply = wire::get(proxy.address, "/monitorodata/Machines").await;
    assert_eq!((reply.status(), reply.end), (200, End::Clean));
    let text = reply.text();
    let (_, rest) = text.split_once(r#""value":["#).unwrap();
    let body = rest.trim_end().strip_suffix("]}").unwrap();
    // Compared without printing them.
    assert!(body.trim_end() == rows, "other rows, {} bytes", body.len());
    assert_eq!(upstream.requests().len(), 1);
}

/// So many rows with a text of this length each.
fn rows(count: usize, length: usize) -> String {
    let text = "Ruth Müller \\\"x\\\" ".repeat(length / 17);
    let rows: Vec<String> = (0..count)
        .map(|id| format!(r#"{{"Id":{id},"Text":"{text}"}}"#))
        .collect();
    rows.join(",")
}
