//! One page of any source, by the cheapest way that gives it.
//!
//! By COQL with what can be pushed of the selection; where COQL does not take that, without it; where it does not take
//! the module, a field or the view, by Get Records. What changed is always read without the selection, since a record
//! that stopped matching has to be seen.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;

use super::Run;
use super::ask::missing_columns;
use super::error::RunError;
use super::plan::{Selected, Source};
use super::recent::Answer;
use super::resolve;
use crate::domain::filter::{Filter, Leaf, Test};
use crate::domain::ids::{FieldPath, RecordId};
use crate::domain::record::Record;
use crate::domain::value::{FieldType, Value};
use crate::store::StoreError;
use crate::store::ledger::keys;
use crate::store::ledger::rows::Position;
use crate::zoho::crm::coql::{self, Among, IDS_MAX, Scope, fits_one_query};
use crate::zoho::crm::{Columns, Converted, CrmError, RecordPage};

/// How far reads reach back before the cursor: what was written while the last run asked shows up late.
const OVERLAP: Duration = Duration::from_secs(300);
/// What "shortly before" is: the overlap, and more than the two clocks may differ by.
const JUST_NOW: Duration = Duration::from_secs(3600);
/// Rows of a query by what it costs: a LIMIT up to the first is one credit, up to the second two, up to the third three.
/// Source: CRM, COQL limits (v8), read November 2026.
const PAGE_ROWS: [u32; 3] = [200, 1000, 2000];
/// The field that tells when a record was last changed.
const MODIFIED_FIELD: &str = "Modified_Time";

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
            Ok(page) => self.page(columns, page, |last| Position::AfterRecord(last.0.0)),
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
        self.with_members(page).await
    }

    /// Converted leads, all of them or what changed; which of them are in the view.
    async fn fetch_converted(&self, position: &Position) -> Result<Page, RunError> {
        let token = match position {
            Position::Token(token) => token.as_deref(),
            _ => None,
        };
        let columns = &self.plan.columns;
        let page = self.walk_of(columns, None, Converted::Only, token).await?;
        self.with_members(page).await
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

    async fn fetch_deleted(
        &self,
        columns: &Columns,
        position: &Position,
    ) -> Result<Page, RunError> {
        let number = match position {
            Position::Page(number) => *number,
            _ => 1,
        };
        let since = self.since();
        let of_module = Columns {
            module: columns.module.clone(),
            fields: Vec::new(),
        };
        let (recent, wished_at) = (self.ticket.recent(), self.ticket.wished_at());
        let met = |deleted: Vec<(RecordId, Timestamp)>| -> Vec<(RecordId, Timestamp)> {
            let mut deleted = deleted;
            deleted.retain(|(_, at)| since.is_none_or(|since| *at >= since));
            deleted
        };
        if let (1, Some(answer)) = (number, recent.deleted(&of_module, since, wished_at)) {
            return Ok(Page {
                deleted: met(answer.found),
                service_time: Some(answer.service_time),
                ..Page::default()
            });
        }
        let asked_at = self.clock.now();
        let page = self.crm.deleted(&columns.module, since, number).await?;
        let to = self
            .row
            .to
            .and_then(|to| Timestamp::from_millisecond(to).ok());
        if let (1, false, Some(service_time)) = (number, page.more, to) {
            recent.keep_deleted(Answer {
                since,
                asked_at,
                service_time,
                columns: of_module,
                found: page.records.clone(),
            });
        }
        Ok(Page {
            deleted: met(page.records),
            next: page.more.then_some(Position::Page(number + 1)),
            ..Page::default()
        })
    }

    /// What changed in a module since shortly before the cursor.
    async fn changes(
        &self,
        columns: &Columns,
        position: &Position,
        met: u64,
    ) -> Result<Page, RunError> {
        if let Position::Token(token) = position {
            return self.walk(columns, None, token.as_deref()).await;
        }
        let Some(since) = self.since() else {
            return self.by_id(columns, Filter::EVERYTHING, position).await;
        };
        let after = match position {
            Position::AfterChange(at, record) => Timestamp::from_millisecond(*at)
                .ok()
                .map(|at| (at, RecordId(*record))),
            _ => None,
        };
        let scope = Scope::Changed { since, after };
        // Few changes are the rule: a small page first, and larger ones as there turn out to be more.
        let limit = match met {
            0 => PAGE_ROWS[0],
            1..=200 => PAGE_ROWS[1],
            _ => PAGE_ROWS[2],
        };
        let starts = *position == Position::Start;
        let (recent, wished_at) = (self.ticket.recent(), self.ticket.wished_at());
        if let Some(answer) = recent.changes(columns, since, wished_at).filter(|_| starts) {
            let mut records = answer.found;
            records.retain(|record| record.modified_at.is_none_or(|at| at >= since));
            return self.page(
                columns,
                RecordPage {
                    records,
                    last: None,
                    more: false,
                    service_time: answer.service_time,
                },
                |_| Position::Start,
            );
        }
        let asked_at = self.clock.now();
        let mut wide = self.widened(columns);
        let mut page = self.crm.page(&wide, &scope, limit).await;
        if let Err(error) = &page
            && error.suggests_walking()
            && wide != *columns
        {
            // What another sync names may be gone, which is its own affair.
            wide = columns.clone();
            page = self.crm.page(&wide, &scope, limit).await;
        }
        match page {
            Ok(page) => {
                if starts {
                    recent.begin(Answer {
                        since: Some(since),
                        asked_at,
                        service_time: page.service_time,
                        columns: wide,
                        found: Vec::new(),
                    });
                }
                let all = page.records.clone();
                let page = self.page(columns, page, |(id, at)| match at {
                    Some(at) => Position::AfterChange(at.as_millisecond(), id.0),
                    None => Position::AfterRecord(id.0),
                })?;
                recent.page(&columns.module, &all, page.next.is_none());
                Ok(page)
            }
            Err(error) => self.walk_instead(columns, None, error, position).await,
        }
    }

    /// The columns with those beside them that the other syncs want which wait for their turns, as long as one query
    /// gives them all.
    fn widened(&self, columns: &Columns) -> Columns {
        let mut wide = columns.clone();
        for other in self.ticket.others() {
            let Some(definition) = self.config.syncs.get(&other) else {
                continue;
            };
            for theirs in resolve::change_columns(self.base, definition) {
                if theirs.module != wide.module {
                    continue;
                }
                let mut wider = wide.clone();
                for field in theirs.fields {
                    if !wider.fields.contains(&field) {
                        wider.fields.push(field);
                    }
                }
                if fits_one_query(&wider) {
                    wide = wider;
                }
            }
        }
        wide
    }

    /// The records of a module that a filter lets through, by id.
    async fn by_id(
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

    fn page(
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

    /// Reads by Get Records what COQL refuses, if COQL is to blame and not the definition.
    async fn walk_instead(
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

    fn say_refused(&self, error: &CrmError, instead: &'static str) {
        tracing::warn!(
            sync = %self.definition.id,
            module = %self.definition.module,
            error = error as &dyn std::error::Error,
            "COQL does not take this read: {instead}"
        );
    }

    async fn walk(
        &self,
        columns: &Columns,
        view: Option<RecordId>,
        token: Option<&str>,
    ) -> Result<Page, RunError> {
        self.walk_of(columns, view, Converted::Both, token).await
    }

    async fn walk_of(
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

    /// The page with those of its records named that are in the sync's view now.
    async fn with_members(&self, mut page: Page) -> Result<Page, RunError> {
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

    /// What is asked of the records of a read in full: the selection and the date range as far as they can be pushed, or
    /// an opt-out, or a change since the last run, whoever it was that opted in again.
    pub(super) fn pushed(&self) -> Filter {
        if self.unpushed.load(Ordering::Relaxed) {
            return Filter::EVERYTHING;
        }
        let selection = match &self.plan.selected {
            Selected::Criteria(criteria) => criteria.filter(self.clock.now()),
            // The members of a view are its own; opt-outs of others are read apart.
            Selected::View(_) => return Filter::EVERYTHING,
            Selected::All => Filter::EVERYTHING,
        };
        let selection = Filter::all([selection, self.plan.period.filter()]);
        let opted_out = self.opted_out_or_changed(&self.plan.opt_out_fields);
        Filter::any([selection, opted_out, self.just_written()])
    }

    /// What was written shortly before the run, where the next one takes for new what it meets for the first time.
    fn just_written(&self) -> Filter {
        if !self.plan.period.tells_new_ones() {
            return Filter::Any(Vec::new());
        }
        let test = Test::Instants(Some(self.clock.now() - JUST_NOW), None);
        leaf(MODIFIED_FIELD, FieldType::DateTime, test)
    }

    /// Those that opted out, and those changed since the last run: who opted in again is among them.
    fn opted_out_or_changed(&self, fields: &[FieldPath]) -> Filter {
        let opted_out = fields
            .iter()
            .map(|field| leaf(field.as_str(), FieldType::Bool, Test::Truth(true)));
        let changed = self.since().map(|since| {
            let test = Test::Instants(Some(since), None);
            leaf(MODIFIED_FIELD, FieldType::DateTime, test)
        });
        Filter::any(opted_out.chain(changed))
    }

    /// Rows to ask for when so many have been met: no more than are expected still, as fewer cost less.
    fn planned_rows(&self, met: u64) -> u32 {
        let [few, some, most] = PAGE_ROWS;
        let left = match self.expected {
            None => return most,
            Some(expected) if met < expected => expected - met,
            // A module that has grown, by a little as a rule.
            Some(expected) if met < expected + u64::from(few) => 1,
            Some(_) => return most,
        };
        [few, some]
            .into_iter()
            .find(|rows| left <= u64::from(*rows))
            .unwrap_or(most)
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

    /// Where reads of changes begin: five minutes before the cursor.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.cursor.map(|cursor| cursor - OVERLAP)
    }
}

fn after_record(position: &Position) -> Option<RecordId> {
    match position {
        Position::AfterRecord(record) => Some(RecordId(*record)),
        _ => None,
    }
}

/// A test of one of the module's own fields; everything where the name is none.
pub(super) fn leaf(field: &str, field_type: FieldType, test: Test) -> Filter {
    match field.parse() {
        Ok(field) => Filter::Leaf(Leaf {
            field,
            field_type,
            test,
        }),
        Err(_) => Filter::EVERYTHING,
    }
}

fn count(records: &[Record]) -> u64 {
    u64::try_from(records.len()).unwrap_or(u64::MAX)
}
