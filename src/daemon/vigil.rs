//! Watches over the beat and the clock, by time that nobody sets: a beat that falls silent is replaced, and a clock that
//! was set, or stood still while the machine slept, is noticed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How often it looks.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A beat that is silent for longer is replaced.
const SILENCE_MAX: Duration = Duration::from_secs(3);
/// The clock was set if it moved by this much more, or less, than time passed.
const STEP_MIN: SignedDuration = SignedDuration::from_secs(2);

/// Says where the clock shows an earlier time than when the state was last written to. What goes by it goes on: schedules
/// and limits from now, and no run decides anything while the services show another time.
pub(super) fn note_set_back(written: Option<Timestamp>, now: Timestamp) {
    if let Some(written) = written.filter(|written| now.duration_since(*written) < -STEP_MIN) {
        tracing::warn!(
            %written,
            %now,
            "this machine's clock says {now}, and the state was last written to at {written}: it was set back since, or was wrong then"
        );
    }
}

/// What was seen last.
pub(super) struct Vigil {
    wall: Timestamp,
    steady: Duration,
    beaten: Duration,
}

/// What a look shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// By how much the clock was set; forward also where the machine slept.
    pub(super) step: Option<SignedDuration>,
    /// Whether the beat has to be replaced.
    pub(super) is_silent: bool,
}

impl Vigil {
    /// Begins; `steady` is what has passed by a clock that nobody sets.
    pub(super) fn new(wall: Timestamp, steady: Duration) -> Self {
        Self {
            wall,
            steady,
            beaten: steady,
        }
    }

    /// There was a beat.
    pub(super) fn beaten(&mut self, steady: Duration) {
        self.beaten = steady;
    }

    /// What has happened since it last looked.
    pub(super) fn look(&mut self, wall: Timestamp, steady: Duration) -> Look {
        let passed = steady.saturating_sub(self.steady);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        let step = wall.duration_since(self.wall).saturating_sub(passed);
        let step = Some(step).filter(|step| step.abs() > STEP_MIN);
        (self.wall, self.steady) = (wall, steady);
        // tokio-cron-scheduler counts on the clock, and may wait for the time that it was set back from.
        let set_back = step.is_some_and(|step| step.is_negative());
        let is_silent = set_back || steady.saturating_sub(self.beaten) > SILENCE_MAX;
        if is_silent {
            self.beaten = steady;
        }
        Look { step, is_silent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_and_a_beat_that_is_silent_are_noticed_once() {
        let began: Timestamp = "2026-03-08T06:59:58Z".parse().unwrap();
        let mut vigil = Vigil::new(began, Duration::ZERO);
        let mut beat_at = 0;
        // Seconds since the begin, of the clock and of time; whether there was a beat; the step, whether it is silent.
        for (wall, steady, beats, step, is_silent, why) in [
            (
                1,
                1,
                true,
                None,
                false,
                "both go on, through a change of summer time too",
            ),
            (4, 2, true, None, false, "two seconds are no step"),
            (3606, 3, true, Some(3601), false, "set forward"),
            (3607, 4, true, None, false, "told once"),
            (
                8,
                5,
                true,
                Some(-3600),
                true,
                "set back: the beat may wait for its time",
            ),
            (9, 6, false, None, false, "no beat"),
            (11, 8, false, None, false, "three seconds without one"),
            (12, 9, false, None, true, "more"),
            (14, 11, false, None, false, "replaced a moment ago"),
            (16, 13, false, None, true, "and silent again"),
            (30_000, 14, true, Some(29_983), false, "the machine slept"),
        ] {
            if beats {
                beat_at = steady;
                vigil.beaten(Duration::from_secs(beat_at));
            }
            let wall = began + SignedDuration::from_secs(wall);
            let look = vigil.look(wall, Duration::from_secs(steady));
            let step = step.map(SignedDuration::from_secs);
            assert_eq!(
                look,
                Look { step, is_silent },
                "{why}, last beat at {beat_at}"
            );
        }
    }
}
