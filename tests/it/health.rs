//! `health`: whether a proxy that runs answers.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::process::{Ended, Program};
use crate::upstream::nobody;

async fn health(arguments: &[&str], listen: Option<&str>) -> Ended {
    let program = Program::new(&["health"]).arguments(arguments);
    match listen {
        Some(listen) => program.set("server.listen", listen).run().await,
        None => program.run().await,
    }
}

#[tokio::test]
async fn a_proxy_is_found_where_the_settings_say_or_where_the_flag_does() {
    let proxy = Program::serve("http://127.0.0.1:1").start().await;
    let address = proxy.address.to_string();
    // No site, no secret: it asks for neither. The first of several addresses may have no proxy.
    let (_taken, nobody) = nobody();
    let several = format!("{nobody},{address}");
    for listen in [&address, &several] {
        let ended = health(&[], Some(listen)).await;
        assert_eq!(ended.code, Some(0), "{}", ended.everything());
        assert_eq!(ended.stdout, format!("http://{address}/healthz is well\n"));
    }
    let ended = health(&["--url", &proxy.endpoint()], None).await;
    assert_eq!(ended.code, Some(0), "{}", ended.everything());
}

#[tokio::test]
async fn without_an_answer_it_is_code_1_with_the_reason() {
    let (_taken, nobody) = nobody();
    let nobody = nobody.to_string();
    let ended = health(&[], Some(&nobody)).await;
    assert_eq!((ended.code, &*ended.stdout), (Some(1), ""));
    for words in ["no proxy answers well", &nobody, "no connection"] {
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
    let ended = health(&[], Some("127.0.0.1:0")).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("--url"), "{}", ended.stderr);

    // Something else listens there.
    let simulator = Program::simulate(&["--sessions", "10"]).start().await;
    let ended = health(&["--url", &simulator.endpoint()], None).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("status 4"), "{}", ended.stderr);
}

#[tokio::test]
async fn what_it_is_given_is_checked() {
    for (arguments, listen, words) in [
        (
            &["--url", "localhost:8484"][..],
            None,
            "http://localhost:8484",
        ),
        (
            &["--url", "http://x", "--config", "y"][..],
            None,
            "--config",
        ),
        (&["--config", "absent.toml"][..], None, "does not exist"),
        (&[][..], Some("8484"), "`8484` is not an address"),
    ] {
        let ended = health(arguments, listen).await;
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn a_server_that_speaks_tls_is_well_whatever_its_certificate_says() {
    let issued = rcgen::generate_simple_self_signed(["reports.example.com".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serve = async {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // The first one comes without TLS.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut head = vec![0; 1024];
            let len = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..len]).into_owned();
            assert!(head.starts_with("GET /healthz HTTP/1.1\r\n"), "{head}");
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
            stream.write_all(answer).await.unwrap();
            stream.flush().await.unwrap();
        }
    };
    let ended = tokio::select! {
        () = serve => unreachable!(),
        ended = health(&[], Some(&address)) => ended,
    };
    assert_eq!(ended.code, Some(0), "{}", ended.everything());
    assert_eq!(ended.stdout, format!("https://{address}/healthz is well\n"));
}
