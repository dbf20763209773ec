//! What a bound condition asks of a value, its negation aside.

use std::collections::BTreeSet;
use std::ops::RangeBounds as _;

use jiff::{Span as Days, Timestamp, civil::Date, tz::TimeZone};
use rust_decimal::Decimal;

use super::super::value::Value;
use super::span::Span;

/// A question with its operands; texts are folded (see [`fold`]).
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Comparison {
    /// There is nothing.
    Blank,
    /// Any of these texts, also a picklist's accepted values.
    OneOf(BTreeSet<String>),
    /// This text somewhere.
    Contains(String),
    /// This text at the beginning.
    StartsWith(String),
    /// This text at the end.
    EndsWith(String),
    /// This answer.
    Bool(bool),
    /// A number in any of these.
    Numbers(Vec<Span<Decimal>>),
    /// A day in any of these.
    Days(Vec<Span<Date>>),
    /// An instant in any of these.
    Instants(Vec<Span<Timestamp>>),
    /// A day or instant from `first` to `last` days after today, both included.
    DaysFromToday {
        /// First day; negative in the past.
        first: i32,
        /// Last day.
        last: i32,
    },
    /// A related record with any of these ids or names.
    Related(BTreeSet<String>),
    /// A multi-select with a value out of any of these sets of spellings.
    AnyChoice(Vec<BTreeSet<String>>),
    /// A multi-select with exactly these values, each a set of spellings.
    SameChoices(Vec<BTreeSet<String>>),
}

impl Comparison {
    /// Whether it is true for a value; false for blank ones and those of another kind.
    pub(super) fn holds(&self, value: &Value, today: Date, zone: &TimeZone) -> bool {
        match self {
            Self::Blank => value.is_blank(),
            Self::OneOf(texts) => holds_for_text(value, |text| texts.contains(text)),
            Self::Contains(part) => holds_for_text(value, |text| text.contains(part)),
            Self::StartsWith(part) => holds_for_text(value, |text| text.starts_with(part)),
            Self::EndsWith(part) => holds_for_text(value, |text| text.ends_with(part)),
            Self::Bool(wanted) => matches!(value, Value::Bool(truth) if truth == wanted),
            Self::Numbers(spans) => matches!(value, Value::Number(number) if within(spans, number)),
            Self::Days(spans) => matches!(value, Value::Date(day) if within(spans, day)),
            Self::Instants(spans) => matches!(value, Value::DateTime(at) if within(spans, at)),
            Self::DaysFromToday { first, last } => day_of(value, zone).is_some_and(|day| {
                let days = |count| today.saturating_add(Days::new().days(count));
                (days(*first)..=days(*last)).contains(&day)
            }),
            Self::Related(wanted) => is_related(value, wanted),
            Self::AnyChoice(wanted) => choices(value).iter().any(|choice| has(wanted, choice)),
            Self::SameChoices(wanted) => {
                let choices = choices(value);
                choices.iter().all(|choice| has(wanted, choice))
                    && wanted.iter().all(|set| !set.is_disjoint(&choices))
            }
        }
    }
}

/// A text as it is compared: without the blanks around it, and without case. Both small sigmas are one letter, since
/// lower-casing picks between them by position.
pub(super) fn fold(text: &str) -> String {
    text.trim().to_lowercase().replace('ς', "σ")
}

fn holds_for_text(value: &Value, question: impl FnOnce(&str) -> bool) -> bool {
    match value {
        Value::Text(text) => {
            let text = fold(text);
            !text.is_empty() && question(&text)
        }
        Value::Null
        | Value::Number(_)
        | Value::Bool(_)
        | Value::Date(_)
        | Value::DateTime(_)
        | Value::Lookup { .. }
        | Value::Many(_) => false,
    }
}

fn within<T: PartialOrd>(spans: &[Span<T>], value: &T) -> bool {
    spans.iter().any(|span| span.contains(value))
}

fn day_of(value: &Value, zone: &TimeZone) -> Option<Date> {
    match value {
        Value::Date(day) => Some(*day),
        Value::DateTime(at) => Some(at.to_zoned(zone.clone()).date()),
        Value::Null
        | Value::Text(_)
        | Value::Number(_)
        | Value::Bool(_)
        | Value::Lookup { .. }
        | Value::Many(_) => None,
    }
}

fn is_related(value: &Value, wanted: &BTreeSet<String>) -> bool {
    let Value::Lookup { id, name } = value else {
        return false;
    };
    let named = name.as_deref().map(fold);
    wanted.contains(&id.to_string()) || named.is_some_and(|name| wanted.contains(&name))
}

/// The values of a multi-select, folded, blank ones left out.
fn choices(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Many(values) => {
            let folded = values.iter().map(|value| fold(value));
            folded.filter(|value| !value.is_empty()).collect()
        }
        Value::Null
        | Value::Text(_)
        | Value::Number(_)
        | Value::Bool(_)
        | Value::Date(_)
        | Value::DateTime(_)
        | Value::Lookup { .. } => BTreeSet::new(),
    }
}

fn has(wanted: &[BTreeSet<String>], choice: &str) -> bool {
    wanted.iter().any(|spellings| spellings.contains(choice))
}
