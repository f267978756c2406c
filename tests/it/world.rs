//! A whole program, its settings and its upstream, in one process.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use citrix_odata_proxy::app::App;
use citrix_odata_proxy::clock::{Clock, FollowingClock};
use citrix_odata_proxy::config::{self, Flags, Surroundings};
use citrix_odata_proxy::demo::{Fault, Knobs, Simulator};
use citrix_odata_proxy::keystore::SystemKeystore;
use citrix_odata_proxy::tasks::Tasks;
use citrix_odata_proxy::transport::{InProcess, ResponseBody, Transport, TransportError};
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tempfile::TempDir;
use tower::ServiceExt;

/// The program with an upstream behind it, which it reaches without a socket.
pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) simulator: Simulator,
    /// The same estate without faults, limits and cut collections, and all rows there: what is true.
    truth: Simulator,
    wire: Arc<Wire>,
    tasks: Tasks,
    /// Where its files are, for as long as it runs.
    folder: TempDir,
}

impl World {
    /// A program with a site `main` that these `knobs` shape. `settings` are lines of TOML with dotted keys,
    /// over those that it takes to reach the simulator.
    pub(crate) fn new(knobs: Knobs, settings: &str) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(morning());
        Self::at(&clock, knobs, settings)
    }

    /// A program that takes the time from this clock, as its upstream does.
    pub(crate) fn at(clock: &Arc<dyn Clock>, knobs: Knobs, settings: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let config = config(folder.path(), &knobs, settings);
        let truth = Simulator::new(truthful(&knobs), Arc::clone(clock));
        let simulator = Simulator::new(knobs, Arc::clone(clock));
        let wire = Arc::new(Wire {
            below: InProcess::new(simulator.router()),
            sent: Mutex::default(),
            refuses_keys: AtomicBool::new(false),
        });
        let tasks = Tasks::new();
        let transport = Arc::clone(&wire) as Arc<dyn Transport>;
        let app = App::new(&config, &transport, clock, &tasks).unwrap();
        Self {
            app,
            simulator,
            truth,
            wire,
            tasks,
            folder,
        }
    }

    /// Begins what is done before anybody asks, as the program does once it listens.
    pub(crate) fn start(&self) {
        self.app.start(&self.tasks);
    }

    /// A world in which this goes wrong.
    pub(crate) fn with_fault(knobs: Knobs, settings: &str, fault: Fault) -> Self {
        let world = Self::new(knobs, settings);
        world.simulator.script(vec![fault]);
        world
    }

    /// Asks with GET and reads the whole answer.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, &[]).await
    }

    /// Asks for a path below the service root.
    pub(crate) async fn ask(&self, below: &str) -> Answer {
        self.get(&format!("{ROOT}{below}")).await
    }

    /// Asks with these headers, and reads the whole answer.
    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let response = self.open(method, path, headers).await;
        Answer::read(response).await
    }

    /// Sends this body, and reads the whole answer.
    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let request = request(Method::POST, path, headers);
        let response = self.send(request.body(body.into()).unwrap()).await;
        Answer::read(response).await
    }

    /// Asks, and leaves the body to be read.
    pub(crate) async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Response<Body> {
        let request = request(method, path, headers);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Sends a request, and leaves the body of its answer to be read.
    pub(crate) async fn send(&self, request: Request<Body>) -> Response<Body> {
        Box::pin(self.app.service().answer(request, None)).await
    }

    /// The texts of all rows as the service itself has them, page after page.
    pub(crate) async fn rows_of(&self, below: &str) -> Vec<String> {
        let mut rows = Vec::new();
        let mut next = Some(format!("{ROOT}{below}"));
        while let Some(path) = next {
            let page = self.truth_at(&path).await;
            let page: PageText<'_> = serde_json::from_slice(&page).unwrap();
            rows.extend(page.value.iter().map(|row| row.get().to_owned()));
            next = page.next.map(|link| {
                let path = link.strip_prefix("http://citrix.test");
                path.unwrap().to_owned()
            });
        }
        rows
    }

    /// What the service itself says at a path.
    pub(crate) async fn truth_at(&self, path: &str) -> Bytes {
        self.truth_as(path, "application/json").await
    }

    /// What the service itself says at a path to those who accept this.
    pub(crate) async fn truth_as(&self, path: &str, accept: &str) -> Bytes {
        let token = self.token_of_truth().await;
        let request = Request::get(encoded(path))
            .header("host", "citrix.test")
            .header("accept", accept)
            .header("authorization", format!("CwsAuth Bearer={token}"))
            .header("citrix-customerid", "nordhafen")
            .header("user-agent", "test")
            .body(Body::empty())
            .unwrap();
        let response = self.truth.router().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(status, StatusCode::OK, "{path}: {body:?}");
        body
    }

    async fn token_of_truth(&self) -> String {
        let form = "grant_type=client_credentials&client_id=demo-client&client_secret=demo-secret";
        let request = Request::post("/cctrustoauth2/root/tokens/clients")
            .body(Body::from(form))
            .unwrap();
        let response = self.truth.router().oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let token: Value = serde_json::from_slice(&body).unwrap();
        token["access_token"].as_str().unwrap().to_owned()
    }

    /// Paths and queries of the data requests so far, as upstream got them.
    pub(crate) fn asked_upstream(&self) -> Vec<String> {
        let sent = self.sent();
        let paths = sent.iter().map(|sent| sent.path.clone());
        paths.filter(|path| path.starts_with(ROOT)).collect()
    }

    /// How many pages upstream was asked for: every data request but those for `$metadata`, which a walk of several
    /// pages wants once.
    pub(crate) fn pages_asked(&self) -> usize {
        let asked = self.asked_upstream();
        asked
            .iter()
            .filter(|path| !path.contains("$metadata"))
            .count()
    }

    /// Every request that left the program.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.wire.sent.lock().unwrap().clone()
    }

    /// From now on the service answers 404 to paths with a key, even to those of its own links.
    pub(crate) fn refuse_keys_upstream(&self) {
        self.wire.refuses_keys.store(true, Ordering::Relaxed);
    }

    /// The program's folder for files of its own; not necessarily there yet.
    pub(crate) fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The program's background tasks.
    pub(crate) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// How often upstream answered with this status.
    pub(crate) fn answered_with(&self, status: u16) -> usize {
        let answers = self.simulator.stats().log;
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    }

    /// Lets tasks that have nothing more to do come to their end.
    pub(crate) async fn settle(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    /// How many answers are being made.
    pub(crate) fn fills(&self) -> usize {
        let names = self.tasks.names();
        names.iter().filter(|name| **name == "fill").count()
    }
}

