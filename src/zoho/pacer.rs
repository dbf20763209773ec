//! Keeps the calls of an account to the budgets of each method.
//!
//! One pacer per account and service, shared by all its syncs: the service counts per method and account, not per sync.
//! What is used is kept before it is used, a few calls at a time, so that a process that was killed has never called
//! more often than the next one knows. A wait of some minutes is sat out; from [`PARKS_FROM`] on, the caller is told
//! until when, and lets others have its turn.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::domain::failure::Failure;
use crate::domain::pacing::{Ahead, Overload, PARKS_FROM, Pacing, PacingState};

/// How long calls that are kept beforehand may be reserved.
const LEASE: SignedDuration = SignedDuration::from_secs(10);

/// How long after it was reserved a call can reach the service: no request lasts longer, but for downloads, whose
/// windows are a minute.
const ARRIVES_WITHIN: SignedDuration = SignedDuration::from_secs(300);

/// A wait of which a person who looks on should know.
const LONG_WAIT: SignedDuration = SignedDuration::from_secs(60);

/// Keeps what is used, so that it outlives the process.
pub type Keep = Box<dyn Fn(&PacingState) -> Result<(), Unkept> + Send + Sync>;

/// Why it could not be kept, in the words of whoever keeps it.
pub type Unkept = Box<dyn Error + Send + Sync>;

/// Lets calls through at the pace the service allows; clones share one budget.
#[derive(Debug, Clone)]
pub struct Pacer(Option<Arc<Shared>>);

struct Shared {
    state: Mutex<State>,
    clock: Clock,
    keep: Keep,
}

#[derive(Debug)]
struct State {
    pacing: Pacing,
    /// What was kept beforehand, by method.
    leases: BTreeMap<String, Ahead>,
}

/// Why a call cannot be made now.
#[derive(Debug, thiserror::Error)]
pub enum Pause {
    /// Its budget is used up, or the service has locked it.
    #[error("not before {}, as {}", whole(*.until), why(*.locked))]
    Waits {
        /// Until when.
        until: Timestamp,
        /// How long that was when it was asked for.
        wait: Duration,
        /// Whether the service has refused it; else its own budget is used up.
        locked: bool,
    },
    /// What is used cannot be kept.
    #[error("cannot note what is used of the call budgets")]
    Unkept(#[source] Unkept),
}

fn why(locked: bool) -> &'static str {
    match locked {
        true => "the service takes no further calls until then",
        false => "more calls until then would go beyond the account's `pace`",
    }
}

/// An instant in whole seconds, rounded up.
fn whole(at: Timestamp) -> Timestamp {
    let second = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    Timestamp::from_second(second).unwrap_or(at)
}

impl Pause {
    /// What it means for the call.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Waits { wait, .. } => Failure::Throttled { wait: Some(*wait) },
            Self::Unkept(_) => Failure::Refused,
        }
    }
}

/// A call that may be made. It counts as answered, or given up, when this is dropped.
#[derive(Debug)]
pub(super) struct Permit<'p> {
    shared: Option<&'p Shared>,
    method: &'p str,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared {
            let now = shared.clock.now();
            shared.state().pacing.settle(self.method, now);
        }
    }
}

impl Pacer {
    /// Paces by these budgets, and lets `keep` store what is used. `clock` has to move: a call over the budget waits
    /// until the clock allows it.
    #[must_use]
    pub fn new(pacing: Pacing, clock: Clock, keep: Keep) -> Self {
        let state = State {
            pacing,
            leases: BTreeMap::new(),
        };
        let state = Mutex::new(state);
        Self(Some(Arc::new(Shared { state, clock, keep })))
    }

    /// Does not pace.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    /// Waits until one call of the method fits every budget, and takes it out of them.
    ///
    /// # Errors
    /// [`Pause`].
    pub(super) async fn take<'p>(&'p self, method: &'p str) -> Result<Permit<'p>, Pause> {
        let Some(shared) = &self.0 else {
            let shared = None;
            return Ok(Permit { shared, method });
        };
        let mut told = None;
        loop {
            let now = shared.clock.now();
            let Some((until, pause)) = shared.reserve(method, now)? else {
                let shared = Some(&**shared);
                return Ok(Permit { shared, method });
            };
            if told.is_none_or(|told| told < until) {
                tell(
                    method,
                    until,
                    pause.is_none() && until.duration_since(now) >= LONG_WAIT,
                );
                told = Some(until);
            }
            if let Some(pause) = pause {
                return Err(pause);
            }
            // Reckoned anew each time: a clock that is set back must not prolong the wait by as much.
            shared.clock.look_again(until).await;
        }
    }

