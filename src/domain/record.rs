//! A row of a CRM module, as it was read.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ids::{FieldPath, RecordId};
use super::schema::of_deal;
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

    /// The record once for each of its `deals`, with the deal's fields beside its own, so that all that is asked of deals
    /// is asked of one and the same. The deal that was changed last comes first, of several the one with the lowest id.
    /// A record without deals comes once, as it is.
    #[must_use]
    pub fn joined(self, mut deals: Vec<Record>) -> Vec<Record> {
        if deals.is_empty() {
            return vec![self];
        }
        deals.sort_by_key(|deal| (Reverse(deal.modified_at), deal.id));
        let join = |deal: Record| {
            let mut joined = self.clone();
            let fields = deal.values.into_iter();
            let fields = fields.filter_map(|(path, value)| Some((of_deal(&path)?, value)));
            joined.values.extend(fields);
            joined
        };
        deals.into_iter().map(join).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_deal_is_joined_on_its_own_and_the_last_changed_one_comes_first() {
        let record = |id, at: &str, name: &str, value: &str| Record {
            id: RecordId(id),
            modified_at: at.parse().ok(),
            values: [(name.parse().unwrap(), Value::Text(value.to_owned()))].into(),
        };
        let contact = || record(1, "2026-01-01T00:00:00Z", "Email", "ann@example.com");
        let deals = vec![
            record(4, "2026-03-01T00:00:00Z", "Stage", "Won"),
            record(2, "2026-02-01T00:00:00Z", "Stage", "Lost"),
            record(3, "2026-03-01T00:00:00Z", "Stage", "Open"),
        ];
        let stage = "Deals.Stage".parse().unwrap();
        let stages: Vec<Value> = contact()
            .joined(deals)
            .iter()
            .map(|joined| {
                assert_eq!(joined.id, RecordId(1));
                joined.get(&stage).clone()
            })
            .collect();
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(stages, [text("Open"), text("Won"), text("Lost")]);
        assert_eq!(contact().joined(Vec::new()), [contact()]);
    }

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
