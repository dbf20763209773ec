//! The `[select]` table: which records belong.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::raw::{Literal as RawLiteral, Literals, RawCondition, RawSelect};
use super::report::Report;
use crate::domain::definition::{Condition, Literal, Operator, Selection};
use crate::domain::ids::FieldPath;
use crate::domain::nearest::hint;
use crate::domain::pattern::Pattern;

/// Reads the table; dates with a time but no offset are read in `zone`.
pub(super) fn selection(
    raw: Option<&RawSelect>,
    zone: &TimeZone,
    report: &mut Report<'_>,
) -> Option<Selection> {
    let all = raw.and_then(|raw| raw.all).is_some_and(|flag| flag.0);
    let view = raw.and_then(|raw| raw.view.as_ref());
    let criteria = raw.and_then(|raw| raw.criteria.as_deref());
    let pattern = raw.and_then(|raw| raw.pattern.as_deref());
    match (all, view, criteria) {
        (true, None, None) => {
            refuse_pattern(pattern, report);
            Some(Selection::All)
        }
        (false, Some(view), None) => {
            refuse_pattern(pattern, report);
            report
                .required("select.view", Some(view))
                .map(Selection::View)
        }
        (false, None, Some(criteria)) => by_criteria(criteria, pattern, zone, report),
        (false, None, None) => not_one(report, "`select` does not say which records belong"),
        (_, _, _) => not_one(report, "`select` says more than once which records belong"),
    }
}

fn refuse_pattern(pattern: Option<&str>, report: &mut Report<'_>) {
    if pattern.is_some() {
        let message = "a pattern joins criteria, and there are none";
        report.wrong_key("select.pattern", message, None);
    }
}

fn not_one(report: &mut Report<'_>, message: &str) -> Option<Selection> {
    let help =
        "use exactly one of `all = true`, `view = \"…\"` and `[[select.criteria]]`".to_owned();
    if !report.is_told("select") {
        report.wrong("select", message, help);
    }
    None
}

fn by_criteria(
    raw: &[RawCondition],
    pattern: Option<&str>,
    zone: &TimeZone,
    report: &mut Report<'_>,
) -> Option<Selection> {
    if raw.is_empty() {
        report.wrong("select.criteria", "there is no condition", None);
        return None;
    }
    let conditions: Vec<_> = raw
        .iter()
        .enumerate()
        .filter_map(|(index, raw)| {
            condition(&format!("select.criteria[{index}]"), raw, zone, report)
        })
        .collect();
    let pattern = match pattern {
        None => Some(Pattern::nested(raw.len())),
        Some(text) => Pattern::parse(text, raw.len())
            .map_err(|error| {
                let within = error.start..error.end;
                report.wrong_inside("select.pattern", within, error.message, error.help);
            })
            .ok(),
    }?;
    (conditions.len() == raw.len()).then_some(Selection::Criteria {
        conditions,
        pattern,
    })
}

fn condition(
    path: &str,
    raw: &RawCondition,
    zone: &TimeZone,
    report: &mut Report<'_>,
) -> Option<Condition> {
    let field = field(&format!("{path}.field"), raw.field.as_ref(), report);
    let operator = operator(&format!("{path}.operator"), raw.operator.as_ref(), report);
    let operator = operator?;
    let operands = operands(
        &format!("{path}.value"),
        raw.value.as_ref(),
        operator,
        zone,
        report,
    );
    Some(Condition {
        field: field?,
        operator,
        operands: operands?,
    })
}

/// A field's path that must be there.
pub(super) fn field(
    path: &str,
    text: Option<&String>,
    report: &mut Report<'_>,
) -> Option<FieldPath> {
    let text = report.required(path, text)?;
    text.parse()
        .map_err(|error: crate::domain::ids::IdError| {
            let message = format!("`{text}` is not the API name of a field");
            let name = text.trim().replace(' ', "_");
            let help = match name.parse::<FieldPath>() {
                Ok(name) => format!("did you mean `{name}`? {error}"),
                Err(_) => error.to_string(),
            };
            report.wrong(path, message, help);
        })
        .ok()
}

fn operator(path: &str, text: Option<&String>, report: &mut Report<'_>) -> Option<Operator> {
    let text = report.required(path, text)?;
    let found = Operator::named(&text);
    if found.is_none() {
        let help = match text.as_str() {
            "==" => Some("did you mean `=`?".to_owned()),
            "!=" | "<>" => Some("did you mean `is_not`?".to_owned()),
            text => hint(text, Operator::spellings()),
        };
        report.wrong(path, format!("`{text}` is not an operator"), help);
    }
    found
}

