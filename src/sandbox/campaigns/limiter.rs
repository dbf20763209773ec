//! Calls per method and window, and the lock of a method that was called more often (section 6 of the reference).

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

/// At most so many calls in any stretch of so many seconds.
#[derive(Debug, Clone, Copy)]
struct Window {
    calls: usize,
    seconds: i64,
}

#[derive(Debug, Default)]
struct MethodUse {
    calls: VecDeque<Timestamp>,
    locked_until: Option<Timestamp>,
}

/// The recent calls of every method.
#[derive(Debug, Default)]
pub(crate) struct Limiter(HashMap<String, MethodUse>);

impl Limiter {
    /// Counts a call; false if the method is locked, or is locked by this call. Of `listsubscribe` only every so manieth
    /// of the documented calls is allowed.
    pub(crate) fn allow(&mut self, method: &str, subscribes_share: usize, now: Timestamp) -> bool {
        let (windows, lock_minutes) = limits(method);
        let share = match method {
            "listsubscribe" => subscribes_share.max(1),
            _ => 1,
        };
        let used = self.0.entry(method.to_owned()).or_default();
        if used.locked_until.is_some_and(|until| now < until) {
            return false;
        }
        let longest = windows
            .iter()
            .map(|window| window.seconds)
            .max()
            .unwrap_or(0);
        while used
            .calls
            .front()
            .is_some_and(|at| is_older(*at, now, longest))
        {
            used.calls.pop_front();
        }
        let is_full = |window: &Window| {
            let old = used
                .calls
                .partition_point(|at| is_older(*at, now, window.seconds));
            used.calls.len() - old >= window.calls / share
        };
        if windows.iter().any(is_full) {
            used.locked_until = now
                .checked_add(SignedDuration::from_mins(lock_minutes))
                .ok();
            return false;
        }
        used.calls.push_back(now);
        true
    }
}

fn is_older(at: Timestamp, now: Timestamp, seconds: i64) -> bool {
    now.duration_since(at) >= SignedDuration::from_secs(seconds)
}

/// A method's windows, and for how many minutes it is locked when one is overrun.
fn limits(method: &str) -> (&'static [Window], i64) {
    const fn window(calls: usize, seconds: i64) -> Window {
        Window { calls, seconds }
    }
    match method {
        "listsubscribe" => (
            const {
                &[
                    window(500, 60),
                    window(12_500, 3_600),
                    window(75_000, 86_400),
                ]
            },
            30,
        ),
        "addlistsubscribersinbulk" => (const { &[window(2_000, 60)] }, 10),
        "contact/allfields" | "custom/add" => (const { &[window(100, 300)] }, 30),
        _ => (const { &[window(500, 300)] }, 30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_called_too_often_is_locked_and_others_go_on() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut limiter = Limiter::default();
        for _ in 0..500 {
            assert!(limiter.allow("listsubscribe", 1, at(0)));
        }
        assert!(!limiter.allow("listsubscribe", 1, at(59)));
        assert!(limiter.allow("listunsubscribe", 1, at(59)));
        assert!(!limiter.allow("listsubscribe", 1, at(59 + 30 * 60 - 1)));
        assert!(limiter.allow("listsubscribe", 1, at(59 + 30 * 60)));
    }

    #[test]
    fn calls_spread_over_windows_are_counted_in_each() {
        let mut limiter = Limiter::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        // 400 a minute keep within the minute, and overrun the hour in its 32nd minute.
        let mut allowed = 0;
        for minute in 0..40 {
            for _ in 0..400 {
                allowed += u32::from(limiter.allow("listsubscribe", 1, at(minute * 60)));
            }
        }
        assert_eq!(allowed, 12_500);
    }
}
