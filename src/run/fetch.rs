//! One page of any source, by the cheapest way that gives it.
//!
//! By COQL with what can be pushed of the selection; where COQL does not take that, without it; where it does not take
//! the module, a field or the view, by Get Records (`walk`). What changed is read by `changes`.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use jiff::Timestamp;

use super::Run;
use super::error::RunError;
use super::plan::{Selected, Source};
use super::progress::Way;
use super::push::{PAGE_ROWS, leaf};
use crate::domain::filter::{Filter, Test};
use crate::domain::ids::{FieldPath, RecordId};
use crate::domain::record::Record;
use crate::domain::value::{FieldType, Value};
use crate::store::StoreError;
use crate::store::ledger::keys;
use crate::store::ledger::rows::Position;
use crate::zoho::crm::coql::{self, Among, IDS_MAX, Scope};
use crate::zoho::crm::{Columns, Converted, RecordPage};

/// A page of any source, and where the next one begins.
#[derive(Default)]
pub(super) struct Page {
    pub(super) records: Vec<Record>,
    /// Records whose related fields could not be read: their opt-outs count, and they are not gone.
    pub(super) partial: Vec<Record>,
    /// Rows that the service gave, which is what a read is planned by.
    pub(super) rows: u64,
    /// Those of the records that are in the sync's view, if it names one.
    pub(super) members: BTreeSet<RecordId>,
    pub(super) deleted: Vec<(RecordId, Timestamp)>,
    /// The records that were asked for by their ids.
    pub(super) revisited: Vec<RecordId>,
    pub(super) next: Option<Position>,
    pub(super) service_time: Option<Timestamp>,
    /// When an earlier run asked for it, by our clock; `None` for what was asked for just now.
    pub(super) asked_at: Option<Timestamp>,
}

