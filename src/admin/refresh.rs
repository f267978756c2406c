//! Having stored answers made anew.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Desk;
use super::form;

/// `POST /api/cache/refresh[?site=&set=]`: answers as soon as it is known how many will be made anew, which is done in the
/// background, behind all clients.
pub(super) async fn refresh(State(desk): State<Desk>, request: Request) -> Response {
    let wanted = match desk.ordered(&request) {
        Ok(wanted) => wanted,
        Err(refused) => return refused.into_response(),
    };
    let begun = desk.shared.errands.take_on(wanted.which());
    tracing::info!(begun, "stored answers are made anew on request");
    form::done(request.headers(), &Refreshing { begun })
}

#[derive(Serialize)]
struct Refreshing {
    begun: usize,
}
