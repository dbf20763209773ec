//! May this run start; what is used, when it frees.
//!
//! A limit is counted per account in days and months of the configured zone. This file says under which limits a run
//! counts, in which day and month an instant lies, and whether there is room; the counting itself is the store's, in one
//! step with the start of the run, so that neither a crash nor two starts at once can pass a limit (spec, section 7).

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned, civil};
use serde::{Deserialize, Serialize};

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// Syncs active at this moment.
    ActiveSyncs,
    /// Runs started in a day, whoever started them.
    RunsPerDay,
    /// First runs of a sync and runs started by a person, in a month.
    InitiationsPerMonth,
    /// Full re-imports started by a person, in a day.
    ResyncsPerDay,
    /// Full re-imports started by a person, in a month.
    ResyncsPerMonth,
}

/// How long a count lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    Moment,
    Day,
    Month,
}

impl Limit {
    /// All limits, in the order of `rosterd.toml`.
    pub const ALL: [Self; 5] = [
        Self::ActiveSyncs,
        Self::RunsPerDay,
        Self::InitiationsPerMonth,
        Self::ResyncsPerDay,
        Self::ResyncsPerMonth,
    ];

    /// The name in files, JSON and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ActiveSyncs => "active_syncs",
            Self::RunsPerDay => "runs_per_day",
            Self::InitiationsPerMonth => "initiations_per_month",
            Self::ResyncsPerDay => "resyncs_per_day",
            Self::ResyncsPerMonth => "resyncs_per_month",
        }
    }

    fn span(self) -> Span {
        match self {
            Self::ActiveSyncs => Span::Moment,
            Self::RunsPerDay | Self::ResyncsPerDay => Span::Day,
            Self::InitiationsPerMonth | Self::ResyncsPerMonth => Span::Month,
        }
    }
}

/// Why a run starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// By schedule, before any run of the sync has completed.
    Initial,
    /// By schedule.
    Scheduled,
    /// For an occurrence that was missed.
    CatchUp,
    /// By a person.
    Operator,
    /// By a person, to import everything again.
    Resync,
}

impl Trigger {
    /// All triggers.
    pub const ALL: [Self; 5] = [
        Self::Initial,
        Self::Scheduled,
        Self::CatchUp,
        Self::Operator,
        Self::Resync,
    ];

    /// The name in journal, JSON and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Scheduled => "scheduled",
            Self::CatchUp => "catch_up",
            Self::Operator => "operator",
            Self::Resync => "resync",
        }
    }
}

/// How many of each are allowed; `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitValues {
    /// See [`Limit::ActiveSyncs`].
    pub active_syncs: Option<u64>,
    /// See [`Limit::RunsPerDay`].
    pub runs_per_day: Option<u64>,
    /// See [`Limit::InitiationsPerMonth`].
    pub initiations_per_month: Option<u64>,
    /// See [`Limit::ResyncsPerDay`].
    pub resyncs_per_day: Option<u64>,
    /// See [`Limit::ResyncsPerMonth`].
    pub resyncs_per_month: Option<u64>,
}

impl LimitValues {
    /// No limits at all.
    pub const UNLIMITED: Self = Self {
        active_syncs: None,
        runs_per_day: None,
        initiations_per_month: None,
        resyncs_per_day: None,
        resyncs_per_month: None,
    };

    /// The value of one limit.
    #[must_use]
    pub fn get(&self, limit: Limit) -> Option<u64> {
        match limit {
            Limit::ActiveSyncs => self.active_syncs,
            Limit::RunsPerDay => self.runs_per_day,
            Limit::InitiationsPerMonth => self.initiations_per_month,
            Limit::ResyncsPerDay => self.resyncs_per_day,
            Limit::ResyncsPerMonth => self.resyncs_per_month,
        }
    }
}

impl Default for LimitValues {
    /// The limits of Zoho's own CRM sync (spec, section 7).
    fn default() -> Self {
        Self {
            active_syncs: Some(10),
            runs_per_day: Some(10),
            initiations_per_month: Some(50),
            resyncs_per_day: Some(5),
            resyncs_per_month: Some(15),
        }
    }
}

/// What an account has used in the day and the month of now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Syncs active now.
    pub active_syncs: u64,
    /// Runs started today.
    pub runs_per_day: u64,
    /// Initiations this month.
    pub initiations_per_month: u64,
    /// Full re-imports started today.
    pub resyncs_per_day: u64,
    /// Full re-imports started this month.
    pub resyncs_per_month: u64,
}

impl Usage {
    /// How much of one limit is used.
    #[must_use]
    pub fn get(&self, limit: Limit) -> u64 {
        match limit {
            Limit::ActiveSyncs => self.active_syncs,
            Limit::RunsPerDay => self.runs_per_day,
            Limit::InitiationsPerMonth => self.initiations_per_month,
            Limit::ResyncsPerDay => self.resyncs_per_day,
            Limit::ResyncsPerMonth => self.resyncs_per_month,
        }
    }
}

