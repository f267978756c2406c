//! `demo`: simulator and proxy in one process.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::Failure;
use super::progress::Live;
use super::serve::serve_through;
use super::simulate::only_this_machine;
use super::simulator::knobs;
use crate::app::App;
use crate::cli::Demo;
use crate::clock::SystemClock;
use crate::config::{self, Flags, GivenSite, Loaded, Surroundings};
use crate::demo::{Knobs, Simulator};
use crate::signals::Signals;
use crate::tasks::Tasks;
use crate::transport::{InProcess, Transport};

/// What a demo runs with.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The settings of a proxy in front of the simulator.
    pub(super) loaded: Loaded,
    /// The simulator's knobs.
    pub(super) knobs: Knobs,
    /// The folder for temporary files, unless the command line names one; removed when this is dropped. So it is kept
    /// until nothing runs any more.
    pub(super) folder: Option<TempDir>,
}

/// Makes the settings, and a folder in the system's temporary folder: a demo leaves nothing with the account's data.
pub(super) fn prepare(surroundings: &Surroundings, command: Demo) -> Result<Prepared, Failure> {
    // What is no address is told with the settings.
    let listen = command.listen.iter().filter_map(|text| text.parse().ok());
    only_this_machine(&listen.collect::<Vec<SocketAddr>>())?;
    let knobs = knobs(command.simulator, LATENCY)?;
    let flags = Flags {
        listen: command.listen,
        data_dir: command.data_dir,
        site: Some(GivenSite {
            name: "main".to_owned(),
            region: String::new(),
            endpoint: ENDPOINT.to_owned(),
            customer_id: knobs.customer_id.clone(),
            client_id: knobs.client_id.clone(),
            client_secret: knobs.client_secret.clone().into(),
        }),
        ..Flags::default()
    };
    let mut surroundings = surroundings.clone();
    let folder = match flags.data_dir {
        Some(_) => None,
        None => Some(temporary_folder()?),
    };
    if let Some(folder) = &folder {
        surroundings.data_folder = folder.path().to_path_buf();
    }
    Ok(Prepared {
        loaded: config::load(&surroundings, &flags)?,
        knobs,
        folder,
    })
}

fn temporary_folder() -> Result<TempDir, Failure> {
    tempfile::Builder::new()
        .prefix(FOLDER_PREFIX)
        .tempdir()
        .map_err(Failure::Folder)
}

/// Serves the simulator's data until told to stop, and shows running scans in `live` lines where there is a terminal.
pub(super) async fn demo(
    loaded: &Loaded,
    knobs: Knobs,
    live: Option<Live>,
) -> Result<ExitCode, Failure> {
    let signals = Signals::listen().map_err(Failure::Runtime)?;
    let clock = SystemClock::shared();
    let sessions = knobs.sessions;
    let simulator = Simulator::new(knobs, Arc::clone(&clock));
    let transport: Arc<dyn Transport> = Arc::new(InProcess::new(simulator.router()));
    let ready = |app: &App, tasks: &Tasks, addresses: &[SocketAddr]| {
        if let Some(live) = live {
            tasks.spawn("progress", live.show(app.gateway().clone()));
        }
        notes(addresses, sessions)
    };
    serve_through(&loaded.config, &transport, &clock, signals, ready).await
}

/// What a newcomer does next, at the first of the `addresses` that were bound.
fn notes(addresses: &[SocketAddr], sessions: u64) -> Vec<String> {
    let mut notes = vec![format!(
        "A simulated Citrix Cloud with {sessions} sessions answers; nothing leaves this computer."
    )];
    if let Some(address) = addresses.first() {
        let address = format!("http://localhost:{}/monitorodata", address.port());
        notes.extend([
            "In Power BI or Excel choose Get data > OData feed, sign in as Anonymous, and paste"
                .to_owned(),
            format!("    {address}"),
            format!("or look at a few rows in a browser: {address}/Sessions?$top=5"),
        ]);
    }
    notes.push("Ctrl-C stops it.".to_owned());
    notes
}

/// What a page of the real service takes, roughly.
const LATENCY: Duration = Duration::from_millis(150);

const FOLDER_PREFIX: &str = "citrix-odata-proxy-demo-";

/// Where the simulator believes to be. No request leaves the process, so no port is taken.
const ENDPOINT: &str = "http://127.0.0.1";
