//! Next, due and missed occurrences of a schedule in a zone, gaps and overlaps included.
//!
//! An occurrence at a time of day is one instant on each of its days: a local time that a clock change skips is the
//! first instant after the gap, one that comes twice is the earlier pass. What repeats by the hour follows the hands of
//! the local clock instead: an hour that comes twice has two occurrences, one that is skipped has none. Occurrences are
//! strictly increasing, and with a clock set back none is due a second time.
//!
//! No scheduler library is trusted with any of this: croner reads cron lines and steps through lines that repeat within
//! the day, everything else is found here, civil time by civil time (in croner, `30 2,14 * * *` is skipped in a gap and
//! `30 1,13 * * *` comes twice in an overlap).

mod calendar;
mod cron;
mod due;

use jiff::{Timestamp, civil, tz::TimeZone};

pub use cron::{CronError, CronLine};
pub use due::{AHEAD_MAX, Due, MISSED_MAX, ON_TIME, believed, settled};

use calendar::{Times, next_at_minute, next_on_days};

/// When a sync runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// The occurrences.
    pub every: Every,
    /// Zone their local times are in.
    pub zone: TimeZone,
    /// What happens to occurrences missed while nothing ran.
    pub catch_up: CatchUp,
}

/// How often, and at which local times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Every {
    /// Once, as soon as possible, and never again after a completed run.
    Once,
    /// At this minute of every hour.
    Hour {
        /// 0 to 59.
        minute: i8,
    },
    /// Every day.
    Day {
        /// Local time.
        at: civil::Time,
    },
    /// On these weekdays.
    Week {
        /// Local time.
        at: civil::Time,
        /// At least one.
        on: Vec<civil::Weekday>,
    },
    /// On these days of the month; a day the month lacks means its last.
    Month {
        /// Local time.
        at: civil::Time,
        /// 1 to 31, or 32 for "last"; at least one.
        on: Vec<i8>,
    },
    /// A cron line of five or six fields, seconds first.
    Cron(CronLine),
}

/// What happens to occurrences missed while nothing ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchUp {
    /// One run for the latest of them.
    Latest,
    /// None.
    None,
}

impl Schedule {
    /// Whether the sync runs once: then it has no occurrences, and is due until a run has completed.
    #[must_use]
    pub fn is_once(&self) -> bool {
        matches!(self.every, Every::Once)
    }

    /// The first occurrence after an instant; `None` for a schedule without occurrences, or at the end of time.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let zone = &self.zone;
        match &self.every {
            Every::Once => None,
            Every::Hour { minute } => next_at_minute(*minute, zone, after),
            Every::Day { at } => next_on_days(|_| true, &Times::one(*at), zone, after),
            Every::Week { at, on } => {
                let is_on = |day: civil::Date| on.contains(&day.weekday());
                next_on_days(is_on, &Times::one(*at), zone, after)
            }
            Every::Month { at, on } => {
                let is_on = |day| is_day_of_month(day, on);
                next_on_days(is_on, &Times::one(*at), zone, after)
            }
            Every::Cron(line) => line.next_after(zone, after),
        }
    }
}

/// Whether a date is one of the days named, the last of its month standing for those it lacks.
fn is_day_of_month(date: civil::Date, on: &[i8]) -> bool {
    let last = date.days_in_month();
    on.iter().any(|day| (*day).min(last) == date.day())
}

#[cfg(test)]
mod tests;
