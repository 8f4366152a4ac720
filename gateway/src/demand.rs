//! Reports demand to the provider: at once when somebody begins to wait, otherwise several times a second.
//!
//! Each look also tells environments how long the oldest waiter has waited, where that has changed.

use std::sync::Arc;

use protocol::link::control::Demand;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use crate::fleets::Fleets;
use crate::limits;

/// Runs until nobody follows the demand.
pub(crate) async fn report(
    fleets: Arc<Fleets>,
    prompt: Arc<Notify>,
    demand: watch::Sender<Arc<Vec<Demand>>>,
) {
    while !demand.is_closed() {
        drop(timeout(limits::DEMAND_LOOK, prompt.notified()).await);
        fleets.all().iter().for_each(|fleet| fleet.refresh());
        let now = fleets.demand();
        demand.send_if_modified(|before| {
            let changed = **before != now;
            if changed {
                *before = Arc::new(now);
            }
            changed
        });
        sleep(limits::DEMAND_PAUSE).await;
    }
}
