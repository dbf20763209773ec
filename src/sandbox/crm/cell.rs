//! What a field of a record holds in the sandbox, and how it looks in JSON.

use std::cmp::Ordering;

use jiff::civil::Date;
use jiff::tz::{self, TimeZone};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::field::{DataType, Field};

/// A value; ids of records are numbers of their own kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Text(Box<str>),
    Number(Decimal),
    Bool(bool),
    Date(Date),
    At(Timestamp),
    Ref(u64),
    Many(Vec<Box<str>>),
}

/// Whether two texts that differ in case only are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Ignored,
    Minded,
}

impl Cell {
    /// Text, or nothing where it is empty.
    pub(crate) fn text(text: &str) -> Self {
        if text.is_empty() {
            Self::Null
        } else {
            Self::Text(text.into())
        }
    }

    /// Whether it holds nothing.
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What control says `field` shall hold.
    ///
    /// # Errors
    /// A sentence, when the value is not one the field can hold.
    pub(super) fn parse(field: &Field, value: &Value) -> Result<Self, String> {
        let parsed = match field.data_type {
            _ if value.is_null() => Some(Self::Null),
            DataType::Text
            | DataType::TextArea
            | DataType::Email
            | DataType::Phone
            | DataType::Website
            | DataType::Picklist => value.as_str().map(Self::text),
            DataType::MultiSelect => many(value),
            DataType::Integer | DataType::Double | DataType::Currency => {
                number(value).map(Self::Number)
            }
            DataType::Boolean => value.as_bool().map(Self::Bool),
            DataType::Date => value.as_str().and_then(parse_date).map(Self::Date),
            DataType::DateTime => value
                .as_str()
                .and_then(|text| text.parse().ok())
                .map(|at| Self::At(whole_seconds(at))),
            DataType::BigInt | DataType::Lookup | DataType::OwnerLookup => {
                let id = value.get("id").unwrap_or(value);
                let id = id.as_u64().or_else(|| id.as_str()?.parse().ok());
                id.map(Self::Ref)
            }
        };
        parsed.ok_or_else(|| {
            let kind = field.data_type.name();
            format!(
                "field {} of type {kind} cannot hold {value}",
                field.api_name
            )
        })
    }

    /// The value as CRM sends it; a lookup needs its name from elsewhere and is its bare id here.
    pub(super) fn render(&self, data_type: DataType) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) => json!(text),
            Self::Number(number) => render_number(*number, data_type),
            Self::Bool(yes) => json!(yes),
            Self::Date(date) => json!(date.to_string()),
            Self::At(at) => json!(render_time(*at)),
            Self::Ref(id) => json!(id.to_string()),
            Self::Many(values) => json!(values),
        }
    }

    /// The order of two values of one kind; `None` for nothing and for values of different kinds.
    pub(super) fn compare(&self, other: &Self, case: Case) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => Some(match case {
                Case::Ignored => folded(one).cmp(folded(other)),
                Case::Minded => one.cmp(other),
            }),
            (Self::Number(one), Self::Number(other)) => Some(one.cmp(other)),
            (Self::Bool(one), Self::Bool(other)) => Some(one.cmp(other)),
            (Self::Date(one), Self::Date(other)) => Some(one.cmp(other)),
            (Self::At(one), Self::At(other)) => Some(one.cmp(other)),
            (Self::Ref(one), Self::Ref(other)) => Some(one.cmp(other)),
            (Self::Many(one), Self::Many(other)) => {
                Some(sorted(one, case).cmp(&sorted(other, case)))
            }
            (
                Self::Null
                | Self::Text(_)
                | Self::Number(_)
                | Self::Bool(_)
                | Self::Date(_)
                | Self::At(_)
                | Self::Ref(_)
                | Self::Many(_),
                _,
            ) => None,
        }
    }
}

/// The characters of `text` without case.
fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

/// The values of a multi-select as a set: equality does not ask for their order.
fn sorted(values: &[Box<str>], case: Case) -> Vec<String> {
    let values = values.iter().map(|value| match case {
        Case::Ignored => value.to_lowercase(),
        Case::Minded => value.to_string(),
    });
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    values
}

