//! The `[schedule]` table: when a sync runs.

use jiff::civil::{self, Weekday};
use jiff::tz::TimeZone;

use super::quantities::{minute, time_of_day};
use super::raw::{Literal, Literals, RawSchedule};
use super::report::Report;
use crate::domain::nearest::hint;
use crate::domain::schedule::{CatchUp, CronLine, Every, Schedule};

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// How the domain writes a month's last day.
const LAST_DAY: i8 = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Once,
    Hour,
    Day,
    Week,
    Month,
    Cron,
}

const KINDS: [(&str, Kind); 6] = [
    ("once", Kind::Once),
    ("hour", Kind::Hour),
    ("day", Kind::Day),
    ("week", Kind::Week),
    ("month", Kind::Month),
    ("cron", Kind::Cron),
];

/// Reads the table; times are in `zone` unless it names another.
pub(super) fn schedule(
    raw: Option<&RawSchedule>,
    zone: &TimeZone,
    report: &mut Report<'_>,
) -> Option<Schedule> {
    let Some(raw) = raw else {
        let help = "add a table [schedule] with `every`".to_owned();
        report.missing("schedule", help);
        return None;
    };
    let named = raw.timezone.as_deref();
    let zone = named.map_or_else(
        || Some(zone.clone()),
        |name| report.zone("schedule.timezone", name),
    );
    let catch_ups = [("latest", CatchUp::Latest), ("none", CatchUp::None)];
    let catch_up = raw.catch_up.as_ref();
    let catch_up = report.choice("schedule.catch_up", catch_up, CatchUp::Latest, &catch_ups);
    Some(Schedule {
        every: every(raw, report)?,
        zone: zone?,
        catch_up,
    })
}

fn every(raw: &RawSchedule, report: &mut Report<'_>) -> Option<Every> {
    report.required("schedule.every", raw.every.as_ref())?;
    let kinds = KINDS.map(|(name, kind)| (name, Some(kind)));
    let kind = report.choice("schedule.every", raw.every.as_ref(), None, &kinds)?;
    refuse_idle_keys(kind, raw, report);
    match kind {
        Kind::Once => Some(Every::Once),
        Kind::Hour => hour(raw, report),
        Kind::Day => time(raw, report).map(|at| Every::Day { at }),
        Kind::Week => {
            let on = list(raw, "weekdays", weekday, report);
            let at = time(raw, report);
            Some(Every::Week { at: at?, on: on? })
        }
        Kind::Month => {
            let on = list(raw, "days of the month", day, report);
            let at = time(raw, report);
            Some(Every::Month { at: at?, on: on? })
        }
        Kind::Cron => cron(raw, report),
    }
}

/// A key that the kind of schedule has no use for is a misunderstanding.
fn refuse_idle_keys(kind: Kind, raw: &RawSchedule, report: &mut Report<'_>) {
    let (at, on, cron) = match kind {
        Kind::Once => (false, false, false),
        Kind::Hour | Kind::Day => (true, false, false),
        Kind::Week | Kind::Month => (true, true, false),
        Kind::Cron => (false, false, true),
    };
    let name = raw.every.as_deref().unwrap_or("");
    for (key, is_given, has_use) in [
        ("at", raw.at.is_some(), at),
        ("on", raw.on.is_some(), on),
        ("cron", raw.cron.is_some(), cron),
    ] {
        if is_given && !has_use {
            let message = format!("`{key}` means nothing with every = \"{name}\"");
            report.wrong_key(&format!("schedule.{key}"), message, None);
        }
    }
}

/// The text of a time, also of one written without quotes.
fn text(literal: &Literal) -> Option<&str> {
    match literal {
        Literal::Text(text) | Literal::Moment(text) => Some(text.trim()),
        Literal::Whole(_) | Literal::Decimal(_) | Literal::Flag(_) => None,
    }
}

fn time(raw: &RawSchedule, report: &mut Report<'_>) -> Option<civil::Time> {
    let help = "use hours and minutes, e.g. \"02:30\"".to_owned();
    let Some(at) = &raw.at else {
        report.missing("schedule.at", help);
        return None;
    };
    let time = text(at).and_then(time_of_day);
    if time.is_none() {
        report.wrong("schedule.at", "this is not a time of day", help);
    }
    time
}

fn hour(raw: &RawSchedule, report: &mut Report<'_>) -> Option<Every> {
    let minute = match &raw.at {
        None => Some(0),
        Some(at) => text(at).and_then(minute),
    };
    if minute.is_none() {
        let help = "use a minute, e.g. \":30\"".to_owned();
        report.wrong("schedule.at", "this is not a minute of the hour", help);
    }
    minute.map(|minute| Every::Hour { minute })
}

fn list<T: PartialEq>(
    raw: &RawSchedule,
    what: &str,
    read: fn(&Literal) -> Result<T, String>,
    report: &mut Report<'_>,
) -> Option<Vec<T>> {
    const PATH: &str = "schedule.on";
    let Some(Literals { values, is_list }) = &raw.on else {
        report.missing(PATH, format!("name one or a list of {what}"));
        return None;
    };
    if values.is_empty() {
        report.wrong(
            PATH,
            "this list is empty",
            format!("name at least one of the {what}"),
        );
    }
    let mut on = Vec::new();
    for (index, literal) in values.iter().enumerate() {
        let path = if *is_list {
            format!("{PATH}[{index}]")
        } else {
            PATH.to_owned()
        };
        match read(literal) {
            Ok(value) if on.contains(&value) => {
                report.wrong(&path, "this is listed twice", None);
            }
            Ok(value) => on.push(value),
            Err(help) => report.wrong(&path, format!("this is not one of the {what}"), help),
        }
    }
    (!on.is_empty()).then_some(on)
}

fn weekday(literal: &Literal) -> Result<Weekday, String> {
    let text = text(literal).unwrap_or("");
    let found = WEEKDAYS.iter().find(|(name, _)| *name == text);
    found
        .map(|(_, day)| *day)
        .ok_or_else(|| hint(text, WEEKDAYS.iter().map(|(name, _)| *name)).unwrap_or_default())
}

fn day(literal: &Literal) -> Result<i8, String> {
    let day = match literal {
        Literal::Whole(day) => i8::try_from(*day).ok().filter(|day| (1..=31).contains(day)),
        Literal::Text(text) => (text == "last").then_some(LAST_DAY),
        Literal::Decimal(_) | Literal::Flag(_) | Literal::Moment(_) => None,
    };
    day.ok_or_else(|| "use numbers from 1 to 31, or \"last\"".to_owned())
}

fn cron(raw: &RawSchedule, report: &mut Report<'_>) -> Option<Every> {
    let Some(line) = &raw.cron else {
        let help = "give a line, seconds first, e.g. cron = \"0 30 2 * * MON-FRI\"".to_owned();
        report.missing("schedule.cron", help);
        return None;
    };
    match CronLine::parse(line) {
        Ok(line) => Some(Every::Cron(line)),
        Err(error) => {
            let help = "use a line such as \"0 30 2 * * MON-FRI\"".to_owned();
            report.wrong("schedule.cron", error.to_string(), help);
            None
        }
    }
}
