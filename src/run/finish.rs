//! The end of a run, written down once: ledger, ignored file, journal, checkpoint, in this order.
//!
//! The ledger's row says that the run is finished and how; from then on everything that is missing elsewhere can be
//! made from it, and `recovery` does so. The journal gets the line before the checkpoint closes the run, and is looked
//! through for it when the process died in between.

use jiff::Timestamp;

use super::error::RunError;
use super::plan::Selected;
use super::remove::on_list;
use super::{Base, Ended, Run};
use crate::domain::ids::{AccountName, RecordId, RunId, SyncId};
use crate::domain::outcome::RunOutcome;
use crate::journal::event::{
    Audit, CampaignsCost, CrmCost, ErrorKind, Event, RunError as JournalledError, RunFinished,
    RunHeld,
};
use crate::journal::ignored::{IgnoredRow as IgnoredLine, prune_ignored, write_ignored};
use crate::journal::{Journal, JournalError};
use crate::store::ledger::rows::{AuditRow, FinishedRow, Phase, ResolvedRow, RunRow, ViewRow};
use crate::store::ledger::{Step, keys};
use crate::store::state::{Changes, Checkpoint, LastRun, Running};
use crate::store::{Store, StoreError};

/// How much of an error's message a checkpoint keeps; the journal has all of it.
const ERROR_CHARS: usize = 500;

/// Ignored rows read or deleted in one step.
const STEP_ROWS: usize = 500;

impl Run<'_> {
    /// Ends the run: with `outcome`, or as failed with the error that stopped it. An alarm of the audit goes before any
    /// other.
    pub(super) fn finish(
        mut self,
        base: &Base,
        outcome: RunOutcome,
        error: Option<RunError>,
    ) -> Ended {
        let (outcome, error) = match self.alarms() {
            Ok(0) => (outcome, error),
            Ok(alarms) => {
                if let Some(error) = &error {
                    tracing::error!(
                        sync = %self.definition.id,
                        run = %self.id,
                        error = error as &dyn std::error::Error,
                        "the run failed besides the alarm of its audit"
                    );
                }
                let run = self.id;
                (RunOutcome::Failed, Some(RunError::Audit { alarms, run }))
            }
            Err(worse) => return Ended::failed(worse),
        };
        match self.end(base, outcome, error.as_ref()) {
            Ok(finished) => Ended {
                held: self.row.held.filter(|_| outcome == RunOutcome::Held),
                finished: Some(finished),
                error,
                parked: None,
            },
            Err(worse) => Ended::failed(worse),
        }
    }

    fn end(
        &mut self,
        base: &Base,
        outcome: RunOutcome,
        error: Option<&RunError>,
    ) -> Result<RunFinished, RunError> {
        let mut row = self.row_with_cost();
        if outcome == RunOutcome::Failed {
            // What has no outcome yet is taken up by the next run, and counted there.
            row.counts.total = row.counts.settled();
        }
        row.finished = Some(FinishedRow {
            outcome,
            at: self.clock.now().as_millisecond(),
            error: error.map(|error| (error.kind().name().to_owned(), error.message())),
        });
        self.store.ledger.step(|step| {
            if error.is_some_and(|error| error.kind() == ErrorKind::Configuration) {
                // What the services said of the names is not true any more: the next run asks again.
                step.resolved.remove(&keys::number(self.numbers.sync))?;
            }
            if outcome != RunOutcome::Failed && row.full {
                self.note_view_read(step)?;
            }
            step.save_run(&row)
        })?;
        self.row = row;
        // Before this moment no process can have told the journal.
        let told = Told::Nothing;
        close(base, &self.definition.id, &self.running, &self.row, told)
    }
}

impl Run<'_> {
    /// Notes that all members of the sync's view have been read. Where the run was interrupted, the view may have
    /// changed before it went on, and the next run lists it anew.
    fn note_view_read(&self, step: &mut Step<'_>) -> Result<(), StoreError> {
        let Selected::View(view) = &self.plan.selected else {
            return Ok(());
        };
        let key = keys::number(self.numbers.sync);
        let Some(row) = step.resolved.get(&key)? else {
            return Ok(());
        };
        let view = ViewRow {
            read: !self.resumed,
            listed_only: self.is_listed_only(),
            ..view.clone()
        };
        step.resolved.put(
            &key,
            &ResolvedRow {
                view: Some(view),
                ..row
            },
        )
    }
}

