//! Style, script and icon of all pages.
//!
//! Their addresses carry a digest of their bytes, so that browsers may keep them for ever.

use std::sync::{Arc, LazyLock};

use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::{StatusCode, Uri, header};
use xxhash_rust::xxh3::xxh3_64;

use super::Shared;
use crate::odata::error::ErrorBody;

/// `GET /assets/{name}`.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/assets/{name}", get(asset))
}

/// The path of the style sheet.
pub(super) fn style() -> &'static str {
    &STYLE.path
}

/// The path of the script.
pub(super) fn script() -> &'static str {
    &SCRIPT.path
}

/// The path of the icon.
pub(super) fn icon() -> &'static str {
    &ICON.path
}

/// A file that never changes while the program runs.
#[derive(Debug)]
struct Asset {
    path: String,
    content_type: &'static str,
    text: &'static str,
}

impl Asset {
    fn new(name: &str, content_type: &'static str, text: &'static str) -> Self {
        Self {
            path: format!("/assets/{name}?{:016x}", xxh3_64(text.as_bytes())),
            content_type,
            text,
        }
    }
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let text = concat!(
        include_str!("page.css"),
        include_str!("../explore/explore.css"),
        include_str!("../connect/connect.css"),
        include_str!("../home/home.css"),
    );
    Asset::new("page.css", "text/css;charset=utf-8", text)
});

static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let text = concat!(
        include_str!("page.js"),
        include_str!("../explore/explore.js"),
        include_str!("../explore/times.js"),
        include_str!("../home/home.js"),
    );
    Asset::new("page.js", "text/javascript;charset=utf-8", text)
});

static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon.svg", "image/svg+xml", include_str!("icon.svg")));

async fn asset(uri: Uri) -> Response {
    let asset = match uri.path() {
        "/assets/page.css" => &STYLE,
        "/assets/page.js" => &SCRIPT,
        "/assets/icon.svg" => &ICON,
        _ => {
            let error = ErrorBody {
                code: "NotFound".to_owned(),
                message: "The pages have no such file. Reload the page.".to_owned(),
                ..ErrorBody::default()
            };
            // Whoever nests the router writes the body, as it writes its own errors.
            return (StatusCode::NOT_FOUND, Extension(error)).into_response();
        }
    };
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, asset.text).into_response()
}
