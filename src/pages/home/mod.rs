//! How things are: the address to paste, what runs, what is stored, what just happened.
//!
//! Rendered from the model that `/api/status` gives as JSON. Every part is a section with an id, and renders itself; the
//! script fetches the page again and takes over what changed.

mod head;
mod health;
mod plot;
mod recent;
mod scans;
mod sets;
mod sites;
mod warm;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use maud::{Markup, html};

use super::Shared;
use super::address::Address;
use super::shell::{Page, Part};
use crate::admin::Status;

/// `GET /`.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/", get(home))
}

async fn home(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let address = Address::of(
        shared.settings.public_url.as_ref(),
        request.uri(),
        request.headers(),
    );
    let status = shared.desk.overview();
    let page = Page {
        title: "Status",
        part: Part::Home,
        refresh: status.is_busy().then_some(REFRESH_SECONDS),
        content: content(&status, &address, shared.settings.keys),
    };
    page.respond(StatusCode::OK, &address)
}

fn content(status: &Status, address: &Address, keys: bool) -> Markup {
    html! {
        div id="home" class="home" data-busy[status.is_busy()] {
            (head::head(status, address, keys))
            p id="home-said" class="said" role="status" tabindex="-1" {}
            (sites::sites(status, address))
            (scans::scans(&status.scans))
            (plot::activity(&status.history, status.now))
            (sets::sets(status, address))
            (recent::recent(status))
            (warm::warm(status))
        }
    }
}

/// Where several sites are configured, what belongs to one says so.
fn names_sites(status: &Status) -> bool {
    status.sites.len() > 1
}

/// While something is under way, where there is no script.
const REFRESH_SECONDS: u32 = 5;

#[cfg(test)]
mod tests;
