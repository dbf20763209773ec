//! Conditions and the one judge of them: does this record match, and why.
//!
//! Criteria that could be bound are right: every field exists, every operator and value suits its field's type, and
//! judging cannot fail. The judge's word is final; what is asked of the service beforehand only narrows what is read.
//! An empty field makes a negative operator and `is_empty` true and every other one false, and a value of another kind
//! than its field's type promises counts as empty. Nothing here depends on the service's treatment of nulls or case.

mod binding;
mod comparison;
pub mod explain;
mod operand;
mod operators;
mod push;
mod span;
mod wording;

use std::collections::BTreeSet;

use jiff::{Timestamp, tz::TimeZone};

use self::comparison::Comparison;
use super::definition::Condition;
use super::ids::FieldPath;
use super::pattern::Pattern;
use super::record::Record;
use super::schema::{Column, Schema};
use super::value::{Field, Value};

/// Conditions bound to the fields of a module, and the pattern that joins them.
#[derive(Debug, Clone, PartialEq)]
pub struct Criteria {
    conditions: Vec<Bound>,
    pattern: Pattern,
    zone: TimeZone,
}

/// A condition whose operator and values suit the field.
#[derive(Debug, Clone, PartialEq)]
struct Bound {
    /// The path by which records carry the field.
    path: FieldPath,
    field: Field,
    comparison: Comparison,
    /// Whether the operator asks for the opposite.
    negated: bool,
    phrase: String,
}

/// What the judge found in one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Whether the record is selected.
    pub selected: bool,
    /// What each condition is for this record, all of them; the first is number 1.
    pub conditions: Vec<bool>,
}

/// What is wrong with one condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("condition {number}: {message}")]
pub struct ConditionProblem {
    /// Number of the condition; the first is 1.
    pub number: usize,
    /// The part of it that is wrong.
    pub part: ConditionPart,
    /// What is wrong.
    pub message: String,
    /// What to do about it, such as the nearest existing name.
    pub help: Option<String>,
}

/// A part of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionPart {
    /// The field.
    Field,
    /// The operator.
    Operator,
    /// The value or values.
    Value,
}

impl Criteria {
    /// Binds `conditions`, joined by `pattern`, to the fields of `schema`; days are those of `zone`.
    ///
    /// # Errors
    /// Every problem of every condition: unknown and unreadable fields, operators and values that do not suit the
    /// field's type, empty values.
    pub fn bind(
        conditions: &[Condition],
        pattern: &Pattern,
        schema: &Schema,
        zone: &TimeZone,
    ) -> Result<Self, Vec<ConditionProblem>> {
        let mut bound = Vec::with_capacity(conditions.len());
        let mut problems = without_condition(pattern, conditions.len());
        for (number, condition) in (1..).zip(conditions) {
            match binding::bind(condition, schema, zone) {
                Ok(condition) => bound.push(condition),
                Err(complaints) => {
                    let numbered = complaints.into_iter().map(|found| found.numbered(number));
                    problems.extend(numbered);
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            conditions: bound,
            pattern: pattern.clone(),
            zone: zone.clone(),
        })
    }

    /// Judges a record; relative dates count from the day of `now` in the zone the criteria were bound with.
    #[must_use]
    pub fn judge(&self, record: &Record, now: Timestamp) -> Judgement {
        let today = now.to_zoned(self.zone.clone()).date();
        let conditions: Vec<bool> = self
            .conditions
            .iter()
            .map(|bound| {
                let value: &Value = record.get(&bound.path);
                bound.comparison.holds(value, today, &self.zone) != bound.negated
            })
            .collect();
        Judgement {
            selected: self.pattern.holds(&conditions),
            conditions,
        }
    }

    /// The fields that have to be read for judging, as the records carry them.
    pub fn columns(&self) -> impl Iterator<Item = Column> + '_ {
        self.conditions.iter().map(|bound| Column {
            path: bound.path.clone(),
            field: bound.field.clone(),
        })
    }

    /// Whether a record can become selected, or stop being so, by the passing of time alone.
    #[must_use]
    pub fn uses_relative_dates(&self) -> bool {
        let mut comparisons = self.conditions.iter().map(|bound| &bound.comparison);
        comparisons.any(|comparison| matches!(comparison, Comparison::DaysFromToday { .. }))
    }

    /// The conditions in plain words, with the fields' labels, in their order.
    pub fn phrases(&self) -> impl Iterator<Item = &str> {
        self.conditions.iter().map(|bound| bound.phrase.as_str())
    }

    /// The selection in plain words, with the fields' labels: `Industry is "Hospitality" and (Annual Revenue is more
    /// than 5000000 or Employees is more than 2000)`.
    #[must_use]
    pub fn explain(&self) -> String {
        if self.conditions.is_empty() {
            return "no record".to_owned();
        }
        wording::explain(&self.pattern, &self.phrases().collect::<Vec<_>>())
    }
}

/// A pattern and conditions that were not parsed together may not fit each other.
fn without_condition(pattern: &Pattern, conditions: usize) -> Vec<ConditionProblem> {
    let named: BTreeSet<usize> = pattern.numbers().into_iter().collect();
    let missing = named
        .into_iter()
        .filter(|number| !(1..=conditions).contains(number));
    let problem = |number| ConditionProblem {
        number,
        part: ConditionPart::Field,
        message: format!("the pattern names condition {number}, which does not exist"),
        help: None,
    };
    missing.map(problem).collect()
}

#[cfg(test)]
mod tests;
