//! A read in full as a Bulk Read: one job instead of hundreds of pages.
//!
//! The job is written down as soon as it is made, so that a crash does not pay for it twice; its rows are staged in
//! chunks, and a resumed run takes the result again and passes over what is staged. A job that fails, vanishes or gives
//! less than it promised is not trusted: the records are read by COQL then, and what is staged already is passed over.
//! Records known from before that a job does not give are asked for by their ids before anything is made of it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;

use super::Run;
use super::error::RunError;
use super::fetch::Page;
use super::plan::Source;
use super::progress::Way;
use super::push::{MODIFIED_FIELD, leaf};
use super::read::after_source;
use crate::domain::failure::Failure;
use crate::domain::filter::{Filter, Test};
use crate::domain::value::FieldType;
use crate::store::StoreError;
use crate::store::ledger::keys;
use crate::store::ledger::rows::{Phase, Place, Position, RevisitRow};
use crate::zoho::crm::CrmError;
use crate::zoho::crm::bulk::{BulkQuery, BulkStatus, can_bulk, poll_delay};
use crate::zoho::crm::coql::{Among, OFFSET_MAX};

/// Rows above which a job is cheaper than pages by COQL. Source: CRM, minimal-call strategy: 3 credits for 2000 rows by
/// COQL, some 55 for a job of up to 200,000.
const BULK_ROWS_MIN: u64 = 30_000;
/// The same where the other way is Get Records of a view, at 3 credits for 200 rows.
const BULK_VIEW_ROWS_MIN: u64 = 3_600;
/// How long a job may take before the records are read otherwise.
const JOB_PATIENCE: Duration = Duration::from_secs(3600);
/// How often a job is made anew whose result is damaged or gone.
const JOB_TRIES_MAX: u32 = 2;

/// What became of a job.
enum Ended {
    /// All of its rows are staged: so many, with those of the jobs before it.
    Read(u64),
    /// Its rows are staged, and there is a page behind them.
    More(u64, String),
    /// It cannot be used; the reason is told.
    Unusable(&'static str),
    /// It is not there any more.
    Gone,
    /// Its result came damaged.
    Damaged,
}

impl Run<'_> {
    /// Whether a read of all records at this position is, or should be, a bulk read.
    pub(super) fn takes_bulk(&self, position: &Position) -> bool {
        let worth_it = self.expected.is_some_and(|rows| {
            let least = if self.is_listed_only() {
                BULK_VIEW_ROWS_MIN
            } else {
                BULK_ROWS_MIN
            };
            rows > least
        });
        match position {
            Position::Bulk { .. } => true,
            Position::Start => worth_it && self.may_bulk(),
            Position::AfterRecord(_)
            | Position::AfterChange(..)
            | Position::Token(_)
            | Position::Page(_) => false,
        }
    }

    fn may_bulk(&self) -> bool {
        can_bulk(&self.plan.columns) && !self.bulk_refused.load(Ordering::Relaxed)
    }

    /// Whether a read by COQL has met more rows than were expected, and there are so many behind them that a bulk read
    /// is cheaper: one credit tells.
    pub(super) async fn outgrows(&self, next: &Position, met: u64) -> Result<bool, RunError> {
        let past = self.expected.is_none_or(|expected| met > expected);
        let by_coql = matches!(next, Position::AfterRecord(_));
        let offset = u32::try_from(met + BULK_ROWS_MIN).unwrap_or(u32::MAX);
        if !past || !by_coql || !self.may_bulk() || offset > OFFSET_MAX {
            return Ok(false);
        }
        // Once is enough.
        if self.probed.swap(true, Ordering::Relaxed) {
            return Ok(false);
        }
        self.has_more_than(&self.among(), offset).await
    }

    /// Whether a query finds more rows; a CRM that does not take the question has not said so.
    async fn has_more_than(&self, among: &Among, rows: u32) -> Result<bool, RunError> {
        let module = &self.plan.columns.module;
        match self.crm.has_more_than(module, among, rows).await {
            Err(error) if error.suggests_walking() => Ok(false),
            answered => Ok(answered?),
        }
    }

    fn among(&self) -> Among {
        Among {
            view: self.view(),
            filter: self.pushed(),
        }
    }

