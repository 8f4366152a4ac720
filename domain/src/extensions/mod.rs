//! The extensions of one life of an execution environment, as a state machine.
//!
//! ```text
//! launched ─▶ Started ─register▶ Registered ─next▶ Ready ⇄ Running (an event was handed out)
//!                                     └─ init/error, exit/error ─▶ InitError, ExitError ─ its process ends ─▶ the end
//! ```
//!
//! External extensions are processes that were started before the runtime; internal ones register from inside of
//! it. Registration ends with the init phase. Nothing here knows processes, clocks or connections; a reset makes
//! a new value, with new identifiers.
//!
//! Source: AWS's developer guide, "Lambda Extensions API", and the state names of its emulator (`core/states.go`).

mod extension;
mod refusal;
mod shutdown;
mod state;
#[cfg(test)]
mod tests;

pub use extension::{Extension, Kind, Subscription};
pub use refusal::Refusal;
pub use shutdown::{
    RUNTIME_SHARE_MILLIS, SHUTDOWN_MILLIS_EXTERNAL, SHUTDOWN_MILLIS_INTERNAL, Shutdown, ShutdownReason, Step,
};
pub use state::State;

use crate::ids::ExtensionId;

/// Extensions of a function at most.
pub const EXTENSIONS_MAX: usize = 10;

/// An extension's process ended without a word.
const CRASH: &str = "Extension.Crash";
/// An extension's process could not be started.
const LAUNCH_ERROR: &str = "Extension.LaunchError";

/// All extensions of one life of an environment.
#[derive(Debug, Default)]
pub struct Extensions {
    all: Vec<Extension>,
    closed: bool,
}

impl Extensions {
    /// None was launched, none has registered.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Each of them, in the order of their start.
    pub fn iter(&self) -> impl Iterator<Item = &Extension> {
        self.all.iter()
    }

    /// An external extension's process is about to be started, under the name of its file; `id` is unused so far.
    pub fn launched(&mut self, name: &str, id: ExtensionId) -> Result<(), Refusal> {
        if self.all.len() >= EXTENSIONS_MAX {
            return Err(Refusal::TooManyExtensions);
        }
        self.all.push(Extension::new(name, id, Kind::External));
        Ok(())
    }

    /// An extension registers; `fresh` becomes its identifier if it is an internal one.
    pub fn register(
        &mut self,
        name: &str,
        events: &[String],
        fresh: ExtensionId,
    ) -> Result<ExtensionId, Refusal> {
        if name.is_empty() {
            return Err(Refusal::EmptyName);
        }
        if self.closed {
            return Err(Refusal::RegistrationClosed);
        }
        match self.all.iter_mut().find(|extension| extension.name == name) {
            Some(external) if external.kind == Kind::External => {
                let events = Subscription::of(events, Kind::External)?;
                external.pass(State::Started, State::Registered)?;
                // Only now: what is refused changes nothing.
                external.events = events;
                Ok(external.id)
            }
            Some(_) => Err(Refusal::NameTaken),
            None => {
                let events = Subscription::of(events, Kind::Internal)?;
                if self.all.len() >= EXTENSIONS_MAX {
                    return Err(Refusal::TooManyExtensions);
                }
                let mut internal = Extension::new(name, fresh, Kind::Internal);
                (internal.events, internal.state) = (events, State::Registered);
                self.all.push(internal);
                Ok(fresh)
            }
        }
    }

    /// Registration and subscription end.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Nothing registers or subscribes any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// The extension of this identifier, if it has registered.
    pub fn get(&self, id: ExtensionId) -> Result<&Extension, Refusal> {
        let found = self.all.iter().find(|extension| extension.id == id && extension.state != State::Started);
        found.ok_or(Refusal::UnknownIdentifier(id))
    }

    /// An extension asks for its next event.
    pub fn next(&mut self, id: ExtensionId) -> Result<(), Refusal> {
        self.get(id)?;
        let extension = self.find(id)?;
        match extension.state {
            State::Registered | State::Ready | State::Running => {
                extension.state = State::Ready;
                Ok(())
            }
            _ => Err(extension.refused(State::Ready)),
        }
    }

