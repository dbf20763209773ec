//! Records read page by page and staged: one page is one step of the ledger, and the next is asked for meanwhile.
//!
//! Where a page comes from is `fetch`'s business. A read in full that turns out larger than it was expected to be goes
//! on as a bulk read; see `bulk`.

use std::sync::atomic::Ordering;

use jiff::Timestamp;

use super::Run;
use super::ask::hides_converted;
use super::error::RunError;
use super::fetch::Page;
use super::plan::{LEADS, Selected, Source};
use super::stage::{Met, Staging};
use super::{claims, deals};
use crate::clock::ClockError;
use crate::domain::changes::Departed;
use crate::domain::ids::{ModuleName, RecordId};
use crate::domain::period::Window;
use crate::domain::record::Record;
use crate::store::StoreError;
use crate::store::ledger::rows::{
    ExpectedRow, Phase, Place, Position, RecordRow, ResolvedRow, RunRow,
};
use crate::store::ledger::{Step, keys};

/// Records looked at in one step when a full read's leftovers are let go.
const VANISHED_ROWS: usize = 1000;

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
                Some(Source::Converted | Source::ConvertedConsent(_))
                    if !self.reads_converted().await? =>
                {
                    self.enter(after_source(source))?;
                }
                Some(wanted) if self.skips(&wanted)? => self.enter(after_source(source))?,
                Some(wanted) => self.read_source(source, &wanted, position).await?,
            }
        }
        Ok(())
    }

    /// Whether there is nothing to read of a source. A sync that has never read anything has no record whose deletion
    /// could matter, a read of all deals meets those that are left, and a read of what changed in the module meets its
    /// opt-outs.
    fn skips(&self, source: &Source) -> Result<bool, StoreError> {
        match source {
            Source::Deals | Source::Module | Source::Converted | Source::ConvertedConsent(_) => {
                Ok(false)
            }
            Source::DeletedDeals if self.row.full => {
                self.drop_unmet_deals()?;
                Ok(true)
            }
            Source::DeletedDeals | Source::Deleted => Ok(self.cursor.is_none()),
            Source::Revisits => Ok(!self.has_revisits()?),
            Source::Consent(columns) => {
                Ok(columns.module == self.definition.module && !self.row.full)
            }
        }
    }

    /// Whether converted leads have to be read apart: COQL leaves them out, or it is not known whether it does. The first
    /// read in full finds out, unless it met one, and what it found is kept. Where only open leads belong, those that are converted
    /// are let go of unmet by a read in full.
    async fn reads_converted(&mut self) -> Result<bool, RunError> {
        if self.row.full && !self.converted_told && self.plan.hides_converted.is_none() {
            let hides = match self.met_converted.load(Ordering::Relaxed) {
                true => Some(false),
                false => hides_converted(&self.crm).await?,
            };
            self.converted_told = true;
            self.plan.hides_converted = hides;
            self.store.ledger.step(|step| {
                let key = keys::number(self.numbers.sync);
                match step.resolved.get(&key)? {
                    Some(row) => {
                        let row = ResolvedRow {
                            hides_converted: hides,
                            ..row
                        };
                        step.resolved.put(&key, &row)
                    }
                    None => Ok(()),
                }
            })?;
        }
        Ok(match (self.row.full, self.plan.hides_converted) {
            (_, Some(false)) => false,
            // There is none.
            (true, None) => false,
            (false, None) => true,
            (full, Some(true)) => {
                let own = self.definition.module.as_str() == LEADS;
                !(full && own && matches!(self.plan.selected, Selected::All))
            }
        })
    }

    /// Reads one source to its end. While a page is staged, the next one is on its way: two pages are in memory.
    async fn read_source(
        &mut self,
        index: u8,
        source: &Source,
        position: Position,
    ) -> Result<(), RunError> {
        let all_of_module = matches!(source, Source::Module) && self.row.full;
        if all_of_module && self.takes_bulk(&position) {
            return self.read_bulk(index, position).await;
        }
        let from_the_start = position == Position::Start;
        let mut met: u64 = 0;
        let mut page = self.fetch(source, &position, met).await?;
        loop {
            self.go_on()?;
            self.note_service_time(page.service_time, page.asked_at)?;
            met += page.rows;
            let Some(next) = page.next.take() else {
                let counted = (all_of_module && from_the_start).then_some(met);
                self.row = self.staged(source, &page, after_source(index), counted)?;
                self.report();
                return Ok(());
            };
            let after = Phase::Reading {
                source: index,
                position: next.clone(),
            };
            if all_of_module && self.outgrows(&next, met).await? {
                self.row = self.staged(source, &page, after, None)?;
                return self.read_bulk(index, Position::Start).await;
            }
            let (fetched, staged) = {
                let this = &*self;
                // In this order: the request is on its way before the ledger keeps the task busy.
                let staging = async { this.staged(source, &page, after, None) };
                tokio::join!(this.fetch(source, &next, met), staging)
            };
            self.row = staged?;
            self.report();
            page = fetched?;
        }
    }

    /// The run's window ends when the service first answered for records, be it another run that asked; when that was,
    /// by our clock, is `asked_at`, or just now. Nothing has been decided by then, and nothing is where the clocks differ.
    pub(super) fn note_service_time(
        &mut self,
        at: Option<Timestamp>,
        asked_at: Option<Timestamp>,
    ) -> Result<(), ClockError> {
        if let (Some(there), None) = (at, self.row.to) {
            let here = asked_at.unwrap_or_else(|| self.clock.now());
            self.clock.agrees(here, there)?;
        }
        let times = [self.row.to, at.map(Timestamp::as_millisecond)];
        self.row.to = times.into_iter().flatten().min();
        Ok(())
    }

    /// Puts a page, its counts and the run's new position into the ledger, in one step; with the last page of a read in
    /// full, how many rows that `met`.
    pub(super) fn staged(
        &self,
        source: &Source,
        page: &Page,
        phase: Phase,
        met: Option<u64>,
    ) -> Result<RunRow, StoreError> {
        let mut row = self.row_with_cost();
        row.phase = phase;
        self.store.ledger.step(|step| {
            if let Some(met) = met {
                let sync = keys::number(self.numbers.sync);
                step.expected.put(&sync, &ExpectedRow(met))?;
            }
            match source {
                Source::Deals => {
                    for deal in &page.records {
                        deals::keep(step, &row, deal)?;
                    }
                }
                Source::DeletedDeals => {
                    for (deal, _) in &page.deleted {
                        deals::drop_deal(step, &row, *deal)?;
                    }
                }
                Source::Module | Source::Converted => {
                    if page.records.iter().any(|it| self.plan.is_converted(it)) {
                        self.met_converted.store(true, Ordering::Relaxed);
                    }
                    for record in &page.records {
                        self.stage_record(step, &mut row, page, record, false)?;
                    }
                    for record in &page.partial {
                        let staging = self.staging(step, &self.definition.module)?;
                        staging.partial(step, &row, record)?;
                    }
                }
                Source::Revisits => {
                    for record in &page.records {
                        self.stage_record(step, &mut row, page, record, true)?;
                    }
                    for record in &page.revisited {
                        let key = keys::record(self.numbers.sync, record.0);
                        step.revisits.remove(&key)?;
                    }
                }
                Source::Consent(columns) | Source::ConvertedConsent(columns) => {
                    let staging = self.staging(step, &columns.module)?;
                    let fields = if columns.module == self.definition.module {
                        &self.plan.opt_out_fields
                    } else {
                        &self.plan.consent_fields
                    };
                    for record in &page.records {
                        staging.opt_outs(step, record, fields)?;
                    }
                }
                Source::Deleted => self.stage_deleted(step, &row, &page.deleted)?,
            }
            step.save_run(&row)?;
            Ok(row)
        })
    }

    fn stage_record(
        &self,
        step: &mut Step<'_>,
        row: &mut RunRow,
        page: &Page,
        record: &Record,
        again: bool,
    ) -> Result<(), StoreError> {
        let staging = self.staging(step, &self.definition.module)?;
        if !again && self.is_beyond(row, record) {
            // It is counted by the next run, but an opt-out that is known blocks from now on.
            return staging.opt_outs(step, record, &self.plan.opt_out_fields);
        }
        let met = Met {
            record,
            member: page.members.contains(&record.id),
            again,
        };
        staging.record(step, row, &met)
    }

    fn stage_deleted(
        &self,
        step: &mut Step<'_>,
        row: &RunRow,
        deleted: &[(RecordId, Timestamp)],
    ) -> Result<(), StoreError> {
        let staging = self.staging(step, &self.definition.module)?;
        for (record, deleted_at) in deleted {
            let key = keys::record(self.numbers.sync, record.0);
            let known = step.records.get(&key)?;
            let met_alive = known.as_ref().is_some_and(|known| known.seen == row.number)
                && row.to.is_some_and(|to| deleted_at.as_millisecond() <= to);
            if met_alive {
                continue;
            }
            for address in claims::take_kept(step, self.numbers, *record, |_| true)? {
                step.touch(self.numbers.sync, &address, Some(Departed::Deleted))?;
            }
            if let Some(known) = known {
                staging.gone(step, *record, &known, Departed::Deleted)?;
            }
        }
        Ok(())
    }

    pub(super) fn staging(
        &self,
        step: &mut Step<'_>,
        module: &ModuleName,
    ) -> Result<Staging<'_>, StoreError> {
        Ok(Staging {
            plan: &self.plan,
            ledger: &self.store.ledger,
            numbers: self.numbers,
            module: step.number('m', module.as_str())?,
            peers: &self.peers,
            unknown_opt_outs: &self.unknown_opt_outs,
            window: self.window(),
            cursor: self.cursor,
            now: self.clock.now(),
            witness: self.witness(),
        })
    }

    /// The stretch of time that records are taken from; none where everything is imported.
    fn window(&self) -> Option<Window> {
        let from = self.cursor.filter(|_| !self.imports)?;
        let since = self.since()?;
        Some(Window { from, since })
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
                    let staging = self.staging(step, &self.definition.module)?;
                    let rows = self.records_after(step, after)?;
                    row.phase = match rows.last() {
                        Some((id, _)) => Phase::Vanished { after: id.0 },
                        None => Phase::Deciding,
                    };
                    for (id, record) in rows {
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

    /// The next records of the sync after one of them, whether this run met them or not.
    pub(super) fn records_after(
        &self,
        step: &Step<'_>,
        after: u64,
    ) -> Result<Vec<(RecordId, RecordRow)>, StoreError> {
        let prefix = keys::number(self.numbers.sync);
        let start = keys::record(self.numbers.sync, after);
        let rows = step.records.under(&prefix, Some(&start), VANISHED_ROWS)?;
        let id = |key: &[u8]| keys::last_record("records", key).map(RecordId);
        rows.into_iter()
            .map(|(key, row)| Ok((id(&key)?, row)))
            .collect()
    }

    /// Whether a record belongs to the next window: a change read ends at the run's own time.
    pub(super) fn is_beyond(&self, row: &RunRow, record: &Record) -> bool {
        match (record.modified_at, row.to) {
            (Some(at), Some(to)) => !row.full && self.cursor.is_some() && at.as_millisecond() >= to,
            _ => false,
        }
    }
}

/// The phase behind a source.
pub(super) fn after_source(index: u8) -> Phase {
    Phase::Reading {
        source: index + 1,
        position: Position::Start,
    }
}
