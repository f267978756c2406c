//! Access as part of the whole stack, for clients of other machines, too.

use std::num::NonZeroU32;

use super::*;

pub(super) const KEY: &str = "cop_test";

fn guarded(access: AccessSettings, tls: bool) -> Service {
    counted(
        access,
        tls,
        Arc::new(Metrics::new(&mut Registry::default())),
    )
}

/// The same with these counts.
pub(super) fn counted(access: AccessSettings, tls: bool, metrics: Arc<Metrics>) -> Service {
    let settings = Settings {
        listen: vec!["0.0.0.0:8484".parse().unwrap()],
        allowed_hosts: vec!["bi.example.com".to_owned()],
        public_url: None,
        tls,
        access,
    };
    let admin = Router::new().route("/healthz", get(async || "ok")).route(
        "/api/status",
        get(async |request: Request<Body>| request.uri().to_string()),
    );
    service_of(
        Arc::new(Always::default()),
        admin,
        settings,
        metrics,
        journal(),
    )
}

pub(super) fn keys(sites: Option<Vec<SiteId>>) -> AccessSettings {
    let hash = ring::digest::digest(&ring::digest::SHA256, KEY.as_bytes());
    let key = AccessKey {
        name: "test".to_owned(),
        sha256: hash.as_ref().try_into().unwrap(),
        sites,
    };
    AccessSettings {
        keys: vec![key],
        ..AccessSettings::default()
    }
}

pub(super) async fn ask(
    service: &Service,
    request: http::request::Builder,
    client: &str,
) -> (u16, String) {
    let request = request.header("Host", "bi.example.com").body(Body::empty());
    let client = client.parse().unwrap();
    let response = service.answer(request.unwrap(), Some(client)).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn clients_of_other_machines_are_held_to_their_pace() {
    let service = guarded(
        AccessSettings {
            requests_per_second: NonZeroU32::new(2),
            ..AccessSettings::default()
        },
        false,
    );
    let mut refused = 0;
    for _ in 0..30 {
        let (status, body) = ask(&service, Request::get("/healthz"), "192.0.2.1").await;
        if status == 429 {
            assert!(body.contains("TooManyRequests"), "{body}");
            refused += 1;
        }
        assert_eq!(
            ask(&service, Request::get("/healthz"), "127.0.0.1").await.0,
            200
        );
    }
    assert_eq!(refused, 10);
    assert_eq!(
        ask(&service, Request::get("/healthz"), "192.0.2.2").await.0,
        200
    );
}

#[tokio::test]
async fn no_handler_sees_a_key() {
    let service = guarded(keys(None), true);
    for path in [
        "/api/status?key=cop_test&a=1",
        "/api/status?a=1&Key=cop_test",
    ] {
        let (status, told) = ask(&service, Request::get(path), "192.0.2.1").await;
        assert_eq!(
            (status, &*told),
            (200, "https://bi.example.com/api/status?a=1")
        );
    }
    let request = Request::get("/monitorodata/Sets?key=cop_test");
    let (status, body) = ask(&service, request, "192.0.2.1").await;
    assert_eq!(status, 200);
    assert!(
        body.contains("https://bi.example.com/monitorodata/$metadata#Sets"),
        "{body}"
    );
    assert!(!body.contains(KEY));
}

#[tokio::test(start_paused = true)]
async fn a_right_key_is_taken_however_many_wrong_ones_there_were() {
    let service = guarded(keys(None), false);
    let try_key = async |key: &str| {
        let request =
            Request::get("/monitorodata/Sets").header("Authorization", format!("Bearer {key}"));
        ask(&service, request, "192.0.2.1").await.0
    };
    for _ in 0..10 {
        assert_eq!(try_key("wrong").await, 401);
    }
    assert_eq!(try_key("wrong").await, 429);
    assert_eq!(try_key(KEY).await, 200);
    // It does not end the pause for the wrong ones: other clients may share the address.
    assert_eq!(try_key("wrong").await, 429);
    tokio::time::advance(std::time::Duration::from_mins(1)).await;
    assert_eq!(try_key("wrong").await, 401);
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    let service = guarded(keys(Some(vec![site("lab")])), false);
    let bearer = |path: &str| Request::get(path).header("Authorization", "Bearer cop_test");
    let (status, body) = ask(&service, Request::get("/monitorodata/Sets"), "192.0.2.1").await;
    assert_eq!(status, 401);
    assert!(
        body.contains("choose Basic with the key as the password"),
        "{body}"
    );
    assert_eq!(
        ask(&service, bearer("/lab/monitorodata/Sets"), "192.0.2.1")
            .await
            .0,
        200
    );
    for path in ["/monitorodata/Sets", "/nowhere/monitorodata", "/api/status"] {
        let (status, body) = ask(&service, bearer(path), "192.0.2.1").await;
        assert_eq!(status, 401, "{path}");
        assert!(body.contains("for other sites"), "{body}");
    }
}
