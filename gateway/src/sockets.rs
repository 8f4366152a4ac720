//! Options of the connections that links run over.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::TcpStream;

/// No delay for small frames, and a node that is gone is noticed although nothing is sent.
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    const UNACKNOWLEDGED_MILLIS_MAX: u32 = 10_000;
    stream.set_nodelay(true)?;
    let socket = stream.as_fd();
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, Duration::from_secs(5))?;
    sockopt::set_tcp_keepintvl(socket, Duration::from_secs(2))?;
    sockopt::set_tcp_keepcnt(socket, 3)?;
    sockopt::set_tcp_user_timeout(socket, UNACKNOWLEDGED_MILLIS_MAX)?;
    Ok(())
}
