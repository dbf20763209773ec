//! Conditions in the recursive form in which views show them and Bulk Read takes them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Crm;
use super::comparator::Comparator;
use super::field::Field;
use super::judge::{Check, Column, Test};
use super::module::Module;
use super::relative;

/// Stands for nothing where a value is expected.
const EMPTY: &str = "${EMPTY}";

/// Conditions as the metadata tells them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Criteria {
    /// All or any of several.
    Group {
        /// How they are joined.
        group_operator: Joint,
        /// The conditions.
        group: Vec<Criteria>,
    },
    /// A condition on one field.
    Leaf {
        /// E.g. `equal`, `contains`, `greater_than`.
        comparator: String,
        /// The field.
        field: FieldName,
        /// What it is compared to; `${EMPTY}` for nothing.
        value: Value,
    },
}

/// How the conditions of a group are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Joint {
    /// All of them.
    And,
    /// At least one.
    Or,
}

/// A field as criteria name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FieldName {
    /// Its API name.
    pub(super) api_name: String,
}

/// What is wrong with a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// There is no such field.
    Field,
    /// The field's type does not know the comparator.
    Comparator,
    /// The value is not one of the field, or not of the kind that the comparator takes.
    Value,
}

impl Criteria {
    /// A condition on one field.
    pub(super) fn leaf(field: &str, comparator: &str, value: Value) -> Self {
        Self::Leaf {
            comparator: comparator.to_owned(),
            field: FieldName {
                api_name: field.to_owned(),
            },
            value,
        }
    }

    /// Two conditions that must both hold.
    pub(super) fn both(one: Self, other: Self) -> Self {
        Self::Group {
            group_operator: Joint::And,
            group: vec![one, other],
        }
    }

    /// Whether COQL can express them: relative dates it cannot.
    pub(super) fn in_coql(&self) -> bool {
        match self {
            Self::Group { group, .. } => group.iter().all(Self::in_coql),
            Self::Leaf { value, .. } => relative::name(value).is_none(),
        }
    }
}

impl Crm {
    /// The test of a view's `criteria`, relative dates seen from `now`. A condition that makes no sense, such as one on a field
    /// that is gone, holds for no record.
    pub(super) fn criteria_test(
        &self,
        module: &Module,
        criteria: &Criteria,
        now: Timestamp,
    ) -> Test {
        match criteria {
            Criteria::Group {
                group_operator,
                group,
            } => {
                let tests = group.iter().map(|one| self.criteria_test(module, one, now));
                match group_operator {
                    Joint::And => Test::All(tests.collect()),
                    Joint::Or => Test::Any(tests.collect()),
                }
            }
            Criteria::Leaf {
                comparator,
                field,
                value,
            } => self
                .view_leaf(module, (&field.api_name, comparator, value), now)
                .unwrap_or(Test::Any(Vec::new())),
        }
    }

    /// What is wrong with the first condition of `criteria` that makes no sense for `module`, and its field.
    pub(super) fn flaw<'a>(
        &self,
        module: &Module,
        criteria: &'a Criteria,
    ) -> Option<(&'a str, Flaw)> {
        match criteria {
            Criteria::Group { group, .. } => group.iter().find_map(|one| self.flaw(module, one)),
            Criteria::Leaf {
                comparator,
                field,
                value,
            } => {
                let leaf = (field.api_name.as_str(), comparator.as_str(), value);
                let found = self.view_leaf(module, leaf, self.now()).err();
                found.map(|flaw| (field.api_name.as_str(), flaw))
            }
        }
    }

    /// Views may ask more than Bulk Read: fields that are hidden, relative dates, and every comparator that has a meaning.
    fn view_leaf(
        &self,
        module: &Module,
        (path, name, value): (&str, &str, &Value),
        now: Timestamp,
    ) -> Result<Test, Flaw> {
        let hidden = || Some(self.own_column(module, module.position(path)?));
        let (column, field) = self
            .column(module, path)
            .or_else(hidden)
            .ok_or(Flaw::Field)?;
        let comparator = Comparator::parse(name).ok_or(Flaw::Comparator)?;
        let check = match relative::name(value) {
            Some(name) => relative::check(comparator, field.data_type.class(), name, now),
            None => check(field, comparator, value),
        };
        check
            .map(|check| Test::Leaf(column, check))
            .ok_or(Flaw::Value)
    }

    /// The condition that Bulk Read makes of a field, a comparator and a value, with the column it is on.
    pub(super) fn bulk_leaf(
        &self,
        module: &Module,
        (path, name, value): (&str, &str, &Value),
    ) -> Result<(Column, Check), Flaw> {
        let (column, field) = self.column(module, path).ok_or(Flaw::Field)?;
        let comparator = Comparator::parse(name)
            .filter(|comparator| comparator.fits(field.data_type.class()))
            .ok_or(Flaw::Comparator)?;
        let check = check(field, comparator, value).ok_or(Flaw::Value)?;
        Ok((column, check))
    }
}

fn check(field: &Field, comparator: Comparator, value: &Value) -> Option<Check> {
    if value == EMPTY {
        let equal = comparator == Comparator::Equal;
        return comparator.is_equality().then_some(Check::Null(equal));
    }
    comparator.check(field, value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sandbox::clock::SandboxClock;

    #[test]
    fn criteria_read_and_write_as_the_metadata_shows_them() {
        let text = json!({"group_operator": "and", "group": [
            {"comparator": "equal", "field": {"api_name": "Industry"}, "value": "Media"},
            {"group_operator": "or", "group": []},
        ]});
        let criteria: Criteria = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(serde_json::to_value(criteria).unwrap(), text);
    }

    #[test]
    fn only_relative_dates_are_beyond_coql() {
        for (value, want) in [
            (json!("${THISMONTH}"), false),
            (json!("${EMPTY}"), true),
            (json!("x"), true),
        ] {
            assert_eq!(Criteria::leaf("A", "equal", value).in_coql(), want);
        }
    }

    #[test]
    fn what_makes_no_sense_is_told_and_holds_for_none() {
        let crm = Crm::new(SandboxClock::default(), 1);
        let leads = crm.module("Leads").unwrap();
        for (field, comparator, value, want) in [
            ("Industry", "equal", json!("Media"), None),
            ("Converted_Account.Industry", "equal", json!("Media"), None),
            ("Created_Time", "greater_than", json!("${LASTWEEK}"), None),
            ("Annual_Revenue", "between", json!([1, 2]), None),
            ("Industry", "equal", json!("${EMPTY}"), None),
            ("Mail", "equal", json!("x"), Some(Flaw::Field)),
            ("Industry", "is", json!("x"), Some(Flaw::Comparator)),
            ("Annual_Revenue", "equal", json!("x"), Some(Flaw::Value)),
            (
                "Annual_Revenue",
                "equal",
                json!("${TODAY}"),
                Some(Flaw::Value),
            ),
            ("Industry", "contains", json!("${EMPTY}"), Some(Flaw::Value)),
        ] {
            let criteria = Criteria::leaf(field, comparator, value);
            let flaw = crm.flaw(leads, &criteria).map(|(_, flaw)| flaw);
            assert_eq!(flaw, want, "{criteria:?}");
            let test = crm.criteria_test(leads, &criteria, crm.now());
            assert_eq!(test == Test::Any(Vec::new()), want.is_some());
        }
    }
}
