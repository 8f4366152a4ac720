//! Options of the connections that links run over, and of those of clients.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::net::sockopt;
use socket2::SockRef;
use tokio::net::TcpStream;

use crate::limits;

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

/// No delay for small answers, and it is seen that a client reads.
pub(crate) fn prepare_client(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // A kernel without the option (gVisor's, say) serves clients all the same.
    if let Err(error) = SockRef::from(stream).set_tcp_notsent_lowat(limits::ANSWER_UNSENT_BYTES_MAX) {
        tracing::debug!(%error, "What a client does not read cannot be bounded");
    }
    Ok(())
}
