//! Held removals, decided by a person: carried out as far as they still apply, or dropped until their records change.
//!
//! Each removal is looked at once more before its call, and the list's suppressions before the first: a contact that a
//! record feeds again, that another sync claims, or that is no longer on the list is left alone. A removal leaves the hold with the outcome of its call, so
//! that a crash between two of them loses nothing; unsubscribing is safe to repeat.

use std::collections::BTreeSet;

use super::claims::{self, TakenOff, claimed_by_another, take_off};
use super::error::RunError;
use super::organisation::admit;
use super::plan::Plan;
use super::remove::on_list;
use super::resolve::resolve;
use super::start::{Neighbours, check_active, neighbours};
use super::suppressions::SuppressionReader;
use super::tagging::tag;
use super::{Base, Clients};
use crate::domain::address::{EmailAddress, without};
use crate::domain::changes::{Membership, Removal, Rules};
use crate::domain::definition::{SyncDefinition, WayOff};
use crate::domain::ids::RunId;
use crate::domain::outcome::RunOutcome;
use crate::journal::event::{Event, RunApproved, RunDiscarded};
use crate::store::StoreError;
use crate::store::ledger::rows::{AddressKey, ApprovedRow, HeldRow, KeptRow};
use crate::store::ledger::{Step, SyncNumbers, keys};
use crate::store::state::{Changes, Checkpoint};
use crate::zoho::campaigns::{Reply, Verdict};

/// Removals taken up between two looks at whether rosterd is to stop.
const BATCH_CONTACTS: usize = 32;

