//! The origin, and the bare server: an axum program that sends prepared bodies from memory, plain or compressed as asked.
//!
//! As the origin it stands for Citrix Cloud: it issues tokens, and says how long its answers are fresh. As the bare server it
//! is what a server of this kind can do at best.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, StatusCode, header};

use super::cell::Size;
use super::rows;

struct Stock {
    goods: Vec<Goods>,
    /// Questions for collections so far.
    asked: AtomicU64,
}

/// One answer in both forms.
struct Goods {
    set: &'static str,
    plain: Bytes,
    gzip: Bytes,
}

/// Serves at `address` until killed.
pub(crate) fn serve(address: SocketAddr) -> ! {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let stock = Arc::new(Stock {
            goods: Size::ALL
                .map(|size| Goods::new(size, address))
                .into_iter()
                .collect(),
            asked: AtomicU64::new(0),
        });
        let router = Router::new()
            .route("/monitorodata/{set}", get(collection))
            .route(ASKED, get(asked))
            .route("/cctrustoauth2/{customer}/tokens/clients", post(token))
            .with_state(stock);
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .unwrap()
            .tap_io(|connection| connection.set_nodelay(true).unwrap());
        axum::serve(listener, router).await.unwrap();
    });
    unreachable!("a server of axum does not end")
}

impl Goods {
    fn new(size: Size, address: SocketAddr) -> Self {
        let plain = rows::collection(size, address);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain.as_bytes()).unwrap();
        Self {
            set: size.set(),
            plain: plain.into(),
            gzip: encoder.finish().unwrap().into(),
        }
    }
}

async fn collection(
    State(stock): State<Arc<Stock>>,
    Path(set): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(goods) = stock.goods.iter().find(|goods| goods.set == set) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    stock.asked.fetch_add(1, Ordering::Relaxed);
    let wants_gzip = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|accepted| accepted.to_str().ok())
        .is_some_and(|accepted| accepted.contains("gzip"));
    let always = [
        (
            header::CONTENT_TYPE,
            "application/json; odata.metadata=minimal",
        ),
        (header::CACHE_CONTROL, "max-age=3600"),
        (header::VARY, "Accept-Encoding"),
    ];
    if wants_gzip {
        let encoding = [(header::CONTENT_ENCODING, "gzip")];
        (always, encoding, goods.gzip.clone()).into_response()
    } else {
        (always, goods.plain.clone()).into_response()
    }
}

async fn asked(State(stock): State<Arc<Stock>>) -> String {
    stock.asked.load(Ordering::Relaxed).to_string()
}

async fn token() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/json")],
        r#"{"access_token":"bench","expires_in":"86400","token_type":"bearer"}"#,
    )
}

/// Where the number of questions is.
pub(crate) const ASKED: &str = "/asked";
