//! What clients cannot use up.

use futures_util::{StreamExt, future, stream};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{guarded, rows};
use crate::wire::{self, Wire};

const ROWS: &str = "/monitorodata/Machines";

/// Connects so often, and sends each time the same. Fewer when this process may have no more files.
async fn crowd(address: std::net::SocketAddr, size: usize, sent: &str) -> Vec<TcpStream> {
    let one = async || {
        let mut stream = TcpStream::connect(address).await.ok()?;
        // The server may have closed it in favour of the next.
        let _ = stream.write_all(sent.as_bytes()).await;
        Some(stream)
    };
    // Many at a time: whoever finds the system's queue full is not heard for a second.
    let connecting = stream::iter(0..size).map(|_| one()).buffer_unordered(100);
    connecting.filter_map(future::ready).collect().await
}

/// Leaves files to other tests, which run in this process at the same time.
const CROWD: usize = 10_000;

#[tokio::test]
async fn ten_thousand_idle_connections_keep_nobody_out() {
    let upstream = rows().await;
    for (settings, size) in [("", CROWD), ("[server.limits]\nconnections = 100\n", 1000)] {
        let proxy = guarded(&upstream, settings).await;
        let crowd = crowd(proxy.address, size, "").await;
        println!("{} connections of {size}", crowd.len());
        assert!(crowd.len() > 200, "{}", crowd.len());
        for path in [ROWS, "/healthz", "/api/status"] {
            assert_eq!(wire::get(proxy.address, path).await.status(), 200, "{path}");
        }
    }
}

#[tokio::test]
async fn half_sent_heads_keep_nobody_out() {
    let upstream = rows().await;
    let proxy = guarded(&upstream, "[server.limits]\nconnections = 50\n").await;
    for half in [
        "GET /monitorodata HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        "PRI * HTTP/2.0\r\n\r\nSM",
    ] {
        let slow = crowd(proxy.address, 500, half).await;
        assert_eq!(wire::get(proxy.address, ROWS).await.status(), 200, "{half}");
        drop(slow);
    }
}

#[tokio::test]
async fn a_connection_in_use_is_not_closed_for_others() {
    let upstream = rows().await;
    let proxy = guarded(&upstream, "[server.limits]\nconnections = 20\n").await;
    let mut client = Wire::open(proxy.address).await;
    let mut others = Vec::new();
    for _ in 0..20 {
        client.ask(ROWS, &[]).await;
        assert_eq!(client.reply().await.status(), 200);
        // More and more, and fewer at a time than there are places: others have been idle for longer. Each is heard, so that
        // none comes late, with twenty more.
        for _ in 0..5 {
            let mut other = Wire::open(proxy.address).await;
            other.ask("/healthz", &[]).await;
            assert_eq!(other.reply().await.status(), 200);
            others.push(other);
        }
    }
    assert!(others[0].closed().await, "it made room");
}

#[tokio::test]
async fn a_head_of_a_megabyte_is_refused() {
    let upstream = rows().await;
    let proxy = guarded(&upstream, "").await;
    let mut client = Wire::open(proxy.address).await;
    let start = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: ";
    client.send(start).await;
    client.send(&"x".repeat(80_000)).await;
    let reply = client.reply().await;
    assert_eq!(reply.status(), 431);
    // All of it at once: whether the answer gets through depends on the network, and the server goes on.
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    let _ = stream.write_all(start.as_bytes()).await;
    let _ = stream.write_all(&vec![b'x'; 1 << 20]).await;
    assert_eq!(wire::get(proxy.address, "/healthz").await.status(), 200);
    // An address of 32 KiB is a question still.
    let path = format!("{ROWS}?$filter={}", "x".repeat(32_000));
    assert_eq!(wire::get(proxy.address, &path).await.status(), 200);
}
