//! Held removals, decided by a person: carried out as far as they still apply, or dropped until their records change.
//!
//! Each removal is looked at once more before its call: a contact that a record feeds again, that another sync
//! claims, or that is no longer on the list is left alone. A removal leaves the hold with the outcome of its call, so
//! that a crash between two of them loses nothing; unsubscribing is safe to repeat.

use std::collections::BTreeSet;

use super::error::RunError;
use super::remove::on_list;
use super::replies::take_off;
use super::resolve::resolve;
use super::start::neighbours;
use super::{Base, Clients};
use crate::domain::address::EmailAddress;
use crate::domain::changes::{Membership, Removal};
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::{ListKey, RunId};
use crate::domain::outcome::RunOutcome;
use crate::journal::event::{Event, RunApproved, RunDiscarded};
use crate::store::StoreError;
use crate::store::ledger::rows::{AddressKey, HeldRow};
use crate::store::ledger::{Step, SyncNumbers, keys};
use crate::store::state::{Changes, Checkpoint};
use crate::zoho::campaigns::{Reply, Verdict};

/// Removals taken up between two looks at whether rosterd is to stop.
const BATCH_CONTACTS: usize = 32;

/// Carries out what a run of a sync held, as far as it still applies; says how many contacts were taken off.
///
/// # Errors
/// [`RunError`]: a call failed, or contacts could not be unsubscribed; what is left stays held.
pub(crate) async fn approve(
    base: &Base,
    clients: &Clients,
    definition: &SyncDefinition,
    run: RunId,
) -> Result<u64, RunError> {
    clients.crm.authorise().await?;
    let (plan, numbers) = resolve(base, clients, definition, None, false).await?;
    let active = neighbours(base, definition)?.active;
    let hold = Hold {
        base,
        numbers,
        active,
    };
    let mut deleted = 0;
    loop {
        let batch = hold.next(run)?;
        if batch.is_empty() {
            break;
        }
        for (address, row) in batch {
            if base.stop.is_cancelled() {
                return Err(RunError::Stopped);
            }
            unsubscribe(clients, &plan.list, &row).await?;
            hold.taken_off(&address, &row)?;
            deleted += 1;
        }
    }
    let (sync, account) = (definition.id.clone(), definition.account.clone());
    base.append(&Event::RunApproved(RunApproved {
        run,
        sync,
        account,
        deleted,
    }))?;
    hold.close(definition)?;
    Ok(deleted)
}

/// Drops what a run of a sync held, until the records change; says how many removals that were.
///
/// # Errors
/// [`RunError`]: the stores or the journal failed.
pub(crate) async fn discard(
    base: &Base,
    clients: &Clients,
    definition: &SyncDefinition,
    run: RunId,
) -> Result<u64, RunError> {
    clients.crm.authorise().await?;
    let (_, numbers) = resolve(base, clients, definition, None, false).await?;
    let hold = Hold {
        base,
        numbers,
        active: BTreeSet::new(),
    };
    let mut removals = 0;
    loop {
        let dropped = base.store.ledger.step(|step| {
            let rows = hold.rows(step, run)?;
            for (key, _) in &rows {
                step.held.remove(key)?;
                if let Some(address) = keys::address_of(key) {
                    let claim = keys::claim(numbers.list, &address, numbers.sync);
                    step.claims.remove(&claim)?;
                }
            }
            Ok::<_, StoreError>(rows.len())
        })?;
        if dropped == 0 {
            break;
        }
        removals += u64::try_from(dropped).unwrap_or(u64::MAX);
    }
    let (sync, account) = (definition.id.clone(), definition.account.clone());
    base.append(&Event::RunDiscarded(RunDiscarded {
        run,
        sync,
        account,
        removals,
    }))?;
    hold.close(definition)?;
    Ok(removals)
}

/// What a sync holds.
struct Hold<'a> {
    base: &'a Base,
    numbers: SyncNumbers,
    active: BTreeSet<u32>,
}

impl Hold<'_> {
    /// The next removals that still apply; those that do not leave the hold.
    fn next(&self, run: RunId) -> Result<Vec<(AddressKey, HeldRow)>, StoreError> {
        loop {
            let (met, batch) = self.base.store.ledger.step(|step| {
                let rows = self.rows(step, run)?;
                let (met, mut batch) = (rows.len(), Vec::new());
                for (key, row) in rows {
                    match keys::address_of(&key) {
                        Some(address) if self.applies(step, &address)? => {
                            batch.push((address, row));
                        }
                        Some(_) | None => step.held.remove(&key)?,
                    }
                }
                Ok::<_, StoreError>((met, batch))
            })?;
            if met == 0 || !batch.is_empty() {
                return Ok(batch);
            }
        }
    }

    fn rows(&self, step: &Step<'_>, run: RunId) -> Result<Vec<(Vec<u8>, HeldRow)>, StoreError> {
        let rows = step
            .held
            .under(&keys::number(self.numbers.sync), None, BATCH_CONTACTS)?;
        // All that a sync holds is held under one run.
        Ok(rows
            .into_iter()
            .filter(|(_, row)| row.run == run.to_u128())
            .collect())
    }

    fn applies(&self, step: &Step<'_>, address: &AddressKey) -> Result<bool, StoreError> {
        let SyncNumbers { sync, list, .. } = self.numbers;
        if step.candidates.any(&keys::address(sync, address))? {
            return Ok(false);
        }
        let member = step.members.get(&keys::address(list, address))?;
        let is_ours = member.is_some_and(|it| it.ours && it.state == Membership::Active);
        let claims = step
            .claims
            .under(&keys::address(list, address), None, usize::MAX)?;
        let by_another = claims
            .iter()
            .filter_map(|(key, _)| keys::last_number(key))
            .any(|other| other != sync && self.active.contains(&other));
        Ok(is_ours && !by_another)
    }

    fn taken_off(&self, address: &AddressKey, row: &HeldRow) -> Result<(), StoreError> {
        let now = self.base.clock.now().as_millisecond();
        self.base.store.ledger.step(|step| {
            take_off(
                step,
                self.numbers,
                address,
                &row.address,
                Removal::Gone,
                now,
            )?;
            step.held.remove(&keys::address(self.numbers.sync, address))
        })
    }

    /// The sync is held no longer.
    fn close(&self, definition: &SyncDefinition) -> Result<(), StoreError> {
        let store = &self.base.store;
        let mut checkpoint: Checkpoint =
            store.state.checkpoint(&definition.id)?.unwrap_or_default();
        checkpoint.on_list = on_list(&store.ledger, self.numbers.list, self.numbers.sync)?;
        if let Some(last) = &mut checkpoint.last
            && last.outcome == RunOutcome::Held
        {
            last.outcome = RunOutcome::Completed;
        }
        let checkpoints = vec![(definition.id.clone(), checkpoint)];
        store.state.commit(&Changes {
            checkpoints,
            ..Changes::default()
        })
    }
}

async fn unsubscribe(clients: &Clients, list: &ListKey, row: &HeldRow) -> Result<(), RunError> {
    let refused = |detail: String| RunError::NotTakenOff { refused: 1, detail };
    let address =
        EmailAddress::parse(&row.address).map_err(|problem| refused(problem.to_string()))?;
    match clients.campaigns.unsubscribe(list, &address).await? {
        Reply::Accepted | Reply::AlreadyThere => Ok(()),
        Reply::Refused {
            verdict: Verdict::NotAContact,
            ..
        } => Ok(()),
        Reply::Refused { code, text, .. } => Err(refused(format!("{code} {text}"))),
    }
}