/// The day and the month an instant lies in, and when they end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Periods {
    /// The local day.
    pub day: civil::Date,
    /// The local year and month.
    pub month: (i16, i8),
    /// First instant of the next day; days of 23 and 25 hours included.
    pub day_ends_at: Timestamp,
    /// First instant of the next month.
    pub month_ends_at: Timestamp,
}

impl Periods {
    /// The periods of `now` in `zone`.
    #[must_use]
    pub fn of(now: Timestamp, zone: &TimeZone) -> Self {
        let local = now.to_zoned(zone.clone());
        let day = local.date();
        let starts_at = |date: Result<civil::Date, jiff::Error>| {
            date.and_then(|date| date.to_zoned(zone.clone()))
                .and_then(|zoned| zoned.start_of_day())
                // Only at the end of all representable time.
                .map_or(Timestamp::MAX, |zoned| zoned.timestamp())
        };
        Self {
            day,
            month: (day.year(), day.month()),
            day_ends_at: starts_at(day.tomorrow()),
            month_ends_at: starts_at(day.first_of_month().checked_add(1.month())),
        }
    }
}

/// The limits a run counts under; `first` while no run of its sync has completed.
#[must_use]
pub fn counted(trigger: Trigger, first: bool) -> Vec<Limit> {
    let mut limits = vec![Limit::RunsPerDay];
    let by_person = match trigger {
        Trigger::Operator | Trigger::Resync => true,
        Trigger::Initial | Trigger::Scheduled | Trigger::CatchUp => false,
    };
    if first || by_person {
        limits.push(Limit::InitiationsPerMonth);
    }
    if trigger == Trigger::Resync {
        limits.extend([Limit::ResyncsPerDay, Limit::ResyncsPerMonth]);
    }
    limits
}

/// A limit that leaves no room; `Display` is the sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The limit that is used up; of several, the one that frees last.
    pub limit: Limit,
    /// How much of it is used.
    pub used: u64,
    /// How much of it there is.
    pub limit_value: u64,
    /// When it frees, in the configured zone; none for what no time frees: a limit of zero, or of active syncs.
    pub frees_at: Option<Zoned>,
}

/// Whether a run may start now, given what its account has used in the day and month of `now`.
///
/// # Errors
/// The limit that is used up; of several, the one that frees last, so that nobody waits for the wrong one.
pub fn may_start(
    limits: &LimitValues,
    usage: &Usage,
    trigger: Trigger,
    first: bool,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<(), Refused> {
    let periods = Periods::of(now, zone);
    let refused = counted(trigger, first)
        .into_iter()
        .filter_map(|limit| refusal(limit, limits, usage, &periods, zone))
        .reduce(|one, other| {
            if frees_later(&other, &one) {
                other
            } else {
                one
            }
        });
    refused.map_or(Ok(()), Err)
}

/// Whether one more sync may be active beside `used` others; no `limit` is no bound.
///
/// # Errors
/// The limit of active syncs, if they are as many already.
pub fn may_activate(limit: Option<u64>, used: u64) -> Result<(), Refused> {
    match limit {
        Some(limit_value) if used >= limit_value => Err(Refused {
            limit: Limit::ActiveSyncs,
            used,
            limit_value,
            frees_at: None,
        }),
        Some(_) | None => Ok(()),
    }
}

fn refusal(
    limit: Limit,
    limits: &LimitValues,
    usage: &Usage,
    periods: &Periods,
    zone: &TimeZone,
) -> Option<Refused> {
    let limit_value = limits.get(limit)?;
    let used = usage.get(limit);
    if used < limit_value {
        return None;
    }
    let ends_at = match limit.span() {
        Span::Moment => None,
        Span::Day => Some(periods.day_ends_at),
        Span::Month => Some(periods.month_ends_at),
    };
    Some(Refused {
        limit,
        used,
        limit_value,
        frees_at: ends_at
            .filter(|_| limit_value > 0)
            .map(|at| at.to_zoned(zone.clone())),
    })
}

fn frees_later(this: &Refused, that: &Refused) -> bool {
    match (&this.frees_at, &that.frees_at) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(this), Some(that)) => this.timestamp() > that.timestamp(),
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, used, limit) = (self.limit.name(), self.used, self.limit_value);
        let during = match self.limit.span() {
            Span::Moment => {
                return write!(
                    f,
                    "{name}: {used} of {limit} active; deactivate another sync or raise `limits.{name}`"
                );
            }
            Span::Day => "today",
            Span::Month => "this month",
        };
        match &self.frees_at {
            Some(at) => {
                let at = at.strftime("%Y-%m-%d %H:%M %Q");
                write!(
                    f,
                    "{name}: {used} of {limit} used {during}; frees at {at}, or raise `limits.{name}`"
                )
            }
            None => write!(f, "{name}: none are allowed; raise `limits.{name}`"),
        }
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests;
