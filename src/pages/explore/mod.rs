//! What data there is: the sets of a site, a set's columns, and a page of its rows.
//!
//! - [`ask`]: one way to `$metadata` and to rows, the one that clients have;
//! - [`form`], [`query`], [`literal`]: from the page's address to an OData query, purely;
//! - [`rows`], [`table`]: from an answer to a table;
//! - [`view`]: one request for a page; [`sets`], [`about`], [`builder`], [`trouble`]: what is on it; [`place`]: addresses;
//! - [`knowledge`]: what `$metadata` does not say.
//!
//! Invariants: a look asks for [`form::TOP_MAX`] rows at most; values of rows are text; an error has the status that a client would
//! get.

mod about;
mod ask;
mod builder;
mod form;
mod knowledge;
mod literal;
mod place;
mod query;
mod rows;
mod sets;
mod table;
mod trouble;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;

use self::view::View;
use super::Shared;

/// `GET /explore…`.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/explore", get(all))
        .route("/explore/{site}", get(of_site))
        .route("/explore/{site}/{set}", get(of_set))
}

/// The only site's sets; of several sites, a list.
async fn all(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let view = View::of(shared, &request);
    match view.only_site() {
        Some(site) => view.sets(&site).await,
        None => view.sites(),
    }
}

async fn of_site(
    State(shared): State<Arc<Shared>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let view = View::of(shared, &request);
    let Ok(Path(site)) = path else {
        return view.unreadable();
    };
    match view.site(&site) {
        Some(site) => view.sets(&site).await,
        None => view.no_such_site(&site),
    }
}

async fn of_set(
    State(shared): State<Arc<Shared>>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Response {
    let view = View::of(shared, &request);
    let Ok(Path((site, set))) = path else {
        return view.unreadable();
    };
    match view.site(&site) {
        Some(site) => view.set(&site, &set).await,
        None => view.no_such_site(&site),
    }
}
