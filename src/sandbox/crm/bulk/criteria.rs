//! The conditions of a job, from JSON to a test, within the limits of Bulk Read.

use serde_json::{Value, json};

use super::super::answer::Problem;
use super::super::criteria::Flaw;
use super::super::judge::Test;
use super::request::{Paths, unavailable};
use super::{CONDITIONS_MAX, VALUES_MAX};

/// The test that `criteria` describe: a group, or a condition standing alone.
pub(super) fn test(paths: &mut Paths<'_>, criteria: &Value) -> Result<Test, Problem> {
    Reader {
        paths,
        conditions: 0,
    }
    .test(criteria)
}

struct Reader<'a, 'b> {
    paths: &'a mut Paths<'b>,
    conditions: usize,
}

impl Reader<'_, '_> {
    fn test(&mut self, criteria: &Value) -> Result<Test, Problem> {
        match (criteria.get("group"), criteria.get("comparator")) {
            (Some(_), Some(_)) => {
                let message = "a criteria is either a group or a condition";
                Err(Problem::new("AMBIGUOUS_CRITERIA", message, json!({})))
            }
            (Some(group), None) => self.group(group, criteria.get("group_operator")),
            (None, Some(comparator)) => self.leaf(criteria, comparator),
            (None, None) => Err(Problem::mandatory("comparator")),
        }
    }

    fn group(&mut self, group: &Value, operator: Option<&Value>) -> Result<Test, Problem> {
        let refuse = || Problem::invalid_data(json!({"api_name": "group"}));
        let group = group.as_array().filter(|group| !group.is_empty());
        let operator = operator.ok_or_else(|| Problem::mandatory("group_operator"))?;
        let mut tests = Vec::new();
        for criteria in group.ok_or_else(refuse)? {
            tests.push(self.test(criteria)?);
        }
        match operator.as_str() {
            Some("and") => Ok(Test::All(tests)),
            Some("or") => Ok(Test::Any(tests)),
            Some(_) | None => {
                let details = json!({"group_operator": operator});
                let message = "the group operator is not supported";
                Err(Problem::new(
                    "GROUP_OPERATOR_NOT_SUPPORTED",
                    message,
                    details,
                ))
            }
        }
    }

    fn leaf(&mut self, leaf: &Value, comparator: &Value) -> Result<Test, Problem> {
        self.conditions += 1;
        if self.conditions > CONDITIONS_MAX {
            let details = json!({"limit": CONDITIONS_MAX});
            let message = "criteria limit exceeded";
            return Err(Problem::new("CRITERIA_LIMIT_EXCEEDED", message, details));
        }
        let path = leaf.get("field").and_then(|field| field.get("api_name"));
        let path = path.and_then(Value::as_str);
        let path = path.ok_or_else(|| Problem::mandatory("field"))?;
        let value = leaf
            .get("value")
            .ok_or_else(|| Problem::mandatory("value"))?;
        if value
            .as_array()
            .is_some_and(|values| values.len() > VALUES_MAX)
        {
            let details = json!({"api_name": path, "limit": VALUES_MAX});
            let message = "the number of values in a criteria is exceeded";
            return Err(Problem::new(
                "VALUE_LIMIT_EXCEEDED_IN_CRITERIA",
                message,
                details,
            ));
        }
        let name = comparator.as_str().unwrap_or_default();
        let asked = (self.paths.api_name(path), name, value);
        let found = self.paths.crm.bulk_leaf(self.paths.module, asked);
        let (column, check) = found.map_err(|flaw| refused(flaw, path, comparator))?;
        if column.steps.len() > 2 {
            return Err(unavailable(path));
        }
        self.paths.touch(path, &column)?;
        Ok(Test::Leaf(column, check))
    }
}

