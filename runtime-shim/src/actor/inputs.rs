//! What comes in: from links and from the Runtime API.

use std::sync::Arc;

use bytes::Bytes;
use domain::environment::{AnswerRefusal, Attempt, InvokeRefusal, State};
use domain::log_stream::Day;
use protocol::link::assignment::Assignment;
use protocol::link::environment::{FromEnvironment, Invoke, Refusal, ToEnvironment};
use protocol::link::frame::Frame;
use protocol::link::handshake::Role;
use protocol::runtime_api;

use super::invocation::Invocation;
use super::timers::Timer;
use super::{Actor, Assigned};
use crate::clock;
use crate::diagnostics::say;
use crate::events::{Event, LinkId, Reply};

/// How long a runtime that told of an init error may take to exit by itself, in milliseconds: it may still have
/// lines to write.
const INIT_ERROR_GRACE_MILLIS: u64 = 250;

impl Actor {
    pub(super) fn take(&mut self, event: Event) {
        if let Some(event) = self.hold_back(event) {
            self.carry_in(event);
        }
    }

    /// Takes an event that need not be held back.
    pub(super) fn carry_in(&mut self, event: Event) {
        match event {
            Event::LinkUp { link, role, frames } => {
                self.peers.add(link, role, frames);
                let state = self.state();
                self.peers.tell(link, FromEnvironment::State(state));
            }
            Event::LinkFrame { link, frame } => self.take_frame(link, frame),
            Event::LinkDown { link } => {
                self.peers.remove(link);
                self.caller_lost(link);
                if self.grants.forget(link) {
                    self.offer();
                }
            }
            Event::Next(call) => self.runtime_next(call),
            Event::Extension { call, reply } => self.take_extension_call(call, reply),
            Event::AnswerBegun { request, attempt, streamed, reply } => {
                let begun = self.answer_begun(request, attempt, streamed);
                verdict(reply, begun.map_err(refusal));
            }
            Event::AnswerPart { attempt, part } => self.answer_part(attempt, part),
            Event::AnswerCompleted { request, answer, reply } => {
                let completed = self.environment.answer_completed(request);
                if completed.is_ok() {
                    self.forward(answer);
                }
                verdict(reply, completed.map_err(refusal));
            }
            Event::AnswerUnusable { request, failure, reply } => {
                let effects = self.environment.answer_unusable(request, failure);
                self.apply(effects);
                verdict(reply, Ok(()));
            }
            Event::InitError { error, reply } => {
                let allowed = self.environment.init_error(error);
                if allowed.is_ok() {
                    let grace = std::time::Duration::from_millis(INIT_ERROR_GRACE_MILLIS);
                    self.timers.set(Timer::InitErrorGrace, clock::now() + grace);
                }
                verdict(reply, allowed.map_err(|_| runtime_api::Refusal::InvalidStateTransition));
            }
            Event::Prepared(done) => {
                if let (Some(assigned), Err(failure)) = (&mut self.assigned, done) {
                    assigned.code_failure = Some(failure);
                }
                let effects = self.environment.prepared();
                self.apply(effects);
            }
            Event::TemporaryMeasured { bytes } => self.temporary_measured(bytes),
        }
    }

    fn take_frame(&mut self, link: LinkId, frame: Frame<ToEnvironment>) {
        let Some(role) = self.peers.role(link) else { return };
        match (frame.header, role) {
            (ToEnvironment::Assign(assignment), Role::Operator) => self.assign(*assignment, frame.body),
            (ToEnvironment::Invoke(invoke), Role::Gateway) => self.invoke(link, *invoke, frame.body),
            (ToEnvironment::Invoke(invoke), Role::Operator) => {
                self.refuse(link, &invoke, Refusal::NotAllowed);
            }
            (ToEnvironment::Waiting { oldest_ms }, Role::Gateway) => {
                let now_ms = self.now_ms();
                self.grants.set_waiting(link, oldest_ms, now_ms);
            }
            (ToEnvironment::More { attempt, parts }, Role::Gateway) => self.caller_took(link, attempt, parts),
            (ToEnvironment::Drain, Role::Operator) => {
                let effects = self.environment.drain();
                self.apply(effects);
            }
            (ToEnvironment::Unknown, _) => {}
            (message, role) => say(format_args!("{} from a {role:?} is not carried out", name_of(&message))),
        }
    }

