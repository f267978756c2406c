//! Forgetting stored answers.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Desk;
use super::form;

/// `POST /api/cache/purge[?site=&set=]`. What waits to be made anew is struck from the list, too.
pub(super) async fn purge(State(desk): State<Desk>, request: Request) -> Response {
    let wanted = match desk.ordered(&request) {
        Ok(wanted) => wanted,
        Err(refused) => return refused.into_response(),
    };
    desk.shared.errands.strike(wanted.which());
    let purged = desk.shared.watched.purge(wanted.which()).await;
    tracing::info!(purged, "stored answers were forgotten on request");
    form::done(request.headers(), &Purged { purged })
}

#[derive(Serialize)]
struct Purged {
    purged: usize,
}
