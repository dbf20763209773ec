//! The only reader of wall time, and a clock that tests can set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// Tells the time: the system's, or one that was set.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still at `at` until it is set again; clones share it.
    #[must_use]
    pub fn standing_at(at: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(at.as_millisecond()))))
    }

    /// Moves a standing clock; the system's is left alone.
    pub fn set(&self, at: Timestamp) {
        if let Some(millis) = &self.0 {
            millis.store(at.as_millisecond(), Ordering::SeqCst);
        }
    }

    /// The time now, in whole milliseconds.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one reader of wall time"
    )]
    pub fn now(&self) -> Timestamp {
        let millis = match &self.0 {
            Some(millis) => millis.load(Ordering::SeqCst),
            None => Timestamp::now().as_millisecond(),
        };
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
    }
}
