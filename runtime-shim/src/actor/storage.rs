//! What the function's `/tmp` holds, on a disk that does not bound it.
//!
//! A disk that is shared with the node gives no ENOSPC, so the shim looks: once a second while something runs, and
//! before an answer or the next event is let in, if the disk has lost as much since the last look as `/tmp` had left.
//! So whoever fills it is told, and not whoever comes next. To ask the disk takes a microsecond; to go through `/tmp`
//! may take many, so that is done beside, and the runtime's call is held back meanwhile. Never looks where the file
//! system is no larger than `ephemeralStorage`, and never at a folder that is not the function's own. What others on
//! the disk free in the same moment can hide a growth until the next look.

use std::time::Duration;

use domain::environment::{Limit, Runtime, State};

use super::Actor;
use crate::clock::{self, Instant};
use crate::events::Event;
use crate::processes::{self, Disk};

/// Pause between two looks at `/tmp` while something runs, in milliseconds.
const LOOK_MILLIS: u64 = 1_000;
/// Calls of a runtime that are held back at once: an answer and a `next` are all that a runtime has. Beyond it one is
/// let in as it is.
const HELD_MAX: usize = 4;
/// Of `ephemeralStorage`, in bytes.
const MB_BYTES: u64 = 1024 * 1024;

/// What is known of `/tmp`, over every life of a runtime.
#[derive(Debug, Default)]
pub(super) struct StorageUse {
    looked: Option<Instant>,
    found: Option<Found>,
    /// What the disk had free when the look began that is on its way.
    looking: Option<u64>,
    /// That look began before a call was held back, so another one decides.
    again: bool,
    held: Vec<Event>,
}

/// What a look found.
#[derive(Debug, Clone, Copy)]
struct Found {
    used_bytes: u64,
    /// Most that the disk had free since its begin.
    free_bytes: u64,
}

impl StorageUse {
    /// More may have been written since the last look than there was room for.
    fn may_be_over(&self, disk: Disk, limit_bytes: u64) -> bool {
        let lost = |found: Found| found.free_bytes.saturating_sub(disk.free_bytes);
        self.found.is_none_or(|found| found.used_bytes.saturating_add(lost(found)) > limit_bytes)
    }

    /// What others freed meanwhile makes no room in `/tmp`.
    fn gained(&mut self, disk: Disk) {
        if let Some(found) = &mut self.found {
            found.free_bytes = found.free_bytes.max(disk.free_bytes);
        }
    }
}

impl Actor {
    /// Looks once in a while.
    pub(super) fn look_at_storage(&mut self) {
        let pause = Duration::from_millis(LOOK_MILLIS);
        let Some(disk) = self.unbounded_disk() else { return };
        self.storage.gained(disk);
        let recently = self.storage.looked.is_some_and(|at| at.elapsed() < pause);
        if !recently && self.storage.looking.is_none() {
            self.begin_look(disk);
        }
    }

    /// Something begins that may write.
    pub(super) fn watch_storage(&mut self) {
        if let Some(disk) = self.unbounded_disk() {
            self.storage.gained(disk);
        }
    }

    /// Holds a runtime's call back where it would end a phase in which `/tmp` may have grown beyond its size; what is
    /// returned is let in.
    pub(super) fn hold_back(&mut self, event: Event) -> Option<Event> {
        let ends = matches!(event, Event::AnswerCompleted { .. } | Event::Next(_));
        if !ends || !self.is_running() || self.storage.held.len() >= HELD_MAX {
            return Some(event);
        }
        let Some(disk) = self.unbounded_disk() else { return Some(event) };
        let in_doubt = self.storage.may_be_over(disk, self.storage_limit_bytes());
        match (in_doubt, self.storage.looking) {
            (true, Some(_)) => self.storage.again = true,
            (true, None) => self.begin_look(disk),
            // After an answer nobody waits, and what the look finds must not be the next invocation's.
            (false, Some(_)) if matches!(event, Event::Next(_)) => {}
            (false, _) => return Some(event),
        }
        self.storage.held.push(event);
        None
    }

    /// A look is over.
    pub(super) fn temporary_measured(&mut self, used_bytes: u64) {
        let Some(free_bytes) = self.storage.looking.take() else { return };
        self.storage.found = Some(Found { used_bytes, free_bytes });
        let again = std::mem::take(&mut self.storage.again);
        if used_bytes > self.storage_limit_bytes() {
            self.storage_is_over();
        } else if again && let Some(disk) = self.unbounded_disk() {
            return self.begin_look(disk);
        }
        self.let_in();
    }

    /// Lets in whatever was held back.
    pub(super) fn let_in(&mut self) {
        for event in std::mem::take(&mut self.storage.held) {
            self.carry_in(event);
        }
    }

    fn storage_is_over(&mut self) {
        let Some(assigned) = &self.assigned else { return };
        let size_mb = assigned.assignment.ephemeral_storage_mb;
        if self.is_running() {
            self.limit_passed(&Limit::TemporaryStorage { size_mb });
        }
        if matches!(self.environment.state(), State::Reset { .. } | State::Idle(Runtime::Absent)) {
            // A reset keeps /tmp, but not one that would end the next invocation as well.
            processes::clear(&self.settings.temporary);
            self.storage.found = None;
        }
    }

    /// The disk of `/tmp`, where nothing but the shim bounds what is written there.
    fn unbounded_disk(&self) -> Option<Disk> {
        let own = self.settings.temporary_is_own.then_some(&self.settings.temporary)?;
        Disk::of(own).filter(|disk| disk.whole_bytes > self.storage_limit_bytes())
    }

    fn storage_limit_bytes(&self) -> u64 {
        self.assigned
            .as_ref()
            .map_or(u64::MAX, |assigned| u64::from(assigned.assignment.ephemeral_storage_mb) * MB_BYTES)
    }

    fn begin_look(&mut self, disk: Disk) {
        self.storage.looked = Some(clock::now());
        self.storage.looking = Some(disk.free_bytes);
        let (root, events) = (self.settings.temporary.clone(), self.events.clone());
        drop(tokio::spawn(async move {
            let look = tokio::task::spawn_blocking(move || processes::used_bytes(&root));
            let bytes = look.await.unwrap_or_default();
            drop(events.send(Event::TemporaryMeasured { bytes }).await);
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_due_once_the_disk_has_lost_what_there_was_room_for() {
        let may_be_over = |found: Option<(u64, u64)>, free_bytes| {
            let found = found.map(|(used_bytes, free_bytes)| Found { used_bytes, free_bytes });
            let disk = Disk { whole_bytes: 10_000, free_bytes };
            StorageUse { found, ..StorageUse::default() }.may_be_over(disk, 500)
        };
        // Nobody has looked.
        assert!(may_be_over(None, 10_000));
        // 300 of 500 are used: 200 may be lost, and one byte more may not.
        assert!(!may_be_over(Some((300, 8_000)), 7_800));
        assert!(may_be_over(Some((300, 8_000)), 7_799));
        // The disk has more than before.
        assert!(!may_be_over(Some((500, 8_000)), 9_000));
        // What others free does not hide what is written afterwards.
        let found = Some(Found { used_bytes: 300, free_bytes: 8_000 });
        let mut storage = StorageUse { found, ..StorageUse::default() };
        storage.gained(Disk { whole_bytes: 10_000, free_bytes: 9_000 });
        assert!(storage.may_be_over(Disk { whole_bytes: 10_000, free_bytes: 8_700 }, 500));
        // It was over already.
        assert!(may_be_over(Some((501, 8_000)), 9_000));
    }
}
