//! What the metadata endpoint tells: the zone of the environment, to whoever bears its token.
//!
//! The token lives as long as the environment: over a reset, too, as AWS's emulator keeps it.

use std::sync::{Arc, OnceLock};

use domain::Region;
use domain::ids::MetadataToken;
use domain::zone::first_zone_id;

use crate::random;

/// Shared by the Runtime API's server, which answers from it, and the actor, which names it to processes.
#[derive(Debug, Clone)]
pub(crate) struct Metadata(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    token: MetadataToken,
    zone_id: OnceLock<String>,
}

impl Metadata {
    /// With a fresh token; `zone` is the one that the node names, where it names any.
    pub(crate) fn new(zone: Option<String>) -> Self {
        let zone_id = zone.map(OnceLock::from).unwrap_or_default();
        Self(Arc::new(Inner { token: MetadataToken::from_random_bytes(random::bytes()), zone_id }))
    }

    /// Settles the zone, with the first one of `region` where the node names none.
    pub(crate) fn assigned_in(&self, region: &Region) {
        self.0.zone_id.get_or_init(|| first_zone_id(region));
    }

    /// The token.
    pub(crate) fn token(&self) -> MetadataToken {
        self.0.token
    }

    /// The zone; before the assignment of an environment whose node names none there is none.
    pub(crate) fn zone_id(&self) -> Option<&str> {
        self.0.zone_id.get().map(String::as_str)
    }
}