/// No answer is made for nobody.
impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.fills(), 0, "fills are left running");
        }
    }
}

/// A clock that goes on from a Friday's morning.
pub(crate) fn morning() -> FollowingClock {
    FollowingClock::starting_at(MORNING.parse().unwrap())
}

/// A small estate in short pages: `Sessions` has 110 rows on six pages, the last of them short.
pub(crate) fn small() -> Knobs {
    Knobs {
        sessions: 110,
        page_size: 20,
        ..Knobs::default()
    }
}

fn truthful(knobs: &Knobs) -> Knobs {
    Knobs {
        seed: knobs.seed,
        sessions: knobs.sessions,
        page_size: knobs.page_size,
        null_dates: knobs.null_dates,
        tied_dates: knobs.tied_dates,
        shown_digits: knobs.shown_digits,
        round_dates: knobs.round_dates,
        lanes: usize::MAX,
        keyed: true,
        ..Knobs::default()
    }
}

/// The settings, read as the program reads them, in surroundings of our own.
fn config(folder: &Path, knobs: &Knobs, settings: &str) -> config::Config {
    let given = |key: &str| {
        let mut lines = settings.lines();
        lines.any(|line| line.trim_start().starts_with(key))
    };
    let base = [
        ("sites.main.customer_id", knobs.customer_id.as_str()),
        ("sites.main.client_id", knobs.client_id.as_str()),
        ("sites.main.client_secret_env", "SECRET"),
        ("sites.main.upstream.endpoint", UPSTREAM),
    ];
    let mut text = String::new();
    for (key, value) in base {
        // A secret written out takes the place of the variable.
        if !given(key.trim_end_matches("_env")) {
            writeln!(text, "{key} = '{value}'").unwrap();
        }
    }
    text.push_str(settings);
    std::fs::write(folder.join("citrix-odata-proxy.toml"), text).unwrap();
    let secret = knobs.client_secret.clone().into();
    let surroundings = Surroundings {
        variables: BTreeMap::from([("SECRET".to_owned(), secret)]),
        directory: folder.to_path_buf(),
        config_folder: None,
        data_folder: folder.join("data"),
        keystore: Arc::new(SystemKeystore::new()),
        log_folder: None,
    };
    let loaded = config::load(&surroundings, &Flags::default());
    loaded.unwrap_or_else(|error| panic!("{error}")).config
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Received,
}