    /// Notes that the service refused a call of the method as too much.
    ///
    /// # Errors
    /// [`Pause`], where the method counts as locked from now on, for longer than is sat out.
    pub(super) fn refused(&self, method: &str, overload: Overload) -> Result<(), Pause> {
        let Some(shared) = &self.0 else { return Ok(()) };
        let now = shared.clock.now();
        let mut state = shared.state();
        let Some(until) = state.pacing.refused(method, overload, now) else {
            return Ok(());
        };
        let kept = state.kept();
        drop(state);
        tracing::warn!(method, %until, "the service refuses {method}, so nobody calls it before {until}");
        (shared.keep)(&kept).map_err(Pause::Unkept)?;
        let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        match wait >= PARKS_FROM {
            true => Err(Pause::Waits {
                until,
                wait,
                locked: true,
            }),
            false => Ok(()),
        }
    }

    /// Notes whether a contact was refused by a call of the method for no reason that is known: many in a row amount to
    /// a lock.
    ///
    /// # Errors
    /// [`Pause::Unkept`].
    pub(super) fn judged(&self, method: &str, is_unexplained: bool) -> Result<(), Pause> {
        let Some(shared) = &self.0 else { return Ok(()) };
        let now = shared.clock.now();
        let mut state = shared.state();
        let Some(until) = state.pacing.judged(method, is_unexplained, now) else {
            return Ok(());
        };
        let kept = state.kept();
        drop(state);
        tracing::warn!(method, %until, "the service refuses one contact after the other and does not say why, so nobody calls {method} before {until}");
        (shared.keep)(&kept).map_err(Pause::Unkept)
    }

    /// Notes that the service answered a call of the method.
    pub(super) fn answered(&self, method: &str) {
        if let Some(shared) = &self.0 {
            shared.state().pacing.answered(method);
        }
    }

    /// Stores what was really used, now that no further call is about to be made.
    ///
    /// # Errors
    /// [`Pause::Unkept`].
    pub fn settle(&self) -> Result<(), Pause> {
        let Some(shared) = &self.0 else { return Ok(()) };
        let mut state = shared.state();
        if state.leases.is_empty() {
            return Ok(());
        }
        for ahead in state.leases.values_mut() {
            ahead.calls = 0;
        }
        let kept = state.kept();
        state.leases.clear();
        drop(state);
        (shared.keep)(&kept).map_err(Pause::Unkept)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic ends the process; until then the counts are whole, for no call under the lock can leave them torn.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves one call; else until when it has to wait, and the pause where that is too long to be sat out.
    fn reserve(
        &self,
        method: &str,
        now: Timestamp,
    ) -> Result<Option<(Timestamp, Option<Pause>)>, Pause> {
        let mut state = self.state();
        let Err(wait) = state.pacing.reserve(method, now) else {
            let Some(kept) = state.lease(method, now) else {
                return Ok(None);
            };
            drop(state);
            let stored = (self.keep)(&kept);
            if stored.is_err() {
                let mut state = self.state();
                state.leases.remove(method);
                state.pacing.give_back(method);
            }
            return stored.map(|()| None).map_err(Pause::Unkept);
        };
        let locked = state.pacing.is_locked(method, now);
        drop(state);
        let span = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        let until = now.saturating_add(span).unwrap_or(Timestamp::MAX);
        let pause = (wait >= PARKS_FROM).then_some(Pause::Waits {
            until,
            wait,
            locked,
        });
        Ok(Some((until, pause)))
    }
}

/// Tells of a wait; a long one to whoever looks on.
fn tell(method: &str, until: Timestamp, is_long: bool) {
    match is_long {
        true => {
            tracing::info!(method, %until, "the pace of {method} lets the next call through at {until}");
        }
        false => {
            tracing::debug!(method, %until, "the pace of {method} lets the next call through at {until}");
        }
    }
}

impl State {
    /// Takes a reserved call out of what was kept beforehand; else what is to be kept now.
    fn lease(&mut self, method: &str, now: Timestamp) -> Option<PacingState> {
        let sent_by = now.saturating_add(LEASE).unwrap_or(now);
        let until = sent_by.saturating_add(ARRIVES_WITHIN).unwrap_or(sent_by);
        if let Some(ahead) = self.leases.get_mut(method)
            && ahead.calls > 0
            && now + ARRIVES_WITHIN <= ahead.until
            // Not a clock that was set back.
            && ahead.until <= until
        {
            ahead.calls -= 1;
            return None;
        }
        let calls = self.pacing.few(method).saturating_sub(1);
        let ahead = Ahead { calls, until };
        self.leases.insert(method.to_owned(), ahead);
        Some(self.kept())
    }

