//! Values as written in a definition to values of a field's type. Where a type has an own notation in TOML, text is taken
//! as well: `"5000000"` for a number, `"2026-01-01"` for a day.

use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Included};

use jiff::{Timestamp, civil, tz::TimeZone};
use rust_decimal::Decimal;

use super::super::definition::Literal;
use super::super::nearest::{did_you_mean, nearest};
use super::super::value::{Field, parse_number};
use super::binding::Complaint;
use super::comparison::fold;
use super::span::{Span, exactly};

/// The longest time that `in_last_days` and `in_next_days` reach: a hundred years.
const RELATIVE_DAYS_MAX: i32 = 36_525;

/// Reads every operand by `read`; all complaints at once.
pub(super) fn each<T>(
    operands: &[Literal],
    read: impl Fn(&Literal) -> Result<T, Complaint>,
) -> Result<Vec<T>, Vec<Complaint>> {
    let mut values = Vec::with_capacity(operands.len());
    let mut complaints = Vec::new();
    for operand in operands {
        match not_empty(operand).and_then(&read) {
            Ok(value) => values.push(value),
            Err(complaint) => complaints.push(complaint),
        }
    }
    if complaints.is_empty() {
        Ok(values)
    } else {
        Err(complaints)
    }
}

fn not_empty(operand: &Literal) -> Result<&Literal, Complaint> {
    match operand {
        Literal::Text(text) if text.trim().is_empty() => Err(Complaint::value(
            "the value is empty",
            "`is_empty` and `is_not_empty` ask for empty fields",
        )),
        Literal::Text(_)
        | Literal::Number(_)
        | Literal::Bool(_)
        | Literal::Date(_)
        | Literal::DateTime(_) => Ok(operand),
    }
}

/// A text to look for, folded; a number stands for its digits.
pub(super) fn text(operand: &Literal) -> Result<String, Complaint> {
    match operand {
        Literal::Text(text) => Ok(fold(text)),
        Literal::Number(number) => Ok(number.normalize().to_string()),
        Literal::Bool(_) | Literal::Date(_) | Literal::DateTime(_) => Err(Complaint::value(
            "the value is not text",
            "put it in quotes",
        )),
    }
}

pub(super) fn number(operand: &Literal) -> Result<Decimal, Complaint> {
    let number = match operand {
        Literal::Number(number) => Some(*number),
        Literal::Text(text) => parse_number(text),
        Literal::Bool(_) | Literal::Date(_) | Literal::DateTime(_) => None,
    };
    number.ok_or_else(|| {
        Complaint::value("the value is not a number", "write it like 5000000 or 0.5")
    })
}

pub(super) fn boolean(operand: &Literal) -> Result<bool, Complaint> {
    let truth = match operand {
        Literal::Bool(truth) => Some(*truth),
        Literal::Text(text) => fold(text).parse().ok(),
        Literal::Number(_) | Literal::Date(_) | Literal::DateTime(_) => None,
    };
    truth.ok_or_else(|| Complaint::value("the value is not a boolean", "use true or false"))
}

/// A day, for a field without times.
pub(super) fn day(operand: &Literal, zone: &TimeZone) -> Result<Span<civil::Date>, Complaint> {
    match moment(operand, zone)? {
        Moment::Day(day) => Ok(exactly(day)),
        Moment::Instant(at) => {
            let day = at.to_zoned(zone.clone()).date();
            let message = "the field holds days, but the value has a time";
            Err(Complaint::value(message, &format!("write it like {day}")))
        }
    }
}

/// A day from its start to the start of the next one, or an instant.
pub(super) fn instants(operand: &Literal, zone: &TimeZone) -> Result<Span<Timestamp>, Complaint> {
    match moment(operand, zone)? {
        Moment::Instant(at) => Ok(exactly(at)),
        Moment::Day(day) => {
            let start = |day: civil::Date| day.to_zoned(zone.clone()).ok();
            match (start(day), day.tomorrow().ok().and_then(start)) {
                (Some(start), Some(end)) => {
                    Ok((Included(start.timestamp()), Excluded(end.timestamp())))
                }
                (None, _) | (_, None) => Err(no_moment()),
            }
        }
    }
}

/// How many days a relative operator reaches, today included.
pub(super) fn day_count(operand: &Literal) -> Result<i32, Complaint> {
    let days = number(operand)?.normalize();
    let whole: Option<i32> = days.is_integer().then(|| days.try_into().ok()).flatten();
    whole
        .filter(|days| (1..=RELATIVE_DAYS_MAX).contains(days))
        .ok_or_else(|| {
            let message = "the value is not a number of days";
            let help = format!("use a whole number from 1 (today) to {RELATIVE_DAYS_MAX}");
            Complaint::value(message, &help)
        })
}

/// A value as the definition spells it.
fn shown(operand: &Literal) -> String {
    match operand {
        Literal::Text(text) => format!("`{text}`"),
        Literal::Number(number) => format!("`{number}`"),
        Literal::Bool(truth) => format!("`{truth}`"),
        Literal::Date(date) => format!("`{date}`"),
        Literal::DateTime(at) => format!("`{at}`"),
    }
}

/// The folded spellings under which a record may carry an option: its actual value, and its label where that is not
/// the actual value of another.
pub(super) fn option(operand: &Literal, field: &Field) -> Result<BTreeSet<String>, Complaint> {
    let wanted = text(operand)?;
    if field.options.is_empty() {
        return Ok(BTreeSet::from([wanted]));
    }
    let actuals: BTreeSet<String> = field.options.iter().map(|one| fold(&one.actual)).collect();
    let mut accepted = BTreeSet::new();
    for option in &field.options {
        let (actual, label) = (fold(&option.actual), fold(&option.label));
        if actual == wanted || label == wanted {
            if !actuals.contains(&label) {
                accepted.insert(label);
            }
            accepted.insert(actual);
        }
    }
    if accepted.is_empty() {
        let names = field.options.iter();
        let names = names.flat_map(|option| [option.label.as_str(), option.actual.as_str()]);
        return Err(Complaint {
            help: did_you_mean(nearest(&wanted, names)),
            ..Complaint::value(
                &format!(
                    "the picklist `{}` has no value {}",
                    field.api_name,
                    shown(operand)
                ),
                "",
            )
        });
    }
    Ok(accepted)
}

enum Moment {
    Day(civil::Date),
    Instant(Timestamp),
}

fn moment(operand: &Literal, zone: &TimeZone) -> Result<Moment, Complaint> {
    let moment = match operand {
        Literal::Date(day) => Some(Moment::Day(*day)),
        Literal::DateTime(at) => Some(Moment::Instant(*at)),
        Literal::Text(text) => written_moment(text.trim(), zone),
        Literal::Number(_) | Literal::Bool(_) => None,
    };
    moment.ok_or_else(no_moment)
}

/// A day, an instant with its offset, or a local time of the zone.
fn written_moment(text: &str, zone: &TimeZone) -> Option<Moment> {
    if !text.contains(['T', 't', ' ']) {
        return text.parse().ok().map(Moment::Day);
    }
    if let Ok(at) = text.parse() {
        return Some(Moment::Instant(at));
    }
    let local: civil::DateTime = text.parse().ok()?;
    let zoned = local.to_zoned(zone.clone()).ok()?;
    Some(Moment::Instant(zoned.timestamp()))
}

fn no_moment() -> Complaint {
    Complaint::value(
        "the value is not a date",
        "write it like 2026-01-31 or 2026-01-31T09:00:00Z",
    )
}
