//! The attempt that is under way on a link: what its writer and its reader share.

use std::sync::Arc;
use std::time::Instant;

use domain::AttemptId;
use protocol::link::environment::ResponseHead;

use crate::fleets::{Flight, Flow};
use crate::limits;
use crate::payload_budget::Room;

/// How far the writing of an invoke came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// Some bytes may be on their way.
    Maybe,
    /// Not whole, and it never will be.
    Failed,
}

/// The attempt that is under way.
#[derive(Debug)]
pub(super) struct Underway {
    pub(super) attempt: AttemptId,
    pub(super) flight: Arc<Flight>,
    /// What its caller has taken of a streamed answer.
    pub(super) flow: Arc<Flow>,
    pub(super) written: Written,
    pub(super) accepted: bool,
    /// Bytes of the answer so far.
    pub(super) answer_bytes: usize,
    /// Set once the answer is complete.
    pub(super) answered: bool,
    pub(super) head: Option<ResponseHead>,
    /// When the link counts as dead.
    pub(super) overdue: Instant,
    /// Room for what comes next of a buffered answer.
    pub(super) room: Option<Room>,
}

impl Underway {
    /// An attempt of which nothing is written yet.
    pub(super) fn new(attempt: AttemptId, flight: Arc<Flight>) -> Self {
        Self {
            attempt,
            flight,
            flow: Flow::new(),
            written: Written::Maybe,
            accepted: false,
            answer_bytes: 0,
            answered: false,
            head: None,
            overdue: Instant::now() + limits::ACCEPT,
            room: None,
        }
    }
}
