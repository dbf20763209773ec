//! Next, due and missed occurrences of a schedule in a zone, gaps and overlaps included.

use jiff::{civil, tz::TimeZone};

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

/// A cron line that has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronLine(String);

/// What happens to occurrences missed while nothing ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchUp {
    /// One run for the latest of them.
    Latest,
    /// None.
    None,
}
