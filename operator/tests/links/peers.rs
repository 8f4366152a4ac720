//! A gateway and an environment, as far as the operator sees them.

use std::net::SocketAddr;
use std::time::Duration;

use protocol::link::assignment::Revision;
use protocol::link::control::{Demand, FromOperator, ToOperator};
use protocol::link::environment::{EnvironmentState, FromEnvironment, InitResult, Phase, ToEnvironment};
use protocol::link::frame::{FRAME_BYTES_MAX, Frame, read_frame, write_frame};
use protocol::link::handshake::{Dialler, Role, open_as_environment, open_as_gateway};
use protocol::link::trust::LinkKey;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::scene::Created;

const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Gateway(TcpStream);

impl Gateway {
    pub(crate) async fn link(address: SocketAddr, key: &LinkKey) -> Self {
        Self::try_link(address, key).await.expect("the operator trusts the gateway")
    }

    pub(crate) async fn try_link(address: SocketAddr, key: &LinkKey) -> Option<Self> {
        let mut stream = TcpStream::connect(address).await.unwrap();
        open_as_gateway(&mut stream, key, "gateway-0").await.ok()?;
        Some(Self(stream))
    }

    pub(crate) async fn demand(&mut self, revision: &Revision, waiting: u32) {
        let revisions = vec![Demand { revision: revision.clone(), running: 0, waiting }];
        write_frame(&mut self.0, &Frame::bare(ToOperator::Demand { revisions })).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> FromOperator {
        timeout(PATIENCE, read_frame(&mut self.0, FRAME_BYTES_MAX)).await.unwrap().unwrap().header
    }
}

pub(crate) struct Environment(TcpStream);

impl Environment {
    pub(crate) async fn announce(address: SocketAddr, pod: &Created, key: &LinkKey) -> Self {
        Self::try_announce(address, pod, key).await.expect("the operator trusts the environment")
    }

    pub(crate) async fn try_announce(address: SocketAddr, pod: &Created, key: &LinkKey) -> Option<Self> {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let ticket = key.issue(pod.claims.clone());
        let role =
            open_as_environment(&mut stream, &ticket, &key.public_key(), Dialler::Environment).await.ok()?;
        assert_eq!(role, Role::Operator);
        Some(Self(stream))
    }

    pub(crate) async fn tell(&mut self, phase: Phase, init: Option<InitResult>) {
        let state = EnvironmentState { phase, revision: None, tenant: None, init, invocations: 0 };
        write_frame(&mut self.0, &Frame::bare(FromEnvironment::State(state))).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> ToEnvironment {
        timeout(PATIENCE, read_frame(&mut self.0, FRAME_BYTES_MAX)).await.unwrap().unwrap().header
    }

    pub(crate) async fn is_hung_up_on(&mut self) -> bool {
        let read = read_frame::<ToEnvironment, _>(&mut self.0, FRAME_BYTES_MAX);
        timeout(PATIENCE, read).await.unwrap().is_err()
    }
}
