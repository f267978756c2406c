//! `serve`: the proxy.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::data_dir::DataDir;
use super::{Failure, exit_code, print};
use crate::app::{self, App};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Config, Loaded};
use crate::server::{Ending, Limits, Listeners, Tls, TlsFiles};
use crate::signals::Signals;
use crate::tasks::Tasks;
use crate::transport::Transport;

/// Serves until told to stop.
pub(super) async fn serve(loaded: &Loaded) -> Result<ExitCode, Failure> {
    if let Some(file) = &loaded.file {
        tracing::info!(file = %file.display(), "settings read");
    } else {
        tracing::info!("no settings file; settings come from the environment");
    }
    serve_through(
        &loaded.config,
        &app::network()?,
        &SystemClock::shared(),
        |_, _, _| Vec::new(),
    )
    .await
}

/// Serves what `transport` leads to. `ready` is called once the addresses are bound; what it returns is printed below
/// them.
pub(super) async fn serve_through(
    config: &Config,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
    ready: impl FnOnce(&App, &Tasks, &[SocketAddr]) -> Vec<String>,
) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen().map_err(Failure::Runtime)?;
    // Before the addresses: a second process with the same settings hears the reason, and not that a port is taken.
    let data_dir = DataDir::take(&config.data_dir)?;
    let mut config = config.clone();
    if data_dir.is_none() {
        config.cache.disk = 0;
    }
    let tasks = Tasks::new();
    let app = App::new(&config, transport, clock, &tasks)?;
    let tls = tls(&config, clock)?;
    let listeners = Listeners::bind(&config.server.listen)
        .await?
        .limited(limits(&config))
        .secured(tls.clone());
    let addresses = listeners.addresses();
    for url in listeners.urls() {
        print(&format!("listening on {url}"))?;
    }
    for note in ready(&app, &tasks, &addresses) {
        print(&note)?;
    }
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

fn limits(config: &Config) -> Limits {
    let limits = &config.server.limits;
    Limits {
        connections: limits.connections,
        header_bytes: limits.header_bytes,
    }
}

/// How long background tasks may take to notice that they are to stop.
const TASKS_PATIENCE: Duration = Duration::from_secs(2);
