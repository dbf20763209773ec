//! After a crash: the one rule that brings checkpoints, ledger and journal together again.
//!
//! | checkpoint says running | ledger has the run | ledger says finished | then |
//! |---|---|---|---|
//! | yes | no | – | it was counted and had not begun: it is begun, under its id |
//! | yes | yes | no | it goes on where it stands |
//! | yes | yes | yes | ignored file, journal and checkpoint get what they miss |
//! | no | yes | yes | the journal has it: its rows in the ledger are deleted |
//! | no | yes | no | cannot be: the checkpoint is written first; its rows are deleted |

use std::collections::BTreeSet;

use super::error::RunError;
use super::{Base, finish};
use crate::domain::ids::SyncId;
use crate::domain::outcome::RunOutcome;
use crate::journal::event::ErrorKind;
use crate::store::StoreError;
use crate::store::ledger::keys;
use crate::store::ledger::rows::{FinishedRow, RunRow};
use crate::store::state::{Changes, Checkpoint};

/// Completes what was cut between two writes, and returns the syncs whose interrupted runs have to go on.
pub(crate) fn recover(base: &Base) -> Result<Vec<SyncId>, RunError> {
    let mut interrupted = Vec::new();
    let mut running = BTreeSet::new();
    for (sync, checkpoint) in base.store.state.snapshot()?.checkpoints {
        let Some(run) = checkpoint.running.map(|running| running.run) else {
            continue;
        };
        running.insert(run.to_u128());
        match base.store.ledger.run(run)? {
            Some(row) if row.finished.is_some() => {
                finish::close(base, &row, None)?;
                tracing::info!(%sync, %run, "a run that had ended is written down now");
            }
            row if base.config.syncs.contains_key(&sync) => {
                tracing::info!(%sync, %run, begun = row.is_some(), "a run was interrupted");
                interrupted.push(sync);
            }
            row => give_up(base, &sync, checkpoint, row)?,
        }
    }
    drop_strays(base, &running)?;
    Ok(interrupted)
}

/// A run whose definition is gone cannot go on: it ends as failed, and its cursor stays.
fn give_up(
    base: &Base,
    sync: &SyncId,
    checkpoint: Checkpoint,
    row: Option<RunRow>,
) -> Result<(), RunError> {
    tracing::warn!(%sync, "the definition of an interrupted run is gone: the run is given up");
    let Some(mut row) = row else {
        let closed = Checkpoint {
            running: None,
            ..checkpoint
        };
        let checkpoints = vec![(sync.clone(), closed)];
        return Ok(base.store.state.commit(&Changes {
            checkpoints,
            ..Changes::default()
        })?);
    };
    let message = "its definition went away while it was interrupted".to_owned();
    row.counts.total = row.counts.settled();
    row.finished = Some(FinishedRow {
        outcome: RunOutcome::Failed,
        at: base.clock.now().as_millisecond(),
        error: Some((ErrorKind::Other.name().to_owned(), message)),
        held: None,
    });
    base.store.ledger.step(|step| step.save_run(&row))?;
    finish::close(base, &row, None)?;
    Ok(())
}

/// Deletes what no checkpoint knows as running: the journal has those runs.
fn drop_strays(base: &Base, running: &BTreeSet<u128>) -> Result<(), StoreError> {
    base.store.ledger.step(|step| {
        for (key, row) in step.runs.under(b"", None, usize::MAX)? {
            if !running.contains(&row.run) {
                for (ignored, _) in step.ignored.under(&keys::run(row.run), None, usize::MAX)? {
                    step.ignored.remove(&ignored)?;
                }
                step.runs.remove(&key)?;
            }
        }
        Ok(())
    })
}
