//! All targets, by their names.

use crate::run::Target;
use crate::{bodies, calls, datagrams, event_stream, frames, headers};

/// Every one.
pub const ALL: [&[Target]; 6] = [
    &calls::TARGETS,
    &datagrams::TARGETS,
    &bodies::TARGETS,
    &headers::TARGETS,
    &frames::TARGETS,
    &event_stream::TARGETS,
];

/// The target of this name.
pub fn named(name: &str) -> Target {
    let found = ALL.iter().copied().flatten().find(|target| target.name == name);
    *found.unwrap_or_else(|| panic!("no target {name}"))
}
