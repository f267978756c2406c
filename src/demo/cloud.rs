//! The token endpoint.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::Response;
use http::{Method, StatusCode};
use serde_json::json;
use tokio::time::sleep;

use super::fault::{Asked, FaultKind};
use super::knobs::{BadClient, ExpiresIn, Knobs};
use super::query::Pairs;
use super::reply::Reply;
use super::simulator::Inner;
use super::stats::LoggedRequest;

/// Gives out a token; the customer is the one in the path.
pub(crate) async fn token(inner: Arc<Inner>, customer: String, request: Request) -> Response {
    inner.counters.count(|stats| stats.token_requests += 1);
    let logged = LoggedRequest {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        status: 0,
    };
    let reply = answer(&inner, &customer, request).await;
    inner.counters.answered(LoggedRequest {
        status: reply.status.as_u16(),
        ..logged
    });
    reply.into_response()
}

async fn answer(inner: &Inner, customer: &str, request: Request) -> Reply {
    if request.method() != Method::POST {
        return Reply::method_not_allowed();
    }
    let fault = inner.strike(Asked {
        resource: "token",
        page: None,
    });
    match fault {
        Some(FaultKind::Throttled { retry_after, shape }) => {
            return Reply::throttled(shape.unwrap_or(inner.knobs.throttle_shape), retry_after);
        }
        Some(FaultKind::Unauthorized) => return Reply::unauthorized("InvalidClient"),
        Some(FaultKind::Forbidden) => return Reply::forbidden(),
        Some(FaultKind::Status {
            status,
            retry_after,
        }) => return Reply::status(status, retry_after),
        Some(FaultKind::Hang) => std::future::pending().await,
        Some(FaultKind::Slow(time)) => sleep(time).await,
        Some(FaultKind::Html) => {
            return Reply::new(
                StatusCode::OK,
                "text/html",
                "<html><body>Sign in</body></html>",
            );
        }
        Some(FaultKind::Malformed) => {
            return Reply::new(StatusCode::OK, "application/json", "{\"access_token\":");
        }
        _ => {}
    }
    let known = customer == "root" || customer.eq_ignore_ascii_case(&inner.knobs.customer_id);
    if !known {
        return Reply::not_found(customer);
    }
    let Ok(body) = to_bytes(request.into_body(), FORM_BYTES_MAX).await else {
        return Reply::problem(
            StatusCode::BAD_REQUEST,
            "badRequest",
            "The form is too long.",
            &[],
        );
    };
    grant(inner, &Pairs::of(&String::from_utf8_lossy(&body)))
}

fn grant(inner: &Inner, form: &Pairs) -> Reply {
    let knobs = &inner.knobs;
    if form.value("grant_type") != Some("client_credentials") {
        return refusal(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "Only client_credentials is supported.",
        );
    }
    let right = form.value("client_id") == Some(&knobs.client_id)
        && form.value("client_secret") == Some(&knobs.client_secret);
    if !right {
        let status = match knobs.bad_client {
            BadClient::Ok => StatusCode::OK,
            BadClient::Unauthorized => StatusCode::UNAUTHORIZED,
        };
        return refusal(
            status,
            "invalid_client",
            "Invalid client id or client secret.",
        );
    }
    let token = inner
        .tokens
        .issue(knobs.seed, inner.clock.now(), knobs.token_lifetime);
    inner.counters.count(|stats| stats.tokens_issued += 1);
    granted(knobs, &token)
}

fn granted(knobs: &Knobs, token: &str) -> Reply {
    let mut body = json!({ "token_type": "bearer", "access_token": token });
    let seconds = knobs.token_lifetime.as_secs();
    let lifetime = match knobs.expires_in {
        ExpiresIn::Text => Some(json!(seconds.to_string())),
        ExpiresIn::Number => Some(json!(seconds)),
        ExpiresIn::Absent => None,
    };
    if let (Some(lifetime), Some(members)) = (lifetime, body.as_object_mut()) {
        members.insert("expires_in".to_owned(), lifetime);
    }
    Reply::json(&body)
}

fn refusal(status: StatusCode, error: &str, description: &str) -> Reply {
    let mut reply = Reply::json(&json!({ "error": error, "error_description": description }));
    reply.status = status;
    reply
}

const FORM_BYTES_MAX: usize = 16 * 1024;