/// Whether the run may have moved the number of contacts that the sync has on the list.
fn changed(row: &RunRow) -> bool {
    let counts = &row.counts;
    let any = counts.new + counts.re_added + counts.deleted + counts.updated > 0;
    // In the first phase nothing is read or written yet.
    row.phase != Phase::CarryOver && (row.full || any)
}

/// What the journal may have of a finished run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing: it has just finished.
    Nothing,
    /// Some or all: the process that finished it died.
    Perhaps,
}

/// Writes a finished run down wherever it is not yet: the rule for every gap between the two stores and the journal.
pub(super) fn close(
    base: &Base,
    sync: &SyncId,
    running: &Running,
    row: &RunRow,
    told: Told,
) -> Result<RunFinished, RunError> {
    let audit = base
        .store
        .ledger
        .step(|step| step.audits.get(&keys::run(row.run)))?;
    let (finished, ended) = finished_line(sync, &running.account, row, audit)?;
    write_ignored_file(base, row)?;
    let held = waiting(base, row)?;
    tell(&mut base.journal(), &finished, held, ended, told)?;
    close_checkpoint(base, sync, running, row, &finished)?;
    forget(&base.store, row.run)?;
    let counts = &finished.counts;
    tracing::info!(
        sync = %finished.sync,
        run = %finished.run,
        outcome = finished.outcome.name(),
        total = counts.total,
        new = counts.new,
        re_added = counts.re_added,
        duplicate = counts.duplicate,
        updated = counts.updated,
        ignored = counts.ignored,
        deleted = counts.deleted,
        elapsed_ms = finished.elapsed_ms,
        "run finished"
    );
    Ok(finished)
}

/// Removals that wait for a person.
struct Waiting {
    /// The run under which they do.
    under: RunId,
    /// How many they are, with those of earlier runs.
    removals: u64,
    /// The bound that was decisive.
    bound: u64,
}

/// What waits for a person now that this run has held removals; none if it has not. A run that failed after it had held
/// them says so as well: whoever is to decide finds them by what the journal tells.
fn waiting(base: &Base, row: &RunRow) -> Result<Option<Waiting>, StoreError> {
    let Some((own, bound)) = row.held else {
        return Ok(None);
    };
    let prefix = keys::number(row.sync);
    let held = base
        .store
        .ledger
        .step(|step| step.held.under(&prefix, None, usize::MAX))?;
    let ended = row.finished.as_ref().map(|ended| ended.outcome);
    if held.is_empty() && ended == Some(RunOutcome::Failed) {
        // It failed before it came to hold them: the next run weighs them anew.
        return Ok(None);
    }
    let under = held.first().map_or(row.run, |(_, held)| held.run);
    Ok(Some(Waiting {
        under: RunId::from_u128(under),
        removals: own.max(u64::try_from(held.len()).unwrap_or(u64::MAX)),
        bound,
    }))
}

/// Appends what the journal does not have yet.
fn tell(
    journal: &mut Journal,
    finished: &RunFinished,
    held: Option<Waiting>,
    ended: &FinishedRow,
    told: Told,
) -> Result<(), JournalError> {
    let (run, at) = (finished.run, instant(ended.at));
    let perhaps = told == Told::Perhaps;
    if perhaps && journal.contains_finished(run)? {
        return Ok(());
    }
    if let Some(waiting) = held
        && !(perhaps && journal.contains_held(run)?)
    {
        let held = RunHeld {
            run: waiting.under,
            sync: finished.sync.clone(),
            account: finished.account.clone(),
            removals: waiting.removals,
            bound: waiting.bound,
            joined_by: (waiting.under != run).then_some(run),
        };
        journal.append(at, &Event::RunHeld(held))?;
    }
    journal.append(at, &Event::RunFinished(Box::new(finished.clone())))?;
    journal.sync()
}

/// The journal's line for a finished run.
fn finished_line<'r>(
    sync: &SyncId,
    account: &AccountName,
    row: &'r RunRow,
    audit: Option<AuditRow>,
) -> Result<(RunFinished, &'r FinishedRow), StoreError> {
    let run = RunId::from_u128(row.run);
    let Some(ended) = &row.finished else {
        let unfinished = crate::store::format::FormatError::Payload;
        return Err(StoreError::value("runs", &keys::run(row.run), unfinished));
    };
    let error = ended.error.as_ref();
    let line = RunFinished {
        run,
        sync: sync.clone(),
        account: account.clone(),
        trigger: row.trigger,
        outcome: ended.outcome,
        full: row.full,
        from: row.from.map(instant),
        to: row.to.map(instant),
        counts: row.counts,
        crm: CrmCost {
            calls: row.cost.crm_calls,
            credits: row.cost.crm_credits,
        },
        campaigns: CampaignsCost {
            calls: row.cost.campaigns_calls,
        },
        elapsed_ms: u64::try_from(ended.at - row.started).unwrap_or_default(),
        error: error.map(|(kind, message)| JournalledError {
            kind: ErrorKind::named(kind),
            message: message.clone(),
        }),
        audit: audit.map(|AuditRow { alarms }| Audit { alarms }),
    };
    Ok((line, ended))
}

