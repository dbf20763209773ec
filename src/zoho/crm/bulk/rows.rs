//! The rows of a job: downloaded into a file without a name, checked, and given in pieces.
//!
//! The file is whole before its first row is given, and gone when the last one is or nobody wants them any more. In
//! memory are a few thousand records at a time.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::archive::{self, ArchiveError};
use super::columns::Header;
use crate::domain::ids::FieldPath;
use crate::domain::record::Record;
use crate::domain::value::Field;
use crate::zoho::crm::answer;
use crate::zoho::crm::error::{CrmError, UnreadableError};
use crate::zoho::crm::reader::{Reader, named};
use crate::zoho::crm::{Columns, Crm, Method};
use crate::zoho::http::{Answer, Request};

/// Most bytes of a download.
const PACKED_MAX: u64 = 2 << 30;
/// Records of a piece, and pieces that wait: one is worked on, one is ready, one is being read.
const PIECE_RECORDS: usize = 2000;
const PIECES_WAITING: usize = 2;

/// Records in pieces; an error is the last thing that comes.
pub type Pieces = mpsc::Receiver<Result<Vec<Record>, CrmError>>;

impl Crm {
    /// The rows of a job that is done, of these `columns`, which have to be those it was asked for; in `folder` there has
    /// to be room for the file as it is packed.
    ///
    /// # Errors
    /// Any [`CrmError`]; see [`CrmError::job_is_gone`].
    pub async fn bulk_rows(
        &self,
        job: &str,
        columns: &Columns,
        folder: &Path,
    ) -> Result<Pieces, CrmError> {
        named(columns)?;
        let file = tempfile::tempfile_in(folder).map_err(ArchiveError::File)?;
        let file = Arc::new(file);
        // Each of them is made of calls that are tried again by themselves.
        let attempt = || self.whole_file(job, &file);
        self.channel.retry.run(attempt, CrmError::failure).await?;
        let (sender, pieces) = mpsc::channel(PIECES_WAITING);
        let columns = columns.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = give(&file, &columns, &sender) {
                // Whoever went away does not want to know.
                sender.blocking_send(Err(error)).ok();
            }
        });
        Ok(pieces)
    }

    async fn whole_file(&self, job: &str, file: &Arc<File>) -> Result<(), CrmError> {
        let method = Method::BulkRows;
        let read = |answer: Answer| {
            if answer.in_file {
                Ok(())
            } else {
                Err(answer::refused(method, &answer))
            }
        };
        let request = |base: &str| {
            let url = format!("{base}/{job}/result");
            Request::get(url, vec![]).into_file(Arc::clone(file), PACKED_MAX)
        };
        self.get(method, request, read).await?;
        let file = Arc::clone(file);
        let checked = tokio::task::spawn_blocking(move || archive::verify(&file)).await;
        Ok(checked.unwrap_or(Err(ArchiveError::Damaged))?)
    }
}

/// Sends the records of the file, as long as somebody takes them.
pub(super) fn give(
    file: &File,
    columns: &Columns,
    sender: &mpsc::Sender<Result<Vec<Record>, CrmError>>,
) -> Result<(), CrmError> {
    let fields: Vec<(FieldPath, &Field)> = named(columns)?;
    let reader = Reader {
        method: Method::BulkRows,
        columns,
        fields: &fields,
    };
    let mut piece = Vec::with_capacity(PIECE_RECORDS);
    let filling = &mut piece;
    archive::rows(file, move |names| {
        let header = Header::of(columns, names).map_err(|name| CrmError::Unreadable {
            method: Method::BulkRows,
            place: format!("the column `{name}` of {}", columns.module),
            source: UnreadableError::Column,
        })?;
        Ok(move |row: &csv::StringRecord| {
            filling.push(reader.record(&header.row(row))?);
            if filling.len() < PIECE_RECORDS {
                return Ok(true);
            }
            let full = std::mem::replace(filling, Vec::with_capacity(PIECE_RECORDS));
            Ok::<_, CrmError>(sender.blocking_send(Ok(full)).is_ok())
        })
    })?;
    if !piece.is_empty() {
        sender.blocking_send(Ok(piece)).ok();
    }
    Ok(())
}

impl From<ArchiveError> for CrmError {
    fn from(error: ArchiveError) -> Self {
        Self::Unreadable {
            method: Method::BulkRows,
            place: "its file".to_owned(),
            source: UnreadableError::Archive(error),
        }
    }
}
