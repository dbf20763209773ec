//! What a run would do: the run itself, on a copy of the state, by clients that leave out what would change anything.
//!
//! A rehearsal is the same code as a run, so that a plan cannot say one thing and the run do another; what differs is
//! what it is given. What it cannot know is what Campaigns will say: each contact counts as taken, and one that Campaigns
//! refuses, knows already without rosterd having seen it, or accepts and does not put on the list comes out otherwise.
//!
//! An interrupted run is rehearsed as what is left of it, because that is what the next run of the sync will be: counts,
//! cost and people are those that come from now on.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::claims::fed_by;
use super::error::RunError;
pub(crate) use super::progress::Way;
use super::witness::{Leaves, Witness, why_off};
use super::{Base, Clients, Ended, Progress, Ticket, Wish, run_metered};
use crate::domain::definition::SyncDefinition;
use crate::domain::outcome::Counts;
use crate::journal::event::{CampaignsCost, CrmCost, RunFinished};
use crate::store::StoreError;
use crate::store::ledger::rows::HeldRow;
use crate::store::ledger::{SyncNumbers, keys};
use crate::zoho::meter::Meter;

/// What a run would come to.
#[derive(Debug)]
pub(crate) struct Rehearsed {
    /// As the journal would have it, but for what an interrupted run had counted and spent before.
    pub(crate) finished: RunFinished,
    /// What would keep it from adding anyone.
    pub(crate) error: Option<RunError>,
    /// Removals that it would leave to a person, and the bound they are above.
    pub(crate) held: Option<(u64, u64)>,
    /// Whether it is what is left of an interrupted run.
    pub(crate) resumes: bool,
    /// How it read records; none where there were none to read any more.
    pub(crate) reading: Option<Reading>,
    /// How long reading and deciding took.
    pub(crate) read_for: Duration,
    /// How long the calls that were left out would take.
    pub(crate) writes_for: Duration,
}

/// How records were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reading {
    /// By which way.
    pub(crate) way: Way,
    /// Records that were taken up, or passed as not selected.
    pub(crate) rows: u64,
    /// What that way cost, opt-outs and deals included.
    pub(crate) credits: u64,
}

/// Rehearses a run of a sync, or what is left of the one that was interrupted. `base` has to be a copy.
///
/// # Errors
/// [`RunError`]: what would keep the run from being planned; suppressions that cannot be read do not.
pub(crate) async fn rehearse(
    base: &Base,
    clients: &Clients,
    definition: &SyncDefinition,
    full: bool,
    ticket: &Ticket,
    progress: &watch::Sender<Progress>,
) -> Result<Rehearsed, RunError> {
    let begins_at = base.clock.now();
    let interrupted = interrupted(base, definition)?;
    let before = interrupted.unwrap_or_default();
    let held_before = held(base, definition)?;
    let meter = Arc::new(Meter::default());
    let wished = (Wish::Person { full }, ticket);
    let ended = run_metered(base, clients, definition, wished, &meter, progress).await;
    let (finished, error, held) = match ended {
        Ended {
            finished: Some(finished),
            error: error @ (None | Some(RunError::Suppressions(_))),
            held,
            parked: None,
        } => (finished, error, held),
        Ended {
            error: Some(error), ..
        } => return Err(error),
        // Nobody ends so.
        Ended { .. } => return Err(RunError::Stopped),
    };
    if let Some(witness) = &base.witness {
        tell_held(base, definition, witness, &held_before)?;
        witness.flush()?;
    }
    let rows = |counts: &Counts| counts.total + counts.not_selected;
    let rows = rows(&finished.counts).saturating_sub(rows(&before));
    let cost = meter.snapshot();
    let read_for = base.clock.now().duration_since(begins_at);
    Ok(Rehearsed {
        finished: RunFinished {
            counts: match interrupted {
                Some(before) => finished.counts.since(&before),
                None => finished.counts,
            },
            crm: CrmCost {
                calls: cost.crm_calls,
                credits: cost.crm_credits,
            },
            campaigns: CampaignsCost {
                calls: cost.campaigns_calls,
            },
            ..finished
        },
        error,
        held,
        resumes: interrupted.is_some(),
        reading: reading(progress.borrow().way, &meter, rows),
        read_for: Duration::try_from(read_for).unwrap_or_default(),
        writes_for: clients.campaigns.rehearsed().unwrap_or_default(),
    })
}

/// What the sync's interrupted run had counted, if there is one.
fn interrupted(base: &Base, definition: &SyncDefinition) -> Result<Option<Counts>, StoreError> {
    let checkpoint = base.store.state.checkpoint(&definition.id)?;
    let Some(running) = checkpoint.and_then(|checkpoint| checkpoint.running) else {
        return Ok(None);
    };
    let row = base.store.ledger.run(running.run)?;
    Ok(Some(row.map(|row| row.counts).unwrap_or_default()))
}

/// The removals of a sync that wait for a person, by their keys.
fn held(base: &Base, definition: &SyncDefinition) -> Result<Vec<(Vec<u8>, HeldRow)>, StoreError> {
    base.store.ledger.step(|step| {
        let sync = step.number('s', definition.id.as_str())?;
        step.held.under(&keys::number(sync), None, usize::MAX)
    })
}

/// Tells of those that waited before, and still do.
fn tell_held(
    base: &Base,
    definition: &SyncDefinition,
    witness: &Witness,
    before: &[(Vec<u8>, HeldRow)],
) -> Result<(), StoreError> {
    let ledger = &base.store.ledger;
    let account = &definition.account;
    ledger.step(|step| {
        let sync = step.number('s', definition.id.as_str())?;
        let resolved = step.resolved.get(&keys::number(sync))?;
        let list = resolved.map(|row| row.list).unwrap_or_default();
        let numbers = SyncNumbers {
            account: step.number('a', account.as_str())?,
            sync,
            list: step.number('l', &format!("{account}/{list}"))?,
        };
        for (key, row) in before {
            let Some(address) = keys::address_of(key) else {
                continue;
            };
            if step.held.get(key)?.is_some() {
                let record = fed_by(step, numbers, &address)?;
                let why = why_off(step, sync, (record, &address), row.removal)?;
                witness.leaves(record, &row.address, (Leaves::Held, why))?;
            }
        }
        Ok(())
    })
}

/// What the way that a run took has cost.
fn reading(way: Option<Way>, meter: &Meter, rows: u64) -> Option<Reading> {
    let way = way?;
    let names: Vec<&str> = way.methods().iter().map(|method| method.name()).collect();
    let credits = meter.spent(&names).credits;
    Some(Reading { way, rows, credits })
}