/// How many values an operator compares with.
fn operand_count(operator: Operator) -> (usize, usize, &'static str) {
    match operator {
        Operator::IsEmpty | Operator::IsNotEmpty => (0, 0, "takes no value"),
        Operator::Between => (2, 2, "takes a list of two values"),
        Operator::Is | Operator::IsNot | Operator::In | Operator::NotIn => {
            (1, usize::MAX, "takes one value or more")
        }
        Operator::Contains
        | Operator::DoesNotContain
        | Operator::StartsWith
        | Operator::EndsWith
        | Operator::Less
        | Operator::LessOrEqual
        | Operator::Greater
        | Operator::GreaterOrEqual
        | Operator::Before
        | Operator::After
        | Operator::On
        | Operator::InLastDays
        | Operator::InNextDays => (1, 1, "takes one value"),
    }
}

fn operands(
    path: &str,
    raw: Option<&Literals>,
    operator: Operator,
    zone: &TimeZone,
    report: &mut Report<'_>,
) -> Option<Vec<Literal>> {
    let (least, most, rule) = operand_count(operator);
    let name = operator.name();
    let raw_values = raw.map_or(&[][..], |raw| raw.values.as_slice());
    if raw.is_none() && least > 0 {
        report.missing(path, format!("`{name}` {rule}"));
        return None;
    }
    if raw_values.len() < least || raw_values.len() > most || raw.is_some() && most == 0 {
        report.wrong(path, format!("`{name}` {rule}"), None);
        return None;
    }
    let is_list = raw.is_some_and(|raw| raw.is_list);
    let values: Vec<_> = raw_values
        .iter()
        .enumerate()
        .filter_map(|(index, raw)| {
            let path = if is_list {
                format!("{path}[{index}]")
            } else {
                path.to_owned()
            };
            let value = literal(&path, raw, zone, report)?;
            check_days(&path, operator, &value, name, report)?;
            Some(value)
        })
        .collect();
    (values.len() == raw_values.len()).then_some(values)
}

fn check_days(
    path: &str,
    operator: Operator,
    value: &Literal,
    name: &str,
    report: &mut Report<'_>,
) -> Option<()> {
    if !matches!(operator, Operator::InLastDays | Operator::InNextDays) {
        return Some(());
    }
    let most = Decimal::from(36_525);
    match value {
        Literal::Number(days)
            if days.fract().is_zero() && *days >= Decimal::ONE && *days <= most =>
        {
            Some(())
        }
        Literal::Number(_)
        | Literal::Text(_)
        | Literal::Bool(_)
        | Literal::Date(_)
        | Literal::DateTime(_) => {
            let message = format!("`{name}` takes a number of days");
            report.wrong(
                path,
                message,
                format!("use a whole number from 1 to {most}"),
            );
            None
        }
    }
}

fn literal(
    path: &str,
    raw: &RawLiteral,
    zone: &TimeZone,
    report: &mut Report<'_>,
) -> Option<Literal> {
    let literal = match raw {
        RawLiteral::Text(text) if text.trim().is_empty() => {
            let help = "use the operator `is_empty` or `is_not_empty`".to_owned();
            report.wrong(path, "this value is empty", help);
            return None;
        }
        RawLiteral::Text(text) => Some(Literal::Text(text.clone())),
        RawLiteral::Whole(number) => Decimal::try_from_i128_with_scale(*number, 0)
            .ok()
            .map(Literal::Number),
        // The shortest text that reads back as this float is what the file says.
        RawLiteral::Decimal(number) => number.to_string().parse().ok().map(Literal::Number),
        RawLiteral::Flag(flag) => Some(Literal::Bool(*flag)),
        RawLiteral::Moment(text) => moment(text, zone),
    };
    if literal.is_none() {
        let message = "this is neither a number, a date, nor a date and time that can be compared";
        report.wrong(path, message, None);
    }
    literal
}

/// A TOML date, or a date and time with or without offset; not a time alone.
fn moment(text: &str, zone: &TimeZone) -> Option<Literal> {
    let has_time = text.len() > 10;
    if !has_time {
        return text.parse::<civil::Date>().ok().map(Literal::Date);
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(Literal::DateTime(instant));
    }
    let local: civil::DateTime = text.parse().ok()?;
    let zoned = local.to_zoned(zone.clone()).ok()?;
    Some(Literal::DateTime(zoned.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_read_in_the_configured_zone() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let at = |text: &str| Some(Literal::DateTime(text.parse().unwrap()));
        for (text, want) in [
            ("2026-03-04", Some(Literal::Date(civil::date(2026, 3, 4)))),
            ("2026-03-04T09:15:27", at("2026-03-04T08:15:27Z")),
            ("2026-03-04T09:15:27Z", at("2026-03-04T09:15:27Z")),
            ("2026-03-04T09:15:27+05:30", at("2026-03-04T03:45:27Z")),
            ("09:15:27", None),
        ] {
            assert_eq!(moment(text, &berlin), want, "{text}");
        }
    }

    #[test]
    fn every_operator_says_how_many_values_it_takes() {
        for operator in Operator::ALL {
            let (least, most, rule) = operand_count(operator);
            assert!(
                least <= most && rule.starts_with("takes"),
                "{}",
                operator.name()
            );
        }
    }
}
