//! What criteria mean, laid out for people, as far as the definition alone tells.
//!
//! Without metadata a field goes by its API name, and the operator and the values tell what kind of field is meant; a
//! wrong guess costs a quotation mark, never the meaning. The outline follows the pattern's normal form, in which
//! `(1 and 2) and 3` is one group of three, and says of a group that is denied what is left of it.

use std::collections::BTreeSet;

use jiff::{civil, tz::TimeZone};

use super::super::definition::{Condition, Literal, Operator};
use super::super::ids::FieldPath;
use super::super::pattern::Pattern;
use super::super::value::FieldType;
use super::wording;

/// A line of an outline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Levels of indentation.
    pub depth: usize,
    /// What stands there.
    pub says: Says,
}

/// What a line of an outline says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// What holds for the deeper lines beneath it.
    Heading(&'static str),
    /// The condition of this number.
    Condition(usize),
}

/// The conditions as clauses, in their order, times in `zone`.
#[must_use]
pub fn phrases(conditions: &[Condition], zone: &TimeZone) -> Vec<String> {
    let phrase = |condition: &Condition| {
        let label = label(&condition.field);
        wording::clause(condition, &label, guessed_type(condition), zone)
    };
    conditions.iter().map(phrase).collect()
}

/// The pattern with its conditions spelled out, as one sentence.
#[must_use]
pub fn sentence(pattern: &Pattern, phrases: &[String]) -> String {
    let phrases: Vec<&str> = phrases.iter().map(String::as_str).collect();
    wording::explain(pattern, &phrases)
}

/// The pattern as a tree of lines.
#[must_use]
pub fn outline(pattern: &Pattern) -> Vec<Line> {
    let mut lines = Vec::new();
    lay_out(pattern, 0, &mut lines);
    lines
}

fn lay_out(pattern: &Pattern, depth: usize, lines: &mut Vec<Line>) {
    let (heading, parts) = match pattern {
        Pattern::Condition(number) => {
            let says = Says::Condition(*number);
            lines.push(Line { depth, says });
            return;
        }
        Pattern::And(parts) => ("all of these are true", parts.as_slice()),
        Pattern::Or(parts) => ("any of these is true", parts.as_slice()),
        Pattern::Not(inner) => match inner.as_ref() {
            Pattern::Not(twice) => return lay_out(twice, depth, lines),
            Pattern::And(parts) => ("not all of these are true", parts.as_slice()),
            Pattern::Or(parts) => ("none of these is true", parts.as_slice()),
            Pattern::Condition(_) => ("this is not true", std::slice::from_ref(inner.as_ref())),
        },
    };
    let says = Says::Heading(heading);
    lines.push(Line { depth, says });
    for part in parts {
        lay_out(part, depth + 1, lines);
    }
}

/// The numbers of the conditions that make the pattern come out as it does, by what each is for a record: of a group
/// that one part decides, those of the parts that do.
#[must_use]
pub fn decisive(pattern: &Pattern, conditions: &[bool]) -> BTreeSet<usize> {
    let comes_out = pattern.holds(conditions);
    let deciding = |parts: &[Pattern], by_one: bool| {
        let decides = |part: &&Pattern| !by_one || part.holds(conditions) == comes_out;
        let deciding = parts.iter().filter(decides);
        deciding
            .flat_map(|part| decisive(part, conditions))
            .collect()
    };
    match pattern {
        Pattern::Condition(number) => BTreeSet::from([*number]),
        Pattern::Not(inner) => decisive(inner, conditions),
        Pattern::And(parts) => deciding(parts, !comes_out),
        Pattern::Or(parts) => deciding(parts, comes_out),
    }
}

/// The numbers of the conditions on the record's deals, all of which look at one deal at a time.
#[must_use]
pub fn of_deals(conditions: &[Condition]) -> Vec<usize> {
    let numbered = (1..).zip(conditions);
    let of_deals = numbered.filter(|(_, condition)| {
        let first = condition.field.as_str().split_once('.');
        first.is_some_and(|(first, _)| is_deals(first))
    });
    of_deals.map(|(number, _)| number).collect()
}

/// Whether the pattern denies anything.
#[must_use]
pub fn denies(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Condition(_) => false,
        Pattern::Not(_) => true,
        Pattern::And(parts) | Pattern::Or(parts) => parts.iter().any(denies),
    }
}

/// Whether a path, as a definition spells it, is one of the record's deals.
#[must_use]
pub fn is_of_deals(path: &FieldPath) -> bool {
    path.as_str()
        .split_once('.')
        .is_some_and(|(step, _)| is_deals(step))
}

fn is_deals(step: &str) -> bool {
    matches!(step, "Deals" | "Potentials")
}

/// A field by its API name, with whose it is where it is not the record's own.
fn label(field: &FieldPath) -> String {
    let steps: Vec<&str> = field.as_str().split('.').collect();
    let (steps, name) = match steps.as_slice() {
        [] | [_] => return field.to_string(),
        [steps @ .., name] => (steps, name),
    };
    let (whose, steps) = match steps {
        [deals, steps @ ..] if is_deals(deals) => ("the deal", steps),
        steps => ("the record", steps),
    };
    let owner = match steps {
        [] => whose.to_owned(),
        [first, rest @ ..] => {
            let lookup = match *first {
                "Accounts" | "Account_Name" => "account",
                lookup => lookup,
            };
            let first = format!("{whose}'s {lookup}");
            rest.iter()
                .fold(first, |owner, step| format!("the {step} of {owner}"))
        }
    };
    format!("{name} of {owner}")
}

/// The kind of field that the condition seems to be about.
fn guessed_type(condition: &Condition) -> FieldType {
    let operands = condition.operands.as_slice();
    match condition.operator {
        Operator::Before
        | Operator::After
        | Operator::On
        | Operator::InLastDays
        | Operator::InNextDays => FieldType::Date,
        Operator::Less
        | Operator::LessOrEqual
        | Operator::Greater
        | Operator::GreaterOrEqual
        | Operator::Between => match operands.first() {
            Some(Literal::Date(_) | Literal::DateTime(_)) => FieldType::Date,
            Some(Literal::Text(text)) if is_moment(text) => FieldType::Date,
            Some(Literal::Text(_) | Literal::Number(_) | Literal::Bool(_)) | None => {
                FieldType::Number
            }
        },
        // No other kind of field takes several.
        Operator::Is | Operator::IsNot if operands.len() > 1 => FieldType::MultiSelect,
        Operator::Is
        | Operator::IsNot
        | Operator::Contains
        | Operator::DoesNotContain
        | Operator::StartsWith
        | Operator::EndsWith
        | Operator::In
        | Operator::NotIn
        | Operator::IsEmpty
        | Operator::IsNotEmpty => FieldType::Text,
    }
}

fn is_moment(text: &str) -> bool {
    let text = text.trim();
    text.parse::<civil::Date>().is_ok() || text.parse::<jiff::Timestamp>().is_ok()
}

#[cfg(test)]
mod tests;
