//! The comparators that views and Bulk Read share. COQL writes the same questions as operators.

use serde_json::Value;

use super::cell::{Cell, parse_date, parse_number, parse_time, split_many};
use super::field::{Class, DataType, Field};
use super::judge::{Check, Order, Pattern};

/// A comparator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparator {
    Equal,
    NotEqual,
    In,
    NotIn,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Between,
    NotBetween,
    Contains,
    NotContains,
    StartsWith,
    EndsWith,
}

impl Comparator {
    /// The comparator of that name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "equal" => Self::Equal,
            "not_equal" => Self::NotEqual,
            "in" => Self::In,
            "not_in" => Self::NotIn,
            "less_than" => Self::Less,
            "less_equal" => Self::LessEqual,
            "greater_than" => Self::Greater,
            "greater_equal" => Self::GreaterEqual,
            "between" => Self::Between,
            "not_between" => Self::NotBetween,
            "contains" => Self::Contains,
            "not_contains" => Self::NotContains,
            "starts_with" => Self::StartsWith,
            "ends_with" => Self::EndsWith,
            _ => return None,
        })
    }

    /// Whether Bulk Read asks it of fields of `class`. Source: "Bulk Read", criteria, v7, 2025. Of multi-line text the page says
    /// nothing, so nothing may be asked of it.
    pub(super) fn fits(self, class: Class) -> bool {
        match class {
            Class::LongText => false,
            Class::Boolean => self == Self::Equal,
            Class::Lookup => self.is_equality() || self.takes_list(),
            Class::Text => self.is_equality() || self.takes_list() || self.is_pattern(),
            Class::Number | Class::Id => !self.is_pattern() && !self.takes_pair(),
            Class::Date | Class::DateTime => !self.is_pattern(),
        }
    }

    /// What it asks of `field` with `value`; `None` where that is not the kind of value it takes.
    pub(super) fn check(self, field: &Field, value: &Value) -> Option<Check> {
        if self.is_pattern() {
            let (before, after) = match self {
                Self::StartsWith => (false, true),
                Self::EndsWith => (true, false),
                _ => (true, true),
            };
            let text = value.as_str().filter(|text| !text.is_empty())?;
            let pattern = Pattern::new(text, before, after);
            return Some(Check::Like(self != Self::NotContains, pattern));
        }
        if self.takes_list() {
            let values = value.as_array().filter(|values| !values.is_empty())?;
            let cells: Option<Vec<Cell>> =
                values.iter().map(|value| operand(field, value)).collect();
            return Some(Check::Among(self == Self::In, cells?));
        }
        if self.takes_pair() {
            let [low, high] = value.as_array()?.as_slice() else {
                return None;
            };
            let (low, high) = (operand(field, low)?, operand(field, high)?);
            return Some(Check::Within(self == Self::Between, low, high));
        }
        Some(Check::Order(self.order()?, operand(field, value)?))
    }

    fn order(self) -> Option<Order> {
        Some(match self {
            Self::Equal => Order::Equal,
            Self::NotEqual => Order::NotEqual,
            Self::Less => Order::Less,
            Self::LessEqual => Order::LessEqual,
            Self::Greater => Order::Greater,
            Self::GreaterEqual => Order::GreaterEqual,
            Self::In
            | Self::NotIn
            | Self::Between
            | Self::NotBetween
            | Self::Contains
            | Self::NotContains
            | Self::StartsWith
            | Self::EndsWith => return None,
        })
    }

    /// Whether it is one of the two that may be asked with `${EMPTY}`.
    pub(super) fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }

    /// Whether its value is a list of any length.
    pub(super) fn takes_list(self) -> bool {
        matches!(self, Self::In | Self::NotIn)
    }

    fn takes_pair(self) -> bool {
        matches!(self, Self::Between | Self::NotBetween)
    }

    fn is_pattern(self) -> bool {
        matches!(
            self,
            Self::Contains | Self::NotContains | Self::StartsWith | Self::EndsWith
        )
    }
}

/// A value as criteria write it. A list of multi-select values is a list of whole selections, each `A;B`, as COQL has them.
fn operand(field: &Field, value: &Value) -> Option<Cell> {
    match field.data_type.class() {
        Class::Text | Class::LongText => {
            let text = value.as_str()?;
            Some(match field.data_type {
                DataType::MultiSelect => Cell::Many(split_many(text)),
                _ => Cell::Text(text.into()),
            })
        }
        Class::Number => match value {
            Value::Number(number) => parse_number(&number.to_string()),
            value => parse_number(value.as_str()?),
        }
        .map(Cell::Number),
        Class::Date => parse_date(value.as_str()?).map(Cell::Date),
        Class::DateTime => parse_time(value.as_str()?).map(Cell::At),
        Class::Id | Class::Lookup => {
            let id = value.get("id").unwrap_or(value);
            let id = id.as_u64().or_else(|| id.as_str()?.parse().ok());
            id.map(Cell::Ref)
        }
        Class::Boolean => match value.as_str() {
            Some("true") => Some(Cell::Bool(true)),
            Some("false") => Some(Cell::Bool(false)),
            Some(_) => None,
            None => value.as_bool().map(Cell::Bool),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_type_has_its_comparators() {
        for (class, want) in [
            (
                Class::Text,
                "equal not_equal in not_in contains not_contains starts_with ends_with",
            ),
            (Class::LongText, ""),
            (
                Class::Number,
                "equal not_equal in not_in less_than less_equal greater_than greater_equal",
            ),
            (
                Class::DateTime,
                "equal not_equal in not_in less_than less_equal greater_than greater_equal between not_between",
            ),
            (Class::Boolean, "equal"),
            (Class::Lookup, "equal not_equal in not_in"),
        ] {
            let all = "equal not_equal in not_in less_than less_equal greater_than greater_equal between not_between \
                contains not_contains starts_with ends_with";
            let fitting: Vec<&str> = all
                .split_whitespace()
                .filter(|name| Comparator::parse(name).unwrap().fits(class))
                .collect();
            assert_eq!(fitting.join(" "), want, "{class:?}");
        }
    }

    #[test]
    fn a_value_is_of_the_kind_its_comparator_takes() {
        let date = Field::new("D", DataType::Date);
        let text = Field::new("T", DataType::Text);
        let at = Field::new("A", DataType::DateTime);
        for (field, comparator, value, want) in [
            (&date, "between", json!(["2026-03-01", "2026-03-04"]), true),
            (&date, "between", json!(["2026-03-01"]), false),
            (&date, "in", json!("2026-03-01"), false),
            (&date, "in", json!(["2026-03-01"]), true),
            (&date, "equal", json!(["2026-03-01"]), false),
            (&at, "less_than", json!("2026-03-04T09:15:27+01:00"), true),
            (
                &at,
                "less_than",
                json!("2026-03-04T09:15:27.000+01:00"),
                false,
            ),
            (&text, "contains", json!(""), false),
            (&text, "equal", json!(5), false),
        ] {
            let check = Comparator::parse(comparator).unwrap().check(field, &value);
            assert_eq!(check.is_some(), want, "{comparator} {value}");
        }
    }
}
