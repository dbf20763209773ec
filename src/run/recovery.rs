//! After a crash: the one rule that brings checkpoints, ledger and journal together again.
//!
//! | checkpoint says running | ledger has the run | ledger says finished | then |
//! |---|---|---|---|
//! | yes | no | – | it was counted and had not begun: it is begun, under its id |
//! | yes | yes | no | it goes on where it stands |
//! | yes | yes | yes | ignored file, journal and checkpoint get what they miss |
//! | no | yes | yes | the journal has it: its rows in the ledger are deleted |
//! | no | yes | no | cannot be: the checkpoint is written first; its rows are deleted |
//!
//! What a person decided is noted with what it changed: a sync that counts as held and holds nothing any more is closed,
//! and then the journal is told what it does not have.
//!
//! A run whose definition was taken away or changed meanwhile cannot go on: what it staged was selected and mapped by
//! the old one. Nor can one that is parked when its sync is deactivated. Nor can one that was under way when a backup was put back. It ends as failed, and what it left is decided anew by the next run, which reads everything.

use std::collections::BTreeSet;

use super::Base;
use super::error::RunError;
use super::finish::{Told, close, forget};
use super::held::close_decided;
use super::resolve::definition_digest;
use super::standings::{activation, tell_what_is_left};
use super::start::create_row;
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::SyncId;
use crate::domain::outcome::RunOutcome;
use crate::journal::event::{ErrorKind, Event, RunFinished, RunStarted};
use crate::store::StoreError;
use crate::store::ledger::SyncNumbers;
use crate::store::ledger::rows::FinishedRow;
use crate::store::state::{Changes, Checkpoint, Running};

/// Completes what was cut between two writes, and returns the syncs whose interrupted runs have to go on.
pub(crate) fn recover(base: &Base) -> Result<Vec<SyncId>, RunError> {
    tell_what_is_left(base)?;
    // In this order, as by the process that decided: who reads that nothing is held any more asks no more.
    close_decided(base)?;
    base.tell_what_was_noted()?;
    let mut interrupted = Vec::new();
    let mut running = BTreeSet::new();
    let kept = base.store.state.snapshot()?;
    // How they stand is settled after this.
    let activation = activation(&base.config, &kept);
    for (sync, checkpoint) in kept.checkpoints {
        let Some(run) = checkpoint.running.clone() else {
            continue;
        };
        running.insert(run.run.to_u128());
        if finish_written(base, &sync, &run)? {
            tracing::info!(%sync, run = %run.run, "a run that had ended is written down now");
            continue;
        }
        if run.definition == Running::RESTORED {
            end_restored(base, &sync, &checkpoint, &run)?;
            continue;
        }
        let definition = base.config.syncs.get(&sync);
        match definition.map(|definition| definition_digest(&base.config, definition)) {
            Some(digest) if digest == run.definition => {
                if activation.is_deactivated(&sync) && base.journal().contains_parked(run.run)? {
                    give_up(base, &sync, &checkpoint, &run, DEACTIVATED)?;
                } else {
                    interrupted.push(sync);
                }
            }
            Some(_) => drop(give_up(base, &sync, &checkpoint, &run, CHANGED)?),
            None => drop(give_up(base, &sync, &checkpoint, &run, GONE)?),
        }
    }
    drop_strays(base, &running)?;
    Ok(interrupted)
}

/// Whether a run of a sync was interrupted and can go on. One whose definition has changed since ends here.
///
/// # Errors
/// [`RunError::Store`] or [`RunError::Journal`].
pub(crate) fn is_resumable(base: &Base, definition: &SyncDefinition) -> Result<bool, RunError> {
    let Some(checkpoint) = base.store.state.checkpoint(&definition.id)? else {
        return Ok(false);
    };
    let Some(run) = checkpoint.running.clone() else {
        return Ok(false);
    };
    if run.definition == definition_digest(&base.config, definition) {
        return Ok(true);
    }
    give_up(base, &definition.id, &checkpoint, &run, CHANGED)?;
    Ok(false)
}

/// Why a parked run that took up this definition cannot go on: the newest files define its sync otherwise, or do not any
/// more, or somebody has deactivated it: it had been so often `before`. A run under way is soon over; one that waits for
/// hours would add people for days.
pub(crate) fn outdated(
    base: &Base,
    definition: &SyncDefinition,
    before: u64,
) -> Option<&'static str> {
    let newest = base.standings.files();
    let own = definition_digest(&base.config, definition);
    match newest.syncs.get(&definition.id) {
        Some(newer) if definition_digest(&newest, newer) == own => {
            let is_deactivated = base.standings.now().is_deactivated(&definition.id)
                || base.standings.deactivations(&definition.id) != before;
            is_deactivated.then_some(DEACTIVATED)
        }
        Some(_) => Some(CHANGED),
        None => Some(GONE),
    }
}

