//! Makes popular answers anew before they are stale.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::ahead;
use super::errand::{Errands, What};
use super::metrics::Why;
use crate::gateway::Gateway;
use crate::odata::name::SiteId;

/// Makes those of `site` anew whose time it is, one after the other, and rests in between. None is begun while a client
/// waits for its turn. Never ends.
pub(super) async fn keep(site: SiteId, errands: Errands, gateway: Gateway) {
    let mut look = Duration::ZERO;
    loop {
        sleep(ahead::pause(look)).await;
        let began = Instant::now();
        let (known, of) = (gateway.clone(), site.clone());
        // On another thread, because clients must not wait for it. It fails only when the program ends.
        let looking = spawn_blocking(move || known.renewable(&of, ahead::HITS_MIN));
        let Ok(stored) = looking.await else { continue };
        look = began.elapsed();
        let Some(chosen) = ahead::choose(&stored) else {
            continue;
        };
        if gateway.is_awaited(&site) {
            continue;
        }
        let ask = chosen.ask.clone();
        drop(stored);
        let ended = errands.run(&site, ask, Why::Ahead).await;
        let failed = matches!(ended.what, What::Failed(_));
        sleep(ahead::rest(ended.took, failed)).await;
    }
}
