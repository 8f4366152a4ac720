//! Options of the connections that links run over.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::TcpStream;

/// How long a connection is silent before it is probed, in seconds.
const KEEPALIVE_IDLE_SECONDS: u64 = 5;
/// Between two probes, in seconds.
const KEEPALIVE_INTERVAL_SECONDS: u64 = 2;
/// Probes without an answer after which the connection is over.
const KEEPALIVE_PROBES: u32 = 3;
/// How long what was sent may be unacknowledged, in milliseconds.
const UNACKNOWLEDGED_MILLIS_MAX: u32 = 10_000;

/// No delay for small frames, and a node that is gone is noticed although nothing is sent.
pub(super) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = stream.as_fd();
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, Duration::from_secs(KEEPALIVE_IDLE_SECONDS))?;
    sockopt::set_tcp_keepintvl(socket, Duration::from_secs(KEEPALIVE_INTERVAL_SECONDS))?;
    sockopt::set_tcp_keepcnt(socket, KEEPALIVE_PROBES)?;
    sockopt::set_tcp_user_timeout(socket, UNACKNOWLEDGED_MILLIS_MAX)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_silent_connection_is_probed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        prepare(&stream).unwrap();
        let idle = Duration::from_secs(KEEPALIVE_IDLE_SECONDS);
        assert!(stream.nodelay().unwrap() && sockopt::socket_keepalive(&stream).unwrap());
        assert_eq!(sockopt::tcp_keepidle(&stream).unwrap(), idle);
        assert_eq!(sockopt::tcp_user_timeout(&stream).unwrap(), UNACKNOWLEDGED_MILLIS_MAX);
    }
}
