//! One extension: what it is, and what it wants to be told.

use super::refusal::Refusal;
use super::state::State;
use crate::ids::ExtensionId;

/// Whether an extension is a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A process, from a file below `/opt/extensions`.
    External,
    /// A part of the runtime's process.
    Internal,
}

/// The events that an extension asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Subscription {
    /// Each invocation.
    pub invoke: bool,
    /// The end of the environment.
    pub shutdown: bool,
}

impl Subscription {
    /// Reads the names of events.
    pub(super) fn of(events: &[String], kind: Kind) -> Result<Self, Refusal> {
        let mut subscription = Self::default();
        for event in events {
            match (event.as_str(), kind) {
                ("INVOKE", _) => subscription.invoke = true,
                ("SHUTDOWN", Kind::External) => subscription.shutdown = true,
                ("SHUTDOWN", Kind::Internal) => return Err(Refusal::ShutdownForInternal),
                _ => return Err(Refusal::UnknownEvent(event.clone())),
            }
        }
        Ok(subscription)
    }

    /// The names of the events.
    pub fn names(self) -> Vec<&'static str> {
        [("INVOKE", self.invoke), ("SHUTDOWN", self.shutdown)]
            .into_iter()
            .filter_map(|(name, wanted)| wanted.then_some(name))
            .collect()
    }
}

/// One extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// An external one's file name.
    pub name: String,
    /// What it proves itself with, in this life of the environment.
    pub id: ExtensionId,
    /// Whether it is a process of its own.
    pub kind: Kind,
    /// What it asked for.
    pub events: Subscription,
    /// Where it is.
    pub state: State,
    /// It was handed the event of the environment's end.
    pub told_of_end: bool,
    /// What it failed with.
    pub error_type: Option<String>,
}

impl Extension {
    pub(super) fn new(name: &str, id: ExtensionId, kind: Kind) -> Self {
        let (events, state) = (Subscription::default(), State::Started);
        Self { name: name.to_owned(), id, kind, events, state, told_of_end: false, error_type: None }
    }

    pub(super) fn pass(&mut self, from: State, to: State) -> Result<(), Refusal> {
        if self.state != from {
            return Err(self.refused(to));
        }
        self.state = to;
        Ok(())
    }

    pub(super) fn refused(&self, to: State) -> Refusal {
        Refusal::NotAllowed { from: self.state, to, extension: self.id }
    }
}