fn write_ignored_file(base: &Base, row: &RunRow) -> Result<(), RunError> {
    let mut next: Option<Vec<u8>> = None;
    let mut buffer: std::vec::IntoIter<_> = Vec::new().into_iter();
    let prefix = keys::run(row.run);
    let lines = std::iter::from_fn(|| {
        if let Some(line) = buffer.next() {
            return Some(Ok(line));
        }
        let rows = base
            .store
            .ledger
            .step(|step| step.ignored.under(&prefix, next.as_deref(), STEP_ROWS));
        match rows {
            Err(error) => Some(Err(RunError::Store(error))),
            Ok(rows) => {
                next = rows.last().map(|(key, _)| key.clone()).or(next.take());
                let lines: Vec<IgnoredLine> = rows
                    .into_iter()
                    .map(|(_, row)| IgnoredLine {
                        record: RecordId(row.record),
                        address: row.address,
                        reason: row.reason,
                        detail: row.detail,
                    })
                    .collect();
                buffer = lines.into_iter();
                buffer.next().map(Ok)
            }
        }
    });
    write_ignored(&base.config.history_dir, RunId::from_u128(row.run), lines)?;
    let is_clock = |(kind, _): &(String, String)| kind == ErrorKind::Clock.name();
    let ended = row.finished.as_ref();
    if ended
        .and_then(|ended| ended.error.as_ref())
        .is_some_and(is_clock)
    {
        // By a clock that is wrong everything may be old.
        return Ok(());
    }
    let keep_days = base.config.history.keep_ignored_days;
    prune_ignored(&base.config.history_dir, keep_days, base.clock.now())?;
    Ok(())
}

fn close_checkpoint(
    base: &Base,
    sync: &SyncId,
    running: &Running,
    row: &RunRow,
    finished: &RunFinished,
) -> Result<(), StoreError> {
    let before = base.store.state.checkpoint(sync)?.unwrap_or_default();
    if before.running.as_ref() != Some(running) {
        return Ok(());
    }
    let on_list = if changed(row) {
        on_list(&base.store.ledger, row.list, row.sync)?
    } else {
        before.on_list
    };
    let last = LastRun {
        run: finished.run,
        outcome: finished.outcome,
        at: row.finished.as_ref().map_or(0, |ended| ended.at),
        error: finished
            .error
            .as_ref()
            .map(|error| error.message.chars().take(ERROR_CHARS).collect()),
    };
    let mut after = Checkpoint {
        running: None,
        last: Some(last),
        on_list,
        ..before
    };
    if finished.outcome != RunOutcome::Failed {
        after.cursor = row.to.or(before.cursor);
        after.completed = before.completed + 1;
        after.definition = running.definition;
        after.settled_by = row.number;
        if row.full {
            after.last_full = row.to;
        }
    }
    let checkpoints = vec![(sync.clone(), after)];
    base.store.state.commit(&Changes {
        checkpoints,
        ..Changes::default()
    })
}

/// Deletes the run's own rows from the ledger; the history has them now.
pub(super) fn forget(store: &Store, run: u128) -> Result<(), StoreError> {
    let prefix = keys::run(run);
    loop {
        let more = store.ledger.step(|step| {
            let rows = step.ignored.under(&prefix, None, STEP_ROWS)?;
            for (key, _) in &rows {
                step.ignored.remove(key)?;
            }
            if rows.is_empty() {
                step.runs.remove(&prefix)?;
                step.audits.remove(&prefix)?;
            }
            Ok::<_, StoreError>(!rows.is_empty())
        })?;
        if !more {
            return Ok(());
        }
    }
}

fn instant(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

impl Base {
    /// The journal, for a few lines' time.
    pub(crate) fn journal(&self) -> std::sync::MutexGuard<'_, Journal> {
        self.journal
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Appends one event and syncs it to disk.
    pub(crate) fn append(&self, event: &Event) -> Result<(), JournalError> {
        let mut journal = self.journal();
        journal.append(self.clock.now(), event)?;
        journal.sync()
    }
}
