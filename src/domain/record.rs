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
    /// The columns that criteria and mapping ask for, also where one of them is what `modified_at` was read from.
    pub values: BTreeMap<FieldPath, Value>,
}

impl Record {
    /// The value of a column; `Null` for one that was not read.
    #[must_use]
    pub fn get(&self, field: &FieldPath) -> &Value {
        self.values.get(field).unwrap_or(&Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_was_not_read_is_null() {
        let company: FieldPath = "Company".parse().unwrap();
        let value = Value::Text("Orto".to_owned());
        let record = Record {
            id: RecordId(1),
            modified_at: None,
            values: [(company.clone(), value.clone())].into(),
        };
        assert_eq!(record.get(&company), &value);
        assert_eq!(record.get(&"Industry".parse().unwrap()), &Value::Null);
    }
}
