//! Criteria in plain words: conditions as clauses, and a pattern of them as a sentence.

use jiff::tz::TimeZone;

use super::super::definition::{Condition, Literal, Operator};
use super::super::pattern::Pattern;
use super::super::value::{Field, FieldType, Value};

/// The pattern with its conditions spelled out; parentheses around every chain but the outermost.
pub(super) fn explain(pattern: &Pattern, phrases: &[&str]) -> String {
    match pattern {
        Pattern::And(parts) => chain(parts, " and ", phrases),
        Pattern::Or(parts) => chain(parts, " or ", phrases),
        Pattern::Condition(_) | Pattern::Not(_) => part(pattern, phrases),
    }
}

fn chain(parts: &[Pattern], word: &str, phrases: &[&str]) -> String {
    let parts: Vec<String> = parts.iter().map(|inner| part(inner, phrases)).collect();
    parts.join(word)
}

fn part(pattern: &Pattern, phrases: &[&str]) -> String {
    match pattern {
        Pattern::Condition(number) => {
            let phrase = number.checked_sub(1).and_then(|index| phrases.get(index));
            phrase.copied().unwrap_or_default().to_owned()
        }
        Pattern::Not(inner) => format!("not ({})", explain(inner, phrases)),
        Pattern::And(_) | Pattern::Or(_) => format!("({})", explain(pattern, phrases)),
    }
}

/// One condition on a known field as a clause, times in `zone`.
pub(super) fn phrase(condition: &Condition, field: &Field, zone: &TimeZone) -> String {
    clause(condition, &field.label, field.field_type, zone)
}

/// One condition as a clause about what is called `label`, times in `zone`.
pub(super) fn clause(
    condition: &Condition,
    label: &str,
    field_type: FieldType,
    zone: &TimeZone,
) -> String {
    let operands: Vec<String> = condition
        .operands
        .iter()
        .map(|operand| written(operand, field_type, zone))
        .collect();
    let timed = matches!(field_type, FieldType::Date | FieldType::DateTime);
    let choices = field_type == FieldType::MultiSelect;
    let several = operands.len() > 1;
    let (any, all) = (operands.join(", "), all_of(&operands));
    let asks = match condition.operator {
        Operator::Is if choices => format!("is exactly {all}"),
        Operator::IsNot if choices => format!("is not exactly {all} (or is empty)"),
        Operator::Is => format!("is {any}"),
        Operator::IsNot => format!("is not {any} (or is empty)"),
        Operator::Contains => format!("contains {any}"),
        Operator::DoesNotContain => format!("does not contain {any} (or is empty)"),
        Operator::StartsWith => format!("starts with {any}"),
        Operator::EndsWith => format!("ends with {any}"),
        Operator::In if choices && several => format!("contains one or more of {any}"),
        Operator::In if choices => format!("contains {any}"),
        Operator::In if several => format!("is one of {any}"),
        Operator::In => format!("is {any}"),
        Operator::NotIn if choices && several => format!("contains none of {any} (or is empty)"),
        Operator::NotIn if choices => format!("does not contain {any} (or is empty)"),
        Operator::NotIn if several => format!("is none of {any} (or is empty)"),
        Operator::NotIn => format!("is not {any} (or is empty)"),
        Operator::IsEmpty => "is empty".to_owned(),
        Operator::IsNotEmpty => "is not empty".to_owned(),
        Operator::Less if timed => format!("is before {any}"),
        Operator::Less => format!("is less than {any}"),
        Operator::LessOrEqual if timed => format!("is not after {any}"),
        Operator::LessOrEqual => format!("is at most {any}"),
        Operator::Greater if timed => format!("is after {any}"),
        Operator::Greater => format!("is more than {any}"),
        Operator::GreaterOrEqual if timed => format!("is not before {any}"),
        Operator::GreaterOrEqual => format!("is at least {any}"),
        Operator::Between => format!("is from {}", operands.join(" to ")),
        Operator::Before => format!("is before {any}"),
        Operator::After => format!("is after {any}"),
        Operator::On => format!("is on {any}"),
        Operator::InLastDays | Operator::InNextDays if any == "1" => "is today".to_owned(),
        Operator::InLastDays => format!("is in the last {any} days (today included)"),
        Operator::InNextDays => format!("is in the next {any} days (today included)"),
    };
    format!("{label} {asks}")
}

fn written(operand: &Literal, field_type: FieldType, zone: &TimeZone) -> String {
    let value = match operand {
        Literal::Text(text) => {
            let text = text.trim();
            return if is_textual(field_type) {
                format!("\"{text}\"")
            } else {
                text.to_owned()
            };
        }
        Literal::Number(number) => Value::Number(*number),
        Literal::Bool(truth) => Value::Bool(*truth),
        Literal::Date(day) => Value::Date(*day),
        Literal::DateTime(at) => Value::DateTime(*at),
    };
    value.render(zone).unwrap_or_default()
}

fn is_textual(field_type: FieldType) -> bool {
    match field_type {
        FieldType::Text | FieldType::Picklist | FieldType::MultiSelect | FieldType::Lookup => true,
        FieldType::Number
        | FieldType::Bool
        | FieldType::Date
        | FieldType::DateTime
        | FieldType::Opaque => false,
    }
}

fn all_of(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [word] => word.clone(),
        [first @ .., word] => format!("{} and {word}", first.join(", ")),
    }
}
