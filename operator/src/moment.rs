//! Time and randomness, read in one place and handed on as values.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ring::rand::{SecureRandom, SystemRandom};

/// A point in time by both clocks: decisions use the first, people read the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Since the program began; never runs backwards.
    pub elapsed: Duration,
    /// Seconds since 1970.
    pub epoch_seconds: u64,
}

impl Moment {
    /// The moment as RFC 3339 text, in whole seconds.
    pub fn rfc3339(self) -> String {
        let seconds = i64::try_from(self.epoch_seconds).unwrap_or_default();
        jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
    }
}

/// The program's clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
}

impl Clock {
    /// A clock that begins now.
    pub fn start() -> Self {
        Self { began: Instant::now() }
    }

    /// The moment that it is.
    pub fn now(self) -> Moment {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment { elapsed: self.began.elapsed(), epoch_seconds: epoch.as_secs() }
    }
}

/// Where random numbers come from; tests pass their own.
pub type Draw = Box<dyn FnMut() -> u64 + Send>;

/// Random numbers of the system.
pub fn system_draw() -> Draw {
    let random = SystemRandom::new();
    Box::new(move || {
        let mut bytes = [0; 8];
        // The system's source fails only before it is first seeded; a zero then costs a name that is taken,
        // which is tried again. No secret is made here.
        match random.fill(&mut bytes) {
            Ok(()) => u64::from_ne_bytes(bytes),
            Err(_) => 0,
        }
    })
}
