//! Formula fields: computed whenever they are read, never stored.
//!
//! What a formula is made of may lie in another record or in the time of day, so its value moves without the record's
//! `Modified_Time` knowing.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::Crm;
use super::cell::Cell;
use super::module::{Module, Row};

/// How a field is computed; fields are named by API name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Formula {
    /// One number of the record over another, to two decimals; nothing where that cannot be computed.
    Ratio(&'static str, &'static str),
    /// What the record that a lookup leads to holds in a field.
    Parent(&'static str, &'static str),
    /// Whole days since an instant of the record.
    DaysSince(&'static str),
}

impl Formula {
    /// The formula as its metadata tells it.
    pub(super) fn expression(self) -> String {
        match self {
            Self::Ratio(one, other) => format!("Round(${{{one}}}/${{{other}}},2)"),
            Self::Parent(lookup, field) => format!("${{{lookup}.{field}}}"),
            Self::DaysSince(field) => format!("Datecomp(Now(),${{{field}}})/1440"),
        }
    }
}

impl Crm {
    /// The value of `formula` for `row` of `module`; nothing where a field it is made of is gone.
    pub(super) fn compute(&self, module: &Module, row: &Row, formula: Formula) -> Cell {
        let stored = |name: &str| row.cell_of(module, name);
        let computed = match formula {
            Formula::Ratio(one, other) => match (stored(one), stored(other)) {
                (Cell::Number(one), Cell::Number(other)) => ratio(*one, *other),
                _ => None,
            },
            Formula::Parent(lookup, field) => self.parent_cell(module, row, lookup, field),
            Formula::DaysSince(field) => match stored(field) {
                Cell::At(at) => Some(days_since(*at, self.now())),
                _ => None,
            },
        };
        computed.unwrap_or(Cell::Null)
    }

    fn parent_cell(&self, module: &Module, row: &Row, lookup: &str, field: &str) -> Option<Cell> {
        let position = module.position(lookup)?;
        let parent = self.module(module.fields[position].target?)?;
        let Cell::Ref(id) = row.cell(position) else {
            return None;
        };
        Some(parent.rows.get(id)?.cell_of(parent, field).clone())
    }
}

fn ratio(one: Decimal, other: Decimal) -> Option<Cell> {
    let ratio = one.checked_div(other)?;
    Some(Cell::Number(ratio.round_dp(2)))
}

fn days_since(at: Timestamp, now: Timestamp) -> Cell {
    Cell::Number(Decimal::from(now.duration_since(at).as_hours() / 24))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::sandbox::clock::SandboxClock;
    use crate::sandbox::crm::edit::{Deletion, Touch};

    #[test]
    fn a_ratio_is_rounded_and_nothing_where_it_cannot_be_computed() {
        for (revenue, employees, want) in [
            (json!(1000), json!(3), json!(333.33)),
            (json!(1000), json!(0), Value::Null),
            (Value::Null, json!(3), Value::Null),
        ] {
            let mut crm = Crm::new(SandboxClock::default(), 1);
            let lead = json!({"Annual_Revenue": revenue, "No_of_Employees": employees});
            crm.create("Leads", &lead).unwrap();
            let lead = &crm.all("Leads").unwrap()[0];
            assert_eq!(lead["Revenue_per_Employee"], want, "{lead}");
        }
    }

    #[test]
    fn formulas_move_with_parents_and_time_while_the_record_stays_unmodified() {
        let clock = SandboxClock::default();
        clock.freeze();
        let mut crm = Crm::new(clock.clone(), 1);
        let account = json!({"Account_Name": "Orto", "Annual_Revenue": 5, "Industry": "Media"});
        let account = crm.create("Accounts", &account).unwrap();
        let contact = json!({"Last_Name": "Rossi", "Account_Name": account});
        crm.create("Contacts", &contact).unwrap();
        crm.create("Leads", &json!({"Last_Name": "Rossi"})).unwrap();
        let before = crm.all("Contacts").unwrap()[0].clone();
        assert_eq!(before["Account_Revenue"], 5.0);
        clock.advance(jiff::SignedDuration::from_hours(49));
        let change = json!({"Annual_Revenue": 7, "Industry": "Retail"});
        crm.update("Accounts", account, &change, Touch::Now)
            .unwrap();
        let after = &crm.all("Contacts").unwrap()[0];
        assert_eq!(after["Account_Revenue"], 7.0);
        assert_eq!(after["Account_Sector"], "Retail");
        assert_eq!(after["Modified_Time"], before["Modified_Time"]);
        assert_eq!(crm.all("Leads").unwrap()[0]["Age_in_Days"], 2.0);
        crm.delete("Accounts", account, Deletion::Recycle).unwrap();
        let orphan = &crm.all("Contacts").unwrap()[0];
        assert_eq!(orphan["Account_Revenue"], Value::Null);
        assert_eq!(orphan["Modified_Time"], before["Modified_Time"]);
    }
}