/// Carries out what a run of a sync held, as far as it still applies; says how many contacts were taken off.
///
/// # Errors
/// [`RunError`]: the sync is inactive, a call failed, or contacts could not be unsubscribed; what is left stays held.
pub(crate) async fn approve(
    base: &Base,
    clients: &Clients,
    definition: &SyncDefinition,
    run: RunId,
) -> Result<u64, RunError> {
    check_active(base, definition, false)?;
    admit(base, clients, &definition.account).await?;
    let (plan, numbers) = resolve(base, clients, definition, None, false).await?;
    let Neighbours { lists, rivals, .. } = neighbours(base, definition)?;
    let account = base.config.accounts.get(&definition.account);
    // Who has left in person since the run is not to count as taken off by rosterd.
    let reader = SuppressionReader {
        base,
        campaigns: &clients.campaigns,
        list: &plan.list,
        numbers,
        lists: &lists,
        topics: account.is_some_and(|account| account.topics),
    };
    reader.read().await?;
    let hold = Hold {
        base,
        numbers,
        rivals,
        rules: plan.rules,
    };
    loop {
        let batch = hold.next(run)?;
        if batch.is_empty() {
            break;
        }
        for (address, row) in batch {
            if base.stop.is_cancelled() {
                return Err(RunError::Stopped);
            }
            let was_there = unsubscribe(clients, &plan, &row).await?;
            hold.taken_off(run, &address, &row, was_there)?;
        }
    }
    let deleted = hold.approved(run)?;
    hold.tell_approved(definition, run, deleted)?;
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
    admit(base, clients, &definition.account).await?;
    let (plan, numbers) = resolve(base, clients, definition, None, false).await?;
    let hold = Hold {
        base,
        numbers,
        rivals: BTreeSet::new(),
        rules: plan.rules,
    };
    let mut removals = 0;
    loop {
        let dropped = base.store.ledger.step(|step| {
            let rows = hold.rows(step, run)?;
            for (key, row) in &rows {
                step.held.remove(key)?;
                if let Some(address) = keys::address_of(key) {
                    hold.leave(step, &address, row.removal)?;
                }
            }
            Ok::<_, StoreError>(rows.len())
        })?;
        if dropped == 0 {
            break;
        }
        removals += u64::try_from(dropped).unwrap_or(u64::MAX);
    }
    let approved = hold.approved(run)?;
    if approved > 0 {
        // A person had begun to approve them.
        hold.tell_approved(definition, run, approved)?;
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
    /// Active syncs with the same list.
    rivals: BTreeSet<u32>,
    rules: Rules,
}

impl Hold<'_> {
    /// The next removals that still apply; those that do not leave the hold.
    fn next(&self, run: RunId) -> Result<Vec<(AddressKey, HeldRow)>, StoreError> {
        loop {
            let (met, batch) = self.base.store.ledger.step(|step| {
                let rows = self.rows(step, run)?;
                let (met, mut batch) = (rows.len(), Vec::new());
                for (key, row) in rows {
                    let Some(address) = keys::address_of(&key) else {
                        step.held.remove(&key)?;
                        continue;
                    };
                    if self.rules.way_off(row.removal).is_none() {
                        // The definition keeps such contacts now.
                        step.held.remove(&key)?;
                        self.leave(step, &address, row.removal)?;
                    } else if self.applies(step, &address)? {
                        batch.push((address, row));
                    } else {
                        step.held.remove(&key)?;
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
        Ok(is_ours && !claimed_by_another(step, self.numbers, &self.rivals, address)?)
    }

    /// Leaves a contact on the list: a record that is still there may be deleted later.
    fn leave(
        &self,
        step: &mut Step<'_>,
        address: &AddressKey,
        removal: Removal,
    ) -> Result<(), StoreError> {
        match removal {
            Removal::Left => claims::keep(step, self.numbers, address, KeptRow::DISCARDED),
            Removal::Gone | Removal::OptedOut => claims::give_up(step, self.numbers, address),
        }
    }

    /// Notes that a contact was taken off, and counts it, if it was there: an approval that is interrupted goes on with
    /// the count that it had.
    fn taken_off(
        &self,
        run: RunId,
        address: &AddressKey,
        row: &HeldRow,
        was_there: bool,
    ) -> Result<(), StoreError> {
        let now = self.base.clock.now().as_millisecond();
        let way_off = self.rules.way_off(row.removal);
        let way_off = way_off.unwrap_or(WayOff::Unsubscribe);
        self.base.store.ledger.step(|step| {
            let gone = TakenOff {
                address: &row.address,
                removal: row.removal,
                way_off,
                in_doubt: false,
            };
            take_off(step, self.numbers, address, &gone, now)?;
            let key = keys::run(run.to_u128());
            let before = step.approved.get(&key)?;
            let count = before.map_or(0, |ApprovedRow(count)| count) + u64::from(was_there);
            step.approved.put(&key, &ApprovedRow(count))
        })
    }

    /// How many contacts were taken off by approving this run's removals, up to now.
    fn approved(&self, run: RunId) -> Result<u64, StoreError> {
        let key = keys::run(run.to_u128());
        let row = self
            .base
            .store
            .ledger
            .step(|step| step.approved.get(&key))?;
        Ok(row.map_or(0, |ApprovedRow(count)| count))
    }

    fn tell_approved(
        &self,
        definition: &SyncDefinition,
        run: RunId,
        deleted: u64,
    ) -> Result<(), RunError> {
        let (sync, account) = (definition.id.clone(), definition.account.clone());
        self.base.append(&Event::RunApproved(RunApproved {
            run,
            sync,
            account,
            deleted,
        }))?;
        let key = keys::run(run.to_u128());
        let ledger = &self.base.store.ledger;
        Ok(ledger.step(|step| step.approved.remove(&key))?)
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

/// Takes a contact off; says whether it was there.
async fn unsubscribe(clients: &Clients, plan: &Plan, row: &HeldRow) -> Result<bool, RunError> {
    let refused = |detail: String| RunError::NotTakenOff { refused: 1, detail };
    let address =
        EmailAddress::parse(&row.address).map_err(|problem| refused(problem.to_string()))?;
    let was_there = match clients.campaigns.unsubscribe(&plan.list, &address).await? {
        Reply::Accepted | Reply::AlreadyThere => true,
        Reply::Refused {
            verdict: Verdict::NotAContact,
            ..
        } => false,
        Reply::Refused { code, text, .. } => {
            return Err(refused(without(&format!("{code} {text}"), &row.address)));
        }
    };
    if plan.rules.way_off(row.removal) == Some(WayOff::Remove) {
        let told = tag(&clients.campaigns, &address).await;
        if let Err(untagged) = told {
            untagged.log();
        }
    }
    Ok(was_there)
}
