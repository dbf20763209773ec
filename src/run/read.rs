//! Records read page by page and staged: one page is one step of the ledger, and the next is asked for meanwhile.

use std::time::Duration;

use jiff::Timestamp;

use super::Run;
use super::ask::missing_columns;
use super::error::RunError;
use super::plan::Source;
use super::stage::Staging;
use crate::domain::changes::Departed;
use crate::domain::filter::{Filter, Leaf, Test};
use crate::domain::ids::{FieldPath, RecordId};
use crate::domain::record::Record;
use crate::domain::value::FieldType;
use crate::domain::value::Value;
use crate::store::StoreError;
use crate::store::ledger::keys;
use crate::store::ledger::rows::{Phase, Place, Position, RunRow};
use crate::zoho::crm::coql::{Among, Place as Row, Scope};
use crate::zoho::crm::{Columns, Converted};

/// How far reads reach back before the cursor: what was written while the last run asked shows up late.
const OVERLAP: Duration = Duration::from_secs(300);
/// Rows a COQL page may have. Source: CRM, COQL limits (v8), read November 2026.
const PAGE_ROWS_MAX: u32 = 2000;
/// Rows asked for in the first pages of a change read: a small LIMIT costs fewer credits.
const RAMP_ROWS: [u32; 2] = [200, 1000];
/// Records looked at in one step when a full read's leftovers are let go.
const VANISHED_ROWS: usize = 1000;

/// A page of any source, and where the next one begins.
struct Page {
    records: Vec<Record>,
    deleted: Vec<(RecordId, Timestamp)>,
    next: Option<Position>,
    service_time: Option<Timestamp>,
}

