//! How many tokens may still be asked for: below what Zoho gives, and not while it gives none.
//!
//! Zoho hands out ten in ten minutes for a refresh token, blocks whoever asks on for the rest of the ten minutes, and
//! longer for asking meanwhile. A clock that is set forward makes renewals look older than they are; should Zoho then
//! block, that is kept to. Source: Zoho Accounts, "Token validity", November 2026.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Zoho's window for counting new tokens, and its block on whoever asks too often.
pub(super) const WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// One below the ten that Zoho allows in a window: it is left to whoever tries a token by hand.
pub(super) const RENEWALS_MAX: usize = 9;

/// The renewals of the last ten minutes, and a block; as it is kept, too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Budget {
    #[serde(default)]
    renewals: Vec<Mark>,
    #[serde(default)]
    block: Option<Mark>,
}

/// Something that counts for ten minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// When it was, by the clock of that moment.
    at: Timestamp,
    /// The same, or what a clock showed that was set back since. When it truly was is not known then, but no later, and so
    /// it counts for ten minutes from there; and from `at`, should the clock be set right again.
    counts_from: Timestamp,
}

impl Mark {
    fn new(at: Timestamp) -> Self {
        let counts_from = at;
        Self { at, counts_from }
    }

    /// The mark as it counts at `now`; `None` once it is over.
    fn settled(self, now: Timestamp) -> Option<Self> {
        let counts_from = self.counts_from.min(now);
        let counts = self.at <= now && now < self.at + WINDOW || now < counts_from + WINDOW;
        counts.then_some(Self {
            counts_from,
            ..self
        })
    }

    /// When a mark that counts at `now` is over.
    fn until(self, now: Timestamp) -> Timestamp {
        let from = if self.at <= now {
            self.at
        } else {
            self.counts_from
        };
        from + WINDOW
    }
}

impl Budget {
    /// Takes one renewal at `now`.
    ///
    /// # Errors
    /// There is none left; the instant is when there will be one.
    pub(super) fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        self.settle(now);
        let mut ends: Vec<Timestamp> = self.renewals.iter().map(|mark| mark.until(now)).collect();
        ends.sort_unstable();
        let first = ends.len().checked_sub(RENEWALS_MAX);
        let free_at = first.and_then(|first| ends.get(first).copied());
        match free_at.max(self.block.map(|mark| mark.until(now))) {
            Some(until) => Err(until),
            None => {
                self.renewals.push(Mark::new(now));
                Ok(())
            }
        }
    }

    /// Gives a renewal back that never reached Zoho.
    pub(super) fn give_back(&mut self, taken_at: Timestamp) {
        let place = self.renewals.iter().position(|mark| mark.at == taken_at);
        if let Some(place) = place {
            self.renewals.remove(place);
        }
    }

    /// Zoho has said that it gives none.
    pub(super) fn block(&mut self, now: Timestamp) {
        self.block = Some(Mark::new(now));
    }

    /// Forgets what is over.
    fn settle(&mut self, now: Timestamp) {
        let marks = self.renewals.iter();
        self.renewals = marks.filter_map(|mark| mark.settled(now)).collect();
        self.block = self.block.and_then(|mark| mark.settled(now));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn used_up() -> Budget {
        let mut budget = Budget::default();
        for second in 0..9 {
            assert_eq!(budget.take(at(second)), Ok(()));
        }
        budget
    }

    #[test]
    fn nine_in_ten_minutes_and_then_one_as_each_is_ten_minutes_old() {
        let mut budget = used_up();
        assert_eq!(budget.take(at(9)), Err(at(600)));
        assert_eq!(budget.take(at(599)), Err(at(600)));
        assert_eq!(budget.take(at(600)), Ok(()));
        assert_eq!(budget.take(at(600)), Err(at(601)));
    }

    #[test]
    fn a_clock_set_back_frees_nothing_and_blocks_for_ten_minutes_at_most() {
        for back in [3600, 86_400 * 400] {
            let mut budget = used_up();
            let now = 8 - back;
            assert_eq!(budget.take(at(now)), Err(at(now + 600)), "{back}");
            assert_eq!(budget.take(at(now + 599)), Err(at(now + 600)), "{back}");
            assert_eq!(budget.take(at(now + 600)), Ok(()), "{back}");
        }
    }

    #[test]
    fn nor_does_one_that_is_set_right_again() {
        let mut budget = used_up();
        assert_eq!(budget.take(at(-3600)), Err(at(-3000)));
        assert_eq!(budget.take(at(20)), Err(at(600)));
        assert_eq!(budget.take(at(600)), Ok(()));
    }

    #[test]
    fn a_block_lasts_ten_minutes_also_over_a_clock_set_back() {
        let mut budget = Budget::default();
        budget.block(at(0));
        assert_eq!(budget.take(at(1)), Err(at(600)));
        assert_eq!(budget.take(at(-5000)), Err(at(-4400)));
        assert_eq!(budget.take(at(-4400)), Ok(()));
    }

    #[test]
    fn what_never_reached_zoho_is_given_back() {
        let mut budget = used_up();
        budget.give_back(at(3));
        assert_eq!(budget.take(at(9)), Ok(()));
        assert_eq!(budget.take(at(9)), Err(at(600)));
    }

    proptest! {
        /// However often the clock is set back, no more are made in ten true minutes than Zoho gives.
        #[test]
        fn no_more_than_nine_are_made_in_ten_true_minutes(
            steps in prop::collection::vec((0..200_i64, prop::option::of(-5000..0_i64)), 1..200)
        ) {
            let (mut budget, mut truly, mut clock) = (Budget::default(), 0, 0);
            let mut made: Vec<i64> = Vec::new();
            for (passed, set_back) in steps {
                truly += passed;
                clock += passed + set_back.unwrap_or(0);
                if budget.take(at(clock)).is_ok() {
                    made.push(truly);
                }
            }
            for window in made.windows(RENEWALS_MAX + 1) {
                prop_assert!(window[RENEWALS_MAX] - window[0] >= 600, "{window:?}");
            }
        }
    }
}
