//! How much of a streamed response may be on its way to its caller.
//!
//! Whoever reads the runtime's body waits here for room before it takes the next part, so a caller that reads
//! slowly holds up the function's own connection and nothing else: the actor and the links never wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::AttemptId;
use protocol::link::environment::STREAM_WINDOW_PARTS;
use tokio::sync::Semaphore;

/// A response that is passed on as it comes.
#[derive(Debug)]
pub(crate) struct Streaming {
    /// Whose.
    pub attempt: AttemptId,
    /// Room for its parts.
    pub window: Arc<Window>,
}

/// Room for the parts of one response.
#[derive(Debug)]
pub(crate) struct Window {
    room: Semaphore,
    /// Nobody reads any more: what comes is thrown away, and the function runs on.
    discarding: AtomicBool,
}

impl Window {
    /// A whole window of room.
    pub(crate) fn new() -> Arc<Self> {
        let room = Semaphore::new(STREAM_WINDOW_PARTS as usize);
        Arc::new(Self { room, discarding: AtomicBool::new(false) })
    }

    /// Waits for room for one part and uses it. False once the response is over.
    pub(crate) async fn room(&self) -> bool {
        match self.room.acquire().await {
            Ok(permit) => {
                permit.forget();
                true
            }
            Err(_) => self.discarding.load(Ordering::Acquire),
        }
    }

    /// The caller took this many parts. There is never more room than a window.
    pub(crate) fn widen(&self, parts: u32) {
        let missing = (STREAM_WINDOW_PARTS as usize).saturating_sub(self.room.available_permits());
        self.room.add_permits(missing.min(parts as usize));
    }

    /// Nobody is there to read it.
    pub(crate) fn discard(&self) {
        self.discarding.store(true, Ordering::Release);
        self.room.close();
    }

    /// The response is over.
    pub(crate) fn close(&self) {
        self.discarding.store(false, Ordering::Release);
        self.room.close();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn parts_taken(window: &Window) -> usize {
        let mut taken = 0;
        while taken < 1_000 && tokio::time::timeout(Duration::from_millis(1), window.room()).await == Ok(true)
        {
            taken += 1;
        }
        taken
    }

    #[tokio::test]
    async fn there_is_room_for_a_window_and_then_for_what_was_taken() {
        let window = Window::new();
        let whole = STREAM_WINDOW_PARTS as usize;
        assert_eq!(parts_taken(&window).await, whole);
        window.widen(3);
        assert_eq!(parts_taken(&window).await, 3);
        window.widen(u32::MAX);
        window.widen(1);
        assert_eq!(parts_taken(&window).await, whole);
    }

    #[tokio::test]
    async fn what_nobody_reads_is_taken_until_the_response_is_over() {
        let window = Window::new();
        window.discard();
        window.widen(1);
        assert_eq!(parts_taken(&window).await, 1_000);
        window.close();
        assert!(!window.room().await);
    }
}
