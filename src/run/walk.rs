//! Get Records, where COQL does not take the module, a field or the view.

use super::Run;
use super::ask::missing_columns;
use super::error::RunError;
use super::fetch::{Page, count};
use super::progress::Way;
use crate::domain::ids::RecordId;
use crate::store::ledger::rows::Position;
use crate::zoho::crm::{Columns, Converted, CrmError};

impl Run<'_> {
    /// Reads by Get Records what COQL refuses, if COQL is to blame and not the definition.
    pub(super) async fn walk_instead(
        &self,
        columns: &Columns,
        view: Option<RecordId>,
        error: CrmError,
        position: &Position,
    ) -> Result<Page, RunError> {
        if !error.suggests_walking() || *position != Position::Start {
            return Err(error.into());
        }
        let now = self.crm.fields(&columns.module).await?;
        if !missing_columns(&columns.fields, &now).is_empty() {
            return Err(error.into());
        }
        self.say_refused(&error, "trying Get Records");
        self.walk(columns, view, None).await
    }

    pub(super) fn say_refused(&self, error: &CrmError, instead: &'static str) {
        tracing::warn!(
            sync = %self.definition.id,
            module = %self.definition.module,
            error = error as &dyn std::error::Error,
            "COQL does not take this read: {instead}"
        );
    }

    pub(super) async fn walk(
        &self,
        columns: &Columns,
        view: Option<RecordId>,
        token: Option<&str>,
    ) -> Result<Page, RunError> {
        if columns.module == self.definition.module {
            self.goes_by(Way::Records);
        }
        self.walk_of(columns, view, Converted::Both, token).await
    }

    pub(super) async fn walk_of(
        &self,
        columns: &Columns,
        view: Option<RecordId>,
        converted: Converted,
        token: Option<&str>,
    ) -> Result<Page, RunError> {
        let since = self.since().filter(|_| !self.row.full);
        let walked = self.crm.walk(columns, view, converted, token, since);
        let page = match walked.await {
            // What has been read already is passed over the second time.
            Err(error) if token.is_some() && error.restarts_walk() => {
                let again = self.crm.walk(columns, view, converted, None, since);
                again.await?
            }
            answered => answered?,
        };
        self.shows_opt_outs(columns, &page.records)?;
        if !page.partial.is_empty() {
            tracing::warn!(
                sync = %self.definition.id,
                run = %self.id,
                module = %columns.module,
                records = page.partial.len(),
                "fields of related records could not be read of {} record(s): they stay as they were",
                page.partial.len()
            );
        }
        Ok(Page {
            rows: count(&page.records),
            members: page.records.iter().map(|record| record.id).collect(),
            records: page.records,
            partial: page.partial,
            next: page.next.map(|token| Position::Token(Some(token))),
            service_time: Some(page.service_time),
            ..Page::default()
        })
    }
}
