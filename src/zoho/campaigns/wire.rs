//! Campaigns' parameters and JSON exactly as they are sent, and nothing else.

use serde::Deserialize;
use serde_json::{Map, Value};

pub(super) const EMAIL_LABEL: &str = "Contact Email";

pub(super) const LIST_KEY: &str = "listkey";
pub(super) const CONTACT: &str = "contactinfo";
pub(super) const EMAILS: &str = "emailids";
pub(super) const TAG: &str = "tagName";
pub(super) const TAGGED: &str = "lead_email";
pub(super) const STATUS: &str = "status";
pub(super) const FROM: &str = "fromindex";
pub(super) const RANGE: &str = "range";
pub(super) const SORT: (&str, &str) = ("sort", "asc");
pub(super) const FORMAT: (&str, &str) = ("resfmt", "JSON");
pub(super) const TYPE: (&str, &str) = ("type", "json");

/// The object under which some methods put everything.
pub(super) const NEST: &str = "response";
/// Errors spell it with a capital.
pub(super) const CODE: [&str; 2] = ["code", "Code"];
pub(super) const MESSAGE: [&str; 2] = ["message", "Message"];
pub(super) const STATUS_ERROR: &str = "error";
pub(super) const STATUS_SUCCESS: &str = "success";

pub(super) const FIELDS: &str = "fieldnames";
pub(super) const FIELD: &str = "fieldname";
pub(super) const FIELD_LABEL: &str = "DISPLAY_NAME";
/// The spelling on the wire is not documented.
pub(super) const FIELD_LENGTH: [&str; 4] =
    ["MAX_LENGTH", "max_length", "FIELD_LENGTH", "MAXLENGTH"];

#[derive(Deserialize)]
pub(super) struct Lists {
    pub(super) list_of_details: Vec<List>,
}

/// Nearly everything is text, numbers and yes-or-no included.
#[derive(Deserialize)]
pub(super) struct List {
    pub(super) listkey: String,
    pub(super) listname: String,
    pub(super) is_public: Option<Value>,
    pub(super) noofcontacts: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct Subscribers {
    #[serde(default)]
    pub(super) list_of_details: Vec<Subscriber>,
}

#[derive(Deserialize)]
pub(super) struct Subscriber {
    pub(super) contact_email: String,
}

#[derive(Deserialize)]
pub(super) struct Count {
    pub(super) no_of_contacts: Value,
}

#[derive(Default, Deserialize)]
pub(super) struct Bulk {
    #[serde(default)]
    pub(super) ignored_contacts: Vec<String>,
    #[serde(default)]
    pub(super) existing_contacts: Vec<String>,
}

/// A number that may be written as text.
pub(super) fn number(json: &Value) -> Option<u64> {
    match json {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A yes or no that may be written as text.
pub(super) fn flag(json: &Value) -> bool {
    match json {
        Value::Bool(flag) => *flag,
        Value::String(text) => text.trim().eq_ignore_ascii_case("true"),
        _ => false,
    }
}

/// A text or number under the first of some keys.
pub(super) fn text(object: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    let value = keys.iter().find_map(|key| object.get(*key))?;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
