//! Keeps the calls of an account to the budgets of each method.
//!
//! One pacer per account, shared by all its syncs: the service counts per method and account, not per sync.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;
use crate::domain::pacing::{Pacing, PacingState};

/// Lets calls through at the pace the service allows; clones share one budget.
#[derive(Debug, Clone)]
pub struct Pacer(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    pacing: Mutex<Pacing>,
    clock: Clock,
}

impl Pacer {
    /// Paces by these budgets. `clock` has to move: a call over the budget waits until the clock allows it.
    #[must_use]
    pub fn new(pacing: Pacing, clock: Clock) -> Self {
        let pacing = Mutex::new(pacing);
        Self(Some(Arc::new(Shared { pacing, clock })))
    }

    /// Does not pace.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    /// What has been used, to be stored and given to [`Pacing::restore`] after a restart; `None` when off.
    #[must_use]
    pub fn state(&self) -> Option<PacingState> {
        self.0.as_ref().map(|shared| shared.pacing().state())
    }

    /// Waits until one call of the method fits every budget, and takes it out of them.
    pub(super) async fn take(&self, method: &str) {
        let Some(shared) = &self.0 else { return };
        loop {
            let reserved = shared.pacing().reserve(method, shared.clock.now());
            match reserved {
                Ok(()) => return,
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
    }
}

impl Shared {
    fn pacing(&self) -> MutexGuard<'_, Pacing> {
        // A panic ends the process; until then the counts are whole, for no call under the lock can leave them torn.
        self.pacing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use futures_util::poll;

    use super::*;
    use crate::domain::pacing::Window;

    #[tokio::test]
    async fn a_call_over_the_budget_waits_and_others_go_on() {
        let span = Duration::from_secs(60);
        let windows = BTreeMap::from([("slow".to_owned(), vec![Window { calls: 1, span }])]);
        let clock = Clock::standing_at("2026-11-22T02:30:00Z".parse().unwrap());
        let pacer = Pacer::new(Pacing::new(windows), clock);
        pacer.take("slow").await;
        pacer.take("other").await;
        let second = std::pin::pin!(pacer.take("slow"));
        assert!(poll!(second).is_pending());
        assert!(pacer.state().is_some());
        assert!(Pacer::off().state().is_none());
    }
}
