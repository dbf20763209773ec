//! Doors for the targets in [`crate::zoho::crm::fuzz`]: a job's state, and the rows of its file.

use std::fs::File;

use tokio::sync::mpsc;

use super::{BulkStatus, archive, rows, status, wire};
use crate::zoho::crm::answer::listed;
use crate::zoho::crm::{Columns, CrmError, Method};
use crate::zoho::http::Answer;

/// What an answer says of a job.
pub(in crate::zoho::crm) fn state(answer: &Answer) -> Result<Option<BulkStatus>, CrmError> {
    let jobs = listed(Method::BulkStatus, answer, |it: &wire::Jobs| it.data.len())?;
    Ok(jobs.data.into_iter().next().and_then(status))
}

/// Checks a file and reads it as far as one piece.
pub(in crate::zoho::crm) fn read(file: &File, columns: &Columns) -> Result<(), CrmError> {
    archive::verify(file)?;
    // Nobody takes the pieces, so the first one that is full ends it.
    let (sender, pieces) = mpsc::channel(1);
    drop(pieces);
    rows::give(file, columns, &sender)
}
