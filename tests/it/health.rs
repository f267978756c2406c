//! `health`: whether a proxy that runs answers.

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
async fn a_proxy_that_speaks_tls_and_wants_a_key_is_asked_without_either() {
    // For a name that this machine does not go by, and nobody vouches for it.
    let issued = rcgen::generate_simple_self_signed(["reports.example.com".to_owned()]).unwrap();
    let (certificate, key) = (issued.cert.pem(), issued.signing_key.serialize_pem());
    let hash = "0123456789abcdef".repeat(4);
    let settings = format!(
        "[server.tls]\ncertificate_file = 'server.pem'\nkey_file = 'server.key'\n\
         [[server.keys]]\nname = 'one'\nsha256 = '{hash}'\n"
    );
    let with_files = |program: Program| {
        let program = program.settings(&settings).file("server.pem", &certificate);
        program.file("server.key", &key)
    };
    let proxy = with_files(Program::serve("http://127.0.0.1:1"))
        .start()
        .await;
    let address = proxy.address.to_string();
    let program = with_files(Program::new(&["health"])).set("server.listen", &address);
    let ended = program.run().await;
    assert_eq!(ended.code, Some(0), "{}", ended.everything());
    assert_eq!(ended.stdout, format!("https://{address}/healthz is well\n"));
    // Without the settings it does not know of TLS.
    let ended = health(&[], Some(&address)).await;
    assert_eq!(ended.code, Some(1), "{}", ended.everything());
    let url = format!("https://{address}");
    assert_eq!(health(&["--url", &url], None).await.code, Some(0));
}
