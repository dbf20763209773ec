//! A record's own values, for people and as JSON.

use jiff::tz::TimeZone;
use serde_json::Value as Json;

use crate::cli::explain;
use crate::domain::definition::Literal;
use crate::domain::value::Value;

/// What a record has in a field: `"Retail"`, `5000000`, `nothing`.
pub(super) fn shown(value: &Value, zone: &TimeZone) -> String {
    if value.is_blank() {
        return "nothing".to_owned();
    }
    match value {
        Value::Text(text) => quoted(text),
        Value::Many(values) => {
            let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
            values.join(", ")
        }
        Value::Lookup { id, name } => name
            .as_deref()
            .map_or_else(|| format!("record {id}"), quoted),
        Value::Null | Value::Number(_) | Value::Bool(_) | Value::Date(_) | Value::DateTime(_) => {
            value.render(zone).unwrap_or_default()
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.trim())
}

/// The value as JSON has it; what JSON lacks is text.
pub(super) fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Text(text) => text.clone().into(),
        Value::Number(number) => explain::json(&Literal::Number(*number)),
        Value::Bool(truth) => (*truth).into(),
        Value::Date(day) => explain::json(&Literal::Date(*day)),
        Value::DateTime(at) => explain::json(&Literal::DateTime(*at)),
        Value::Lookup { id, name } => name.clone().unwrap_or_else(|| id.to_string()).into(),
        Value::Many(values) => values.clone().into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::ids::RecordId;

    #[test]
    fn a_value_reads_well_for_people_and_programs() {
        let many = vec!["a".to_owned(), "b".to_owned()];
        let lookup = |name: Option<&str>| Value::Lookup {
            id: RecordId(7),
            name: name.map(ToOwned::to_owned),
        };
        for (value, text, document) in [
            (Value::Null, "nothing", json!(null)),
            (Value::Text(" ".to_owned()), "nothing", json!(" ")),
            (
                Value::Text("Retail ".to_owned()),
                "\"Retail\"",
                json!("Retail "),
            ),
            (
                Value::Number("5000000.0".parse().unwrap()),
                "5000000",
                json!(5_000_000),
            ),
            (Value::Bool(false), "false", json!(false)),
            (
                Value::Date("2026-03-04".parse().unwrap()),
                "2026-03-04",
                json!("2026-03-04"),
            ),
            (lookup(Some("Orto")), "\"Orto\"", json!("Orto")),
            (lookup(None), "record 7", json!("7")),
            (Value::Many(many), "\"a\", \"b\"", json!(["a", "b"])),
        ] {
            assert_eq!(shown(&value, &TimeZone::UTC), text);
            assert_eq!(json(&value), document);
        }
    }
}
