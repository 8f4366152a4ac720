//! The port, and the room that what came from it may take.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use protocol::xray_datagram::{DATAGRAM_BYTES_MAX, Rejected, document};
use rustix::net::{RecvFlags, recv};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Where clients look for the daemon unless they are told.
const ADDRESS: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 2000);
/// Bytes of datagrams that are on their way to a gateway at once.
const IN_FLIGHT_BYTES_MAX: usize = 256 * 1024;

/// The port.
#[derive(Debug)]
pub(crate) struct Daemon {
    socket: UdpSocket,
    address: SocketAddr,
    room: Arc<Semaphore>,
}

/// A document, which takes its room until it is written to a link.
struct Held {
    datagram: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.datagram
    }
}

impl Daemon {
    /// Opens the daemon's port; another where it is taken, as with several environments on one loopback.
    pub(crate) async fn open() -> io::Result<Self> {
        Self::open_at(ADDRESS.into()).await
    }

    async fn open_at(address: SocketAddr) -> io::Result<Self> {
        let socket = match UdpSocket::bind(address).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                UdpSocket::bind((address.ip(), 0)).await?
            }
            bound => bound?,
        };
        let address = socket.local_addr()?;
        Ok(Self { socket, address, room: Arc::new(Semaphore::new(IN_FLIGHT_BYTES_MAX)) })
    }

    /// Where it is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns when a datagram has come. Cancelling loses nothing.
    pub(crate) async fn readable(&self) {
        if self.socket.readable().await.is_err() {
            // There is no such port any more; never ready, instead of always.
            std::future::pending::<()>().await;
        }
    }

    /// The next datagram, if one has come.
    pub(crate) fn receive(&self) -> Option<Vec<u8>> {
        // Its length is asked of the datagram itself: no buffer for the largest is kept for the many that are small,
        // and one that comes only after the question was asked is left for the next turn.
        let length = self.socket.try_io(Interest::READABLE, || {
            let peek = RecvFlags::PEEK | RecvFlags::TRUNC | RecvFlags::DONTWAIT;
            let (_, length) = recv(&self.socket, &mut [0; 0], peek)?;
            Ok(length)
        });
        let mut datagram = vec![0; length.ok()?.min(DATAGRAM_BYTES_MAX)];
        let length = self.socket.try_recv(&mut datagram).ok()?;
        datagram.truncate(length);
        Some(datagram)
    }

    /// The document in a datagram, which takes its room for as long as it lives; none if there is no room.
    pub(crate) fn document(&self, datagram: Vec<u8>) -> Result<Option<Bytes>, Rejected> {
        let start = datagram.len() - document(&datagram)?.len();
        let bytes = u32::try_from(datagram.len()).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes);
        Ok(room.ok().map(|room| Bytes::from_owner(Held { datagram, _room: room }).slice(start..)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"{\"format\":\"json\",\"version\":1}\n";

    async fn daemon() -> Daemon {
        Daemon::open_at((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap()
    }

    #[tokio::test]
    async fn its_port_is_taken_where_it_is_free_and_another_where_not() {
        let free = daemon().await.address();
        let first = Daemon::open_at(free).await.unwrap();
        let second = Daemon::open_at(free).await.unwrap();
        assert_eq!(first.address(), free);
        assert_ne!(second.address(), free);
        assert!(second.address().ip().is_loopback());
    }

    #[tokio::test]
    async fn datagrams_come_one_by_one_whole_and_in_their_order() {
        let daemon = daemon().await;
        assert_eq!(daemon.receive(), None);
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let largest = vec![b'x'; 65_507];
        for datagram in [&b"first"[..], b"", &largest] {
            client.send_to(datagram, daemon.address()).await.unwrap();
            daemon.readable().await;
            assert_eq!(daemon.receive().as_deref(), Some(datagram));
        }
        assert_eq!(daemon.receive(), None);
    }

    #[tokio::test]
    async fn one_that_comes_while_the_port_is_asked_is_not_cut_off() {
        const DATAGRAMS: usize = 100_000;
        let daemon = daemon().await;
        let address = daemon.address();
        let client = std::thread::spawn(move || {
            let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            for _ in 0..DATAGRAMS {
                socket.send_to(b"a segment", address).unwrap();
            }
        });
        let mut received = 0;
        while !client.is_finished() {
            while let Some(datagram) = daemon.receive() {
                assert_eq!(datagram, b"a segment");
                received += 1;
            }
            tokio::task::yield_now().await;
        }
        // Not all: the port's own room is bounded, too.
        assert!(received > 0);
    }

    #[tokio::test]
    async fn what_is_on_its_way_is_bounded_to_the_byte() {
        let daemon = daemon().await;
        let datagram = [HEADER, vec![b'x'; 32 * 1024 - HEADER.len()].as_slice()].concat();
        let held: Vec<Bytes> = (0..IN_FLIGHT_BYTES_MAX / datagram.len())
            .map(|_| daemon.document(datagram.clone()).unwrap().unwrap())
            .collect();
        assert_eq!(held[0].len(), datagram.len() - HEADER.len());
        let smallest = [HEADER, b"x"].concat();
        assert_eq!(daemon.document(smallest.clone()), Ok(None));
        drop(held);
        assert_eq!(daemon.document(smallest), Ok(Some(Bytes::from_static(b"x"))));
        assert_eq!(daemon.document(b"nothing".to_vec()), Err(Rejected::Incomplete));
    }
}
