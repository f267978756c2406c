//! What the service manager is told of a proxy that runs.

use std::net::SocketAddr;

use crate::app::App;
use crate::gateway::{AuthState, GatewayStatus};
use crate::service::{self, News};
use crate::signals::Signals;
use crate::tasks::Tasks;

/// Tells that clients are answered at `addresses`, and from then on that the program lives and how its sites do.
pub(super) fn begin(app: &App, addresses: &[SocketAddr], tasks: &Tasks) {
    let gateway = app.gateway().clone();
    let addresses = addresses.to_vec();
    let status = move || line(&addresses, &gateway.status());
    let first = status();
    service::tell(&[News::Ready, News::Status(first.clone())]);
    tasks.spawn("service manager", service::keep_alive(first, status));
}

/// Tells of the first order to stop.
pub(super) fn announce_end(signals: &mut Signals) {
    signals.at_first(|| {
        let status = News::Status("finishing the requests under way".to_owned());
        service::tell(&[News::Stopping, status]);
    });
}

/// Where it listens and which sites are not ready, in a line.
fn line(addresses: &[SocketAddr], status: &GatewayStatus) -> String {
    let addresses: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    let mut parts = vec![format!("listening on {}", addresses.join(", "))];
    parts.extend(status.sites.iter().map(|site| match &site.token {
        AuthState::None | AuthState::Valid { .. } => format!("{} ready", site.site),
        AuthState::Failed { explanation } => format!("{} not ready: {explanation}", site.site),
    }));
    parts.join("; ")
}
