//! Forgetting stored answers.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use super::Operator;
use super::json::json;

/// `POST /api/cache/purge[?site=&set=]`.
pub(super) async fn purge(State(operator): State<Arc<Operator>>, request: Request) -> Response {
    let wanted = match operator.wanted(request.uri().query()) {
        Ok(wanted) => wanted,
        Err(no_such_site) => return no_such_site.into_response(),
    };
    let purged = operator.watched.purge(wanted.which()).await;
    tracing::info!(purged, "stored answers were forgotten on request");
    json(StatusCode::OK, &Purged { purged })
}

#[derive(Serialize)]
struct Purged {
    purged: usize,
}