    /// Reads all records by bulk jobs, from where the run stands, and moves it to the source after `index`.
    pub(super) async fn read_bulk(
        &mut self,
        index: u8,
        mut position: Position,
    ) -> Result<(), RunError> {
        let mut tries = 0;
        let mut followed = None;
        loop {
            let Position::Bulk {
                job,
                staged,
                before,
            } = position
            else {
                tracing::info!(
                    sync = %self.definition.id,
                    run = %self.id,
                    expected = self.expected,
                    credits = 50,
                    "reading as a bulk job: 50 credits, and one for each look at it"
                );
                let among = self.among();
                let query = BulkQuery::First {
                    columns: &self.plan.columns,
                    among: &among,
                };
                match self.crm.bulk_create(query).await {
                    Ok(made) => {
                        self.goes_by(Way::Bulk);
                        self.note_service_time(Some(made.service_time), None)?;
                        position = self.stand_in(index, made.id, 0)?;
                    }
                    Err(error) if error.suggests_querying() => {
                        let why = "the CRM does not take the job";
                        return self.read_otherwise(index, why, Some(&error));
                    }
                    Err(error) => return Err(error.into()),
                }
                continue;
            };
            match self.read_job(index, &job, staged, before).await? {
                Ended::Read(rows) if self.omits(rows).await? => {
                    let why = "the job left records out that a query finds";
                    return self.read_otherwise(index, why, None);
                }
                Ended::Read(rows) => {
                    self.look_for_unmet()?;
                    let page = Page::default();
                    let phase = after_source(index);
                    self.row = self.staged(&Source::Module, &page, phase, Some(rows))?;
                    self.report();
                    return Ok(());
                }
                Ended::More(_, page_token) if followed.as_ref() == Some(&page_token) => {
                    let why = "a page of the job leads to itself";
                    return self.read_otherwise(index, why, None);
                }
                Ended::More(rows, page_token) => {
                    let query = BulkQuery::Next {
                        page_token: &page_token,
                    };
                    match self.crm.bulk_create(query).await {
                        Ok(made) => {
                            position = self.stand_in(index, made.id, rows)?;
                            followed = Some(page_token);
                        }
                        // What is staged already is passed over the second time.
                        Err(error) if error.job_is_gone() && tries < JOB_TRIES_MAX => {
                            tries += 1;
                            position = Position::Start;
                        }
                        Err(error) if error.job_is_gone() || error.suggests_querying() => {
                            let why = "the CRM does not take the job for the next page";
                            return self.read_otherwise(index, why, Some(&error));
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
                Ended::Gone | Ended::Damaged if tries == JOB_TRIES_MAX => {
                    let why = "the jobs' results are lost again and again";
                    return self.read_otherwise(index, why, None);
                }
                Ended::Gone => {
                    tries += 1;
                    position = Position::Start;
                }
                Ended::Damaged => {
                    tries += 1;
                    match self.row.phase.clone() {
                        Phase::Reading { position: at, .. } => position = at,
                        _ => return Ok(()),
                    }
                }
                Ended::Unusable(why) => return self.read_otherwise(index, why, None),
            }
        }
    }

    /// Writes down which job the run reads.
    fn stand_in(&mut self, index: u8, job: String, before: u64) -> Result<Position, StoreError> {
        let position = Position::Bulk {
            job,
            staged: 0,
            before,
        };
        self.enter(Phase::Reading {
            source: index,
            position: position.clone(),
        })?;
        Ok(position)
    }

    /// Waits for a job, and stages its rows from the one after `staged` on.
    async fn read_job(
        &mut self,
        index: u8,
        job: &str,
        staged: u64,
        before: u64,
    ) -> Result<Ended, RunError> {
        let (promised, next) = match self.wait_for(job).await? {
            Ok(done) => done,
            Err(ended) => return Ok(ended),
        };
        let folder = self.store.folder();
        let columns = self.plan.columns.clone();
        let mut rows = match self.crm.bulk_rows(job, &columns, folder).await {
            Ok(rows) => rows,
            Err(error) if error.job_is_gone() => return Ok(Ended::Gone),
            Err(error) => return Err(error.into()),
        };
        let mut met: u64 = 0;
        while let Some(chunk) = rows.recv().await {
            self.go_on()?;
            let mut records = match chunk {
                Ok(records) => records,
                Err(error) if error.failure() == Failure::Unreachable => {
                    tracing::warn!(
                        sync = %self.definition.id,
                        run = %self.id,
                        error = &error as &dyn std::error::Error,
                        "the job's result came damaged: downloading it again"
                    );
                    return Ok(Ended::Damaged);
                }
                Err(error) => return Err(error.into()),
            };
            self.shows_opt_outs(&columns, &records)?;
            let already = usize::try_from(staged.saturating_sub(met)).unwrap_or(usize::MAX);
            met += u64::try_from(records.len()).unwrap_or(u64::MAX);
            if already >= records.len() {
                continue;
            }
            records.drain(..already);
            let page = Page {
                members: records.iter().map(|record| record.id).collect(),
                records,
                ..Page::default()
            };
            let position = Position::Bulk {
                job: job.to_owned(),
                staged: met,
                before,
            };
            let phase = Phase::Reading {
                source: index,
                position,
            };
            self.row = self.staged(&Source::Module, &page, phase, None)?;
            self.report();
        }
        if met != promised {
            return Ok(Ended::Unusable(
                "the job's result has not as many rows as it says",
            ));
        }
        Ok(match next {
            Some(_) if met == 0 => Ended::Unusable("a page of the job is empty and leads on"),
            Some(token) => Ended::More(before + met, token),
            None => Ended::Read(before + met),
        })
    }

    /// The rows that a job promises and the token of the page behind it, once it is done; or what became of it.
    async fn wait_for(&self, job: &str) -> Result<Result<(u64, Option<String>), Ended>, RunError> {
        let mut waited = Duration::ZERO;
        for attempt in 0.. {
            self.go_on()?;
            match self.crm.bulk_status(job).await {
                Ok(BulkStatus::Done {
                    rows,
                    next_page_token,
                }) => return Ok(Ok((rows, next_page_token))),
                Ok(BulkStatus::Failed { code }) => {
                    tracing::warn!(sync = %self.definition.id, run = %self.id, code, "the bulk job failed");
                    return Ok(Err(Ended::Unusable("the job failed")));
                }
                Ok(BulkStatus::Waiting) => {}
                Err(error) if error.job_is_gone() => return Ok(Err(Ended::Gone)),
                Err(error) => return Err(error.into()),
            }
            let delay = poll_delay(attempt);
            waited += delay;
            if waited > JOB_PATIENCE {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.stop.cancelled() => return Err(RunError::Stopped),
            }
        }
        Ok(Err(Ended::Unusable("the job took too long")))
    }

    /// Whether a query finds more records than all jobs together gave, apart from those changed since; where an offset
    /// reaches that far.
    async fn omits(&self, rows: u64) -> Result<bool, RunError> {
        let Some(offset) = u32::try_from(rows).ok().filter(|rows| *rows <= OFFSET_MAX) else {
            return Ok(false);
        };
        if self.is_listed_only() {
            return Ok(false);
        }
        let to = self
            .row
            .to
            .and_then(|to| Timestamp::from_millisecond(to).ok());
        let unchanged = leaf(
            MODIFIED_FIELD,
            FieldType::DateTime,
            Test::Instants(None, to),
        );
        let among = Among {
            filter: Filter::all([self.pushed(), unchanged]),
            ..self.among()
        };
        self.has_more_than(&among, offset).await
    }

    /// Has the records looked at again by their ids that feed a contact and were not among the job's rows.
    fn look_for_unmet(&self) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let last = self.store.ledger.step(|step| {
                let rows = self.records_after(step, after)?;
                let last = rows.last().map(|(id, _)| id.0);
                for (id, row) in rows {
                    if row.seen != self.row.number && matches!(row.place, Place::Under(_)) {
                        let key = keys::record(self.numbers.sync, id.0);
                        step.revisits.put(&key, &RevisitRow(self.row.number))?;
                    }
                }
                Ok::<_, StoreError>(last)
            })?;
            match last {
                Some(last) => after = last,
                None => return Ok(()),
            }
        }
    }

    /// Lets the source be read by pages from its beginning.
    fn read_otherwise(
        &mut self,
        index: u8,
        why: &str,
        error: Option<&CrmError>,
    ) -> Result<(), RunError> {
        tracing::warn!(
            sync = %self.definition.id,
            run = %self.id,
            error = error.map(|error| error as &dyn std::error::Error),
            "{why}: reading page by page instead"
        );
        self.bulk_refused.store(true, Ordering::Relaxed);
        let position = if self.is_listed_only() {
            Position::Token(None)
        } else {
            Position::AfterRecord(0)
        };
        Ok(self.enter(Phase::Reading {
            source: index,
            position,
        })?)
    }
}
