//! Whether a service is there, as all callers of an account have found it.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::outage::{Admission, Outage};

/// The outage of one service, for one account; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Outages {
    outage: Arc<Mutex<Outage>>,
    // The monotonic clock: a step of the wall clock must neither end nor prolong an outage.
    began_at: Instant,
}

/// A call that is made; without an outcome, another caller may look in its place.
#[derive(Debug)]
pub(super) struct Admitted<'o>(&'o Outages);

impl Default for Outages {
    fn default() -> Self {
        Self {
            outage: Arc::default(),
            began_at: Instant::now(),
        }
    }
}

impl Outages {
    /// Waits until a call may be made, `patience` at most.
    pub(super) async fn admit(&self, patience: Duration) -> Admitted<'_> {
        let begun = Instant::now();
        loop {
            let admission = self.outage().admit(self.began_at.elapsed());
            let left = patience.saturating_sub(begun.elapsed());
            match admission {
                Admission::Wait(wait) if !left.is_zero() => {
                    tokio::time::sleep(wait.min(left)).await
                }
                // Whoever has waited for that long calls, and is told the reason by what fails.
                Admission::Call | Admission::Look | Admission::Wait(_) => return Admitted(self),
            }
        }
    }

    fn outage(&self) -> MutexGuard<'_, Outage> {
        // A panic ends the process.
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admitted<'_> {
    /// The service answered.
    pub(super) fn answered(&self) {
        self.0.outage().answered();
    }

    /// Nobody was there.
    pub(super) fn failed(&self) {
        let now = self.0.began_at.elapsed();
        self.0.outage().failed(now, scattered);
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        let now = self.0.began_at.elapsed();
        self.0.outage().left(now);
    }
}

/// A random part of a wait, anything from none of it to all: callers that failed together must not come back together.
pub(super) fn scattered(wait: Duration) -> Duration {
    let random = RandomState::new().hash_one(0);
    let part = wait.as_nanos().saturating_mul(u128::from(random >> 32)) >> 32;
    Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scattered_wait_is_anything_up_to_all_of_it() {
        let wait = Duration::from_secs(60);
        let waits: Vec<Duration> = (0..1000).map(|_| scattered(wait)).collect();
        assert!(waits.iter().all(|it| *it <= wait));
        for tenth in 0..10_u32 {
            let within = wait * tenth / 10..wait * (tenth + 1) / 10;
            let share = waits.iter().filter(|it| within.contains(it)).count();
            assert!((50..200).contains(&share), "{share} of 1000 in {within:?}");
        }
        assert_eq!(scattered(Duration::ZERO), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_patient_for_longer_than_the_outage_calls_all_the_same() {
        let outages = Outages::default();
        for _ in 0..5 {
            outages.admit(Duration::ZERO).await.failed();
        }
        let _looks = outages.admit(Duration::from_secs(900)).await;
        let begun = Instant::now();
        let _calls = outages.admit(Duration::from_secs(30)).await;
        assert_eq!(begun.elapsed().as_secs(), 30);
    }
}
