//! A filter as COQL says it: which leaves it can say, in how many conditions, and with which words.
//!
//! Every literal is quoted, in the quotes that it does not have itself. How a quote inside its own quotes, a backslash
//! or a control character would be read is not documented, so such a value is not said at all.

use jiff::{Timestamp, ToSpan};
use rust_decimal::Decimal;

use crate::domain::filter::{Filter, Leaf, Test};
use crate::domain::ids::RecordId;
use crate::domain::value::FieldType;
use crate::zoho::http::iso_8601;

/// Most values of one `in` list. Source: the CRM's "COQL limitations" page for v8, November 2026.
pub(super) const LIST_MAX: usize = 100;
/// What no record fulfils.
const NEVER: &str = "id is null";

/// Whether the leaf can be said so that no record is lost.
pub(super) fn can_say(leaf: &Leaf) -> bool {
    use FieldType::{Bool, Date, DateTime, MultiSelect, Number, Opaque, Picklist, Text};
    match (&leaf.test, leaf.field_type) {
        (_, Opaque) | (Test::Null | Test::NotNull, Bool) => false,
        (Test::Null | Test::NotNull, _) => true,
        (Test::Truth(_), kind) => kind == Bool,
        // What cannot be said of the values is left out of the list: more records come.
        (Test::NoneOf(values), Text | Picklist) => {
            values.iter().any(|value| quoted(value).is_some())
        }
        (Test::NoneOf(_), _) => false,
        (Test::Contains(values), Text | Picklist | MultiSelect) => said(values, |value| {
            !value.contains('%') && quoted(value).is_some()
        }),
        (Test::Contains(_), _) => false,
        (Test::Numbers(..), kind) => kind == Number,
        (Test::NotNumbers(numbers), kind) => kind == Number && !numbers.is_empty(),
        (Test::Days(..), kind) => kind == Date,
        (Test::Instants(..), kind) => kind == DateTime,
    }
}

fn said(values: &[String], can_say: impl Fn(&String) -> bool) -> bool {
    !values.is_empty() && values.iter().all(can_say)
}

/// The conditions that the leaf takes of those that a query may have.
pub(super) fn weight(leaf: &Leaf) -> usize {
    conditions(leaf).len()
}

/// The filter in words, its leaves such as [`can_say`] allows; `None` where it lets everything through.
pub(super) fn text(filter: &Filter) -> Option<String> {
    match filter {
        Filter::All(parts) => joined("and", parts.iter().filter_map(text)),
        Filter::Any(parts) if parts.is_empty() => Some(NEVER.to_owned()),
        Filter::Any(parts) => {
            let each: Option<Vec<String>> = parts.iter().map(text).collect();
            joined("or", each?)
        }
        Filter::Leaf(leaf) => joined(joint(&leaf.test), conditions(leaf)),
    }
}

/// Conditions joined in pairs: `((a and b) and c)`.
pub(super) fn joined(joint: &str, conditions: impl IntoIterator<Item = String>) -> Option<String> {
    let pair = |left, right| format!("({left} {joint} {right})");
    conditions.into_iter().reduce(pair)
}

/// One of these records, be it itself or by a lookup.
pub(super) fn among(field: &str, ids: &[RecordId]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    joined("or", lists(field, "=", "in", &ids)).unwrap_or_else(|| NEVER.to_owned())
}

fn joint(test: &Test) -> &'static str {
    match test {
        Test::NoneOf(_) | Test::NotNumbers(_) => "and",
        Test::Null
        | Test::NotNull
        | Test::Truth(_)
        | Test::Contains(_)
        | Test::Numbers(..)
        | Test::Days(..)
        | Test::Instants(..) => "or",
    }
}

fn conditions(leaf: &Leaf) -> Vec<String> {
    let field = leaf.field.as_str();
    let number = |number: &Decimal| number.normalize().to_string();
    match &leaf.test {
        Test::Null => vec![format!("{field} is null")],
        Test::NotNull => vec![format!("{field} is not null")],
        Test::Truth(truth) => vec![format!("{field} = '{truth}'")],
        Test::NoneOf(values) => {
            let mut conditions = vec![format!("{field} is not null")];
            conditions.extend(lists(field, "!=", "not in", values));
            conditions
        }
        Test::Contains(texts) => {
            let like =
                |text: &String| Some(format!("{field} like {}", quoted(&format!("%{text}%"))?));
            texts.iter().filter_map(like).collect()
        }
        Test::Numbers(low, high) => {
            range(field, low.as_ref().map(number), high.as_ref().map(number))
        }
        Test::NotNumbers(numbers) => {
            let numbers: Vec<String> = numbers.iter().map(number).collect();
            lists(field, "!=", "not in", &numbers)
        }
        Test::Days(low, high) => range(
            field,
            low.map(|day| day.to_string()),
            high.map(|day| day.to_string()),
        ),
        Test::Instants(low, high) => range(field, low.map(iso_8601), high.map(next_second)),
    }
}

/// An instant rounded up to whole seconds, as a bound that is included must be.
pub(in super::super) fn next_second(at: Timestamp) -> String {
    let whole = at.subsec_nanosecond() == 0;
    let rounded = if whole {
        Ok(at)
    } else {
        at.checked_add(1.second())
    };
    iso_8601(rounded.unwrap_or(Timestamp::MAX))
}

fn range(field: &str, low: Option<String>, high: Option<String>) -> Vec<String> {
    vec![match (low, high) {
        (None, None) => format!("{field} is not null"),
        (Some(low), None) => format!("{field} >= '{low}'"),
        (None, Some(high)) => format!("{field} <= '{high}'"),
        (Some(low), Some(high)) => format!("{field} between '{low}' and '{high}'"),
    }]
}

/// A single value by `one`, several by `list`, in as many lists as it takes.
fn lists(field: &str, one: &str, list: &str, values: &[String]) -> Vec<String> {
    let literals: Vec<String> = values.iter().filter_map(|value| quoted(value)).collect();
    let each = |literals: &[String]| match literals {
        [value] => format!("{field} {one} {value}"),
        several => format!("{field} {list} ({})", several.join(", ")),
    };
    literals.chunks(LIST_MAX).map(each).collect()
}

/// The value as a literal, if there is a way to write it.
fn quoted(value: &str) -> Option<String> {
    let unsaid = |c: char| c == '\\' || c.is_control();
    if value.is_empty() || value.contains(unsaid) {
        return None;
    }
    let quote = ['\'', '"']
        .into_iter()
        .find(|quote| !value.contains(*quote))?;
    Some(format!("{quote}{value}{quote}"))
}

#[cfg(test)]
mod tests;