    fn assign(&mut self, assignment: Assignment, archive: Bytes) {
        match self.environment.assign() {
            Ok(effects) => {
                self.logs.configure(assignment.logging);
                self.metadata.assigned_in(&assignment.region);
                self.assigned = Some(Assigned {
                    assignment: Arc::new(assignment),
                    archive,
                    day: Day::of_epoch_seconds(clock::epoch_millis() / 1_000),
                    code_failure: None,
                });
                self.apply(effects);
            }
            // One that ends before it becomes anything takes none.
            Err(_) if self.assigned.is_none() => {}
            // Whoever could assign a second time could replace a function's code in place.
            Err(_) => say(format_args!("a second assignment is not carried out")),
        }
    }

    fn invoke(&mut self, link: LinkId, invoke: Invoke, payload: Bytes) {
        let own = self.assigned.as_ref().map(|assigned| &assigned.assignment.revision);
        if own.is_some_and(|own| *own != invoke.revision) {
            return self.refuse(link, &invoke, Refusal::OtherRevision);
        }
        let isolates = self.assigned.as_ref().is_some_and(|assigned| assigned.assignment.isolates_tenants);
        if isolates && !serves(self.tenant.as_deref(), invoke.tenant_id.as_deref()) {
            return self.refuse(link, &invoke, Refusal::OtherTenant);
        }
        let idle = matches!(self.environment.state(), State::Idle(_));
        if idle && !self.environment.is_draining() && !self.grants.admits(link) {
            return self.refuse(link, &invoke, Refusal::Busy);
        }
        match self.environment.invoke(Attempt { request: invoke.request_id, id: invoke.attempt }) {
            Ok(effects) => {
                self.tenant = invoke.tenant_id.clone().filter(|_| isolates);
                self.grants.used();
                self.segments_to = Some(link);
                self.timers.clear(Timer::Grant);
                self.timers.clear(Timer::Freeze);
                self.peers.tell(link, FromEnvironment::Accepted { attempt: invoke.attempt });
                self.thaw();
                let invocation = Invocation::new(invoke, payload, link);
                self.timers.set(Timer::Deadline, invocation.deadline());
                self.invocation = Some(invocation);
                self.apply(effects);
            }
            Err(InvokeRefusal::Busy) => self.refuse(link, &invoke, Refusal::Busy),
            Err(InvokeRefusal::Draining) => self.refuse(link, &invoke, Refusal::Draining),
            Err(InvokeRefusal::NotReady) => self.refuse(link, &invoke, Refusal::NotReady),
        }
    }

    fn refuse(&mut self, link: LinkId, invoke: &Invoke, reason: Refusal) {
        self.peers.tell(link, FromEnvironment::Refused { attempt: invoke.attempt, reason });
    }
}

/// Whether an environment of the tenant `own`, or of none yet, may run an invocation of `tenant`.
fn serves(own: Option<&str>, tenant: Option<&str>) -> bool {
    tenant.is_some() && (own.is_none() || own == tenant)
}

/// Replies; a runtime whose connection is gone has no use for it.
fn verdict<T>(reply: Reply<T>, verdict: Result<T, runtime_api::Refusal>) {
    drop(reply.send(verdict).err());
}

fn refusal(refusal: AnswerRefusal) -> runtime_api::Refusal {
    match refusal {
        AnswerRefusal::UnknownRequest => runtime_api::Refusal::InvalidRequestId,
        AnswerRefusal::TimedOut => runtime_api::Refusal::InvokeTimeout,
        AnswerRefusal::NotAllowed => runtime_api::Refusal::InvalidStateTransition,
    }
}

fn name_of(message: &ToEnvironment) -> &'static str {
    match message {
        ToEnvironment::Assign(_) => "an assignment",
        ToEnvironment::Invoke(_) => "an invocation",
        ToEnvironment::Waiting { .. } => "a waiter",
        ToEnvironment::More { .. } => "room for a response",
        ToEnvironment::Drain => "a drain",
        ToEnvironment::Unknown => "a message",
    }
}
