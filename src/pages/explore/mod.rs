//! What data there is.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use maud::html;

use super::Shared;
use super::address::Address;
use super::shell::{Page, Part};

/// `GET /explore…`.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/explore", get(sites))
}

async fn sites(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let address = Address::of(shared.settings.public_url.as_ref(), request.uri());
    let default = shared.gateway.default_site();
    let page = Page {
        title: "Explore",
        part: Part::Explore,
        refresh: None,
        content: html! {
            h1 { "Explore" }
            ul {
                @for site in shared.gateway.sites() {
                    li { a href=(address.service_root(&site, default)) { (site) } }
                }
            }
        },
    };
    page.respond(StatusCode::OK, &address)
}