fn refused(flaw: Flaw, path: &str, comparator: &Value) -> Problem {
    let details = json!({"api_name": path, "comparator": comparator});
    match flaw {
        Flaw::Field => unavailable(path),
        Flaw::Comparator => Problem::new(
            "FIELD_AND_COMPARATOR_IN_CRITERIA_NOT_COMPATIBLE",
            "the field and the comparator are not compatible",
            details,
        ),
        Flaw::Value => Problem::invalid_data(details),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::crm::Crm;

    fn leaf(field: &str, comparator: &str, value: Value) -> Value {
        json!({"field": {"api_name": field}, "comparator": comparator, "value": value})
    }

    fn group(operator: &str, group: Vec<Value>) -> Value {
        json!({"group_operator": operator, "group": group})
    }

    #[test]
    fn conditions_find_the_records_that_meet_them() {
        let mut crm = Crm::empty();
        let account = json!({"Account_Name": "Orto", "Industry": "Media"});
        let account = crm.create("Accounts", &account).unwrap();
        let mut ids = Vec::new();
        for person in [
            json!({"Last_Name": "Ada", "Account_Name": account, "Languages": ["English", "French"],
                "Date_of_Birth": "1990-05-01", "Modified_Time": "2026-03-04T09:15:27+01:00"}),
            json!({"Last_Name": "Ben", "Email_Opt_Out": true, "Customer_Tier": "Gold"}),
            json!({"Last_Name": "Chloe \"C\" 100%; 明", "Languages": ["French"]}),
        ] {
            ids.push(crm.create("Contacts", &person).unwrap());
        }
        for (criteria, want) in [
            (leaf("Last_Name", "equal", json!("ada")), vec![0]),
            (leaf("Last_Name", "not_equal", json!("ada")), vec![1, 2]),
            (leaf("Last_Name", "contains", json!("100%; 明")), vec![2]),
            (leaf("Last_Name", "not_contains", json!("e")), vec![0]),
            (leaf("Last_Name", "starts_with", json!("b")), vec![1]),
            (leaf("Last_Name", "ends_with", json!("N")), vec![1]),
            (leaf("Last_Name", "in", json!(["Ada", "Ben"])), vec![0, 1]),
            (leaf("Last_Name", "not_in", json!(["Ada", "Ben"])), vec![2]),
            (
                leaf("Customer_Tier", "equal", json!("${EMPTY}")),
                vec![0, 2],
            ),
            (
                leaf("Customer_Tier", "not_equal", json!("${EMPTY}")),
                vec![1],
            ),
            (leaf("Customer_Tier", "not_equal", json!("Silver")), vec![1]),
            (leaf("Email_Opt_Out", "equal", json!(true)), vec![1]),
            (leaf("Email_Opt_Out", "equal", json!("false")), vec![0, 2]),
            (
                leaf("Account_Name", "equal", json!(account.to_string())),
                vec![0],
            ),
            (
                leaf("Account_Name.Industry", "equal", json!("Media")),
                vec![0],
            ),
            (
                leaf("Account_Name.Industry", "equal", json!("${EMPTY}")),
                vec![1, 2],
            ),
            (leaf("Account_Sector", "in", json!(["Media"])), vec![0]),
            (leaf("Languages", "equal", json!("French;English")), vec![0]),
            (leaf("Languages", "contains", json!("French")), vec![0, 2]),
            (leaf("Languages", "in", json!(["French"])), vec![2]),
            (
                leaf(
                    "Date_of_Birth",
                    "between",
                    json!(["1990-05-01", "1991-01-01"]),
                ),
                vec![0],
            ),
            (
                leaf(
                    "Date_of_Birth",
                    "not_between",
                    json!(["1990-05-01", "1991-01-01"]),
                ),
                vec![],
            ),
            (
                leaf(
                    "Modified_Time",
                    "less_equal",
                    json!("2026-03-04T08:15:27+00:00"),
                ),
                vec![0],
            ),
            (
                leaf("id", "greater_than", json!(ids[1].to_string())),
                vec![2],
            ),
            (
                group(
                    "or",
                    vec![
                        leaf("Last_Name", "equal", json!("Ben")),
                        group(
                            "and",
                            vec![
                                leaf("Last_Name", "equal", json!("Ada")),
                                leaf("Email_Opt_Out", "equal", json!(false)),
                            ],
                        ),
                    ],
                ),
                vec![0, 1],
            ),
        ] {
            let want: Vec<u64> = want.into_iter().map(|place: usize| ids[place]).collect();
            assert_eq!(crm.matching("Contacts", &criteria), Ok(want), "{criteria}");
        }
    }

    #[test]
    fn what_is_beyond_the_limits_or_makes_no_sense_is_refused() {
        let crm = Crm::empty();
        let one = || leaf("Last_Name", "equal", json!("x"));
        let values = |count| Value::from(vec!["x"; count]);
        for (criteria, want) in [
            (group("and", (0..25).map(|_| one()).collect()), ""),
            (
                group("and", (0..26).map(|_| one()).collect()),
                "CRITERIA_LIMIT_EXCEEDED",
            ),
            (leaf("Last_Name", "in", values(20)), ""),
            (
                leaf("Last_Name", "in", values(21)),
                "VALUE_LIMIT_EXCEEDED_IN_CRITERIA",
            ),
            (leaf("Mail", "equal", json!("x")), "FIELD_NOT_AVAILABLE"),
            (
                leaf("Email.Name", "equal", json!("x")),
                "FIELD_NOT_AVAILABLE",
            ),
            (
                leaf(
                    "Reporting_To.Reporting_To.Reporting_To.Email",
                    "equal",
                    json!("x"),
                ),
                "FIELD_NOT_AVAILABLE",
            ),
            (
                leaf("Last_Name", "less_than", json!("x")),
                "FIELD_AND_COMPARATOR_IN_CRITERIA_NOT_COMPATIBLE",
            ),
            (
                leaf("Email_Opt_Out", "not_equal", json!(true)),
                "FIELD_AND_COMPARATOR_IN_CRITERIA_NOT_COMPATIBLE",
            ),
            (
                leaf("Description", "contains", json!("x")),
                "FIELD_AND_COMPARATOR_IN_CRITERIA_NOT_COMPATIBLE",
            ),
            (
                leaf("Last_Name", "like", json!("x")),
                "FIELD_AND_COMPARATOR_IN_CRITERIA_NOT_COMPATIBLE",
            ),
            (
                leaf("Date_of_Birth", "equal", json!("yesterday")),
                "INVALID_DATA",
            ),
            (
                leaf(
                    "Modified_Time",
                    "equal",
                    json!("2026-03-04T09:15:27.000+01:00"),
                ),
                "INVALID_DATA",
            ),
            (group("not", vec![one()]), "GROUP_OPERATOR_NOT_SUPPORTED"),
            (group("and", vec![]), "INVALID_DATA"),
            (json!({}), "MANDATORY_NOT_FOUND"),
            (
                json!({"comparator": "equal", "group": [], "group_operator": "and"}),
                "AMBIGUOUS_CRITERIA",
            ),
        ] {
            let code = crm
                .matching("Contacts", &criteria)
                .err()
                .unwrap_or_default();
            assert_eq!(code, want, "{criteria}");
        }
    }
}
