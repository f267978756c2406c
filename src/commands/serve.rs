//! `serve`: the proxy.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::data_dir::DataDir;
use super::{Failure, exit_code, print, supervision};
use crate::app::{self, App};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Config, Loaded};
use crate::server::{Ending, Limits, Listeners, Refused, Tls, TlsFiles};
use crate::signals::Signals;
use crate::tasks::Tasks;
use crate::transport::Transport;

/// Serves until `signals` say to stop. `ready` is called once the addresses are bound.
pub(super) async fn serve(
    loaded: &Loaded,
    signals: Signals,
    ready: impl FnOnce(),
) -> Result<ExitCode, Failure> {
    if let Some(file) = &loaded.file {
        tracing::info!(file = %file.display(), "settings read");
    } else {
        tracing::info!("no settings file; settings come from the environment");
    }
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    serve_through(
        &loaded.config,
        &app::network()?,
        &SystemClock::shared(),
        signals,
        |_, _, _| {
            ready();
            Vec::new()
        },
    )
    .await
}

/// Serves what `transport` leads to. `ready` is called once the addresses are bound; what it returns is printed below
/// them.
pub(super) async fn serve_through(
    config: &Config,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
    mut signals: Signals,
    ready: impl FnOnce(&App, &Tasks, &[SocketAddr]) -> Vec<String>,
) -> Result<ExitCode, Failure> {
    // Before the addresses: a second process with the same settings hears the reason, and not that a port is taken.
    let data_dir = DataDir::take(&config.data_dir)?;
    let mut config = config.clone();
    if data_dir.is_none() {
        config.cache.disk = 0;
    }
    let tasks = Tasks::new();
    let app = App::new(&config, transport, clock, &tasks)?;
    let tls = tls(&config, clock)?;
    warn_of_openness(&config);
    let listeners = Listeners::bind(&config.server.listen)
        .await?
        .limited(limits(&config))
        .counting(refused(&app))
        .secured(tls.clone());
    let addresses = listeners.addresses();
    for url in listeners.urls() {
        print(&format!("listening on {url}"))?;
    }
    for note in ready(&app, &tasks, &addresses) {
        print(&note)?;
    }
    supervision::announce_end(&mut signals);
    supervision::begin(&app, &addresses, &tasks);
    app.start(&tasks);
    if let Some(tls) = tls {
        tasks.spawn("certificate", tls.watch());
    }
    let drain = config.server.drain;
    let service = app.service().clone();
    let answer = move |request, client: SocketAddr| service.answer(request, Some(client.ip()));
    let ending = listeners.serve(answer, &mut signals, drain).await;
    if !matches!(ending, Ok(Ending::Hurried)) {
        app.gateway().settle().await;
    }
    for name in tasks.stop(TASKS_PATIENCE).await {
        tracing::warn!(task = name, "did not stop in time");
    }
    drop(data_dir);
    Ok(exit_code(ending.map_err(Failure::Serve)?))
}

/// The certificate, when clients speak TLS.
fn tls(config: &Config, clock: &Arc<dyn Clock>) -> Result<Option<Tls>, Failure> {
    let load = |tls: &config::Tls| {
        let files = TlsFiles {
            certificate: tls.certificate_file.clone(),
            key: tls.key_file.clone(),
        };
        Tls::load(files, Arc::clone(clock))
    };
    Ok(config.server.tls.as_ref().map(load).transpose()?)
}

/// Says what the operator has chosen to do without, for whoever reads the log.
fn warn_of_openness(config: &Config) {
    let server = &config.server;
    let reachable = |address: &SocketAddr| !address.ip().to_canonical().is_loopback();
    let listens_for_others = server.listen.iter().any(reachable);
    if server.keys.is_empty() && (listens_for_others || server.is_published()) {
        tracing::warn!(
            "anybody on another machine who reaches this server may read everything (server.anonymous)"
        );
    }
    if listens_for_others && server.tls.is_none() {
        tracing::warn!(
            "other machines are answered without TLS: data and access keys can be read on the way (server.plain_http)"
        );
    }
}

fn limits(config: &Config) -> Limits {
    let limits = &config.server.limits;
    Limits {
        connections: limits.connections,
        connections_per_address: limits.connections_per_address,
        header_bytes: limits.header_bytes,
    }
}

fn refused(app: &App) -> Refused {
    Refused {
        connections: app.refused_connections(),
        heads: app.refused_heads(),
    }
}

/// How long background tasks may take to notice that they are to stop.
const TASKS_PATIENCE: Duration = Duration::from_secs(2);
