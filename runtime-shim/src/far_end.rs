//! Whether the other end of a connection is still there, without reading from it.
//!
//! A connection whose call waits is not read: its client may be done with writing and still wait for the answer. So
//! one that closed it altogether is found by asking the kernel, where somebody else waits too.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Weak};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::net::TcpStream;

/// A connection's socket once more, for as long as it is served.
#[derive(Debug)]
pub(crate) struct Socket(Arc<OwnedFd>);

impl Socket {
    /// That of a connection just accepted. An error is the kernel's: no descriptor is left.
    pub(crate) fn of(stream: &TcpStream) -> io::Result<Self> {
        Ok(Self(Arc::new(stream.as_fd().try_clone_to_owned()?)))
    }

    /// What may be kept longer than the connection is served.
    pub(crate) fn far_end(&self) -> FarEnd {
        FarEnd(Arc::downgrade(&self.0))
    }
}

/// The other end of a connection.
#[derive(Debug)]
pub(crate) struct FarEnd(Weak<OwnedFd>);

impl FarEnd {
    /// It has said that it will not write any more, or is gone.
    pub(crate) fn has_hung_up(&self) -> bool {
        let Some(socket) = self.0.upgrade() else { return true };
        let mut asked = [PollFd::new(&*socket, PollFlags::RDHUP)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut asked, Some(&at_once)).is_ok_and(|told| told > 0)
    }
}
