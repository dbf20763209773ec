//! A row of a CRM module, as it was read.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ids::{FieldPath, RecordId};
use super::value::Value;

/// A record with the columns that were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its id.
    pub id: RecordId,
    /// `Modified_Time`; `None` where it was not asked for.
    pub modified_at: Option<Timestamp>,
    /// The other columns.
    pub values: BTreeMap<FieldPath, Value>,
}

impl Record {
    /// The value of a column; `Null` for one that was not read.
    #[must_use]
    pub fn get(&self, field: &FieldPath) -> &Value {
        self.values.get(field).unwrap_or(&Value::Null)
    }
}