    /// An extension tells that it cannot initialize; to tell it again is allowed.
    pub fn init_error(&mut self, id: ExtensionId, error_type: &str) -> Result<(), Refusal> {
        self.get(id)?;
        let extension = self.find(id)?;
        if extension.state == State::InitError {
            return Ok(());
        }
        extension.pass(State::Registered, State::InitError)?;
        extension.error_type = Some(error_type.to_owned());
        Ok(())
    }

    /// An extension tells that it is about to exit; to tell it again is allowed.
    pub fn exit_error(&mut self, id: ExtensionId, error_type: &str) -> Result<(), Refusal> {
        self.get(id)?;
        let extension = self.find(id)?;
        match extension.state {
            State::ExitError => return Ok(()),
            State::InitError | State::Exited | State::LaunchError => {
                return Err(extension.refused(State::ExitError));
            }
            _ => extension.state = State::ExitError,
        }
        extension.error_type = Some(error_type.to_owned());
        Ok(())
    }

    /// There are more extensions than there may be: the type of the error that this is.
    pub fn too_many() -> &'static str {
        LAUNCH_ERROR
    }

    /// A process is gone, or never was: the type of the error that this is. What an extension told of itself says
    /// more than that it is gone.
    pub fn lost(&mut self, id: ExtensionId, launched: bool) -> &'static str {
        // One too many was never among them.
        let Ok(extension) = self.find(id) else { return Self::too_many() };
        let error_type = match (launched, extension.state.told_error()) {
            (false, _) => {
                extension.state = State::LaunchError;
                LAUNCH_ERROR
            }
            (true, Some(told)) => told,
            (true, None) => {
                extension.state = State::Exited;
                CRASH
            }
        };
        extension.error_type.get_or_insert_with(|| error_type.to_owned());
        error_type
    }

    /// What an internal extension told of itself: it ends with its runtime, whose end is then this error.
    pub fn internal_error(&self) -> Option<&'static str> {
        let mut internal = self.all.iter().filter(|extension| extension.kind == Kind::Internal);
        internal.find_map(|extension| extension.state.told_error())
    }

    /// Every external extension has registered: the runtime may start.
    pub fn all_registered(&self) -> bool {
        self.all.iter().all(|extension| extension.state != State::Started)
    }

    /// Every extension waits for its next event.
    pub fn all_ready(&self) -> bool {
        self.all.iter().all(|extension| extension.state == State::Ready)
    }

    /// An invocation begins: who is to be told of it. They count as running from here on.
    pub fn take_invoke(&mut self) -> Vec<ExtensionId> {
        self.take(|extension| extension.events.invoke)
    }

    /// The environment ends: who waits and is to be told of it. Each is told once; who asks again waits for its end,
    /// as in AWS's emulator, where an answer would make it ask without a pause.
    pub fn take_shutdown(&mut self) -> Vec<ExtensionId> {
        let told = self.take(|extension| extension.events.shutdown && !extension.told_of_end);
        for extension in self.all.iter_mut().filter(|extension| told.contains(&extension.id)) {
            extension.told_of_end = true;
        }
        told
    }

    /// What kinds there are: external, internal.
    pub fn kinds(&self) -> (bool, bool) {
        let any = |kind| self.all.iter().any(|extension| extension.kind == kind);
        (any(Kind::External), any(Kind::Internal))
    }

    fn take(&mut self, wanted: impl Fn(&Extension) -> bool) -> Vec<ExtensionId> {
        let waiting = self.all.iter_mut().filter(|extension| extension.state == State::Ready);
        waiting
            .filter(|extension| wanted(extension))
            .map(|extension| {
                extension.state = State::Running;
                extension.id
            })
            .collect()
    }

    fn find(&mut self, id: ExtensionId) -> Result<&mut Extension, Refusal> {
        let found = self.all.iter_mut().find(|extension| extension.id == id);
        found.ok_or(Refusal::UnknownIdentifier(id))
    }
}
