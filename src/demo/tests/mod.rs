//! The simulator from outside: requests through its router, in this process.

mod arrivals;
mod dates;
mod effort;
mod faults;
mod limits;
mod paging;
mod queries;
mod rows;
mod speed;
mod strangers;
mod tokens;

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use jiff::Timestamp;
use serde_json::Value as Json;
use tower::ServiceExt as _;

use super::{Knobs, Simulator};
use crate::clock::{Clock, FollowingClock};

/// A simulator and a token for it.
pub(super) struct Site {
    pub(super) simulator: Simulator,
    token: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: http::HeaderMap,
    /// Err when the body broke off.
    pub(super) body: Result<Vec<u8>, String>,
}

impl Site {
    pub(super) async fn new(knobs: Knobs) -> Self {
        let simulator = Simulator::new(knobs, clock());
        let token = token_of(&simulator).await;
        Self { simulator, token }
    }

    /// A small estate with short pages.
    pub(super) async fn small() -> Self {
        Self::new(small()).await
    }

    pub(super) async fn get(&self, target: &str) -> Answer {
        self.get_with(target, &[]).await
    }

    pub(super) async fn get_with(&self, target: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder()
            .uri(format!("/monitorodata{target}"))
            .header("host", "citrix.test")
            .header("authorization", format!("CwsAuth Bearer={}", self.token))
            .header("citrix-customerid", "nordhafen")
            .header("user-agent", "test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(&self.simulator, request.body(Body::empty()).unwrap()).await
    }

    /// The rows of an answer that must be a page.
    pub(super) async fn rows(&self, target: &str) -> Vec<Json> {
        let answer = self.get(target).await;
        assert_eq!(answer.status, StatusCode::OK, "{target}: {}", answer.text());
        answer.json()["value"].as_array().unwrap().clone()
    }

    /// The rows of all pages.
    pub(super) async fn walk(&self, target: &str) -> Vec<Json> {
        let mut rows = Vec::new();
        let mut next = Some(target.to_owned());
        while let Some(target) = next {
            let answer = self.get(&target).await;
            assert_eq!(answer.status, StatusCode::OK, "{target}: {}", answer.text());
            let page = answer.json();
            rows.extend(page["value"].as_array().unwrap().iter().cloned());
            next = page["@odata.nextLink"].as_str().map(|link| {
                link.strip_prefix("http://citrix.test/monitorodata")
                    .unwrap()
                    .to_owned()
            });
        }
        rows
    }
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.clone().unwrap()).unwrap()
    }

    pub(super) fn json(&self) -> Json {
        serde_json::from_slice(self.body.as_ref().unwrap()).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

pub(super) fn clock() -> Arc<dyn Clock> {
    Arc::new(FollowingClock::starting_at(
        "2026-03-06T14:20:00Z".parse::<Timestamp>().unwrap(),
    ))
}

pub(super) fn small() -> Knobs {
    Knobs {
        sessions: 2000,
        page_size: 100,
        ..Knobs::default()
    }
}

pub(super) async fn send(simulator: &Simulator, request: Request<Body>) -> Answer {
    let response = simulator.router().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: to_bytes(body, usize::MAX)
            .await
            .map(|bytes| bytes.to_vec())
            .map_err(|error| error.to_string()),
    }
}

pub(super) async fn token_of(simulator: &Simulator) -> String {
    let answer = ask_token(simulator, "nordhafen", "demo-secret").await;
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

pub(super) async fn ask_token(simulator: &Simulator, customer: &str, secret: &str) -> Answer {
    let form =
        format!("grant_type=client_credentials&client_id=demo-client&client_secret={secret}");
    let request = Request::post(format!("/cctrustoauth2/{customer}/tokens/clients"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .unwrap();
    send(simulator, request).await
}
