//! Fixtures of the tests: a module with a field of every kind, in a zone with daylight saving time.

mod laws;
mod meaning;
mod problems;

use super::super::definition::{Literal, Operator};
use super::super::ids::RecordId;
use super::super::value::tests::field;
use super::super::value::{FieldType, PicklistOption};
use super::*;

fn option(actual: &str, label: &str) -> PicklistOption {
    PicklistOption {
        actual: actual.to_owned(),
        label: label.to_owned(),
    }
}

pub(super) fn module() -> Schema {
    let mut status = field("Lead_Status", FieldType::Picklist);
    status.options = vec![
        option("Cold Call", "Kaltakquise"),
        option("Won", "Gewonnen"),
    ];
    let mut tags = field("Tags", FieldType::MultiSelect);
    tags.options = ["Red", "Green", "Blue"]
        .map(|name| option(name, name))
        .to_vec();
    let mut files = field("Files", FieldType::Opaque);
    files.data_type = "fileupload".to_owned();
    let fields = vec![
        field("id", FieldType::Number),
        field("Company", FieldType::Text),
        field("Annual_Revenue", FieldType::Number),
        field("Email_Opt_Out", FieldType::Bool),
        field("Birthday", FieldType::Date),
        field("Created_Time", FieldType::DateTime),
        field("Account_Name", FieldType::Lookup),
        status,
        tags,
        files,
    ];
    Schema::new("Leads".parse().unwrap(), fields)
}

pub(super) fn zone() -> TimeZone {
    TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap()
}

pub(super) fn text(text: &str) -> Literal {
    Literal::Text(text.to_owned())
}

pub(super) fn texts<const N: usize>(texts: [&str; N]) -> Vec<Literal> {
    texts.map(text).to_vec()
}

pub(super) fn condition(field: &str, operator: Operator, operands: Vec<Literal>) -> Condition {
    Condition {
        field: field.parse().unwrap(),
        operator,
        operands,
    }
}

fn bind(conditions: &[Condition]) -> Result<Criteria, Vec<ConditionProblem>> {
    let pattern = Pattern::nested(conditions.len());
    Criteria::bind(conditions, &pattern, &module(), &zone())
}

fn record(name: &str, value: Value) -> Record {
    Record {
        id: RecordId(1),
        modified_at: None,
        values: [(name.parse().unwrap(), value)].into(),
    }
}

/// Noon of 2026-03-10 in New York.
pub(super) fn now() -> Timestamp {
    at("2026-03-10T16:00:00Z")
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn judged(name: &str, operator: Operator, operands: Vec<Literal>, value: Value) -> bool {
    let criteria = bind(&[condition(name, operator, operands)]).unwrap();
    criteria.judge(&record(name, value), now()).selected
}

fn txt(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn many(values: &[&str]) -> Value {
    Value::Many(values.iter().map(ToString::to_string).collect())
}