impl Run<'_> {
    /// Reads all sources from where the run stands, and moves it to what comes after.
    pub(super) async fn read_sources(&mut self) -> Result<(), RunError> {
        while let Phase::Reading { source, position } = self.row.phase.clone() {
            match self.plan.sources.get(usize::from(source)).cloned() {
                None => self.enter(if self.row.full {
                    Phase::Vanished { after: 0 }
                } else {
                    Phase::Deciding
                })?,
                Some(wanted) if self.skips(&wanted) => {
                    self.enter(Phase::Reading {
                        source: source + 1,
                        position: Position::Start,
                    })?;
                }
                Some(wanted) => self.read_source(source, &wanted, position).await?,
            }
        }
        Ok(())
    }

    /// A sync that has never read anything has no record whose deletion could matter.
    fn skips(&self, source: &Source) -> bool {
        matches!(source, Source::Deleted) && self.cursor.is_none()
    }

    /// Reads one source to its end. While a page is staged, the next one is on its way: two pages are in memory.
    async fn read_source(
        &mut self,
        index: u8,
        source: &Source,
        position: Position,
    ) -> Result<(), RunError> {
        let mut pages: usize = 0;
        let mut page = self.fetch(source, &position, pages).await?;
        loop {
            self.go_on()?;
            let to = self
                .row
                .to
                .or(page.service_time.map(Timestamp::as_millisecond));
            self.row.to = to;
            pages += 1;
            let Some(next) = page.next.take() else {
                let after = Phase::Reading {
                    source: index + 1,
                    position: Position::Start,
                };
                return Ok(self.stage_page(source, &page, after)?);
            };
            let after = Phase::Reading {
                source: index,
                position: next.clone(),
            };
            let (fetched, staged) = {
                let this = &*self;
                // In this order: the request is on its way before the ledger keeps the task busy.
                let staging = async { this.staged(source, &page, after) };
                tokio::join!(this.fetch(source, &next, pages), staging)
            };
            self.row = staged?;
            self.report();
            page = fetched?;
        }
    }

    fn stage_page(&mut self, source: &Source, page: &Page, phase: Phase) -> Result<(), StoreError> {
        self.row = self.staged(source, page, phase)?;
        self.report();
        Ok(())
    }

    /// Puts a page, its counts and the run's new position into the ledger, in one step.
    fn staged(&self, source: &Source, page: &Page, phase: Phase) -> Result<RunRow, StoreError> {
        let mut row = self.row_with_cost();
        row.phase = phase;
        let module = match source {
            Source::Module | Source::Deleted => &self.definition.module,
            Source::Consent(columns) => &columns.module,
        };
        self.store.ledger.step(|step| {
            let staging = Staging {
                plan: &self.plan,
                ledger: &self.store.ledger,
                numbers: self.numbers,
                module: step.number('m', module.as_str())?,
                now: self.clock.now(),
            };
            for record in &page.records {
                match source {
                    // It is counted by the next run, but an opt-out that is known blocks from now on.
                    Source::Module if self.is_beyond(&row, record) => {
                        staging.opt_outs(step, record, &self.plan.opt_out_fields)?;
                    }
                    Source::Module => staging.record(step, &mut row, record)?,
                    Source::Consent(_) => {
                        staging.opt_outs(step, record, &self.plan.consent_fields)?;
                    }
                    Source::Deleted => {}
                }
            }
            for (record, deleted_at) in &page.deleted {
                let Some(known) = step
                    .records
                    .get(&keys::record(self.numbers.sync, record.0))?
                else {
                    continue;
                };
                let met_alive = known.seen == row.number
                    && row.to.is_some_and(|to| deleted_at.as_millisecond() <= to);
                if !met_alive {
                    staging.gone(step, *record, &known, Departed::Deleted)?;
                }
            }
            step.save_run(&row)?;
            Ok(row)
        })
    }

    /// Lets go of the records that a full read did not meet: they left the module without a word in its deleted feed.
    pub(super) fn let_vanished_go(&mut self) -> Result<(), RunError> {
        while let Phase::Vanished { after } = self.row.phase {
            self.go_on()?;
            let mut row = self.row_with_cost();
            row = self
                .store
                .ledger
                .step(|step| -> Result<RunRow, StoreError> {
                    let staging = Staging {
                        plan: &self.plan,
                        ledger: &self.store.ledger,
                        numbers: self.numbers,
                        module: step.number('m', self.definition.module.as_str())?,
                        now: self.clock.now(),
                    };
                    let prefix = keys::number(self.numbers.sync);
                    let start = keys::record(self.numbers.sync, after);
                    let rows = step.records.under(&prefix, Some(&start), VANISHED_ROWS)?;
                    row.phase = match rows.last() {
                        Some((key, _)) => Phase::Vanished {
                            after: keys::last_record("records", key)?,
                        },
                        None => Phase::Deciding,
                    };
                    for (key, record) in rows {
                        let id = RecordId(keys::last_record("records", &key)?);
                        if record.seen != row.number && !matches!(record.place, Place::Gone(_)) {
                            staging.gone(step, id, &record, Departed::Left)?;
                        }
                    }
                    step.save_run(&row)?;
                    Ok(row)
                })?;
            self.row = row;
        }
        Ok(())
    }

    async fn fetch(
        &self,
        source: &Source,
        position: &Position,
        pages: usize,
    ) -> Result<Page, RunError> {
        match source {
            Source::Module => {
                self.fetch_records(&self.plan.columns, None, position, pages)
                    .await
            }
            Source::Consent(columns) => {
                let opted_out = self
                    .plan
                    .consent_fields
                    .first()
                    .filter(|_| self.row.full)
                    .cloned();
                self.fetch_records(columns, opted_out, position, pages)
                    .await
            }
            Source::Deleted => self.fetch_deleted(position).await,
        }
    }

    /// One page of records: by COQL, or by Get Records where COQL does not take the module or a field.
    async fn fetch_records(
        &self,
        columns: &Columns,
        opted_out: Option<FieldPath>,
        position: &Position,
        pages: usize,
    ) -> Result<Page, RunError> {
        if let Position::Token(token) = position {
            return self.walk(columns, token.as_deref()).await;
        }
        let scope = self.scope(opted_out, position);
        let full = !matches!(scope, Scope::Changed { .. });
        let ramp = RAMP_ROWS.get(pages).copied().filter(|_| !full);
        let limit = ramp.unwrap_or(PAGE_ROWS_MAX);
        match self.crm.page(columns, &scope, limit).await {
            Ok(page) => {
                self.shows_opt_outs(columns, &page.records)?;
                let is_over = page
                    .records
                    .last()
                    .is_some_and(|record| self.is_beyond(&self.row, record));
                let last = page.last.filter(|_| page.more && !is_over);
                let next = last.map(|row| after(&scope, row));
                let service_time = Some(page.service_time);
                Ok(Page {
                    records: page.records,
                    deleted: Vec::new(),
                    next,
                    service_time,
                })
            }
            Err(error) if *position == Position::Start && error.suggests_walking() => {
                tracing::warn!(
                    sync = %self.definition.id,
                    module = %columns.module,
                    error = &error as &dyn std::error::Error,
                    "COQL does not take this read: trying Get Records"
                );
                let now = self.crm.fields(&columns.module).await?;
                if missing_columns(&columns.fields, &now).is_empty() {
                    self.walk(columns, None).await
                } else {
                    Err(error.into())
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    fn scope(&self, opted_out: Option<FieldPath>, position: &Position) -> Scope {
        let after_record = match position {
            Position::AfterRecord(record) => Some(RecordId(*record)),
            _ => None,
        };
        if let Some(field) = opted_out {
            let or_changed_since = self.since();
            return Scope::ById {
                among: Among {
                    view: None,
                    filter: opted_out_or_changed(field, or_changed_since),
                },
                after: after_record,
            };
        }
        match self.since() {
            Some(since) if !self.row.full => {
                let after = match position {
                    Position::AfterChange(at, record) => Timestamp::from_millisecond(*at)
                        .ok()
                        .map(|at| (at, RecordId(*record))),
                    _ => None,
                };
                Scope::Changed { since, after }
            }
            _ => Scope::ById {
                among: Among::ALL,
                after: after_record,
            },
        }
    }

    /// Whether a record belongs to the next window: a change read ends at the run's own time.
    fn is_beyond(&self, row: &RunRow, record: &Record) -> bool {
        match (record.modified_at, row.to) {
            (Some(at), Some(to)) => !row.full && self.cursor.is_some() && at.as_millisecond() >= to,
            _ => false,
        }
    }

    async fn walk(&self, columns: &Columns, token: Option<&str>) -> Result<Page, RunError> {
        let since = self.since().filter(|_| !self.row.full);
        let page = match self
            .crm
            .walk(columns, None, Converted::Both, token, since)
            .await
        {
            // What has been read already is passed over the second time.
            Err(error) if token.is_some() && error.restarts_walk() => {
                self.crm
                    .walk(columns, None, Converted::Both, None, since)
                    .await?
            }
            answered => answered?,
        };
        self.shows_opt_outs(columns, &page.records)?;
        Ok(Page {
            records: page.records,
            deleted: Vec::new(),
            next: page.next.map(|token| Position::Token(Some(token))),
            service_time: Some(page.service_time),
        })
    }

    /// A field that the token's user may not see comes without a value: read as such, everybody would have opted in.
    fn shows_opt_outs(&self, columns: &Columns, records: &[Record]) -> Result<(), RunError> {
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

    async fn fetch_deleted(&self, position: &Position) -> Result<Page, RunError> {
        let number = match position {
            Position::Page(number) => *number,
            _ => 1,
        };
        let since = self.since();
        let page = self
            .crm
            .deleted(&self.definition.module, since, number)
            .await?;
        let mut deleted = page.records;
        deleted.retain(|(_, at)| since.is_none_or(|since| *at >= since));
        let next = page.more.then_some(Position::Page(number + 1));
        Ok(Page {
            records: Vec::new(),
            deleted,
            next,
            service_time: None,
        })
    }

    /// Where reads of changes begin: five minutes before the cursor.
    fn since(&self) -> Option<Timestamp> {
        self.cursor.map(|cursor| cursor - OVERLAP)
    }
}

/// Those that opted out, and those modified since, whatever they say: who opted in again is among them.
fn opted_out_or_changed(field: FieldPath, since: Option<Timestamp>) -> Filter {
    let leaf = |field, field_type, test| {
        Filter::Leaf(Leaf {
            field,
            field_type,
            test,
        })
    };
    let opted_out = leaf(field, FieldType::Bool, Test::Truth(true));
    let modified: Option<FieldPath> = "Modified_Time".parse().ok();
    let changed = since.zip(modified).map(|(since, modified)| {
        leaf(
            modified,
            FieldType::DateTime,
            Test::Instants(Some(since), None),
        )
    });
    Filter::any(std::iter::once(opted_out).chain(changed))
}

fn after(scope: &Scope, (id, modified_at): Row) -> Position {
    match (scope, modified_at) {
        (Scope::Changed { .. }, Some(at)) => Position::AfterChange(at.as_millisecond(), id.0),
        _ => Position::AfterRecord(id.0),
    }
}
