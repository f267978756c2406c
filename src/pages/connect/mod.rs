//! How to get at the data.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use maud::html;

use super::Shared;
use super::address::Address;
use super::shell::{Page, Part, copyable};

/// `GET /connect…`.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/connect", get(programs))
}

async fn programs(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let address = Address::of(shared.settings.public_url.as_ref(), request.uri());
    let default = shared.gateway.default_site();
    let page = Page {
        title: "Connect",
        part: Part::Connect,
        refresh: None,
        content: html! {
            h1 { "Connect" }
            @for site in shared.gateway.sites() {
                (copyable(site.as_str(), &address.service_root(&site, default)))
            }
        },
    };
    page.respond(StatusCode::OK, &address)
}
