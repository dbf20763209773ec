//! The only reader of wall time, and a clock that tests can set.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// Tells the time: the system's, or one that was set.
#[derive(Debug, Clone, Default)]
pub struct Clock(Kind);

#[derive(Debug, Clone, Default)]
enum Kind {
    #[default]
    System,
    Standing(Arc<AtomicI64>),
    Moved(Arc<Path>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Kind::System)
    }

    /// The system's clock, moved by as many seconds as stand in the file at the moment; a file that is not there, or has
    /// no number in it, moves nothing. With it, days and months can be rehearsed.
    #[must_use]
    pub fn moved_by(file: PathBuf) -> Self {
        Self(Kind::Moved(file.into()))
    }

    /// A clock that stands still at `at` until it is set again; clones share it.
    #[must_use]
    pub fn standing_at(at: Timestamp) -> Self {
        Self(Kind::Standing(Arc::new(AtomicI64::new(
            at.as_millisecond(),
        ))))
    }

    /// Moves a standing clock; others are left alone.
    pub fn set(&self, at: Timestamp) {
        if let Kind::Standing(millis) = &self.0 {
            millis.store(at.as_millisecond(), Ordering::SeqCst);
        }
    }

    /// Whether it is the system's, and not one that is set or moved to rehearse something.
    #[must_use]
    pub fn is_system(&self) -> bool {
        matches!(self.0, Kind::System)
    }

    /// How much time has passed since this was first asked. Nobody can set that; while the machine sleeps it stands
    /// still.
    #[must_use]
    pub fn steady(&self) -> Duration {
        static BEGAN: OnceLock<Instant> = OnceLock::new();
        BEGAN.get_or_init(instant).elapsed()
    }

    /// The time now, in whole milliseconds.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = match &self.0 {
            Kind::System => Ok(system_time()),
            Kind::Standing(millis) => Timestamp::from_millisecond(millis.load(Ordering::SeqCst)),
            Kind::Moved(file) => system_time().checked_add(seconds_in(file)),
        };
        now.unwrap_or(Timestamp::MAX)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one reader of wall time"
)]
fn system_time() -> Timestamp {
    let millis = Timestamp::now().as_millisecond();
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one reader of time that nobody sets"
)]
fn instant() -> Instant {
    Instant::now()
}

fn seconds_in(file: &Path) -> SignedDuration {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    SignedDuration::from_secs(text.trim().parse().unwrap_or_default())
}
