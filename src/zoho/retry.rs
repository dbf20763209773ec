//! Trying again: failures that pass by themselves, for a bounded time, with growing and scattered waits.

use std::error::Error;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use tokio::time::Instant;

use super::outage::scattered;
use crate::domain::failure::{Failure, retry_after};
use crate::domain::pacing::PARKS_FROM;

/// Longest wait the back-off itself proposes; the service may ask for more.
const DELAY_MAX: Duration = Duration::from_secs(30);

/// A wait of which a person who looks on should know.
const LONG_WAIT: Duration = Duration::from_secs(60);

/// How long, and how patiently, a call is tried again.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// How long a call may fail in a row; `retry.give_up_after`.
    pub give_up_after: Duration,
    /// Longest wait before the second attempt; it doubles, up to 30 s. What is waited is a random part of it.
    pub first_delay: Duration,
}

impl Retry {
    /// The usual waits, from half a second on.
    #[must_use]
    pub fn lasting(give_up_after: Duration) -> Self {
        Self {
            give_up_after,
            first_delay: Duration::from_millis(500),
        }
    }

    /// Runs `attempt` until it succeeds, fails for good, or the next attempt would come later than `give_up_after` from
    /// the first one. A wait for which a run is parked is not sat out here. The error is that of the last attempt.
    pub(super) async fn run<T, E, F>(
        &self,
        attempt: impl FnMut() -> F,
        failure: impl Fn(&E) -> Failure,
    ) -> Result<T, E>
    where
        E: Error + 'static,
        F: Future<Output = Result<T, E>>,
    {
        // The monotonic clock: a step of the wall clock must not end or prolong the patience.
        let started_at = Instant::now();
        attempt
            .retry(self.backoff())
            .adjust(|error: &E, usual: Option<Duration>| {
                let wait = retry_after(&failure(error), scattered(usual?))?;
                let is_sat_out = wait < PARKS_FROM;
                // A service may ask for any wait, also for one that no sum can hold.
                let ends = started_at.elapsed().saturating_add(wait);
                (is_sat_out && ends <= self.give_up_after).then_some(wait)
            })
            .notify(|error: &E, wait: Duration| {
                let error: &(dyn Error + 'static) = error;
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                if wait < LONG_WAIT {
                    tracing::info!(error, wait_ms, "a call failed and is tried again");
                } else {
                    let seconds = wait.as_secs();
                    tracing::warn!(error, wait_ms, "a call is tried again in {seconds} s");
                }
            })
            .await
    }

    fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::new()
            .with_min_delay(self.first_delay)
            .with_max_delay(DELAY_MAX)
            .without_max_times()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("failed")]
    struct Failed(Failure);

    async fn attempts(retry: Retry, fails: u32, with: Failure) -> (u32, bool) {
        let made = Cell::new(0);
        let attempt = || async {
            made.set(made.get() + 1);
            if made.get() > fails {
                Ok(())
            } else {
                Err(Failed(with.clone()))
            }
        };
        let result = retry.run(attempt, |failed| failed.0.clone()).await;
        (made.get(), result.is_ok())
    }

    #[tokio::test(start_paused = true)]
    async fn passing_failures_are_tried_again_and_others_not() {
        let retry = Retry::lasting(Duration::from_secs(900));
        let throttled = Failure::Throttled { wait: None };
        for (fails, failure, want) in [
            (0, Failure::Unreachable, (1, true)),
            (3, Failure::Unreachable, (4, true)),
            (3, throttled, (4, true)),
            (1, Failure::Refused, (1, false)),
            (1, Failure::TokenExpired, (1, false)),
        ] {
            let got = attempts(retry, fails, failure.clone()).await;
            assert_eq!(got, want, "{fails} {failure:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_service_says_how_long_to_wait_and_patience_ends() {
        let retry = Retry::lasting(Duration::from_secs(60));
        let begun = Instant::now();
        let wait = |seconds| Failure::Throttled {
            wait: Some(Duration::from_secs(seconds)),
        };
        assert_eq!(attempts(retry, 1, wait(u64::MAX)).await, (1, false));
        assert_eq!(attempts(retry, 1, wait(45)).await, (2, true));
        assert_eq!(begun.elapsed().as_secs(), 45);
        assert_eq!(attempts(retry, 9, wait(45)).await, (2, false));
        assert_eq!(attempts(retry, 9, wait(61)).await, (1, false));
        let (made, done) = attempts(retry, 1000, Failure::Unreachable).await;
        assert!(!done && made > 4, "{made}");
    }
}
