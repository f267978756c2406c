//! Tokens and the headers that every query needs.

use std::time::Duration;

use http::StatusCode;

use super::{Site, ask_token, clock, small};
use crate::demo::{BadClient, ExpiresIn, Knobs, Simulator};

#[tokio::test(start_paused = true)]
async fn states_the_lifetime_in_each_published_way() {
    for (expires_in, expected) in [
        (ExpiresIn::Text, serde_json::json!("3600")),
        (ExpiresIn::Number, serde_json::json!(3600)),
        (ExpiresIn::Absent, serde_json::Value::Null),
    ] {
        let simulator = Simulator::new(
            Knobs {
                expires_in,
                ..small()
            },
            clock(),
        );
        let answer = ask_token(&simulator, "root", "demo-secret").await.json();
        assert_eq!(answer["expires_in"], expected);
        assert_eq!(answer["token_type"], "bearer");
    }
}

#[tokio::test(start_paused = true)]
async fn refuses_wrong_clients_with_a_good_status_or_a_bad_one() {
    for (bad_client, status) in [
        (BadClient::Ok, StatusCode::OK),
        (BadClient::Unauthorized, StatusCode::UNAUTHORIZED),
    ] {
        let simulator = Simulator::new(
            Knobs {
                bad_client,
                ..small()
            },
            clock(),
        );
        let answer = ask_token(&simulator, "nordhafen", "wrong").await;
        assert_eq!(
            (answer.status, answer.json()["error"].as_str()),
            (status, Some("invalid_client"))
        );
        assert_eq!(
            ask_token(&simulator, "stranger", "demo-secret")
                .await
                .status,
            StatusCode::NOT_FOUND
        );
        assert_eq!(simulator.stats().tokens_issued, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_expire_by_the_clock_and_by_revocation() {
    let site = Site::small().await;
    assert_eq!(site.get("/Users?$top=1").await.status, StatusCode::OK);
    tokio::time::advance(Duration::from_hours(1)).await;
    assert_eq!(
        site.get("/Users?$top=1").await.status,
        StatusCode::UNAUTHORIZED
    );

    let site = Site::small().await;
    site.simulator.revoke_tokens();
    let answer = site.get("/Users?$top=1").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(
        answer.json()["type"]
            .as_str()
            .unwrap()
            .ends_with("/authentication")
    );
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
}

#[tokio::test(start_paused = true)]
async fn wants_the_right_scheme_customer_and_agent() {
    let site = Site::small().await;
    let token = site.token.clone();
    let check = async |headers: &[(&str, &str)], status: u16| {
        let mut request = http::Request::builder().uri("/monitorodata/Users?$top=1");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = super::send(
            &site.simulator,
            request.body(axum::body::Body::empty()).unwrap(),
        )
        .await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}");
    };
    let scheme = format!("cwsauth bearer= {token}");
    let standard = format!("Bearer {token}");
    let agent = ("user-agent", "test");
    check(
        &[
            ("authorization", &scheme),
            ("citrix-customerid", "Nordhafen"),
            agent,
        ],
        200,
    )
    .await;
    check(
        &[
            ("authorization", &standard),
            ("citrix-customerid", "nordhafen"),
            agent,
        ],
        401,
    )
    .await;
    check(&[("authorization", &scheme), agent], 401).await;
    check(
        &[
            ("authorization", &scheme),
            ("citrix-customerid", "other"),
            agent,
        ],
        403,
    )
    .await;
    check(
        &[
            ("authorization", &scheme),
            ("citrix-customerid", "nordhafen"),
        ],
        403,
    )
    .await;
    check(&[], 401).await;
}
