//! What was not passed on, counted and said.

use protocol::xray_datagram::Rejected;

/// Why a datagram was not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// It holds no segment.
    Rejected(Rejected),
    /// No gateway has sent an invocation yet, or the one that did is gone.
    NoGateway,
    /// Too much is on its way already.
    NoRoom,
}

/// How many of each there were.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    rejected: u64,
    without_gateway: u64,
    without_room: u64,
}

impl Losses {
    /// Counts one. What is to be said of it is said at the first and whenever their number has doubled: a flood
    /// makes some ten lines, not a million.
    pub(crate) fn count(&mut self, loss: Loss) -> Option<String> {
        let (count, why) = match loss {
            Loss::Rejected(why) => (&mut self.rejected, why.to_string()),
            Loss::NoGateway => (&mut self.without_gateway, "there is no gateway to send it to".to_owned()),
            Loss::NoRoom => (&mut self.without_room, "too much is on its way already".to_owned()),
        };
        *count += 1;
        let is_said = count.is_power_of_two();
        is_said.then(|| format!("X-Ray: datagram {count} that was not passed on, as {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_said_when_its_number_has_doubled() {
        let mut losses = Losses::default();
        let mut lines: Vec<String> = (0..1_000).filter_map(|_| losses.count(Loss::NoRoom)).collect();
        assert_eq!(lines.len(), 10);
        let first = "X-Ray: datagram 1 that was not passed on, as too much is on its way already";
        assert_eq!(lines[0], first);
        assert!(lines.pop().unwrap().starts_with("X-Ray: datagram 512 "));
        let rejected = losses.count(Loss::Rejected(Rejected::Header)).unwrap();
        assert!(
            rejected
                .ends_with("datagram 1 that was not passed on, as its header is not that of JSON, version 1")
        );
        assert!(losses.count(Loss::NoGateway).is_some());
    }
}
