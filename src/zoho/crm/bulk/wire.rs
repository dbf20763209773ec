//! The JSON of Bulk Read exactly as it is sent.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What stands for nothing in a condition.
pub(super) const EMPTY: &str = "${EMPTY}";
/// The id's column, which comes unasked.
pub(super) const ID: &str = "Id";

#[derive(Debug, Serialize)]
pub(super) struct Job<'a> {
    pub(super) query: Query<'a>,
}

/// A query, or the token that stands for all of one.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Query<'a> {
    First {
        module: Named<'a>,
        fields: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cvid: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        criteria: Option<Criteria>,
    },
    Next {
        page_token: &'a str,
    },
}

#[derive(Debug, Serialize)]
pub(super) struct Named<'a> {
    pub(super) api_name: &'a str,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Criteria {
    Group {
        group_operator: &'static str,
        group: Vec<Criteria>,
    },
    Leaf {
        field: Field,
        comparator: &'static str,
        value: Value,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Field {
    pub(super) api_name: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Added {
    pub(super) data: Vec<AddedJob>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AddedJob {
    pub(super) details: JobId,
}

#[derive(Debug, Deserialize)]
pub(super) struct JobId {
    pub(super) id: Value,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Jobs {
    pub(super) data: Vec<JobState>,
}

#[derive(Debug, Deserialize)]
pub(super) struct JobState {
    pub(super) state: String,
    pub(super) result: Option<JobResult>,
}

#[derive(Debug, Deserialize)]
pub(super) struct JobResult {
    pub(super) count: Option<u64>,
    #[serde(default)]
    pub(super) more_records: bool,
    pub(super) next_page_token: Option<String>,
    /// An error envelope.
    #[serde(default)]
    pub(super) error_message: Value,
}
