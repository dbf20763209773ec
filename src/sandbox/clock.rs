//! The sandbox's time: every service of it tells the same, and it goes where it is sent.
//!
//! It starts at the real time and runs with it. Once set or advanced it runs on from there, or stands still when frozen.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;

/// A clock that can be set, advanced and frozen; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct SandboxClock {
    real: Clock,
    setting: Arc<Mutex<Setting>>,
}

#[derive(Debug, Clone, Copy)]
enum Setting {
    Running { ahead: SignedDuration },
    Frozen { at: Timestamp },
}

impl Default for Setting {
    fn default() -> Self {
        Self::Running {
            ahead: SignedDuration::ZERO,
        }
    }
}

impl SandboxClock {
    /// A sandbox clock that takes `real` for the real time.
    #[cfg(test)]
    pub(crate) fn on(real: Clock) -> Self {
        Self {
            real,
            setting: Arc::default(),
        }
    }

    /// The time now, in whole milliseconds.
    pub(crate) fn now(&self) -> Timestamp {
        match *self.lock() {
            Setting::Running { ahead } => later(self.real.now(), ahead),
            Setting::Frozen { at } => at,
        }
    }

    /// Moves it forward by `span`, or back where that is negative.
    pub(crate) fn advance(&self, span: SignedDuration) {
        let mut setting = self.lock();
        *setting = match *setting {
            Setting::Running { ahead } => Setting::Running {
                ahead: ahead.saturating_add(span),
            },
            Setting::Frozen { at } => Setting::Frozen {
                at: later(at, span),
            },
        };
    }

    /// Makes it `at` now; it goes on running, or standing, from there.
    pub(crate) fn set(&self, at: Timestamp) {
        let mut setting = self.lock();
        *setting = match *setting {
            Setting::Running { .. } => Setting::Running {
                ahead: at.duration_since(self.real.now()),
            },
            Setting::Frozen { .. } => Setting::Frozen { at },
        };
    }

    /// Stops it where it is.
    pub(crate) fn freeze(&self) {
        let at = self.now();
        *self.lock() = Setting::Frozen { at };
    }

    /// Lets it run on from where it stopped.
    pub(crate) fn thaw(&self) {
        let ahead = self.now().duration_since(self.real.now());
        *self.lock() = Setting::Running { ahead };
    }

    fn lock(&self) -> MutexGuard<'_, Setting> {
        self.setting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `at` moved by `span`, held within what a timestamp can say.
fn later(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(if span.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_on_from_where_it_was_set_and_stands_when_frozen() {
        let start: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let real = Clock::standing_at(start);
        let clock = SandboxClock::on(real.clone());
        assert_eq!(clock.now(), start);
        let hour = SignedDuration::from_hours(1);
        clock.advance(hour);
        assert_eq!(clock.now(), start + hour);
        clock.set("2030-01-01T00:00:00Z".parse().unwrap());
        real.set(start + hour);
        assert_eq!(clock.now().to_string(), "2030-01-01T01:00:00Z");
        clock.freeze();
        real.set(start + hour + hour);
        assert_eq!(clock.now().to_string(), "2030-01-01T01:00:00Z");
        clock.advance(hour);
        clock.thaw();
        real.set(start + hour);
        assert_eq!(clock.now().to_string(), "2030-01-01T01:00:00Z");
    }
}
