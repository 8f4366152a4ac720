//! What a gateway hears of an invocation: its own and nothing else.

use bytes::Bytes;
use protocol::link::environment::{FromEnvironment, FunctionError, Invoke, Phase, Refusal, ToEnvironment};

use super::deeds::PLENTY_MILLIS;
use crate::link::{Link, invoke};

/// What came of an invocation.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) error: Option<FunctionError>,
    pub(super) body: Vec<u8>,
}

/// What comes back of `sent`, up to its end. Nothing may come of any other invocation.
pub(super) async fn answer_of(link: &mut Link, sent: &Invoke) -> Answer {
    let (mut head, mut body, mut last) = (None, Vec::new(), false);
    loop {
        let frame = link.next().await.unwrap();
        match frame.header {
            FromEnvironment::State(_) => {}
            FromEnvironment::Accepted { attempt } => assert_eq!(attempt, sent.attempt),
            FromEnvironment::Response(part) => {
                assert!(part.attempt == sent.attempt && !last, "{part:?} while {sent:?}");
                head = head.or(part.head);
                body.extend(frame.body);
                last = part.last;
            }
            FromEnvironment::Finished { attempt, .. } => {
                assert!(attempt == sent.attempt && last, "the end of {attempt} while {sent:?}");
                let tail = String::from_utf8_lossy(&frame.body);
                assert!(!tail.contains("UNEXPECTED"), "{tail}");
                return Answer { error: head.unwrap().function_error, body };
            }
            other => panic!("{other:?} while {sent:?}"),
        }
    }
}

pub(super) async fn accepted(link: &mut Link, sent: &Invoke) {
    link.until(|frame| match frame.header {
        FromEnvironment::State(_) => None,
        FromEnvironment::Accepted { attempt } if attempt == sent.attempt => Some(()),
        other => panic!("{other:?} while {sent:?}"),
    })
    .await;
}

pub(super) async fn refused_busy(link: &mut Link) {
    let second = invoke(PLENTY_MILLIS);
    link.send(ToEnvironment::Invoke(Box::new(second.clone())), Bytes::from_static(b"second")).await;
    let reason = link.until(|frame| match frame.header {
        FromEnvironment::State(_) => None,
        FromEnvironment::Refused { attempt, reason } if attempt == second.attempt => Some(reason),
        other => panic!("{other:?} while {second:?}"),
    });
    assert_eq!(reason.await, Refusal::Busy);
}

/// Passes over states until the environment is free after this many invocations.
pub(super) async fn free_after(link: &mut Link, invocations: u64) {
    link.until(|frame| match frame.header {
        FromEnvironment::State(state) => {
            assert!(state.invocations <= invocations, "{state:?} after {invocations}");
            (state.phase == Phase::Free && state.invocations == invocations).then_some(())
        }
        other => panic!("{other:?} while nothing runs"),
    })
    .await;
}
