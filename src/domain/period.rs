//! Which of the selected records a run takes up, by when they came to be.
//!
//! The date range belongs to the selection: who was created outside of it does not belong, in any run. Whether new or
//! modified records are taken up is a question of the run's window alone, and never asked of a run that imports
//! everything. A record that is not taken up stays as it was; who goes away or opts out is seen to all the same.

use jiff::{Timestamp, Zoned, civil, tz::TimeZone};

use super::definition::{Retrieval, Retrieved};
use super::filter::{Filter, Leaf, Test};
use super::ids::FieldPath;
use super::record::Record;
use super::value::{FieldType, Value};

/// The `[retrieve]` table, in instants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// `Created_Time`, where it has to be read.
    pub field: Option<FieldPath>,
    records: Retrieved,
    /// The first instant at which a record may have been created.
    from: Option<Timestamp>,
    /// The first one at which it may not any more.
    until: Option<Timestamp>,
}

/// The stretch of time that a run takes records from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its beginning: the start of the last run that completed.
    pub from: Timestamp,
    /// Where reading begins: what was written while that run asked shows up late.
    pub since: Timestamp,
}

/// How a sync knows a record from before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Not at all.
    No,
    /// It was read and did not belong.
    Outside,
    /// It feeds or fed a contact.
    TakenUp,
}

impl Period {
    /// The periods of `retrieval`, whose days are those of `zone`; `created` is the field that tells a record's age.
    #[must_use]
    pub fn of(retrieval: Retrieval, zone: &TimeZone, created: Option<FieldPath>) -> Self {
        let start = |day: civil::Date| day.to_zoned(zone.clone()).ok();
        let instant = |start: Zoned| start.timestamp();
        let until = retrieval.created_to.and_then(|day| day.tomorrow().ok());
        Self {
            field: created.filter(|_| retrieval != Retrieval::default()),
            records: retrieval.records,
            from: retrieval.created_from.and_then(start).map(instant),
            until: until.and_then(start).map(instant),
        }
    }

    /// Whether a record was created in the date range.
    #[must_use]
    pub fn has(&self, record: &Record) -> bool {
        if self.from.is_none() && self.until.is_none() {
            return true;
        }
        self.created_at(record).is_some_and(|at| {
            self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at < until)
        })
    }

    /// Whether a run with this window takes up a selected record. One whose age is not known is taken up.
    #[must_use]
    pub fn takes_up(&self, record: &Record, window: Window, known: Known) -> bool {
        let Some(created_at) = self.created_at(record) else {
            return true;
        };
        match self.records {
            Retrieved::NewAndModified => true,
            // What was written just before the window and is met for the first time showed up late.
            Retrieved::New if known == Known::No => created_at >= window.since,
            Retrieved::New => created_at >= window.from,
            Retrieved::Modified => created_at < window.from || known == Known::TakenUp,
        }
    }

    /// Whether a record that is met for the first time counts as new by that alone.
    #[must_use]
    pub fn tells_new_ones(&self) -> bool {
        self.records == Retrieved::New
    }

    /// A filter that every record of the date range passes.
    #[must_use]
    pub fn filter(&self) -> Filter {
        let Some(field) = &self.field else {
            return Filter::EVERYTHING;
        };
        if self.from.is_none() && self.until.is_none() {
            return Filter::EVERYTHING;
        }
        Filter::Leaf(Leaf {
            field: field.clone(),
            field_type: FieldType::DateTime,
            test: Test::Instants(self.from, self.until),
        })
    }

    fn created_at(&self, record: &Record) -> Option<Timestamp> {
        match record.get(self.field.as_ref()?) {
            Value::DateTime(at) => Some(*at),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::ids::RecordId;
    use super::*;

    fn created(at: &str) -> Record {
        let value = Value::DateTime(at.parse().unwrap());
        Record {
            id: RecordId(1),
            modified_at: None,
            values: [("Created_Time".parse().unwrap(), value)].into(),
        }
    }

    fn period(records: Retrieved, from: Option<civil::Date>, to: Option<civil::Date>) -> Period {
        let retrieval = Retrieval {
            records,
            created_from: from,
            created_to: to,
        };
        let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
        Period::of(retrieval, &zone, "Created_Time".parse().ok())
    }

    #[test]
    fn the_date_range_takes_in_both_days_of_the_zone() {
        let both = (Some(date(2026, 3, 7)), Some(date(2026, 3, 8)));
        for ((from, to), at, want) in [
            (both, "2026-03-07T04:59:59Z", false),
            (both, "2026-03-07T05:00:00Z", true),
            // The day on which the clock goes forward has 23 hours.
            (both, "2026-03-09T03:59:59Z", true),
            (both, "2026-03-09T04:00:00Z", false),
            ((None, both.1), "1999-01-01T00:00:00Z", true),
            ((both.0, None), "2999-01-01T00:00:00Z", true),
            ((None, None), "2999-01-01T00:00:00Z", true),
        ] {
            let period = period(Retrieved::NewAndModified, from, to);
            assert_eq!(period.has(&created(at)), want, "{from:?} {to:?} {at}");
        }
    }

    #[test]
    fn a_record_of_unknown_age_is_in_no_date_range_and_in_every_window() {
        let nameless = Record {
            values: [].into(),
            ..created("2026-03-07T05:00:00Z")
        };
        let ranged = period(Retrieved::New, Some(date(2026, 3, 7)), None);
        assert!(!ranged.has(&nameless));
        let window = Window {
            from: Timestamp::MAX,
            since: Timestamp::MAX,
        };
        assert!(ranged.takes_up(&nameless, window, Known::No));
    }

    #[test]
    fn new_is_what_was_created_in_the_window_and_modified_what_was_created_before() {
        let window = Window {
            from: "2026-03-07T10:00:00Z".parse().unwrap(),
            since: "2026-03-07T09:55:00Z".parse().unwrap(),
        };
        let (before, late, within) = (
            "2026-03-07T09:00:00Z",
            "2026-03-07T09:58:00Z",
            "2026-03-07T10:00:00Z",
        );
        for (records, at, known, want) in [
            (Retrieved::New, before, Known::No, false),
            (Retrieved::New, before, Known::TakenUp, false),
            (Retrieved::New, late, Known::No, true),
            (Retrieved::New, late, Known::Outside, false),
            (Retrieved::New, within, Known::Outside, true),
            (Retrieved::Modified, before, Known::No, true),
            (Retrieved::Modified, late, Known::No, true),
            (Retrieved::Modified, within, Known::No, false),
            (Retrieved::Modified, within, Known::TakenUp, true),
            (Retrieved::NewAndModified, before, Known::No, true),
            (Retrieved::NewAndModified, within, Known::No, true),
        ] {
            let period = period(records, None, None);
            let got = period.takes_up(&created(at), window, known);
            assert_eq!(got, want, "{records:?} {at} {known:?}");
        }
    }
}
