//! A CRM field's value and type: decoded from JSON by the field's metadata, rendered as text for a contact.
//!
//! Rendering is a function of value and zone alone, so that what did not change is rendered the same.

mod json;

use jiff::{Timestamp, civil, tz::TimeZone};
use rust_decimal::Decimal;

pub use json::ValueError;
pub(super) use json::parse_number;

use super::ids::{ModuleName, RecordId};

/// What a field of a record holds, typed by the field's metadata.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing; also what the service leaves out.
    Null,
    /// Text as the service sent it, untrimmed; picklists carry their actual value.
    Text(String),
    /// A number without rounding errors.
    Number(Decimal),
    /// A yes or no.
    Bool(bool),
    /// A calendar day.
    Date(civil::Date),
    /// An instant.
    DateTime(Timestamp),
    /// A lookup: the related record's id and, where the service sent it, its name.
    Lookup {
        /// Id of the related record.
        id: RecordId,
        /// Its display name.
        name: Option<String>,
    },
    /// The values of a multi-select picklist, in the service's order.
    Many(Vec<String>),
}

/// The kinds of field that criteria and mappings tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum FieldType {
    /// Text, e-mail, phone, website, text area, auto-number.
    Text,
    /// Integer, decimal, currency, percent.
    Number,
    /// Boolean.
    Bool,
    /// Date.
    Date,
    /// Date and time.
    DateTime,
    /// Picklist: one of the field's values.
    Picklist,
    /// Multi-select picklist.
    MultiSelect,
    /// Lookup, owner or user.
    Lookup,
    /// A type that can be neither compared nor mapped (subforms, files, images …).
    Opaque,
}

/// What the CRM's metadata says of one field.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Field {
    /// API name.
    pub api_name: String,
    /// Label on the CRM's screens.
    pub label: String,
    /// Kind of value.
    pub field_type: FieldType,
    /// The service's own name of the type, e.g. `email`, `currency`.
    pub data_type: String,
    /// Module a lookup points to.
    pub lookup: Option<ModuleName>,
    /// Values of a picklist or multi-select.
    pub options: Vec<PicklistOption>,
}

/// One value of a picklist.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PicklistOption {
    /// What the API sends and compares.
    pub actual: String,
    /// What people see.
    pub label: String,
}

impl FieldType {
    /// The kind of a field by the metadata's `data_type`; where that is computed (`formula`, `rollup_summary`) or
    /// unheard of, by its `json_type`.
    #[must_use]
    pub fn of(data_type: &str, json_type: &str) -> Self {
        match data_type {
            "text" | "textarea" | "email" | "phone" | "website" | "autonumber" => Self::Text,
            "integer" | "bigint" | "double" | "currency" | "percent" => Self::Number,
            "boolean" => Self::Bool,
            "date" => Self::Date,
            "datetime" => Self::DateTime,
            "picklist" => Self::Picklist,
            "multiselectpicklist" => Self::MultiSelect,
            "lookup" | "ownerlookup" | "userlookup" => Self::Lookup,
            "multiselectlookup" | "subform" | "fileupload" | "imageupload" | "profileimage"
            | "layout" | "territories" | "consent_lookup" => Self::Opaque,
            _ => match json_type {
                "string" => Self::Text,
                "integer" | "double" => Self::Number,
                "boolean" => Self::Bool,
                _ => Self::Opaque,
            },
        }
    }

    /// The kind as messages name it, behind "a" or "an".
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Bool => "boolean",
            Self::Date => "date",
            Self::DateTime => "date and time",
            Self::Picklist => "picklist",
            Self::MultiSelect => "multi-select picklist",
            Self::Lookup => "lookup",
            Self::Opaque => "compound",
        }
    }
}

impl Value {
    /// Whether there is nothing in it: null, blanks only, no values.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.trim().is_empty(),
            Self::Many(values) => values.iter().all(|value| value.trim().is_empty()),
            Self::Number(_)
            | Self::Bool(_)
            | Self::Date(_)
            | Self::DateTime(_)
            | Self::Lookup { .. } => false,
        }
    }

    /// The value as text of a contact, with times in `zone`; `None` where there is nothing to show: a blank value, and a
    /// related record whose name was not read.
    #[must_use]
    pub fn render(&self, zone: &TimeZone) -> Option<String> {
        let text = match self {
            Self::Null => return None,
            Self::Text(text) => text.trim().to_owned(),
            Self::Number(number) => number.normalize().to_string(),
            Self::Bool(truth) => truth.to_string(),
            Self::Date(day) => day.to_string(),
            Self::DateTime(instant) => {
                let local = instant.to_zoned(zone.clone());
                local.strftime("%Y-%m-%d %H:%M:%S").to_string()
            }
            Self::Lookup { id: _, name } => name.as_deref().unwrap_or_default().trim().to_owned(),
            Self::Many(values) => joined(values),
        };
        (!text.is_empty()).then_some(text)
    }
}

