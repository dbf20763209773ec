//! What is due now, and what was missed.

use jiff::{SignedDuration, Timestamp};

use super::{CatchUp, Schedule};

/// How many missed occurrences are named at most; the latest are.
pub const MISSED_MAX: usize = 100;

/// How old an occurrence may be to be on time.
pub const ON_TIME: SignedDuration = SignedDuration::from_secs(60);

/// How far ahead of the clock an instant may lie that was noted earlier, the clock having been set back since.
pub const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(24);

/// An instant that was noted earlier, as it is to be taken at `now`. One further ahead than [`AHEAD_MAX`] was noted by a
/// clock that was wrong, and would keep the sync silent until it comes: it is taken for `now`.
#[must_use]
pub fn believed(noted: Timestamp, now: Timestamp) -> Timestamp {
    if noted.duration_since(now) > AHEAD_MAX {
        now
    } else {
        noted
    }
}

/// The instant up to which occurrences are settled once the one `at` is, and those up to `before` were. Where the clock
/// was set back meanwhile, that is at most [`ON_TIME`] ahead: what lies beyond has yet to come.
#[must_use]
pub fn settled(at: Timestamp, before: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let bound = now.checked_add(ON_TIME).unwrap_or(Timestamp::MAX);
    let before = before.filter(|before| *before <= bound);
    before.map_or(at.min(bound), |before| at.min(bound).max(before))
}

/// What a schedule asks for at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Due {
    /// The occurrence to run for now.
    pub run: Option<Timestamp>,
    /// Whether `run` was missed, and is caught up with.
    pub late: bool,
    /// Occurrences that were passed over and get no run, oldest first: the latest [`MISSED_MAX`] of them.
    pub missed: Vec<Timestamp>,
    /// Whether more were missed than are named.
    pub missed_more: bool,
    /// The latest occurrence that is settled by carrying this out: the next `last_handled`. `None` if nothing is due.
    /// Never later than now.
    pub handled: Option<Timestamp>,
}

impl Schedule {
    /// What is due at `now`, for a sync whose occurrences up to `last_handled` are settled and which was first seen
    /// (made, activated, or given this schedule) at `first_seen`; occurrences before that are not its own.
    ///
    /// One no older than [`ON_TIME`] is on time and runs; older ones were missed, and `catch_up` says whether the latest of
    /// them runs if none is on time. With a clock set back nothing is due until it has passed `last_handled`.
    #[must_use]
    pub fn due(
        &self,
        last_handled: Option<Timestamp>,
        first_seen: Timestamp,
        now: Timestamp,
    ) -> Due {
        let before_first = first_seen
            .checked_sub(SignedDuration::from_nanos(1))
            .unwrap_or(first_seen);
        let after = last_handled.map_or(before_first, |last| last.max(before_first));
        let (mut missed, missed_more) = self.latest(after, now, MISSED_MAX + 1);
        let Some(latest) = missed.pop() else {
            return Due::default();
        };
        let late = now.duration_since(latest) > ON_TIME;
        let runs = match self.catch_up {
            CatchUp::Latest => true,
            CatchUp::None => !late,
        };
        if !runs {
            missed.push(latest);
        }
        let surplus = missed.len().saturating_sub(MISSED_MAX);
        missed.drain(..surplus);
        Due {
            run: runs.then_some(latest),
            late: runs && late,
            missed,
            missed_more: missed_more || surplus > 0,
            handled: Some(latest),
        }
    }

    /// The latest occurrences in `(after, now]`, oldest first, at most `count`; and whether there are more. The work is
    /// bounded however long the stretch and however dense the schedule.
    fn latest(&self, after: Timestamp, now: Timestamp, count: usize) -> (Vec<Timestamp>, bool) {
        let from = |after| self.occurrences(after, now).take(count + 1).collect();
        let all: Vec<Timestamp> = from(after);
        if all.len() <= count {
            return (all, false);
        }
        // Halving: after `early` there are more than `count`, after `late` there are not.
        let (mut early, mut late, mut found) = (after, now, Vec::new());
        while late.duration_since(early) > SignedDuration::from_millis(1) {
            let Ok(middle) = early.checked_add(late.duration_since(early) / 2) else {
                break;
            };
            let tail: Vec<Timestamp> = from(middle);
            if tail.len() > count {
                early = middle;
            } else {
                (late, found) = (middle, tail);
            }
        }
        (found, true)
    }

    /// The occurrences in `(after, now]`, oldest first.
    pub(in crate::domain) fn occurrences(
        &self,
        after: Timestamp,
        now: Timestamp,
    ) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.next_after(after), |last| self.next_after(*last))
            .take_while(move |at| *at <= now)
    }
}
