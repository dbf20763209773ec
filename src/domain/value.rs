//! A CRM field's value and type.

use jiff::{Timestamp, civil};
use rust_decimal::Decimal;

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
