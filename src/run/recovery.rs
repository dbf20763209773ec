//! After a crash: the one rule that brings checkpoints, ledger and journal together again.
//!
//! | checkpoint says running | ledger has the run | ledger says finished | then |
//! |---|---|---|---|
//! | yes | no | – | it was counted and had not begun: it is begun, under its id |
//! | yes | yes | no | it goes on where it stands |
//! | yes | yes | yes | ignored file, journal and checkpoint get what they miss |
//! | no | yes | yes | the journal has it: its rows in the ledger are deleted |
//! | no | yes | no | cannot be: the checkpoint is written first; its rows are deleted |

use super::error::RunError;
use super::{Base, finish};
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::{RunId, SyncId};
use crate::store::StoreError;
use crate::store::ledger::keys;
use crate::store::state::{Changes, Checkpoint};

/// Completes what was cut between two writes, and returns the syncs whose interrupted runs have to go on.
pub(crate) fn recover(base: &Base) -> Result<Vec<SyncId>, RunError> {
    let mut interrupted = Vec::new();
    let mut running = std::collections::BTreeSet::new();
    for (sync, checkpoint) in base.store.state.snapshot()?.checkpoints {
        let Some(run) = checkpoint.running.map(|running| running.run) else {
            continue;
        };
        running.insert(run.to_u128());
        let Some(definition) = base.config.syncs.get(&sync) else {
            give_up(base, &sync, checkpoint)?;
            continue;
        };
        if finish_written(base, definition, run)? {
            tracing::info!(sync = %sync, run = %run, "a run that had ended is written down now");
        } else {
            interrupted.push(sync);
        }
    }
    drop_strays(base, &running)?;
    Ok(interrupted)
}

/// Writes a run down that the ledger knows as finished; says whether it was one.
fn finish_written(base: &Base, definition: &SyncDefinition, run: RunId) -> Result<bool, RunError> {
    match base.store.ledger.run(run)? {
        Some(row) if row.finished.is_some() => {
            finish::close(base, definition, &row, None)?;
            Ok(true)
        }
        Some(_) | None => Ok(false),
    }
}

/// A run whose definition is gone cannot go on: its checkpoint is closed, and its cursor stays.
fn give_up(base: &Base, sync: &SyncId, checkpoint: Checkpoint) -> Result<(), StoreError> {
    tracing::warn!(sync = %sync, "the definition of an interrupted run is gone: the run is given up");
    let closed = Checkpoint {
        running: None,
        ..checkpoint
    };
    let checkpoints = vec![(sync.clone(), closed)];
    base.store.state.commit(&Changes {
        checkpoints,
        ..Changes::default()
    })
}

fn drop_strays(base: &Base, running: &std::collections::BTreeSet<u128>) -> Result<(), StoreError> {
    base.store.ledger.step(|step| {
        for (key, row) in step.runs.under(b"", None, usize::MAX)? {
            if !running.contains(&row.run) {
                let ignored = step.ignored.under(&keys::run(row.run), None, usize::MAX)?;
                for (ignored, _) in ignored {
                    step.ignored.remove(&ignored)?;
                }
                step.runs.remove(&key)?;
            }
        }
        Ok(())
    })
}