impl Run<'_> {
    /// The page at `position` of a source of which so many rows have been `met`.
    pub(super) async fn fetch(
        &self,
        source: &Source,
        position: &Position,
        met: u64,
    ) -> Result<Page, RunError> {
        match source {
            Source::Deals => match &self.plan.deals {
                Some(columns) => self.fetch_deals(columns, position, met).await,
                None => Ok(Page::default()),
            },
            Source::Module if self.row.full => self.fetch_all(position, met).await,
            Source::Module => self.fetch_changes(position, met).await,
            Source::Converted => self.fetch_converted(position).await,
            Source::ConvertedConsent(columns) => {
                let (only, token) = (Converted::Only, token_of(position));
                self.walk_of(columns, None, only, token).await
            }
            Source::Revisits => self.fetch_revisits(position).await,
            Source::Consent(columns) => self.fetch_consent(columns, position, met).await,
            Source::DeletedDeals => match &self.plan.deals {
                Some(columns) => self.fetch_deleted(columns, position).await,
                None => Ok(Page::default()),
            },
            Source::Deleted => self.fetch_deleted(&self.plan.columns, position).await,
        }
    }

    /// All records that may be selected, and all that opted out or changed since, whatever they are.
    async fn fetch_all(&self, position: &Position, met: u64) -> Result<Page, RunError> {
        let view = self.view();
        let columns = &self.plan.columns;
        if let Position::Token(token) = position {
            return self.walk(columns, view, token.as_deref()).await;
        }
        if self.is_listed_only() {
            return self.walk(columns, view, None).await;
        }
        let after = after_record(position);
        let limit = self.planned_rows(met);
        let scope = |filter| Scope::ById {
            among: Among { view, filter },
            after,
        };
        let pushed = self.pushed();
        let is_pushed = !pushed.is_everything();
        let page = match self.crm.page(columns, &scope(pushed), limit).await {
            Err(error) if is_pushed && error.suggests_walking() => {
                self.say_refused(&error, "reading without the selection");
                self.unpushed.store(true, Ordering::Relaxed);
                let scope = scope(Filter::EVERYTHING);
                self.crm.page(columns, &scope, PAGE_ROWS[2]).await
            }
            answered => answered,
        };
        match page {
            Ok(page) => {
                self.goes_by(Way::Coql);
                self.page(columns, page, |last| Position::AfterRecord(last.0.0))
            }
            Err(error) => {
                if view.is_some() && error.view_not_in_coql() {
                    self.list_only();
                }
                self.walk_instead(columns, view, error, position).await
            }
        }
    }

    /// What changed in the module, and which of it is in the view.
    async fn fetch_changes(&self, position: &Position, met: u64) -> Result<Page, RunError> {
        let page = self.changes(&self.plan.columns, position, met).await?;
        self.goes_by(Way::Coql);
        self.with_members(page).await
    }

    /// Converted leads, all of them or what changed; through the view, where the sync names one.
    async fn fetch_converted(&self, position: &Position) -> Result<Page, RunError> {
        let (columns, token) = (&self.plan.columns, token_of(position));
        match self.view() {
            // A query would leave them out of the view as well.
            Some(view) => {
                let both = Converted::Both;
                self.walk_of(columns, Some(view), both, token).await
            }
            None => self.walk_of(columns, None, Converted::Only, token).await,
        }
    }

    async fn fetch_deals(
        &self,
        columns: &Columns,
        position: &Position,
        met: u64,
    ) -> Result<Page, RunError> {
        if !self.row.full {
            return self.changes(columns, position, met).await;
        }
        let filter = leaf(
            crate::domain::schema::DEAL_CONTACT,
            FieldType::Lookup,
            Test::NotNull,
        );
        self.by_id(columns, filter, position).await
    }

    /// Opt-outs of a module: all of them, or what changed.
    async fn fetch_consent(
        &self,
        columns: &Columns,
        position: &Position,
        met: u64,
    ) -> Result<Page, RunError> {
        if !self.row.full {
            return self.changes(columns, position, met).await;
        }
        let fields = if columns.module == self.definition.module {
            &self.plan.opt_out_fields
        } else {
            &self.plan.consent_fields
        };
        self.by_id(columns, self.opted_out_or_changed(fields), position)
            .await
    }

    /// The next records that have to be looked at again.
    async fn fetch_revisits(&self, position: &Position) -> Result<Page, RunError> {
        let ids = self.next_revisits(after_record(position))?;
        let Some(last) = ids.last() else {
            return Ok(Page::default());
        };
        let next = (ids.len() == IDS_MAX).then_some(Position::AfterRecord(last.0));
        let columns = &self.plan.columns;
        let scope = Scope::Ids {
            ids: ids.clone(),
            view: None,
        };
        let found = self.crm.page(columns, &scope, PAGE_ROWS[0]).await?;
        self.shows_opt_outs(columns, &found.records)?;
        let page = Page {
            rows: count(&found.records),
            records: found.records,
            revisited: ids,
            next,
            service_time: Some(found.service_time),
            ..Page::default()
        };
        self.with_members(page).await
    }

    /// The records of a module that a filter lets through, by id.
    pub(super) async fn by_id(
        &self,
        columns: &Columns,
        filter: Filter,
        position: &Position,
    ) -> Result<Page, RunError> {
        if let Position::Token(token) = position {
            return self.walk(columns, None, token.as_deref()).await;
        }
        let scope = Scope::ById {
            among: Among { view: None, filter },
            after: after_record(position),
        };
        match self.crm.page(columns, &scope, PAGE_ROWS[2]).await {
            Ok(page) => self.page(columns, page, |last| Position::AfterRecord(last.0.0)),
            Err(error) => self.walk_instead(columns, None, error, position).await,
        }
    }

    pub(super) fn page(
        &self,
        columns: &Columns,
        mut found: RecordPage,
        position: impl Fn(coql::Place) -> Position,
    ) -> Result<Page, RunError> {
        // What another sync asked for beside it is not this one's.
        for record in &mut found.records {
            record.values.retain(|path, _| {
                let mut fields = columns.fields.iter();
                fields.any(|field| field.api_name == path.as_str())
            });
        }
        self.shows_opt_outs(columns, &found.records)?;
        let is_over = found
            .records
            .last()
            .is_some_and(|record| self.is_beyond(&self.row, record));
        let last = found.last.filter(|_| found.more && !is_over);
        Ok(Page {
            rows: count(&found.records),
            members: found.records.iter().map(|record| record.id).collect(),
            records: found.records,
            next: last.map(position),
            service_time: Some(found.service_time),
            ..Page::default()
        })
    }

    /// The page with those of its records named that are in the sync's view now.
    pub(super) async fn with_members(&self, mut page: Page) -> Result<Page, RunError> {
        let Some(view) = self.view() else {
            return Ok(page);
        };
        let ids: Vec<RecordId> = page.records.iter().map(|record| record.id).collect();
        let columns = Columns {
            module: self.definition.module.clone(),
            fields: Vec::new(),
        };
        page.members.clear();
        // Then all members have been listed already, and nobody else is one.
        if self.is_listed_only() {
            return Ok(page);
        }
        for ids in ids.chunks(IDS_MAX) {
            let scope = Scope::Ids {
                ids: ids.to_vec(),
                view: Some(view),
            };
            let found = self.crm.page(&columns, &scope, PAGE_ROWS[0]).await?;
            page.members
                .extend(found.records.iter().map(|record| record.id));
        }
        Ok(page)
    }

    /// A field that the token's user may not see comes without a value: read as such, everybody would have opted in.
    pub(super) fn shows_opt_outs(
        &self,
        columns: &Columns,
        records: &[Record],
    ) -> Result<(), RunError> {
        let asked = |field: &FieldPath| {
            columns
                .fields
                .iter()
                .any(|column| column.api_name == field.as_str())
        };
        let hidden = self.plan.consent_fields.iter().find(|field| {
            asked(field)
                && records
                    .iter()
                    .all(|record| *record.get(field) == Value::Null)
        });
        match hidden {
            Some(field) if !records.is_empty() => Err(RunError::OptOutsHidden {
                module: columns.module.clone(),
                field: field.clone(),
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// The view that the sync names.
    pub(super) fn view(&self) -> Option<RecordId> {
        match &self.plan.selected {
            Selected::View(view) => Some(RecordId(view.id)),
            Selected::All | Selected::Criteria(_) => None,
        }
    }

    /// Whether the view's members can only be listed, as COQL does not take it.
    pub(super) fn is_listed_only(&self) -> bool {
        let known = matches!(&self.plan.selected, Selected::View(view) if view.listed_only);
        known || self.listed_only.load(Ordering::Relaxed)
    }

    fn list_only(&self) {
        self.listed_only.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_revisits(&self) -> Result<bool, StoreError> {
        let prefix = keys::number(self.numbers.sync);
        self.store.ledger.step(|step| step.revisits.any(&prefix))
    }

    fn next_revisits(&self, after: Option<RecordId>) -> Result<Vec<RecordId>, StoreError> {
        let prefix = keys::number(self.numbers.sync);
        let after = after.map(|record| keys::record(self.numbers.sync, record.0));
        self.store.ledger.step(|step| {
            let rows = step.revisits.under(&prefix, after.as_deref(), IDS_MAX)?;
            let id = |(key, _): &(Vec<u8>, _)| keys::last_record("revisits", key).map(RecordId);
            rows.iter().map(id).collect()
        })
    }
}

fn token_of(position: &Position) -> Option<&str> {
    match position {
        Position::Token(token) => token.as_deref(),
        _ => None,
    }
}

pub(super) fn after_record(position: &Position) -> Option<RecordId> {
    match position {
        Position::AfterRecord(record) => Some(RecordId(*record)),
        _ => None,
    }
}

/// How many records these are.
pub(super) fn count(records: &[Record]) -> u64 {
    u64::try_from(records.len()).unwrap_or(u64::MAX)
}
