//! The CRM's JSON exactly as it is sent, and nothing else.
//!
//! What carries rows has no default: an answer without them is not an empty one (that is HTTP 204) but a spoilt one, and
//! taking it for "nothing changed" would lose changes and opt-outs.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A row: column names to values.
pub(super) type Row = Map<String, Value>;

pub(super) const ID: &str = "id";
pub(super) const MODIFIED_TIME: &str = "Modified_Time";
/// The module whose records can be converted.
pub(super) const LEADS: &str = "Leads";

#[derive(Debug, Default, Deserialize)]
pub(super) struct Rows {
    pub(super) data: Vec<Row>,
    pub(super) info: Info,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Info {
    pub(super) more_records: bool,
    pub(super) next_page_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct DeletedRows {
    pub(super) data: Vec<DeletedRow>,
    pub(super) info: Info,
}

#[derive(Debug, Deserialize)]
pub(super) struct DeletedRow {
    pub(super) id: Value,
    pub(super) deleted_time: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Modules {
    pub(super) modules: Vec<Module>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Module {
    pub(super) api_name: String,
    pub(super) plural_label: Option<String>,
    #[serde(default)]
    pub(super) api_supported: bool,
    #[serde(default = "yes")]
    pub(super) viewable: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Fields {
    pub(super) fields: Vec<Field>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Field {
    pub(super) api_name: String,
    pub(super) field_label: Option<String>,
    pub(super) data_type: String,
    pub(super) json_type: Option<String>,
    pub(super) lookup: Option<Lookup>,
    pub(super) pick_list_values: Option<Vec<PickListValue>>,
}

/// `{}` for fields that are no lookups.
#[derive(Debug, Deserialize)]
pub(super) struct Lookup {
    pub(super) module: Option<LookupModule>,
}

/// An object in version 8, the bare name before.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum LookupModule {
    Object { api_name: Option<String> },
    Name(String),
}

#[derive(Debug, Deserialize)]
pub(super) struct PickListValue {
    pub(super) display_value: Option<String>,
    pub(super) actual_value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Views {
    pub(super) custom_views: Vec<View>,
    pub(super) info: Option<ViewsInfo>,
}

#[derive(Debug, Deserialize)]
pub(super) struct View {
    #[serde(default)]
    pub(super) id: Value,
    pub(super) name: Option<String>,
    pub(super) display_value: Option<String>,
    pub(super) modified_time: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ViewsInfo {
    pub(super) more_records: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Organisations {
    pub(super) org: Vec<Organisation>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Organisation {
    pub(super) zgid: Value,
    pub(super) company_name: Option<String>,
    pub(super) time_zone: Option<String>,
}

/// An error: bare, or wrapped in `data`; the code has been seen as a number.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    pub(super) code: Value,
    #[serde(default)]
    pub(super) details: Value,
    #[serde(default)]
    pub(super) message: Value,
    pub(super) status: Option<String>,
    /// The code's name in old answers to too many calls.
    pub(super) error: Option<String>,
}

impl Refusal {
    /// The error in an answer, if it is one.
    pub(super) fn of(json: &Value) -> Option<Self> {
        let wrapped = json.get("data").and_then(|data| data.get(0));
        let found = [Some(json), wrapped].into_iter().flatten();
        found
            .filter(|json| json.get("code").is_some())
            .find_map(|json| Self::deserialize(json).ok())
    }

    /// The code as a word.
    pub(super) fn code(&self) -> String {
        match (&self.error, &self.code) {
            (Some(error), Value::Number(_)) => error.clone(),
            (_, Value::String(code)) => code.clone(),
            (_, other) => other.to_string(),
        }
    }

    /// The name that the details are about.
    pub(super) fn about(&self) -> Option<&str> {
        let names = [
            "column_name",
            "module",
            "param_name",
            "operator",
            "clause",
            "api_name",
            "cvid",
        ];
        names
            .iter()
            .find_map(|name| self.details.get(name)?.as_str())
    }

    /// Whether it is the criteria of a custom view that cannot be taken.
    pub(super) fn is_of_view(&self) -> bool {
        self.details.get("cv_criteria") == Some(&Value::Bool(true))
    }

    /// The rights that are missing.
    pub(super) fn permissions(&self) -> Vec<&str> {
        let listed = self.details.get("permissions").and_then(Value::as_array);
        listed
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }
}
