//! The only reader of wall time, and a clock that tests can set.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::regular;

/// No rosterd was built before this: a clock that says so has lost the time.
const BUILT_AFTER: &str = "2026-11-01T00:00:00Z";

/// How far this clock and that of a service may be apart.
const APART_MAX: SignedDuration = SignedDuration::from_mins(5);

/// No number of seconds is written longer.
const OFFSET_BYTES_MAX: u64 = 64;

/// Why nothing may be decided by this machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// It has lost the time.
    #[error(
        "this machine's clock says {0}, before this rosterd was built: set it, then start the run again"
    )]
    Lost(Timestamp),
    /// It is not that of the service.
    #[error(
        "this machine's clock says {here} and Zoho's {there}, more than five minutes apart: set it, then start the run again"
    )]
    Apart {
        /// What it says.
        here: Timestamp,
        /// What the service says.
        there: Timestamp,
    },
}

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

    /// Makes sure that the time can be right at all. One that is set or moved to rehearse something is taken as it is.
    ///
    /// # Errors
    /// [`ClockError::Lost`].
    pub fn check(&self) -> Result<(), ClockError> {
        let now = self.now();
        let lost = BUILT_AFTER
            .parse()
            .is_ok_and(|built: Timestamp| now < built);
        match self.0 {
            Kind::System if lost => Err(ClockError::Lost(now)),
            Kind::System | Kind::Standing(_) | Kind::Moved(_) => Ok(()),
        }
    }

    /// Makes sure that the time was right when it was `here` on this clock and `there` on a service's. One that is set or
    /// moved to rehearse something is taken as it is.
    ///
    /// # Errors
    /// [`ClockError::Apart`].
    pub fn agrees(&self, here: Timestamp, there: Timestamp) -> Result<(), ClockError> {
        match self.0 {
            Kind::System if here.duration_since(there).abs() > APART_MAX => {
                Err(ClockError::Apart { here, there })
            }
            Kind::System | Kind::Standing(_) | Kind::Moved(_) => Ok(()),
        }
    }

    /// How much time has passed since this was first asked. Nobody can set that; while the machine sleeps it stands
    /// still.
    #[must_use]
    pub fn steady(&self) -> Duration {
        static BEGAN: OnceLock<Instant> = OnceLock::new();
        BEGAN.get_or_init(instant).elapsed()
    }

    /// Waits a moment, and not beyond `until`: whoever waits for that looks again and again, as a clock may be set, and
    /// stands still for no machine that sleeps.
    pub async fn look_again(&self, until: Timestamp) {
        let left = Duration::try_from(until.duration_since(self.now())).unwrap_or_default();
        tokio::time::sleep(left.min(self.look_every())).await;
    }

    fn look_every(&self) -> Duration {
        match self.0 {
            Kind::System => Duration::from_secs(1),
            // Whoever moves it waits for those who wait for it.
            Kind::Standing(_) | Kind::Moved(_) => Duration::from_millis(10),
        }
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
    let mut text = String::new();
    let read =
        regular::open(file).and_then(|file| file.take(OFFSET_BYTES_MAX).read_to_string(&mut text));
    if read.is_err() {
        return SignedDuration::ZERO;
    }
    SignedDuration::from_secs(text.trim().parse().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_has_to_agree_with_the_services_and_one_for_rehearsals_has_not() {
        let here: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        for (apart, agrees) in [
            (0, true),
            (300, true),
            (-300, true),
            (301, false),
            (-301, false),
        ] {
            let there = here + SignedDuration::from_secs(apart);
            let said = Clock::system().agrees(here, there);
            assert_eq!(said.is_ok(), agrees, "{apart}");
            assert_eq!(Clock::standing_at(here).agrees(here, there), Ok(()));
        }
        assert_eq!(Clock::system().check(), Ok(()));
        assert_eq!(Clock::standing_at(Timestamp::UNIX_EPOCH).check(), Ok(()));
    }
}
