//! Records that were deleted.

use jiff::Timestamp;

use super::answer;
use super::error::{CrmError, UnreadableError, instant};
use super::records::repeats;
use super::wire;
use super::{Crm, Method};
use crate::domain::ids::{ModuleName, RecordId};
use crate::zoho::http::Request;

/// Pages that are followed: two million deletions in the four months that the CRM remembers. Behind them the same ones
/// come again, or there is no end.
const PAGES_MAX: u32 = 10_000;

/// A page of deleted records.
#[derive(Debug)]
pub struct DeletedPage {
    /// Record and time of deletion.
    pub records: Vec<(RecordId, Timestamp)>,
    /// Whether there is a page behind it.
    pub more: bool,
}

impl Crm {
    /// One page (from 1 on) of the records deleted since; the CRM may list older ones too. It remembers deletions for
    /// 60 days in the recycle bin, 120 for good.
    ///
    /// # Errors
    /// Any [`CrmError`].
    pub async fn deleted(
        &self,
        module: &ModuleName,
        since: Option<Timestamp>,
        page: u32,
    ) -> Result<DeletedPage, CrmError> {
        let method = Method::Deleted;
        if page > PAGES_MAX {
            return Err(repeats(method));
        }
        let query = vec![
            ("type", "all".to_owned()),
            ("page", page.to_string()),
            ("per_page", super::PER_PAGE.to_owned()),
        ];
        let read = |answer| {
            let rows = answer::listed(method, &answer, |rows: &wire::DeletedRows| rows.data.len())?;
            let records = rows.data.iter().map(deleted).collect::<Result<_, _>>();
            Ok(DeletedPage {
                records: records.map_err(|source| CrmError::Unreadable {
                    method,
                    place: format!("a deleted record of {module}"),
                    source,
                })?,
                more: rows.info.more_records,
            })
        };
        let request = |base: &str| {
            let url = format!("{base}/{module}/deleted");
            Request::get(url, query.clone()).modified_since(since)
        };
        let page = self.get(method, request, read).await;
        page.map_err(|error| error.of_module(module))
    }
}

fn deleted(row: &wire::DeletedRow) -> Result<(RecordId, Timestamp), UnreadableError> {
    Ok((answer::id(Some(&row.id))?, instant(&row.deleted_time)?))
}
