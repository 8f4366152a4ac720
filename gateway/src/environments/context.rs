//! What every link needs.

use std::sync::Arc;

use protocol::link::trust::LinkKey;
use tokio_util::sync::CancellationToken;

use crate::fleets::Fleets;
use crate::payload_budget::PayloadBudget;
use crate::traces::Traces;

/// What every link needs.
#[derive(Debug, Clone)]
pub(crate) struct LinkContext {
    pub(crate) key: Arc<LinkKey>,
    pub(crate) fleets: Arc<Fleets>,
    pub(crate) sessions: Arc<std::sync::atomic::AtomicU64>,
    /// The payload bytes of the whole gateway.
    pub(crate) payload: Arc<PayloadBudget>,
    /// Where segment documents go.
    pub(crate) traces: Traces,
    /// The gateway's end.
    pub(crate) ended: CancellationToken,
}
