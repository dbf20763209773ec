//! JSON to value, by the field's metadata. Takes every spelling of a value that the service's ways of reading are known to
//! use (JSON of records and queries, text of bulk files) and refuses the rest by the field's name. No error repeats a
//! value, which may be personal.

use jiff::{Timestamp, civil};
use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::super::ids::RecordId;
use super::{Field, FieldType, Value};

/// A value that is not what its field's type promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the CRM sent {found} for field `{field}`, which should hold {expected}")]
pub struct ValueError {
    /// API name of the field.
    pub field: String,
    /// What its type promises.
    pub expected: &'static str,
    /// What kind of JSON came; never the value itself.
    pub found: &'static str,
}

impl Value {
    /// The value that the service sent for `field`. Numbers may come as text and ids as numbers, a multi-select as a list
    /// or as `a;b`, a related record as an object or as its bare id; empty text is kept as text in a text field and is
    /// nothing elsewhere.
    ///
    /// # Errors
    /// JSON that no spelling of the field's type allows, and anything but null for an opaque field.
    pub fn from_json(field: &Field, json: &Json) -> Result<Self, ValueError> {
        let value = match (json, field.field_type) {
            (Json::Null, _) => Some(Self::Null),
            (_, FieldType::Text | FieldType::Picklist) => text(json).map(Self::Text),
            (_, FieldType::MultiSelect) => many(json).map(Self::Many),
            (Json::String(text), _) if text.trim().is_empty() => Some(Self::Null),
            (_, FieldType::Number) => number(json).map(Self::Number),
            (_, FieldType::Bool) => boolean(json).map(Self::Bool),
            (_, FieldType::Date) => date(json).map(Self::Date),
            (_, FieldType::DateTime) => instant(json).map(Self::DateTime),
            (_, FieldType::Lookup) => lookup(json),
            (_, FieldType::Opaque) => None,
        };
        value.ok_or_else(|| ValueError {
            field: field.api_name.clone(),
            expected: promise(field.field_type),
            found: kind(json),
        })
    }
}

fn text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn number(json: &Json) -> Option<Decimal> {
    let text = text(json)?;
    parse_number(&text)
}

/// A number in plain or scientific notation, blanks around it aside; more than 28 digits are rounded.
pub(in super::super) fn parse_number(text: &str) -> Option<Decimal> {
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    if let Ok(number) = Decimal::from_scientific(text) {
        return Some(number);
    }
    // Too small for 28 digits behind the point, as a calculated field may be.
    let vanishing = text.parse::<f64>().is_ok_and(|float| float.abs() < 1e-20);
    vanishing.then_some(Decimal::ZERO)
}

