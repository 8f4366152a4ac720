//! Segments that the function sends to its X-Ray daemon, on their way to a gateway.

use protocol::link::environment::FromEnvironment;

use super::Actor;
use crate::diagnostics::say;
use crate::xray::Loss;

/// How many datagrams are taken at once, before whatever else there is to do has its turn.
const DATAGRAMS_A_TURN_MAX: usize = 8;

impl Actor {
    /// Takes what the function has written, and segments too: one that never stops writing holds none up.
    pub(super) fn take_output(&mut self) -> bool {
        self.logs.read_some();
        self.take_segments()
    }

    /// Takes what has come, at most [`DATAGRAMS_A_TURN_MAX`]; true if something was passed on.
    pub(super) fn take_segments(&mut self) -> bool {
        let mut any = false;
        for _ in 0..DATAGRAMS_A_TURN_MAX {
            let Some(datagram) = self.xray.receive() else { break };
            match self.pass_on(datagram) {
                Ok(()) => any = true,
                Err(loss) => {
                    if let Some(line) = self.segments_lost.count(loss) {
                        say(format_args!("{line}"));
                    }
                }
            }
        }
        any
    }

    /// To the gateway whose invocation runs, else to that whose invocation ran last.
    fn pass_on(&mut self, datagram: Vec<u8>) -> Result<(), Loss> {
        let document = self.xray.document(datagram).map_err(Loss::Rejected)?;
        let gateway = self.segments_to.filter(|link| self.peers.role(*link).is_some());
        let (gateway, document) = (gateway.ok_or(Loss::NoGateway)?, document.ok_or(Loss::NoRoom)?);
        let sent = self.peers.send_if_room(gateway, FromEnvironment::Segment, document);
        if sent { Ok(()) } else { Err(Loss::NoRoom) }
    }
}
