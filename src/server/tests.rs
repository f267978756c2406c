//! Serving on sockets, and coming in.

use std::sync::Arc;

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::*;

#[tokio::test]
async fn orders_from_elsewhere_let_requests_finish_and_then_do_not() {
    for (orders_given, ending) in [(1, Ending::Drained), (2, Ending::Hurried)] {
        let listeners = Listeners::bind(&["127.0.0.1:0".parse().unwrap()]).await;
        let listeners = listeners.unwrap();
        let address = listeners.addresses()[0];
        let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (told, allowed) = (Arc::clone(&begun), Arc::clone(&finish));
        let slow = async move || {
            told.notify_one();
            allowed.notified().await;
            "late"
        };
        let answer = routed(Router::new().route("/", get(slow)));
        let (orders, mut signals) = Signals::by_hand();
        let client = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
            stream.write_all(request.as_bytes()).await.unwrap();
            begun.notified().await;
            for _ in 0..orders_given {
                orders.stop("a service manager");
            }
            if ending == Ending::Drained {
                finish.notify_one();
                let mut text = String::new();
                stream.read_to_string(&mut text).await.unwrap();
                assert!(text.ends_with("late"), "{text}");
            }
        };
        let served = listeners.serve(answer, &mut signals, Duration::from_hours(1));
        let (served, ()) = future::join(served, client).await;
        assert_eq!(served.unwrap(), ending);
    }
}

#[tokio::test]
async fn handlers_learn_the_address_of_their_client() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let told = async |ConnectInfo(client): ConnectInfo<SocketAddr>| client.to_string();
    let answer = routed(Router::new().route("/", get(told)));
    let house = House::new(Limits::default(), None, Refused::default());
    let connections = TaskTracker::new();
    let client = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let ours = stream.local_addr().unwrap().to_string();
        assert!(text.ends_with(&ours), "{ours}: {text}");
    };
    tokio::select! {
        () = client => {}
        () = house.accept(listener, &answer, &connections) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_beyond_the_share_of_its_address_is_closed_at_once() {
    let limits = Limits {
        connections_per_address: NonZeroUsize::MIN,
        ..Limits::default()
    };
    let refused = Refused::default();
    let house = House::new(limits, None, refused.clone());
    let answer = routed(Router::new().route("/", get(future::pending::<()>)));
    let connections = TaskTracker::new();
    let come = async |host| {
        let (mut ours, theirs) = duplex(1024);
        let client = SocketAddr::from(([192, 0, 2, host], 50_000));
        let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        ours.write_all(request.as_bytes()).await.unwrap();
        house.come_in(theirs, client, &answer, &connections).await;
        // Until its request is under way.
        tokio::time::sleep(Duration::from_secs(1)).await;
        ours
    };
    let mut open = Vec::new();
    for (host, is_closed) in [(1, false), (1, true), (2, false)] {
        let mut stream = come(host).await;
        let read = stream.read_u8().now_or_never();
        assert_eq!(read.is_some(), is_closed, "{host}");
        open.push(stream);
    }
    assert_eq!(refused.connections.get(), 1);
}
