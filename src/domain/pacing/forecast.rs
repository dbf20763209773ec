//! How long calls would take that nobody makes: the budgets, the concurrency and an assumed service, on a clock of its own.
//!
//! A forecast is told of one call after the other, as they would be made, and keeps no more of them than the budgets do;
//! the same calls from the same state give the same time. What it leaves out: calls that fail and are tried again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Pacing;

/// How long Campaigns is taken to need for a call, there and back. Zoho says nothing of it; a third of a second is what a
/// small HTTPS request between continents takes, and only with `pace = "off"` does more than a rounding depend on it.
pub const CALL_TAKES: Duration = Duration::from_millis(300);

/// A clock that calls move on.
#[derive(Debug)]
pub struct Forecast {
    /// None where calls are not paced.
    pacing: Option<Pacing>,
    begins_at: Timestamp,
    /// When each caller is free, in milliseconds after the beginning.
    callers: BinaryHeap<Reverse<i64>>,
    /// When the last call began, and when all have ended.
    now_ms: i64,
    ends_ms: i64,
    call_ms: i64,
}

impl Forecast {
    /// A forecast that begins at `begins_at` with what `pacing` has used, for so many callers whose calls take `call` each.
    #[must_use]
    pub fn new(
        pacing: Option<Pacing>,
        begins_at: Timestamp,
        callers: usize,
        call: Duration,
    ) -> Self {
        Self {
            pacing,
            begins_at,
            callers: (0..callers.max(1)).map(|_| Reverse(0)).collect(),
            now_ms: 0,
            ends_ms: 0,
            call_ms: i64::try_from(call.as_millis()).unwrap_or(i64::MAX),
        }
    }

    /// Makes one call of `method`, as soon as a caller is free and the budgets allow it.
    pub fn call(&mut self, method: &str) {
        let Reverse(free_ms) = self.callers.pop().unwrap_or(Reverse(0));
        self.now_ms = self.now_ms.max(free_ms);
        if let Err(wait) = self.reserve(method) {
            let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
            self.now_ms = self.now_ms.saturating_add(wait_ms);
            // The wait is enough, but for a window that never lets anything through.
            let _ = self.reserve(method);
        }
        let ends_ms = self.now_ms.saturating_add(self.call_ms);
        self.ends_ms = self.ends_ms.max(ends_ms);
        self.callers.push(Reverse(ends_ms));
    }

    /// How long all calls take until now.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.ends_ms).unwrap_or_default())
    }

    fn reserve(&mut self, method: &str) -> Result<(), Duration> {
        let at = SignedDuration::from_millis(self.now_ms);
        let at = self.begins_at.saturating_add(at).unwrap_or(Timestamp::MAX);
        match &mut self.pacing {
            Some(pacing) => pacing
                .reserve(method, at)
                .inspect(|()| pacing.settle(method, at)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Lockouts, Window, documented};
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn after(forecast: &mut Forecast, method: &str, calls: u32) -> u64 {
        for _ in 0..calls {
            forecast.call(method);
        }
        forecast.elapsed().as_secs()
    }

    fn forecast(pacing: Option<Pacing>, callers: usize) -> Forecast {
        Forecast::new(pacing, at("2026-11-22T02:30:00Z"), callers, SECOND)
    }

    #[test]
    fn without_a_pace_the_callers_share_the_calls() {
        for (callers, calls, want) in [
            (4, 0, 0),
            (4, 1, 1),
            (4, 4, 1),
            (4, 5, 2),
            (1, 5, 5),
            (0, 5, 5),
            (4, 400, 100),
        ] {
            let got = after(&mut forecast(None, callers), "listsubscribe", calls);
            assert_eq!(got, want, "{calls} by {callers}");
        }
    }

    #[test]
    fn the_documented_pace_is_five_hundred_a_minute_then_that_of_the_hour_and_the_day() {
        let paced = || forecast(Some(Pacing::new(documented(), Lockouts::PerMethod)), 1000);
        for (calls, least, most) in [
            (500, 1, 1),
            (501, 60, 63),
            (12_500, 24 * 60, 26 * 60),
            (12_501, 3600, 3700),
            (75_001, 24 * 3600, 25 * 3600),
        ] {
            let got = after(&mut paced(), "listsubscribe", calls);
            assert!((least..=most).contains(&got), "{calls}: {got} s");
        }
    }

    #[test]
    fn what_was_used_before_counts_and_other_methods_do_not() {
        let span = Duration::from_secs(600);
        let windows = BTreeMap::from([("slow".to_owned(), vec![Window { calls: 2, span }])]);
        let mut pacing = Pacing::new(windows, Lockouts::PerMethod);
        let before = at("2026-11-22T02:25:00Z");
        assert_eq!(pacing.reserve("slow", before), Ok(()));
        pacing.settle("slow", before);
        let mut used = forecast(Some(pacing), 8);
        assert_eq!(after(&mut used, "free", 8), 1);
        assert_eq!(after(&mut used, "slow", 1), 2, "the callers were busy");
        let freed = after(&mut used, "slow", 1);
        assert!((301..=315).contains(&freed), "{freed} s");
    }

    #[test]
    fn a_window_that_lets_nothing_through_comes_to_an_end() {
        let windows = BTreeMap::from([(
            "never".to_owned(),
            vec![Window {
                calls: 0,
                span: SECOND,
            }],
        )]);
        let mut never = forecast(Some(Pacing::new(windows, Lockouts::PerMethod)), 1);
        assert!(after(&mut never, "never", 3) >= 3);
    }
}
