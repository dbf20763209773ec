//! Methods that the service has locked, or that it may have locked without saying so.
//!
//! What a locked method answers is documented nowhere: an answer that only asks to try later may mean a passing fault,
//! or half an hour. So it is tried again a few times; after that it counts as locked, and nobody calls it any more
//! until the lock would be over. Other methods go on.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Pacing;

/// How a service says that it has had too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overload {
    /// It says that there were too many calls, and perhaps for how long to leave it alone.
    TooMany(Option<Duration>),
    /// It asks to try later and does not say why.
    Busy,
    /// The day's credits are used up.
    CreditsGone,
}

/// What a service locks, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lockouts {
    /// Campaigns: the method that was called too often, for ten minutes or thirty. Source: its API guide, "API limits"
    /// (Campaigns reference, section 6, November 2026).
    PerMethod,
    /// The CRM: nothing, but when the day's credits are gone, every method is refused until some free, of which a few do
    /// every hour. It refuses what comes at once with others in the same words. Source: its "API limits" page (CRM
    /// reference, section 10, November 2026).
    Together,
}

/// How often in a row Campaigns may ask to try later before the method counts as locked.
const BUSY_STRIKES: u32 = 3;

/// How many contacts in a row may be refused for no reason that is known: a method that is locked may say so in words that
/// no page has.
const UNEXPLAINED_STRIKES: u32 = 25;

/// How often in a row the CRM may refuse a call for too many before its credits count as used up: with the usual waits
/// between them, calls that came at once with others are long over.
const CROWDED_STRIKES: u32 = 6;

/// How long to leave the CRM alone then.
const CREDITS_WAIT: Duration = Duration::from_secs(3600);

/// The lock of all methods together, under a name that no method has.
const ALL: &str = "";

/// A lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lock {
    pub(super) noted_at: Timestamp,
    pub(super) lasts: Duration,
}

impl Lock {
    fn until(&self) -> Timestamp {
        let lasts = SignedDuration::try_from(self.lasts).unwrap_or(SignedDuration::MAX);
        self.noted_at
            .saturating_add(lasts)
            .unwrap_or(Timestamp::MAX)
    }
}

impl Lockouts {
    /// The lock of a method that was called too often.
    fn lasts(self, method: &str) -> Duration {
        match (self, method) {
            (Self::PerMethod, "addlistsubscribersinbulk") => Duration::from_secs(10 * 60),
            (Self::PerMethod, _) => Duration::from_secs(30 * 60),
            (Self::Together, _) => CREDITS_WAIT,
        }
    }

    /// How many refusals in a row amount to a lock.
    fn strikes(self, overload: Overload) -> u32 {
        match (self, overload) {
            (_, Overload::TooMany(Some(_)) | Overload::CreditsGone)
            | (Self::PerMethod, Overload::TooMany(None)) => 1,
            (_, Overload::Busy) => BUSY_STRIKES,
            (Self::Together, Overload::TooMany(None)) => CROWDED_STRIKES,
        }
    }

    /// Under which name the lock of a method is kept.
    fn name(self, method: &str) -> &str {
        match self {
            Self::PerMethod => method,
            Self::Together => ALL,
        }
    }
}

impl Pacing {
    /// Notes that a call of `method` was refused as `overload`; says until when nobody is to call it, if it counts as
    /// locked now.
    pub fn refused(
        &mut self,
        method: &str,
        overload: Overload,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let lockouts = self.lockouts;
        let used = self.used_by(lockouts.name(method));
        used.strikes = used.strikes.saturating_add(1);
        if used.strikes < lockouts.strikes(overload) {
            return None;
        }
        used.strikes = 0;
        let lasts = match overload {
            Overload::TooMany(Some(asked)) => asked,
            Overload::TooMany(None) | Overload::Busy => lockouts.lasts(method),
            Overload::CreditsGone => CREDITS_WAIT,
        };
        let lock = Lock {
            noted_at: now,
            lasts,
        };
        if used.lock.is_none_or(|known| known.until() < lock.until()) {
            used.lock = Some(lock);
        }
        used.lock.map(|lock| lock.until())
    }

    /// Notes whether a contact was refused by a call of `method` for no reason that is known; says until when nobody is to
    /// call it, if it counts as locked now.
    pub fn judged(
        &mut self,
        method: &str,
        is_unexplained: bool,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let used = self.used_by(method);
        used.unexplained = match is_unexplained {
            true => used.unexplained.saturating_add(1),
            false => 0,
        };
        if used.unexplained < UNEXPLAINED_STRIKES {
            return None;
        }
        used.unexplained = 0;
        let lasts = self.lockouts.lasts(method);
        self.refused(method, Overload::TooMany(Some(lasts)), now)
    }

    /// Notes that a call of `method` was answered, whatever the answer: it is not locked.
    pub fn answered(&mut self, method: &str) {
        let name = self.lockouts.name(method);
        if let Some(used) = self.used.get_mut(name) {
            used.strikes = 0;
        }
    }

    /// Whether a method is locked.
    #[must_use]
    pub fn is_locked(&mut self, method: &str, now: Timestamp) -> bool {
        self.locked(method, now).is_some()
    }

    /// How long a method is still locked.
    pub(super) fn locked(&mut self, method: &str, now: Timestamp) -> Option<Duration> {
        let used = self.used.get_mut(self.lockouts.name(method))?;
        let lock = used.lock?;
        // With a clock set back it begins anew, and is not as long as the clock went back.
        let noted_at = lock.noted_at.min(now);
        let lock = Lock { noted_at, ..lock };
        let left = Duration::try_from(lock.until().duration_since(now)).unwrap_or_default();
        used.lock = Some(lock).filter(|_| !left.is_zero());
        used.lock.map(|_| left)
    }
}
