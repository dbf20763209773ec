//! Bulk Read: a job is asked for, polled, and its rows downloaded; for a fixed price, up to 200,000 rows a job.
//!
//! A job's rows are those of one moment and in no order that may be relied upon. Between the calls nothing is kept here
//! but the job's id, so a caller that was stopped goes on with it. Waiting between polls is the caller's.

mod archive;
mod columns;
mod criteria;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzz;
mod rows;
#[cfg(test)]
mod tests;
mod wire;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

pub use self::archive::ArchiveError;
pub use self::columns::can_bulk;
pub use self::rows::Pieces;
use super::answer::{self, service_time};
use super::coql::Among;
use super::error::{CrmError, UnreadableError};
use super::{Columns, Crm, Method};
use crate::zoho::http::Request;

/// What asking for a job costs. Source: the CRM's "API limits" page, November 2026.
const CREATE_CREDITS: u64 = 50;

/// What a job is to give.
#[derive(Debug, Clone, Copy)]
pub enum BulkQuery<'a> {
    /// The first rows of some records.
    First {
        /// What is read of them.
        columns: &'a Columns,
        /// Which they are; more may come, for what Bulk Read cannot say is left out.
        among: &'a Among,
    },
    /// The rows behind those of another job.
    Next {
        /// What that job said; it lasts a day.
        page_token: &'a str,
    },
}

/// A job that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkJob {
    /// Its id; letters, digits and `_` only.
    pub id: String,
    /// The service's clock when it was accepted: what is modified from then on may be missing in its rows.
    pub service_time: Timestamp,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkStatus {
    /// Not done.
    Waiting,
    /// Its rows can be downloaded, for a day.
    Done {
        /// How many there are.
        rows: u64,
        /// What asks for the rows behind them, if there are any.
        next_page_token: Option<String>,
    },
    /// It came to nothing.
    Failed {
        /// The CRM's code.
        code: String,
    },
}

/// How long to wait before a job is asked about once more, `attempt` being how often it has been: from a second on, and
/// up to half a minute.
#[must_use]
pub fn poll_delay(attempt: u32) -> Duration {
    Duration::from_secs(1 << attempt.min(5)).min(Duration::from_secs(30))
}

impl Crm {
    /// Asks for a job, for the price of 50 credits.
    ///
    /// # Errors
    /// Any [`CrmError`]; see [`CrmError::suggests_querying`] and, for a token that has ended, [`CrmError::job_is_gone`].
    pub async fn bulk_create(&self, query: BulkQuery<'_>) -> Result<BulkJob, CrmError> {
        let method = Method::BulkCreate;
        let body = body(&query);
        let read = |answer| {
            let added = answer::listed(method, &answer, |it: &wire::Added| it.data.len())?;
            let service_time = service_time(method, &answer)?;
            let id = added.data.first().and_then(|job| job_id(&job.details.id));
            let id = id.ok_or_else(|| unreadable(method, UnreadableError::Job))?;
            Ok(BulkJob { id, service_time })
        };
        let request = |base: &str| Request::json(base.to_owned(), body.clone());
        let job = self.call(method, CREATE_CREDITS, request, read).await;
        match query {
            BulkQuery::First { columns, .. } => {
                job.map_err(|error| error.of_module(&columns.module))
            }
            BulkQuery::Next { .. } => job,
        }
    }

    /// How far the job with this id is.
    ///
    /// # Errors
    /// Any [`CrmError`]; see [`CrmError::job_is_gone`].
    pub async fn bulk_status(&self, job: &str) -> Result<BulkStatus, CrmError> {
        let method = Method::BulkStatus;
        let read = |answer| {
            let jobs = answer::listed(method, &answer, |it: &wire::Jobs| it.data.len())?;
            let state = jobs.data.into_iter().next().and_then(status);
            state.ok_or_else(|| unreadable(method, UnreadableError::Job))
        };
        let request = |base: &str| Request::get(format!("{base}/{job}"), vec![]);
        self.get(method, request, read).await
    }
}

fn unreadable(method: Method, source: UnreadableError) -> CrmError {
    CrmError::Unreadable {
        method,
        place: "its job".to_owned(),
        source,
    }
}

/// What is sent to ask for a job.
pub(super) fn body(query: &BulkQuery<'_>) -> Value {
    let job = wire::Job {
        query: asked(query),
    };
    serde_json::to_value(job).expect("names and texts are JSON")
}

fn asked<'a>(query: &BulkQuery<'a>) -> wire::Query<'a> {
    match *query {
        BulkQuery::First { columns, among } => {
            let fields = columns::asked(columns);
            wire::Query::First {
                module: wire::Named {
                    api_name: columns.module.as_str(),
                },
                cvid: among.view.map(|view| view.to_string()),
                criteria: criteria::criteria(&among.filter, &columns::joined(&fields)),
                fields,
            }
        }
        BulkQuery::Next { page_token } => wire::Query::Next { page_token },
    }
}

/// An id that may become part of a URL.
fn job_id(json: &Value) -> Option<String> {
    let id = match json {
        Value::String(id) => id.clone(),
        Value::Number(id) => id.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (!id.is_empty() && id.bytes().all(word)).then_some(id)
}

/// The state in our words; one that is unheard of is waited for, one that lacks what it must have is none.
fn status(job: wire::JobState) -> Option<BulkStatus> {
    match (job.state.as_str(), job.result) {
        ("COMPLETED", Some(result)) => {
            let next_page_token = result.next_page_token.filter(|_| result.more_records);
            let is_whole = next_page_token.is_some() || !result.more_records;
            Some(BulkStatus::Done {
                rows: result.count.filter(|_| is_whole)?,
                next_page_token,
            })
        }
        ("COMPLETED", None) => None,
        ("FAILURE" | "FAILED", result) => {
            let error = result.map(|result| result.error_message);
            let code = error.as_ref().and_then(|error| error.get("code")?.as_str());
            let code = code.map_or_else(|| "UNKNOWN".to_owned(), answer::word);
            Some(BulkStatus::Failed { code })
        }
        _ => Some(BulkStatus::Waiting),
    }
}