/// What came of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Received {
    /// All of it.
    Complete(Bytes),
    /// What came before the connection broke.
    Cut(Bytes),
}

impl Answer {
    /// Reads a response to its end.
    async fn read(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status,
            headers: head.headers,
            body: read(body).await,
        }
    }

    /// The bytes of a body that must be complete.
    pub(crate) fn bytes(&self) -> &Bytes {
        match &self.body {
            Received::Complete(bytes) => bytes,
            Received::Cut(bytes) => panic!("cut after {} bytes: {self:?}", bytes.len()),
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes().to_vec()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.bytes()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The texts of the rows of a complete answer.
    pub(crate) fn rows(&self) -> Vec<String> {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        let page: PageText<'_> = serde_json::from_slice(self.bytes())
            .unwrap_or_else(|error| panic!("{error}: {self:?}"));
        page.value.iter().map(|row| row.get().to_owned()).collect()
    }

    /// Status and code of an error: `503 UpstreamBusy`.
    pub(crate) fn error(&self) -> String {
        let body = self.json();
        let error = body["error"].as_object();
        let error = error.unwrap_or_else(|| panic!("no error: {} {body:.200}", self.status));
        let message = error["message"].as_str().unwrap();
        assert!(!message.is_empty(), "{body}");
        assert!(self.header("content-type").starts_with("application/json"));
        assert!(
            !self.header("x-request-id").is_empty(),
            "{:?}",
            self.headers
        );
        format!(
            "{} {}",
            self.status.as_u16(),
            error["code"].as_str().unwrap()
        )
    }

    /// A header's value, empty when there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

/// Reads a body until it ends or breaks.
pub(crate) async fn read(mut body: Body) -> Received {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(data)) => bytes.extend_from_slice(&data),
            Ok(Err(_)) => {}
            Err(_) => return Received::Cut(bytes.freeze()),
        }
    }
    Received::Complete(bytes.freeze())
}

/// A page, down to the texts of its rows.
#[derive(Deserialize)]
struct PageText<'a> {
    #[serde(borrow)]
    value: Vec<&'a RawValue>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

/// The way upstream, with a look at everything that takes it.
#[derive(Debug)]
struct Wire {
    below: InProcess,
    sent: Mutex<Vec<Sent>>,
    refuses_keys: AtomicBool,
}

/// A request that left the program.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
}

impl Transport for Wire {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<ResponseBody>, TransportError>> {
        let uri = request.uri();
        let path = uri.path_and_query();
        self.sent.lock().unwrap().push(Sent {
            host: uri.host().unwrap_or_default().to_owned(),
            path: path.map_or("", |path| path.as_str()).to_owned(),
            headers: request.headers().clone(),
        });
        let keyed = path.is_some_and(|path| path.path().contains('('));
        if keyed && self.refuses_keys.load(Ordering::Relaxed) {
            let mut refusal = Response::new(Full::from("{}").map_err(|never| match never {}));
            *refusal.status_mut() = StatusCode::NOT_FOUND;
            let refusal = refusal.map(BodyExt::boxed_unsync);
            return Box::pin(std::future::ready(Ok(refusal)));
        }
        self.below.send(request)
    }
}

/// A request without a body so far.
fn request(method: Method, path: &str, headers: &[(&str, &str)]) -> http::request::Builder {
    let mut request = Request::builder().method(method).uri(encoded(path));
    if headers.iter().all(|(name, _)| *name != "host") {
        request = request.header("host", HOST);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request
}

/// The path with percent codes for what cannot stand in a URL.
fn encoded(path: &str) -> String {
    utf8_percent_encode(path, UNSAFE_IN_URLS).to_string()
}

const UNSAFE_IN_URLS: &AsciiSet = &CONTROLS.add(b' ').add(b'"');

/// The address that clients use.
pub(crate) const HOST: &str = "localhost:8484";

/// The service root of the default site.
pub(crate) const ROOT: &str = "/monitorodata";

/// Where upstream is, as configured.
pub(crate) const UPSTREAM: &str = "https://citrix.test";

/// A Friday.
const MORNING: &str = "2026-03-06T08:20:00Z";
