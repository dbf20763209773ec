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
use super::telling::Untold;
use super::{Base, Clients};
use crate::domain::address::{EmailAddress, without};
use crate::domain::changes::{Membership, Removal, Rules};
use crate::domain::definition::{SyncDefinition, WayOff};
use crate::domain::ids::{RunId, SyncId};
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
    check_undecided(base, run)?;
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
    let mut approved = None;
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
            approved = hold.taken_off((definition, run), &address, &row, was_there)?;
        }
    }
    let (deleted, noted) = match approved {
        Some(approved) => approved,
        // The last ones did not apply any more, or a process that took them off died.
        None => base
            .store
            .ledger
            .step(|step| hold.approved(step, definition, run))?,
    };
    // Before it is told: who reads that nothing is held any more asks no more, and this would wait for the next start.
    close(base, &definition.id, numbers)?;
    base.tell(noted)?;
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
    check_undecided(base, run)?;
    admit(base, clients, &definition.account).await?;
    let (plan, numbers) = resolve(base, clients, definition, None, false).await?;
    let hold = Hold {
        base,
        numbers,
        rivals: BTreeSet::new(),
        rules: plan.rules,
    };
    // All at once, so that their number is told right whatever happens.
    let (removals, noted) = base.store.ledger.step(|step| {
        let mut removals = 0;
        loop {
            let rows = hold.rows(step, run)?;
            if rows.is_empty() {
                break;
            }
            for (key, row) in &rows {
                step.held.remove(key)?;
                if let Some(address) = keys::address_of(key) {
                    hold.leave(step, &address, row.removal)?;
                }
                removals += 1;
            }
        }
        if step.approved.get(&keys::run(run.to_u128()))?.is_some() {
            // A person had begun to approve them.
            hold.approved(step, definition, run)?;
        }
        let (sync, account) = (definition.id.clone(), definition.account.clone());
        let discarded = Event::RunDiscarded(RunDiscarded {
            run,
            sync,
            account,
            removals,
        });
        Ok::<_, RunError>((removals, base.note(step, &discarded)?))
    })?;
    close(base, &definition.id, numbers)?;
    base.tell(noted)?;
    Ok(removals)
}

/// Whether nobody has decided on what a run held. Whoever asked may have looked before that was told: two persons at
/// once, or one who asks again after a crash.
fn check_undecided(base: &Base, run: RunId) -> Result<(), RunError> {
    match base.journal().contains_decided(run)? {
        true => Err(RunError::Decided(run)),
        false => Ok(()),
    }
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
    /// the count that it had. After the last one all of them are approved.
    fn taken_off(
        &self,
        (definition, run): (&SyncDefinition, RunId),
        address: &AddressKey,
        row: &HeldRow,
        was_there: bool,
    ) -> Result<Option<(u64, Untold)>, RunError> {
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
            step.approved.put(&key, &ApprovedRow(count))?;
            if !self.rows(step, run)?.is_empty() {
                return Ok(None);
            }
            self.approved(step, definition, run).map(Some)
        })
    }

    /// Notes the event that this run's removals are approved, and how many contacts were taken off by that, up to now.
    fn approved(
        &self,
        step: &mut Step<'_>,
        definition: &SyncDefinition,
        run: RunId,
    ) -> Result<(u64, Untold), RunError> {
        let key = keys::run(run.to_u128());
        let deleted = step.approved.get(&key)?;
        let deleted = deleted.map_or(0, |ApprovedRow(count)| count);
        step.approved.remove(&key)?;
        let (sync, account) = (definition.id.clone(), definition.account.clone());
        let approved = Event::RunApproved(RunApproved {
            run,
            sync,
            account,
            deleted,
        });
        Ok((deleted, self.base.note(step, &approved)?))
    }
}

/// The sync is held no longer.
fn close(base: &Base, sync: &SyncId, numbers: SyncNumbers) -> Result<(), StoreError> {
    let store = &base.store;
    let mut checkpoint: Checkpoint = store.state.checkpoint(sync)?.unwrap_or_default();
    checkpoint.on_list = on_list(&store.ledger, numbers.list, numbers.sync)?;
    if let Some(last) = &mut checkpoint.last
        && last.outcome == RunOutcome::Held
    {
        last.outcome = RunOutcome::Completed;
    }
    store.state.commit(&Changes {
        checkpoints: vec![(sync.clone(), checkpoint)],
        ..Changes::default()
    })
}

/// Closes what a process had decided that died before the checkpoint had it: a sync that counts as held, and holds
/// nothing.
///
/// # Errors
/// [`StoreError`].
pub(super) fn close_decided(base: &Base) -> Result<(), StoreError> {
    for (sync, checkpoint) in base.store.state.snapshot()?.checkpoints {
        let counts_as_held = checkpoint
            .last
            .is_some_and(|last| last.outcome == RunOutcome::Held);
        // A run under way says itself how the sync stands after it.
        if !counts_as_held || checkpoint.running.is_some() {
            continue;
        }
        let Some(definition) = base.config.syncs.get(&sync) else {
            continue;
        };
        let account = &definition.account;
        let numbers = base.store.ledger.step(|step| {
            let number = step.number('s', sync.as_str())?;
            let resolved = step.resolved.get(&keys::number(number))?;
            let holds = step.held.any(&keys::number(number))?;
            let Some(resolved) = resolved.filter(|_| !holds) else {
                return Ok(None);
            };
            Ok::<_, StoreError>(Some(SyncNumbers {
                account: step.number('a', account.as_str())?,
                sync: number,
                list: step.number('l', &format!("{account}/{}", resolved.list))?,
            }))
        })?;
        if let Some(numbers) = numbers {
            close(base, &sync, numbers)?;
        }
    }
    Ok(())
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