    fn kept(&self) -> PacingState {
        self.pacing.state(|method| self.leases.get(method).copied())
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("state", &self.state)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use futures_util::poll;

    use super::*;
    use crate::domain::pacing::{Lockouts, Window};

    fn windows(calls: u32, seconds: u64) -> BTreeMap<String, Vec<Window>> {
        let span = Duration::from_secs(seconds);
        BTreeMap::from([("slow".to_owned(), vec![Window { calls, span }])])
    }

    fn clock() -> Clock {
        Clock::standing_at("2026-11-22T02:30:00Z".parse().unwrap())
    }

    /// A pacer, and what it has kept last.
    fn keeping(pacing: Pacing, clock: &Clock) -> (Pacer, Arc<Mutex<Option<PacingState>>>) {
        let kept = Arc::new(Mutex::new(None));
        let last = kept.clone();
        let keep = Box::new(move |state: &PacingState| {
            *last.lock().unwrap() = Some(state.clone());
            Ok(())
        });
        (Pacer::new(pacing, clock.clone(), keep), kept)
    }

    fn pacer(calls: u32, seconds: u64) -> Pacer {
        let pacing = Pacing::new(windows(calls, seconds), Lockouts::PerMethod);
        keeping(pacing, &clock()).0
    }

    #[tokio::test]
    async fn a_call_over_the_budget_waits_and_others_go_on() {
        let pacer = pacer(1, 60);
        drop(pacer.take("slow").await.unwrap());
        drop(pacer.take("other").await.unwrap());
        let second = std::pin::pin!(pacer.take("slow"));
        assert!(poll!(second).is_pending());
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_prolongs_no_wait() {
        let clock = clock();
        let pacing = Pacing::new(windows(1, 2), Lockouts::PerMethod);
        let (pacer, _) = keeping(pacing, &clock);
        drop(pacer.take("slow").await.unwrap());
        let mut second = std::pin::pin!(pacer.take("slow"));
        assert!(poll!(&mut second).is_pending());
        let back = clock.now() - SignedDuration::from_hours(1);
        clock.set(back);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(poll!(&mut second).is_pending(), "it counts from there");
        clock.set(back + SignedDuration::from_secs(3));
        second.await.unwrap();
    }

    #[tokio::test]
    async fn a_wait_of_ten_minutes_is_not_sat_out() {
        let pacer = pacer(1, 600);
        drop(pacer.take("slow").await.unwrap());
        let pause = pacer.take("slow").await.unwrap_err();
        assert_eq!(
            pause.to_string(),
            "not before 2026-11-22T02:40:01Z, as more calls until then would go beyond the account's `pace`"
        );
        let refused = pacer.refused("other", Overload::TooMany(None));
        assert!(matches!(refused, Err(Pause::Waits { .. })));
        let pause = pacer.take("other").await.unwrap_err();
        assert!(
            matches!(pause, Pause::Waits { locked: true, .. }),
            "{pause}"
        );
    }

    #[tokio::test]
    async fn whenever_the_process_dies_the_next_one_knows_of_every_call() {
        let clock = clock();
        let fresh = || Pacing::new(windows(400, 3600), Lockouts::PerMethod);
        let (pacer, kept) = keeping(fresh(), &clock);
        for call in 1..=100_u32 {
            let permit = pacer.take("slow").await.unwrap();
            let mut after = fresh();
            after.restore(kept.lock().unwrap().as_ref().unwrap(), clock.now());
            let mut left = 0;
            while after.reserve("slow", clock.now()).is_ok() {
                left += 1;
            }
            assert!(left <= 400 - call, "after {call} calls {left} are left");
            assert!(
                left + 10 >= 400 - call,
                "after {call} calls {left} are left"
            );
            drop(permit);
            clock.set(clock.now() + SignedDuration::from_secs(1));
        }
        pacer.settle().unwrap();
        let mut after = fresh();
        after.restore(kept.lock().unwrap().as_ref().unwrap(), clock.now());
        let left = (0..400).filter(|_| after.reserve("slow", clock.now()).is_ok());
        assert_eq!(left.count(), 300);
    }

    #[tokio::test]
    async fn what_cannot_be_kept_is_not_called() {
        let keep = Box::new(|_: &PacingState| Err("the disk is full".into()));
        let pacing = Pacing::new(windows(2, 60), Lockouts::PerMethod);
        let pacer = Pacer::new(pacing, clock(), keep);
        for _ in 0..9 {
            let pause = pacer.take("slow").await.unwrap_err();
            assert!(matches!(pause, Pause::Unkept(_)), "{pause}");
        }
    }
}
