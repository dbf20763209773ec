//! Values of fields in stored form, and back.

use jiff::Timestamp;

use super::rows::StoredValue;
use crate::domain::ids::RecordId;
use crate::domain::value::Value;
use crate::store::format::FormatError;

impl From<&Value> for StoredValue {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Text(text) => Self::Text(text.clone()),
            Value::Number(number) => Self::Number(number.to_string()),
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Date(day) => Self::Date(day.to_string()),
            Value::DateTime(at) => Self::DateTime(at.as_millisecond()),
            Value::Lookup { id, name } => Self::Lookup(id.0, name.clone()),
            Value::Many(values) => Self::Many(values.clone()),
        }
    }
}

impl TryFrom<StoredValue> for Value {
    type Error = FormatError;

    fn try_from(stored: StoredValue) -> Result<Self, FormatError> {
        let damaged = FormatError::Payload;
        Ok(match stored {
            StoredValue::Null => Self::Null,
            StoredValue::Text(text) => Self::Text(text),
            StoredValue::Number(text) => Self::Number(text.parse().map_err(|_| damaged)?),
            StoredValue::Bool(truth) => Self::Bool(truth),
            StoredValue::Date(text) => Self::Date(text.parse().map_err(|_| damaged)?),
            StoredValue::DateTime(millis) => {
                let at = Timestamp::from_millisecond(millis);
                Self::DateTime(at.map_err(|_| damaged)?)
            }
            StoredValue::Lookup(id, name) => Self::Lookup {
                id: RecordId(id),
                name,
            },
            StoredValue::Many(values) => Self::Many(values),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_comes_back_as_it_was() {
        let many = vec!["a".to_owned(), String::new()];
        for value in [
            Value::Null,
            Value::Text(" Łódź ".to_owned()),
            Value::Number("12.50".parse().unwrap()),
            Value::Bool(true),
            Value::Date("2026-03-04".parse().unwrap()),
            Value::DateTime("2026-03-04T08:15:27Z".parse().unwrap()),
            Value::Lookup {
                id: RecordId(7),
                name: None,
            },
            Value::Many(many),
        ] {
            assert_eq!(Value::try_from(StoredValue::from(&value)), Ok(value));
        }
        let damaged = StoredValue::Date("yesterday".to_owned());
        assert_eq!(Value::try_from(damaged), Err(FormatError::Payload));
    }
}