fn joined(values: &[String]) -> String {
    let values = values.iter().map(|value| value.trim());
    let values: Vec<&str> = values.filter(|value| !value.is_empty()).collect();
    values.join(";")
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// A field of this kind; its label is its name with blanks.
    pub(in super::super) fn field(api_name: &str, field_type: FieldType) -> Field {
        Field {
            api_name: api_name.to_owned(),
            label: api_name.replace('_', " "),
            field_type,
            data_type: String::new(),
            lookup: None,
            options: Vec::new(),
        }
    }

    pub(super) fn decimal(text: &str) -> Value {
        Value::Number(text.parse().unwrap())
    }

    #[test]
    fn every_data_type_of_the_service_has_a_kind() {
        for (data_type, json_type, want) in [
            ("text", "string", FieldType::Text),
            ("textarea", "string", FieldType::Text),
            ("email", "string", FieldType::Text),
            ("phone", "string", FieldType::Text),
            ("website", "string", FieldType::Text),
            ("autonumber", "string", FieldType::Text),
            ("picklist", "string", FieldType::Picklist),
            ("multiselectpicklist", "jsonarray", FieldType::MultiSelect),
            ("integer", "integer", FieldType::Number),
            ("bigint", "string", FieldType::Number),
            ("double", "double", FieldType::Number),
            ("currency", "double", FieldType::Number),
            ("percent", "double", FieldType::Number),
            ("boolean", "boolean", FieldType::Bool),
            ("date", "string", FieldType::Date),
            ("datetime", "string", FieldType::DateTime),
            ("lookup", "jsonobject", FieldType::Lookup),
            ("ownerlookup", "jsonobject", FieldType::Lookup),
            ("userlookup", "jsonobject", FieldType::Lookup),
            ("multiselectlookup", "jsonarray", FieldType::Opaque),
            ("formula", "double", FieldType::Number),
            ("formula", "string", FieldType::Text),
            ("formula", "boolean", FieldType::Bool),
            ("rollup_summary", "integer", FieldType::Number),
            ("subform", "jsonarray", FieldType::Opaque),
            ("fileupload", "jsonarray", FieldType::Opaque),
            ("imageupload", "jsonarray", FieldType::Opaque),
            ("profileimage", "string", FieldType::Opaque),
            ("layout", "jsonobject", FieldType::Opaque),
            ("territories", "jsonarray", FieldType::Opaque),
            ("consent_lookup", "jsonobject", FieldType::Opaque),
            ("invented", "string", FieldType::Text),
            ("invented", "jsonobject", FieldType::Opaque),
            ("invented", "", FieldType::Opaque),
        ] {
            assert_eq!(FieldType::of(data_type, json_type), want, "{data_type}");
        }
    }

    #[test]
    fn a_value_is_rendered_for_people() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let many = |values: &[&str]| Value::Many(values.iter().map(ToString::to_string).collect());
        for (value, want) in [
            (Value::Null, None),
            (Value::Text(" \t ".into()), None),
            (
                Value::Text("  Łukasz O'Brien ".into()),
                Some("Łukasz O'Brien"),
            ),
            (decimal("5000000.00"), Some("5000000")),
            (decimal("-0.0"), Some("0")),
            (decimal("0.0000001"), Some("0.0000001")),
            (Value::Bool(false), Some("false")),
            (Value::Date(civil::date(2026, 3, 4)), Some("2026-03-04")),
            (
                Value::DateTime("2026-03-04T08:15:27Z".parse().unwrap()),
                Some("2026-03-04 09:15:27"),
            ),
            (
                Value::DateTime("2026-07-04T22:15:27.999Z".parse().unwrap()),
                Some("2026-07-05 00:15:27"),
            ),
            (
                Value::Lookup {
                    id: RecordId(1),
                    name: Some(" Orto ".into()),
                },
                Some("Orto"),
            ),
            (
                Value::Lookup {
                    id: RecordId(1),
                    name: None,
                },
                None,
            ),
            (many(&["a ", "", "b"]), Some("a;b")),
            (many(&["", " "]), None),
            (many(&[]), None),
        ] {
            assert_eq!(value.render(&zone).as_deref(), want, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn a_number_reads_back_from_its_rendering(units in any::<i64>(), scale in 0_u32..18) {
            let number = Decimal::new(units, scale);
            let text = Value::Number(number).render(&TimeZone::UTC).unwrap();
            prop_assert!(!text.contains(['e', 'E']));
            let read = Value::from_json(&field("F", FieldType::Number), &json!(text));
            prop_assert_eq!(read, Ok(Value::Number(number)));
        }

        #[test]
        fn what_is_blank_renders_as_nothing(text in "\\PC{0,3}|[ \t\n]{0,5}") {
            let blank = text.trim().is_empty();
            for value in [Value::Text(text.clone()), Value::Many(vec![text])] {
                prop_assert_eq!(value.is_blank(), blank);
                prop_assert_eq!(value.render(&TimeZone::UTC).is_none(), blank);
            }
        }
    }
}
