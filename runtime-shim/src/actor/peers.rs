//! The links that are up, and what is sent over them.

use std::collections::BTreeMap;

use bytes::Bytes;
use protocol::link::environment::{EnvironmentState, FromEnvironment};
use protocol::link::frame::Frame;
use protocol::link::handshake::Role;
use tokio::sync::mpsc;

use crate::diagnostics::say;
use crate::events::LinkId;

/// How much of a peer's queue, in frames, is kept free by what may be lost: room for two of the largest answers.
const FRAMES_KEPT_FREE: usize = 52;

/// One peer.
#[derive(Debug)]
struct Peer {
    role: Role,
    frames: mpsc::Sender<Frame<FromEnvironment>>,
}

/// All peers.
#[derive(Debug, Default)]
pub(super) struct Peers(BTreeMap<LinkId, Peer>);

impl Peers {
    pub(super) fn add(&mut self, link: LinkId, role: Role, frames: mpsc::Sender<Frame<FromEnvironment>>) {
        self.0.insert(link, Peer { role, frames });
    }

    pub(super) fn remove(&mut self, link: LinkId) {
        self.0.remove(&link);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lets go of all links, each once everything is written; returns how many there were.
    pub(super) fn let_go(&mut self) -> usize {
        std::mem::take(&mut self.0).len()
    }

    pub(super) fn role(&self, link: LinkId) -> Option<Role> {
        self.0.get(&link).map(|peer| peer.role)
    }

    /// Sends a message. One to a peer that is gone is dropped; a peer that does not read is cut.
    pub(super) fn send(&mut self, link: LinkId, header: FromEnvironment, body: Bytes) {
        let Some(peer) = self.0.get(&link) else { return };
        if peer.frames.try_send(Frame { header, body }).is_err() {
            say(format_args!("a link is cut: its peer does not read"));
            self.0.remove(&link);
        }
    }

    /// Sends what may be lost, unless the peer's queue has only room for what must not be; true if sent.
    pub(super) fn send_if_room(&mut self, link: LinkId, header: FromEnvironment, body: Bytes) -> bool {
        self.0.get(&link).is_some_and(|peer| {
            peer.frames.capacity() > FRAMES_KEPT_FREE && peer.frames.try_send(Frame { header, body }).is_ok()
        })
    }

    pub(super) fn tell(&mut self, link: LinkId, header: FromEnvironment) {
        self.send(link, header, Bytes::new());
    }

    pub(super) fn tell_all(&mut self, state: &EnvironmentState) {
        let links: Vec<LinkId> = self.0.keys().copied().collect();
        for link in links {
            self.tell(link, FromEnvironment::State(state.clone()));
        }
    }
}
