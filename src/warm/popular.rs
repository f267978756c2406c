//! Makes popular answers anew before they are stale.

use std::time::Duration;

use tokio::time::sleep;

use super::ahead;
use super::errand::{Errands, What};
use super::metrics::Why;
use crate::gateway::Gateway;
use crate::odata::name::SiteId;

/// Makes those of `site` anew whose time it is, one after the other, and rests in between. None is begun while a client
/// waits for its turn. Never ends.
pub(super) async fn keep(site: SiteId, errands: Errands, gateway: Gateway) {
    loop {
        sleep(LOOK_EVERY).await;
        let stored = gateway.renewable(&site, ahead::HITS_MIN);
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

/// Less than half the shortest time in which an answer may be chosen, unless it is fresh for seconds only.
const LOOK_EVERY: Duration = Duration::from_secs(2);