/// Whether the files have taken a parked run's definition away or changed it.
pub(crate) enum Outdated {
    /// It goes on.
    No,
    /// It cannot begin; what is still due is wished for anew.
    NotBegun,
    /// It had begun, and has ended now.
    Ended(Box<RunFinished>),
}

/// Ends a run that was parked if it cannot go on.
///
/// # Errors
/// [`RunError::Store`] or [`RunError::Journal`].
pub(crate) fn end_outdated(
    base: &Base,
    definition: &SyncDefinition,
    before: u64,
) -> Result<Outdated, RunError> {
    let Some(why) = outdated(base, definition, before) else {
        return Ok(Outdated::No);
    };
    let checkpoint = base.store.state.checkpoint(&definition.id)?;
    let begun = checkpoint.and_then(|it| Some((it.running.clone()?, it)));
    let Some((running, checkpoint)) = begun else {
        return Ok(Outdated::NotBegun);
    };
    give_up(base, &definition.id, &checkpoint, &running, why)
        .map(|finished| Outdated::Ended(Box::new(finished)))
}

const CHANGED: &str =
    "the definition changed while the run was interrupted; the next run reads everything";
const RESTORED: &str =
    "a backup was put back while the run was interrupted; the next run reads everything";
const DEACTIVATED: &str = "the sync was deactivated while the run waited; once it is active again, the next run reads everything";
const GONE: &str = "the definition was taken away while the run was interrupted";

/// Ends a run that was under way when a backup was put back. If the journal has its end, it was the backup that did not
/// know of it.
fn end_restored(
    base: &Base,
    sync: &SyncId,
    checkpoint: &Checkpoint,
    run: &Running,
) -> Result<(), RunError> {
    if !base.journal().contains_finished(run.run)? {
        return give_up(base, sync, checkpoint, run, RESTORED).map(drop);
    }
    let ended = Checkpoint {
        running: None,
        ..checkpoint.clone()
    };
    base.store.state.commit(&Changes {
        checkpoints: vec![(sync.clone(), ended)],
        ..Changes::default()
    })?;
    Ok(())
}

/// Writes a run down that the ledger knows as finished; says whether it was one.
fn finish_written(base: &Base, sync: &SyncId, running: &Running) -> Result<bool, RunError> {
    match base.store.ledger.run(running.run)? {
        Some(row) if row.finished.is_some() => {
            close(base, sync, running, &row, Told::Perhaps)?;
            Ok(true)
        }
        Some(_) | None => Ok(false),
    }
}

/// Ends a run as failed that cannot go on. Its cursor stays.
pub(super) fn give_up(
    base: &Base,
    sync: &SyncId,
    checkpoint: &Checkpoint,
    running: &Running,
    why: &str,
) -> Result<RunFinished, RunError> {
    tracing::warn!(%sync, run = %running.run, "{why}");
    let numbers = base.store.ledger.step(|step| {
        Ok::<_, StoreError>(SyncNumbers {
            account: step.number('a', running.account.as_str())?,
            sync: step.number('s', sync.as_str())?,
            // Only the row of a run that had begun knows its list, and no other has changed one.
            list: 0,
        })
    })?;
    let (mut row, _) = create_row(&base.store, numbers, checkpoint, running)?;
    if !base.journal().contains_started(running.run)? {
        // It was counted, and nobody was told of it.
        base.append(&Event::RunStarted(RunStarted {
            run: running.run,
            sync: sync.clone(),
            account: running.account.clone(),
            trigger: running.trigger,
            full: running.full,
        }))?;
    }
    row.counts.total = row.counts.settled();
    row.finished = Some(FinishedRow {
        outcome: RunOutcome::Failed,
        at: base.clock.now().as_millisecond(),
        error: Some((ErrorKind::Configuration.name().to_owned(), why.to_owned())),
    });
    base.store.ledger.step(|step| step.save_run(&row))?;
    close(base, sync, running, &row, Told::Nothing)
}

/// Deletes the rows of runs that are told already.
fn drop_strays(base: &Base, running: &BTreeSet<u128>) -> Result<(), StoreError> {
    let known = base
        .store
        .ledger
        .step(|step| step.runs.under(b"", None, usize::MAX))?;
    for (_, row) in known {
        if !running.contains(&row.run) {
            forget(&base.store, row.run)?;
        }
    }
    Ok(())
}