/// The values of a multi-select from `"A;B"` or `["A","B"]`.
fn many(value: &Value) -> Option<Cell> {
    let values: Vec<Box<str>> = match value.as_str() {
        Some(text) => split_many(text),
        None => value
            .as_array()?
            .iter()
            .map(|value| value.as_str().map(Into::into))
            .collect::<Option<_>>()?,
    };
    Some(if values.is_empty() {
        Cell::Null
    } else {
        Cell::Many(values)
    })
}

/// The values of a multi-select as COQL writes them.
pub(super) fn split_many(text: &str) -> Vec<Box<str>> {
    let parts = text.split(';').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(Into::into)
        .collect()
}

fn number(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    parse_number(&text)
}

/// A number as JSON or COQL writes it.
pub(super) fn parse_number(text: &str) -> Option<Decimal> {
    text.parse()
        .or_else(|_| Decimal::from_scientific(text))
        .ok()
}

/// A date written `2026-03-04`.
pub(super) fn parse_date(text: &str) -> Option<Date> {
    (text.len() == 10).then(|| text.parse().ok()).flatten()
}

/// An instant written `2026-03-04T09:15:27+01:00`; nothing shorter, and no milliseconds.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    (text.len() == 25).then(|| text.parse().ok()).flatten()
}

fn render_number(number: Decimal, data_type: DataType) -> Value {
    let text = number.normalize().to_string();
    let whole = data_type == DataType::Integer;
    match text.parse::<i64>() {
        Ok(number) if whole => json!(number),
        _ => text
            .parse::<f64>()
            .map_or(Value::Null, |number| json!(number)),
    }
}

/// An instant as CRM writes it, in the organisation's zone, an hour east of UTC all year.
pub(super) fn render_time(at: Timestamp) -> String {
    let local = at.to_zoned(TimeZone::fixed(tz::offset(1)));
    local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// `at` without its fraction: CRM keeps whole seconds.
pub(crate) fn whole_seconds(at: Timestamp) -> Timestamp {
    let fraction = SignedDuration::from_nanos(i64::from(at.subsec_nanosecond()));
    at.checked_sub(fraction).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_compares_with_or_without_case_and_a_multi_select_without_order() {
        let capital = Cell::text("ŁUKASZ");
        let many = |text: &str| Cell::Many(split_many(text));
        for (one, other, ignored, minded) in [
            (&capital, Cell::text("łukasz"), true, false),
            (&capital, Cell::text("ŁUKASZ"), true, true),
            (&many("A; b"), many("B;a"), true, false),
            (&many("A; b"), many("b;A"), true, true),
            (&Cell::Null, Cell::Null, false, false),
        ] {
            let same = |case| one.compare(&other, case) == Some(Ordering::Equal);
            assert_eq!((same(Case::Ignored), same(Case::Minded)), (ignored, minded));
        }
    }

    #[test]
    fn values_look_as_the_service_sends_them() {
        let at: Timestamp = "2026-03-04T08:15:27.9Z".parse().unwrap();
        for (cell, data_type, want) in [
            (
                Cell::At(at),
                DataType::DateTime,
                json!("2026-03-04T09:15:27+01:00"),
            ),
            (
                Cell::Number(Decimal::new(1250, 2)),
                DataType::Currency,
                json!(12.5),
            ),
            (
                Cell::Number(Decimal::new(12, 0)),
                DataType::Integer,
                json!(12),
            ),
            (
                Cell::Number(Decimal::new(12, 0)),
                DataType::Currency,
                json!(12.0),
            ),
            (Cell::Ref(7), DataType::BigInt, json!("7")),
            (Cell::Null, DataType::Text, Value::Null),
        ] {
            assert_eq!(cell.render(data_type), want);
        }
    }

    #[test]
    fn instants_carry_an_offset_and_no_fraction() {
        for (text, good) in [
            ("2026-03-04T09:15:27+01:00", true),
            ("2026-03-04T09:15:27-05:00", true),
            ("2026-03-04T09:15:27.000+01:00", false),
            ("2026-03-04T09:15:27", false),
            ("2026-03-04", false),
        ] {
            assert_eq!(parse_time(text).is_some(), good, "{text}");
        }
    }
}
