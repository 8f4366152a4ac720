//! Environments: the seam to whatever starts them, and the links with each.

mod context;
mod link;
mod links;
mod provider;
mod reading;
mod said;
mod session;
mod underway;

pub(crate) use context::LinkContext;
pub(crate) use links::Links;
pub use provider::{
    DemandReceiver, Environment, EnvironmentEvent, EnvironmentProvider, EventSender, PodName,
};
pub(crate) use session::ToLink;