fn boolean(json: &Json) -> Option<bool> {
    match text(json)?.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// A day; of a date and time the day as written.
fn date(json: &Json) -> Option<civil::Date> {
    let text = json.as_str()?.trim();
    match text.split_once(['T', ' ']) {
        Some((day, _)) => day.parse().ok(),
        None => text.parse().ok(),
    }
}

fn instant(json: &Json) -> Option<Timestamp> {
    json.as_str()?.trim().parse().ok()
}

fn lookup(json: &Json) -> Option<Value> {
    let Json::Object(members) = json else {
        let id = record_id(json)?;
        return Some(Value::Lookup { id, name: None });
    };
    let member = |key| members.get(key).filter(|value| !value.is_null());
    match (member("id"), member("name")) {
        (None, None) => Some(Value::Null),
        (None, Some(_)) => None,
        (Some(id), name) => Some(Value::Lookup {
            id: record_id(id)?,
            name: match name {
                Some(name) => Some(text(name)?),
                None => None,
            },
        }),
    }
}

fn record_id(json: &Json) -> Option<RecordId> {
    text(json)?.trim().parse().ok()
}

fn many(json: &Json) -> Option<Vec<String>> {
    match json {
        Json::Array(values) => {
            let values = values.iter().filter(|value| !value.is_null());
            values.map(text).collect()
        }
        Json::String(joined) => {
            let values = joined.split(';').filter(|value| !value.trim().is_empty());
            Some(values.map(|value| value.trim().to_owned()).collect())
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => None,
    }
}

fn promise(field_type: FieldType) -> &'static str {
    match field_type {
        FieldType::Text | FieldType::Picklist => "text",
        FieldType::Number => "a number",
        FieldType::Bool => "true or false",
        FieldType::Date => "a date",
        FieldType::DateTime => "a date and time with offset",
        FieldType::MultiSelect => "a list of texts",
        FieldType::Lookup => "a related record",
        FieldType::Opaque => "something that cannot be read",
    }
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "nothing",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::tests::{decimal, field};
    use super::*;

    #[test]
    fn every_known_spelling_of_a_value_is_taken() {
        let lookup = |name: Option<&str>| Value::Lookup {
            id: RecordId(4_876_876_000_000_623_001),
            name: name.map(str::to_owned),
        };
        let many = |values: &[&str]| Value::Many(values.iter().map(ToString::to_string).collect());
        let day = Value::Date(civil::date(2026, 3, 4));
        let instant = Value::DateTime("2026-03-04T08:15:27Z".parse().unwrap());
        for (field_type, json, want) in [
            (FieldType::Text, json!(" Ann "), Value::Text(" Ann ".into())),
            (FieldType::Text, json!(""), Value::Text(String::new())),
            (FieldType::Text, json!(42), Value::Text("42".into())),
            (FieldType::Text, json!(null), Value::Null),
            (
                FieldType::Picklist,
                json!("Cold Call"),
                Value::Text("Cold Call".into()),
            ),
            (FieldType::Number, json!(5_000_000), decimal("5000000")),
            (FieldType::Number, json!(0.1), decimal("0.1")),
            (
                FieldType::Number,
                json!(1e20),
                decimal("100000000000000000000"),
            ),
            (FieldType::Number, json!(1e-40), decimal("0")),
            (FieldType::Number, json!(" 12.50 "), decimal("12.5")),
            (FieldType::Number, json!("1.5e3"), decimal("1500")),
            (FieldType::Number, json!(""), Value::Null),
            (FieldType::Bool, json!(true), Value::Bool(true)),
            (FieldType::Bool, json!("FALSE"), Value::Bool(false)),
            (FieldType::Date, json!("2026-03-04"), day.clone()),
            (FieldType::Date, json!("2026-03-04T23:59:00-08:00"), day),
            (FieldType::Date, json!(" "), Value::Null),
            (
                FieldType::DateTime,
                json!("2026-03-04T09:15:27+01:00"),
                instant.clone(),
            ),
            (FieldType::DateTime, json!("2026-03-04T08:15:27Z"), instant),
            (
                FieldType::Lookup,
                json!({"name": "Orto", "id": "4876876000000623001"}),
                lookup(Some("Orto")),
            ),
            (
                FieldType::Lookup,
                json!({"id": 4_876_876_000_000_623_001_u64}),
                lookup(None),
            ),
            (
                FieldType::Lookup,
                json!("4876876000000623001"),
                lookup(None),
            ),
            (
                FieldType::Lookup,
                json!({"name": null, "id": null}),
                Value::Null,
            ),
            (
                FieldType::MultiSelect,
                json!(["a", null, "b"]),
                many(&["a", "b"]),
            ),
            (FieldType::MultiSelect, json!("a; b;"), many(&["a", "b"])),
            (FieldType::MultiSelect, json!(""), many(&[])),
            (FieldType::Opaque, json!(null), Value::Null),
        ] {
            let value = Value::from_json(&field("F", field_type), &json);
            assert_eq!(value, Ok(want), "{field_type:?} {json}");
        }
    }

    #[test]
    fn what_the_type_does_not_promise_is_an_error_without_the_value() {
        for (field_type, json) in [
            (FieldType::Text, json!({"name": "secret"})),
            (FieldType::Number, json!("secret")),
            (FieldType::Number, json!(1e300)),
            (FieldType::Bool, json!("secret")),
            (FieldType::Date, json!("secret")),
            (FieldType::Date, json!("2026-02-30")),
            (FieldType::DateTime, json!("2026-03-04T09:15:27")),
            (FieldType::Lookup, json!("secret")),
            (FieldType::Lookup, json!({"name": "secret"})),
            (FieldType::MultiSelect, json!([["secret"]])),
            (FieldType::Opaque, json!("secret")),
        ] {
            let error = Value::from_json(&field("Rating", field_type), &json).unwrap_err();
            assert!(error.to_string().contains("`Rating`"));
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
        let error = Value::from_json(&field("Employees", FieldType::Number), &json!("many"));
        assert_eq!(
            error.unwrap_err().to_string(),
            "the CRM sent text for field `Employees`, which should hold a number"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_value_or_an_error(text in "(?s).{0,12}|[0-9eE+:.T;-]{0,25}", kind in 0_usize..8) {
            let kinds = [
                FieldType::Text,
                FieldType::Number,
                FieldType::Bool,
                FieldType::Date,
                FieldType::DateTime,
                FieldType::Picklist,
                FieldType::MultiSelect,
                FieldType::Lookup,
            ];
            let read = Value::from_json(&field("F", kinds[kind]), &json!(text));
            if text.trim().is_empty() {
                prop_assert!(read.is_ok_and(|value| value.is_blank()));
            }
        }

        #[test]
        fn a_float_keeps_all_the_digits_that_the_service_sent(float in -1e15_f64..1e15) {
            let read = Value::from_json(&field("F", FieldType::Number), &json!(float));
            let Ok(Value::Number(number)) = read else { panic!("{read:?}") };
            prop_assert_eq!(number.to_string().parse::<f64>(), Ok(float));
        }
    }
}
