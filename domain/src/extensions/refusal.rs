//! Why a call of an extension is refused, in AWS's words.

use std::fmt;

use super::EXTENSIONS_MAX;
use super::state::State;
use crate::ids::ExtensionId;

/// A refused call. Types and messages are those of AWS's emulator (`rapi/handler/agent*.go`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Registration without a name.
    EmptyName,
    /// The body is not what it must be.
    InvalidFormat(String),
    /// An event that does not exist.
    UnknownEvent(String),
    /// An internal extension ends with its runtime, so it cannot be told.
    ShutdownForInternal,
    /// An internal extension of this name has registered.
    NameTaken,
    /// The init phase is over.
    RegistrationClosed,
    /// There are [`EXTENSIONS_MAX`].
    TooManyExtensions,
    /// The identifier's header is missing.
    MissingIdentifier,
    /// The identifier is no UUID.
    InvalidIdentifier,
    /// The identifier is nobody's.
    UnknownIdentifier(ExtensionId),
    /// Another header is missing.
    MissingHeader(&'static str),
    /// The extension's state does not allow the call.
    NotAllowed {
        /// Where it is.
        from: State,
        /// Where the call would lead.
        to: State,
        /// Which.
        extension: ExtensionId,
    },
}

impl Refusal {
    /// The error type.
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::EmptyName => "Extension.InvalidExtensionName",
            Self::InvalidFormat(_) => "InvalidRequestFormat",
            Self::UnknownEvent(_) | Self::ShutdownForInternal => "Extension.InvalidEventType",
            Self::NameTaken | Self::NotAllowed { .. } => "Extension.InvalidExtensionState",
            Self::RegistrationClosed => "Extension.RegistrationClosed",
            Self::TooManyExtensions => "Extension.TooManyExtensions",
            Self::MissingIdentifier => "Extension.MissingExtensionIdentifier",
            Self::InvalidIdentifier => "Extension.InvalidExtensionIdentifier",
            Self::UnknownIdentifier(_) => "Extension.UnknownExtensionIdentifier",
            Self::MissingHeader(_) => "Extension.MissingHeader",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyName => f.write_str("Empty extension name"),
            Self::InvalidFormat(why) => f.write_str(why),
            Self::UnknownEvent(event) => write!(f, "{event}: ErrorInvalidEventType"),
            Self::ShutdownForInternal => {
                f.write_str("SHUTDOWN: ShutdownEventNotSupportedForInternalExtension")
            }
            Self::NameTaken => f.write_str("Extension with this name already registered"),
            Self::RegistrationClosed => f.write_str("Extension registration closed already"),
            Self::TooManyExtensions => write!(f, "Extension limit ({EXTENSIONS_MAX}) reached"),
            Self::MissingIdentifier => f.write_str("Missing Lambda-Extension-Identifier header"),
            Self::InvalidIdentifier => f.write_str("Invalid Lambda-Extension-Identifier"),
            Self::UnknownIdentifier(id) => write!(f, "Unknown extension {id}"),
            Self::MissingHeader(name) => write!(f, "{name} not found"),
            Self::NotAllowed { from, to, extension } => {
                let (from, to) = (from.name(), to.name());
                write!(
                    f,
                    "State transition from {from} to {to} failed for extension {extension}. Error: State transition is not allowed"
                )
            }
        }
    }
}
