//! A filter as Bulk Read says it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Number, Value, json};

use super::wire::{Criteria, EMPTY, Field};
use crate::domain::filter::{Filter, Leaf, Test};
use crate::domain::value::FieldType;
use crate::zoho::crm::coql::next_second;
use crate::zoho::http::iso_8601;

/// Most values of a list, and most conditions. Source: the CRM's "Bulk Read limitations" page for v8, November 2026.
const LIST_MAX: usize = 20;
const CONDITIONS_MAX: usize = 25;

/// What a job asks of its rows, joining no more than `relations`; `None` where it asks nothing.
pub(super) fn criteria(filter: &Filter, relations: &BTreeSet<&str>) -> Option<Criteria> {
    let can_ask = |leaf: &Leaf| {
        let path = leaf.field.as_str();
        let way = path.rsplit_once('.').map(|(way, _)| way);
        can_say(leaf) && way.is_none_or(|way| relations.contains(way))
    };
    let asked = filter.weakened(&can_ask);
    written(&asked.within(CONDITIONS_MAX, &|leaf| conditions(leaf).len()))
}

/// Whether the leaf can be said so that no record is lost.
fn can_say(leaf: &Leaf) -> bool {
    use FieldType::{Bool, Date, DateTime, Number, Opaque, Picklist, Text};
    match (&leaf.test, leaf.field_type) {
        (_, Opaque) | (Test::Null | Test::NotNull, Bool) => false,
        (Test::Null | Test::NotNull, _) => true,
        (Test::Truth(_), kind) => kind == Bool,
        // What cannot be said of the values is left out of the list: more records come.
        (Test::NoneOf(values), Text | Picklist) => values.iter().any(is_text),
        (Test::Contains(values), Text | Picklist) => {
            !values.is_empty() && values.iter().all(is_text)
        }
        (Test::NoneOf(_) | Test::Contains(_), _) => false,
        (Test::Numbers(..), kind) => kind == Number,
        (Test::NotNumbers(numbers), kind) => kind == Number && !numbers.is_empty(),
        (Test::Days(..), kind) => kind == Date,
        (Test::Instants(..), kind) => kind == DateTime,
    }
}

/// Whether the text means itself.
fn is_text(value: &String) -> bool {
    !value.is_empty() && value != EMPTY
}

/// The filter's criteria; of nothing at all there is none.
fn written(filter: &Filter) -> Option<Criteria> {
    match filter {
        Filter::All(parts) => joined("and", parts.iter().filter_map(written).collect()),
        Filter::Any(parts) => {
            let each: Option<Vec<Criteria>> = parts.iter().map(written).collect();
            joined("or", each?)
        }
        Filter::Leaf(leaf) => {
            let joint = match leaf.test {
                Test::Contains(_) => "or",
                Test::Null
                | Test::NotNull
                | Test::NoneOf(_)
                | Test::Truth(_)
                | Test::Numbers(..)
                | Test::NotNumbers(_)
                | Test::Days(..)
                | Test::Instants(..) => "and",
            };
            let said = |(comparator, value)| Criteria::Leaf {
                field: Field {
                    api_name: leaf.field.to_string(),
                },
                comparator,
                value,
            };
            joined(joint, conditions(leaf).into_iter().map(said).collect())
        }
    }
}

fn joined(group_operator: &'static str, mut group: Vec<Criteria>) -> Option<Criteria> {
    match group.len() {
        0 => None,
        1 => group.pop(),
        _ => Some(Criteria::Group {
            group_operator,
            group,
        }),
    }
}

/// Comparators and values of the leaf's field.
fn conditions(leaf: &Leaf) -> Vec<(&'static str, Value)> {
    match &leaf.test {
        Test::Null => vec![("equal", json!(EMPTY))],
        Test::NotNull => vec![("not_equal", json!(EMPTY))],
        Test::Truth(truth) => vec![("equal", json!(truth))],
        Test::NoneOf(values) => {
            let texts = values.iter().filter(|value| is_text(value));
            let texts = texts.map(|text| json!(text)).collect();
            let mut conditions = vec![("not_equal", json!(EMPTY))];
            conditions.extend(lists(["not_equal", "not_in"], texts));
            conditions
        }
        Test::Contains(texts) => texts.iter().map(|it| ("contains", json!(it))).collect(),
        // Between is for days and instants.
        Test::Numbers(None, None) => vec![("not_equal", json!(EMPTY))],
        Test::Numbers(low, high) => {
            let low = low.iter().map(|low| ("greater_equal", number(low)));
            low.chain(high.iter().map(|high| ("less_equal", number(high))))
                .collect()
        }
        Test::NotNumbers(numbers) => lists(
            ["not_equal", "not_in"],
            numbers.iter().map(number).collect(),
        ),
        Test::Days(low, high) => range(low.map(|day| json!(day)), high.map(|day| json!(day))),
        Test::Instants(low, high) => range(
            low.map(|at| json!(iso_8601(at))),
            high.map(|at: Timestamp| json!(next_second(at))),
        ),
    }
}

/// A number, or its text where JSON's numbers are too coarse.
fn number(number: &Decimal) -> Value {
    let text = number.normalize().to_string();
    let same = |number: &Number| number.to_string() == text;
    match text.parse::<Number>().ok().filter(same) {
        Some(number) => Value::Number(number),
        None => Value::String(text),
    }
}

fn range(low: Option<Value>, high: Option<Value>) -> Vec<(&'static str, Value)> {
    vec![match (low, high) {
        (None, None) => ("not_equal", json!(EMPTY)),
        (Some(low), None) => ("greater_equal", low),
        (None, Some(high)) => ("less_equal", high),
        (Some(low), Some(high)) => ("between", json!([low, high])),
    }]
}

/// A single value by the first comparator, several by the second, in as many lists as it takes.
fn lists([one, list]: [&'static str; 2], values: Vec<Value>) -> Vec<(&'static str, Value)> {
    let each = |values: &[Value]| match values {
        [value] => (one, value.clone()),
        several => (list, json!(several)),
    };
    values.chunks(LIST_MAX).map(each).collect()
}

#[cfg(test)]
mod tests;
