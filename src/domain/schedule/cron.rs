//! Cron lines: five fields, or six with the seconds first, as croner reads them.
//!
//! A line whose hour field has neither `*` nor `/` names times of day and is mapped to instants as daily schedules are.
//! Any other repeats within the day and follows the local clock.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use super::calendar::{DAYS_SEARCHED, Times, next_on_days};

/// A cron line that has been checked.
#[derive(Clone, PartialEq, Eq)]
pub struct CronLine {
    text: String,
    cron: Box<Cron>,
    times: Times,
    repeats: bool,
}

/// Why a text is not a cron line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// Not five or six fields.
    #[error(
        "a cron line has 5 fields (minute hour day month weekday) or 6 with the seconds first, not {0}"
    )]
    Fields(usize),
    /// A field that cannot be read.
    #[error("the {field} field `{text}` of the cron line cannot be read: {why}")]
    Field {
        /// Which one.
        field: &'static str,
        /// What it says.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// A line whose fields can be read, but not together.
    #[error("the cron line cannot be read: {0}")]
    Line(String),
    /// A line without occurrences, like 30 February.
    #[error("no day ever matches the day, month and weekday fields of the cron line")]
    Never,
}

/// The fields' names, seconds first.
const FIELDS: [&str; 6] = ["second", "minute", "hour", "day", "month", "weekday"];

/// Steps of croner's that are looked at for one occurrence.
const STEPS_MAX: usize = 10_000;

/// Shows the text, which says it all. Schedules are told apart by this, so it must not change with croner.
impl fmt::Debug for CronLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CronLine").field(&self.text).finish()
    }
}

impl CronLine {
    /// Checks a line.
    ///
    /// # Errors
    /// What is wrong with it, naming the field.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let names = match fields.len() {
            5 => &FIELDS[1..],
            6 => &FIELDS[..],
            other => return Err(CronError::Fields(other)),
        };
        let named = || names.iter().zip(&fields);
        for (name, field) in named() {
            check_list(name, field)?;
        }
        let cron = match parse(text) {
            Ok(cron) => cron,
            Err(why) => {
                for (n, (name, field)) in named().enumerate() {
                    check_field(n, name, field, fields.len())?;
                }
                return Err(CronError::Line(why));
            }
        };
        let hour = fields[fields.len() - 4];
        let line = Self {
            text: fields.join(" "),
            times: times(&cron),
            repeats: hour.contains(['*', '/']),
            cron: Box::new(cron),
        };
        let from = Date::constant(2000, 1, 1);
        if from
            .series(jiff::ToSpan::day(1))
            .take(DAYS_SEARCHED)
            .any(|date| line.is_on(date))
        {
            Ok(line)
        } else {
            Err(CronError::Never)
        }
    }

    /// The line, with single blanks.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn next_after(&self, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
        if !self.repeats {
            return next_on_days(|date| self.is_on(date), &self.times, zone, after);
        }
        self.cron
            .iter_after(after.to_zoned(zone.clone()))
            .map(|next| next.timestamp())
            // The first is; this is our guarantee, not croner's.
            .take(STEPS_MAX)
            .find(|next| *next > after)
    }

    fn is_on(&self, date: Date) -> bool {
        let pattern = &self.cron.pattern;
        let [month, day] = [date.month(), date.day()].map(|part| u32::from(part.unsigned_abs()));
        let weekday = match date.weekday() {
            Weekday::Sunday => croner::Weekday::Sunday,
            Weekday::Monday => croner::Weekday::Monday,
            Weekday::Tuesday => croner::Weekday::Tuesday,
            Weekday::Wednesday => croner::Weekday::Wednesday,
            Weekday::Thursday => croner::Weekday::Thursday,
            Weekday::Friday => croner::Weekday::Friday,
            Weekday::Saturday => croner::Weekday::Saturday,
        };
        // Both fail for dates only that do not exist.
        pattern.month_match(month).unwrap_or(false)
            && pattern
                .day_match(i32::from(date.year()), month, day, weekday)
                .unwrap_or(false)
    }
}

/// croner passes over an empty part of a list, and a list of nothing would never match.
fn check_list(name: &'static str, field: &str) -> Result<(), CronError> {
    match field.split(',').any(str::is_empty) {
        true => Err(wrong(name, field, "a part of the list is empty".to_owned())),
        false => Ok(()),
    }
}

/// Checks one field by itself, for croner's messages do not say which one they mean. It takes as long as to read a line.
fn check_field(n: usize, name: &'static str, field: &str, fields: usize) -> Result<(), CronError> {
    let mut alone = vec!["*"; fields];
    alone[n] = field;
    let parsed = parse(&alone.join(" "));
    parsed.map_or_else(|why| Err(wrong(name, field, why)), |_| Ok(()))
}

fn wrong(field: &'static str, text: &str, why: String) -> CronError {
    CronError::Field {
        field,
        text: text.to_owned(),
        why,
    }
}

fn parse(line: &str) -> Result<Cron, String> {
    let parser = CronParser::builder()
        .seconds(Seconds::Optional)
        .year(Year::Disallowed)
        .build();
    parser.parse(line).map_err(|error| {
        use croner::errors::CronError as E;
        let message = match error {
            E::InvalidPattern(message) | E::IllegalCharacters(message) => message,
            E::ComponentError(message) => message,
            other => other.to_string(),
        };
        let message = message.trim_start_matches("CronPattern contains ");
        let mut letters = message.trim_end_matches('.').chars();
        let first = letters.next().map(|letter| letter.to_ascii_lowercase());
        first.into_iter().chain(letters).collect()
    })
}

fn times(cron: &Cron) -> Times {
    let values = |component: &croner::CronComponent| {
        let values = component.values().into_iter();
        values
            .filter_map(|value| i8::try_from(value).ok())
            .collect()
    };
    Times {
        hours: values(&cron.pattern.hours),
        minutes: values(&cron.pattern.minutes),
        seconds: values(&cron.pattern.seconds),
    }
}
