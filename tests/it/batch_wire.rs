//! Batches on real sockets: how they end, and what becomes of those that are too large.

use crate::process::Program;
use crate::wire::{End, Reply, Wire};

const PARTS: &str = "--b\r\nContent-Type: application/http\r\n\r\nGET Users?$top=2 HTTP/1.1\r\n\r\n\r\n\
                     --b\r\nContent-Type: application/http\r\n\r\nGET Sessions HTTP/1.1\r\n\r\n\r\n--b--\r\n";

/// Sends a batch and reads its answer.
async fn batch(client: &mut Wire, version: &str, body: &str) -> Reply {
    let length = body.len();
    let head = format!(
        "POST /monitorodata/$batch {version}\r\nHost: localhost\r\nPrefer: odata.continue-on-error\r\n\
         Content-Type: multipart/mixed; boundary=b\r\nContent-Length: {length}"
    );
    client.send(&format!("{head}\r\n\r\n{body}")).await;
    client.reply().await
}

#[tokio::test]
async fn a_batch_ends_cleanly_only_when_it_is_complete() {
    let simulator = Program::simulate(&["--sessions", "110", "--page-size", "20"])
        .start()
        .await;
    let proxy = Program::serve(&simulator.endpoint()).start().await;
    simulator
        .faults("set=Sessions,page=3,times=always,kind=malformed")
        .await;
    let mut client = Wire::open(proxy.address).await;
    let cut = batch(&mut client, "HTTP/1.1", PARTS).await;
    assert_eq!((cut.status(), cut.end), (200, End::Cut));
    assert!(cut.text().contains("$metadata#Users"), "{}", cut.text());
    assert!(!cut.framed.ends_with(b"\r\n0\r\n\r\n"));

    let mut old = Wire::open(proxy.address).await;
    let whole = batch(&mut old, "HTTP/1.0", PARTS).await;
    assert_eq!((whole.status(), whole.end), (200, End::Clean));
    assert!(whole.text().contains("HTTP/1.1 502 Bad Gateway\r\n"));

    simulator.faults("").await;
    let mut client = Wire::open(proxy.address).await;
    for _ in 0..2 {
        let complete = batch(&mut client, "HTTP/1.1", PARTS).await;
        assert_eq!((complete.status(), complete.end), (200, End::Clean));
        assert_eq!(complete.text().matches("HTTP/1.1 200 OK\r\n").count(), 2);
        assert!(complete.text().ends_with("--\r\n"));
    }
}

#[tokio::test]
async fn who_sends_too_much_is_told_so() {
    let proxy = Program::serve("http://127.0.0.1:9").start().await;
    let mut client = Wire::open(proxy.address).await;
    // More than sockets hold: it is sent to its end before anything is read.
    let large = "x".repeat(20 << 20);
    let refused = batch(&mut client, "HTTP/1.1", &large).await;
    assert_eq!(
        (refused.status(), &*refused.error_code()),
        (413, "RequestTooLarge")
    );
    let ten_thousand = "--b\r\n\r\nGET Users\r\n".repeat(10_000) + "--b--";
    let refused = batch(&mut client, "HTTP/1.1", &ten_thousand).await;
    assert_eq!(
        (refused.status(), &*refused.error_code()),
        (400, "InvalidRequest")
    );
}
