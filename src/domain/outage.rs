//! An outage, and who may look whether it is over: the retry budget of all callers of a service together.
//!
//! Each caller is patient for itself, and many patient callers would hammer a service that is down. So once several
//! calls in a row have found nobody there, one caller at a time looks again, at growing distances, and the others wait
//! for what it finds. The first answer ends the outage for all.

use std::time::Duration;

/// Failures in a row from which on it counts as an outage; fewer are the noise of a network.
const FAILURES: u32 = 5;

/// The first distance between two looks; it doubles.
const FIRST_DISTANCE: Duration = Duration::from_secs(1);

/// The longest distance, so that a service that is back is found within a minute.
const DISTANCE_MAX: Duration = Duration::from_secs(60);

/// What all callers of a service know of its failures. Instants are those of a clock that nobody sets.
#[derive(Debug, Clone, Default)]
pub struct Outage {
    failed_in_a_row: u32,
    /// When somebody may look; none where somebody does.
    look_at: Option<Duration>,
}

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Call.
    Call,
    /// Call, and be the one who looks: nobody else calls before the outcome is told.
    Look,
    /// Ask again after this long.
    Wait(Duration),
}

impl Outage {
    /// What a caller may do at `now`.
    pub fn admit(&mut self, now: Duration) -> Admission {
        if self.failed_in_a_row < FAILURES {
            return Admission::Call;
        }
        match self.look_at {
            Some(look_at) if look_at <= now => {
                self.look_at = None;
                Admission::Look
            }
            Some(look_at) => Admission::Wait(look_at - now),
            None => Admission::Wait(FIRST_DISTANCE),
        }
    }

    /// A call was answered, whatever the answer.
    pub fn answered(&mut self) {
        *self = Self::default();
    }

    /// A call found nobody there; `scatter` makes a distance a random part of itself.
    pub fn failed(&mut self, now: Duration, scatter: impl FnOnce(Duration) -> Duration) {
        self.failed_in_a_row = self.failed_in_a_row.saturating_add(1);
        let looks = self.failed_in_a_row.saturating_sub(FAILURES).min(16);
        let distance = FIRST_DISTANCE.saturating_mul(1 << looks).min(DISTANCE_MAX);
        // Half of it in any case: looks are not to come close upon another.
        self.look_at = Some(now + distance / 2 + scatter(distance / 2));
    }

    /// Whoever looked went away without an outcome: another one may look.
    pub fn left(&mut self, now: Duration) {
        if self.failed_in_a_row >= FAILURES && self.look_at.is_none() {
            self.look_at = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// An outage that began at 0, unscattered.
    fn outage() -> Outage {
        let mut outage = Outage::default();
        for _ in 0..FAILURES {
            assert_eq!(outage.admit(secs(0)), Admission::Call);
            outage.failed(secs(0), |distance| distance);
        }
        outage
    }

    #[test]
    fn many_callers_look_once_a_minute_together() {
        let mut outage = outage();
        let mut looks = Vec::new();
        for second in 0..900 {
            for _caller in 0..40 {
                match outage.admit(secs(second)) {
                    Admission::Look => looks.push(second),
                    Admission::Wait(_) => {}
                    Admission::Call => panic!("nobody calls in an outage"),
                }
            }
            if looks.last() == Some(&second) {
                outage.failed(secs(second), |distance| distance);
            }
        }
        assert_eq!(looks[..7], [1, 3, 7, 15, 31, 63, 123]);
        assert_eq!(looks.len(), 19);
    }

    #[test]
    fn the_first_answer_ends_it_and_who_goes_away_is_replaced() {
        let mut outage = outage();
        assert_eq!(outage.admit(secs(0)), Admission::Wait(secs(1)));
        assert_eq!(outage.admit(secs(1)), Admission::Look);
        assert_eq!(outage.admit(secs(1)), Admission::Wait(secs(1)));
        outage.left(secs(2));
        assert_eq!(outage.admit(secs(2)), Admission::Look);
        outage.answered();
        for _ in 0..FAILURES {
            assert_eq!(outage.admit(secs(2)), Admission::Call);
        }
    }

    #[test]
    fn an_answer_between_failures_is_no_outage() {
        let mut outage = Outage::default();
        for second in 0..100 {
            outage.failed(secs(second), |distance| distance);
            if second % 4 == 3 {
                outage.answered();
            }
            assert_eq!(outage.admit(secs(second)), Admission::Call);
        }
    }
}
