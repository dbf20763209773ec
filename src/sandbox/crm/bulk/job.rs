//! A job: what is asked of it, its state, and how its status tells both.

use axum::body::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::file::Written;
use super::request::Asked;
use super::{KEPT, ORGANISATION};
use crate::sandbox::crm::cell::render_time;

/// Where the rows of a job begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// Behind so many pages, counted from 1.
    Number(usize),
    /// Behind the record with `id`, which makes it page `number`.
    After { id: u64, number: usize },
}

/// How far a job is.
#[derive(Debug)]
enum State {
    Added,
    Queued,
    InProgress,
    Done(Outcome),
}

/// What came of a job.
#[derive(Debug)]
pub(super) enum Outcome {
    Failed,
    Completed(Result),
}

/// The rows of a job.
#[derive(Debug)]
pub(super) struct Result {
    count: usize,
    next: Option<NextPage>,
    /// `None` once it was kept long enough.
    zip: Option<Bytes>,
    kept_until: Timestamp,
}

/// The page behind a job's.
#[derive(Debug)]
pub(super) struct NextPage {
    pub(super) token: String,
    pub(super) page: Page,
    pub(super) expires_at: Timestamp,
}

/// A job.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: u64,
    pub(super) asked: Asked,
    state: State,
    /// Status requests until it is done.
    polls_left: u32,
    /// Whether it ends in a failure.
    pub(super) is_doomed: bool,
    created_at: Timestamp,
}

impl Page {
    /// Counted from 1.
    pub(super) fn number(self) -> usize {
        match self {
            Self::Number(number) | Self::After { number, .. } => number,
        }
    }
}

impl Outcome {
    /// The job ended without rows.
    pub(super) fn failure() -> Self {
        Self::Failed
    }

    /// The rows are there.
    pub(super) fn completed(
        written: Written,
        next: Option<NextPage>,
        kept_until: Timestamp,
    ) -> Self {
        Self::Completed(Result {
            count: written.count,
            next,
            zip: Some(written.zip),
            kept_until,
        })
    }
}

impl Job {
    /// A job that was added just now, and is done with the `polls`th status request.
    pub(super) fn new(
        id: u64,
        asked: Asked,
        polls: u32,
        is_doomed: bool,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            asked,
            state: State::Added,
            polls_left: polls,
            is_doomed,
            created_at,
        }
    }

    /// Takes it a step further; true if it is to be completed now.
    pub(super) fn is_due(&mut self) -> bool {
        if matches!(self.state, State::Done(_)) {
            return false;
        }
        self.polls_left = self.polls_left.saturating_sub(1);
        self.state = match self.polls_left {
            0 | 1 => State::InProgress,
            _ => State::Queued,
        };
        self.polls_left == 0
    }

    /// Ends it.
    pub(super) fn complete(&mut self, outcome: Outcome) {
        self.state = State::Done(outcome);
    }

    /// The page behind this one, whose last row has `last_id`.
    pub(super) fn next_page(&self, last_id: u64, now: Timestamp) -> NextPage {
        let token = blake3::hash(format!("{}/{last_id}", self.id).as_bytes()).to_hex();
        let number = self.asked.page.number() + 1;
        NextPage {
            token: token[..40].to_owned(),
            page: Page::After {
                id: last_id,
                number,
            },
            expires_at: now + KEPT,
        }
    }

    /// The page behind this one, once it is known.
    pub(super) fn next(&self) -> Option<&NextPage> {
        self.result()?.next.as_ref()
    }

    /// The rows, while they are kept.
    pub(super) fn zip(&self) -> Option<&Bytes> {
        self.result()?.zip.as_ref()
    }

    /// Drops the rows if they were kept long enough.
    pub(super) fn forget(&mut self, now: Timestamp) {
        if let State::Done(Outcome::Completed(result)) = &mut self.state
            && result.kept_until <= now
        {
            result.zip = None;
        }
    }

    fn result(&self) -> Option<&Result> {
        match &self.state {
            State::Done(Outcome::Completed(result)) => Some(result),
            State::Done(Outcome::Failed) | State::Added | State::Queued | State::InProgress => None,
        }
    }

    /// What the request that made it is answered.
    pub(super) fn added(&self) -> Value {
        json!({
            "status": "success",
            "code": "ADDED_SUCCESSFULLY",
            "message": "Added successfully.",
            "details": {
                "id": self.id.to_string(),
                "operation": "read",
                "state": "ADDED",
                "created_by": created_by(),
                "created_time": render_time(self.created_at),
            },
        })
    }

    /// What a status request is answered, for pages of `per_page` rows.
    pub(super) fn status(&self, per_page: usize) -> Value {
        let mut status = json!({
            "id": self.id.to_string(),
            "operation": "read",
            "state": self.state.name(),
            "file_type": "csv",
            "query": self.asked.shown,
            "created_by": created_by(),
            "created_time": render_time(self.created_at),
        });
        status["query"]["page"] = json!(self.asked.page.number());
        if let State::Done(outcome) = &self.state {
            status["result"] = match outcome {
                Outcome::Failed => json!({"error_message": failure()}),
                Outcome::Completed(result) => self.shown(result, per_page),
            };
        }
        status
    }

    fn shown(&self, result: &Result, per_page: usize) -> Value {
        let mut shown = json!({
            "page": self.asked.page.number(),
            "per_page": per_page,
            "count": result.count,
            "more_records": result.next.is_some(),
            "download_url": format!("/crm/bulk/v8/read/{}/result", self.id),
        });
        if let Some(next) = &result.next {
            shown["next_page_token"] = json!(next.token);
            shown["page_token_expiry"] = json!(render_time(next.expires_at));
        }
        shown
    }
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Queued => "QUEUED",
            Self::InProgress => "IN PROGRESS",
            Self::Done(Outcome::Completed(_)) => "COMPLETED",
            Self::Done(Outcome::Failed) => "FAILURE",
        }
    }
}

fn created_by() -> Value {
    json!({"name": "Olive Ops", "id": (ORGANISATION + 86_001).to_string()})
}

fn failure() -> Value {
    json!({
        "code": "INTERNAL_SERVER_ERROR",
        "details": {},
        "message": "the bulk read job could not be processed",
        "status": "error",
    })
}
