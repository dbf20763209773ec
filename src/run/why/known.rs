//! What the ledger has of an address: by sync, and by account the records that opted out.

use std::collections::{BTreeMap, BTreeSet};

use super::Inquiry;
use super::Planned;
use super::story::{Found, instant};
use crate::config::settings::Config;
use crate::domain::changes::{Candidate, Membership, Removal};
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::{AccountName, RecordId, RunId, SyncId};
use crate::domain::outcome::RunOutcome;
use crate::run::decide::candidates;
use crate::run::plan::Plan;
use crate::store::StoreError;
use crate::store::ledger::rows::{AddressKey, ClaimRow, KeptRow, MemberRow, ReplyRow};
use crate::store::ledger::{Step, SyncNumbers, keys};
use crate::store::state::{Checkpoint, LastRun};

/// The records that the ledger knows under the address, by module.
#[derive(Default)]
pub(super) struct KnownRecords(pub(super) BTreeMap<String, BTreeSet<RecordId>>);

impl KnownRecords {
    /// Those that feed or fed a contact of one of the syncs, and those that opted out.
    pub(super) fn of(
        step: &mut Step<'_>,
        account: &AccountName,
        planned: &[Planned<'_>],
        key: &AddressKey,
    ) -> Result<Self, StoreError> {
        let mut known: BTreeMap<String, BTreeSet<RecordId>> = BTreeMap::new();
        for (module, record, _) in opted_out(step, account, key)? {
            known.entry(module).or_default().insert(record);
        }
        for Planned {
            definition, plan, ..
        } in planned
        {
            let (numbers, _) = numbers(step, definition, plan.as_ref())?;
            let facts = Facts::of(step, numbers, key)?;
            let module = definition.module.to_string();
            known.entry(module).or_default().extend(facts.records());
        }
        Ok(Self(known))
    }
}

/// The opt-outs of an address: module, record, and since when.
pub(super) fn opted_out(
    step: &mut Step<'_>,
    account: &AccountName,
    key: &AddressKey,
) -> Result<Vec<(String, RecordId, i64)>, StoreError> {
    let account = step.number('a', account.as_str())?;
    let modules = step.named('m', "")?;
    let prefix = keys::address(account, key);
    let mut found = Vec::new();
    for (key, row) in step.opt_outs.under(&prefix, None, usize::MAX)? {
        let number = keys::opt_out_module(&key)?;
        let record = RecordId(keys::last_record("opt_outs", &key)?);
        let module = modules.iter().find(|(_, known)| *known == number);
        found.extend(module.map(|(module, _)| (module.clone(), record, row.since)));
    }
    Ok(found)
}

/// The numbers of a sync's rows, and its list's key as far as it has been looked up; under a list that has not there are
/// no rows.
pub(super) fn numbers(
    step: &mut Step<'_>,
    definition: &SyncDefinition,
    plan: Option<&Plan>,
) -> Result<(SyncNumbers, Option<String>), StoreError> {
    let sync = step.number('s', definition.id.as_str())?;
    let kept = step.resolved.get(&keys::number(sync))?;
    let list = plan.map(|plan| plan.list.to_string());
    let list = list.or(kept.map(|row| row.list));
    let account = &definition.account;
    let name = format!("{account}/{}", list.as_deref().unwrap_or_default());
    let numbers = SyncNumbers {
        account: step.number('a', account.as_str())?,
        sync,
        list: step.number('l', &name)?,
    };
    Ok((numbers, list))
}

/// The account's lists that an address is on, other than those `served` by a sync: list, and since when.
pub(super) fn other_lists(
    step: &Step<'_>,
    account: &AccountName,
    served: &BTreeSet<&str>,
    key: &AddressKey,
) -> Result<Vec<(String, i64)>, StoreError> {
    let mut found = Vec::new();
    for (list, number) in step.named('l', &format!("{account}/"))? {
        let member = step.members.get(&keys::address(number, key))?;
        let member = member.filter(|member| member.state == Membership::Active);
        if let Some(member) = member.filter(|_| !served.contains(list.as_str())) {
            found.push((list, member.since));
        }
    }
    Ok(found)
}

/// The other active syncs that have an address on a list, with records of their own.
pub(super) fn claimed_by(
    step: &mut Step<'_>,
    inquiry: &Inquiry<'_>,
    definition: &SyncDefinition,
    (list, key): (u32, &AddressKey),
) -> Result<Vec<SyncId>, StoreError> {
    let mut others = Vec::new();
    let of_account = inquiry.config.syncs.values();
    let of_account = of_account.filter(|it| it.account == definition.account);
    let active = of_account.filter(|it| inquiry.activation.admits(&it.id));
    for other in active.filter(|it| it.id != definition.id) {
        let number = step.number('s', other.id.as_str())?;
        if step.claims.get(&keys::claim(list, key, number))?.is_some()
            && step.candidates.any(&keys::address(number, key))?
        {
            others.push(other.id.clone());
        }
    }
    Ok(others)
}

/// The last run that ended, of all syncs with a list.
pub(super) fn found(
    step: &mut Step<'_>,
    config: &Config,
    checkpoints: &BTreeMap<SyncId, Checkpoint>,
    (account, list): (&AccountName, Option<&str>),
) -> Result<Option<Found>, StoreError> {
    let (mut last, mut full): (Option<&LastRun>, Option<i64>) = (None, None);
    let of_account = config.syncs.values();
    for sync in of_account.filter(|it| it.account == *account) {
        let number = step.number('s', sync.id.as_str())?;
        let resolved = step.resolved.get(&keys::number(number))?;
        let is_on_it = resolved.is_some_and(|row| Some(row.list.as_str()) == list);
        let Some(checkpoint) = checkpoints.get(&sync.id).filter(|_| is_on_it) else {
            continue;
        };
        let both = last.into_iter().chain(&checkpoint.last);
        last = both.max_by_key(|run| run.at);
        full = full.max(checkpoint.last_full);
    }
    Ok(last.map(|last| Found {
        ended_at: instant(last.at),
        failed: last.outcome == RunOutcome::Failed,
        read_in_full_at: full.map(instant),
    }))
}

/// What the ledger has of an address for one sync.
#[derive(Default)]
pub(super) struct Facts {
    /// The records that may feed the contact.
    pub(super) candidates: Vec<Candidate>,
    /// The address on the sync's list.
    pub(super) member: Option<MemberRow>,
    /// The sync's claim on it.
    pub(super) claim: Option<ClaimRow>,
    /// What Campaigns last said.
    pub(super) reply: Option<ReplyRow>,
    /// The removal that waits for a person.
    pub(super) held: Option<(RunId, Removal)>,
    /// Whether a person has discarded its removal.
    pub(super) discarded: bool,
    /// When the first of its opt-outs was seen.
    pub(super) opted_out_since: Option<i64>,
    /// Whether it waits to be decided: a run left it to the next one, or it was released.
    pub(super) left_over: bool,
}

impl Facts {
    /// Reads them, before anything is staged.
    pub(super) fn of(
        step: &Step<'_>,
        numbers: SyncNumbers,
        key: &AddressKey,
    ) -> Result<Self, StoreError> {
        let SyncNumbers {
            account,
            sync,
            list,
        } = numbers;
        let (own, claim) = (keys::address(sync, key), keys::claim(list, key, sync));
        let opt_outs = keys::address(account, key);
        let opt_outs = step.opt_outs.under(&opt_outs, None, usize::MAX)?;
        let held = step.held.get(&own)?;
        let reply = step.replies.get(&claim)?;
        let claim = step.claims.get(&claim)?;
        let kept = match &claim {
            Some(claim) => step.kept.get(&keys::kept(sync, claim.winner, key))?,
            None => None,
        };
        Ok(Self {
            candidates: candidates(step, sync, key)?,
            member: step.members.get(&keys::address(list, key))?,
            discarded: kept.is_some_and(KeptRow::is_discarded),
            claim,
            reply,
            held: held.map(|row| (RunId::from_u128(row.run), row.removal)),
            opted_out_since: opt_outs.iter().map(|(_, row)| row.since).min(),
            left_over: step.staged.any(&own)?
                || step.deferred.any(&own)?
                || step.intents.any(&own)?
                || step.removals.any(&own)?,
        })
    }

    /// The records that feed or fed the contact.
    pub(super) fn records(&self) -> BTreeSet<RecordId> {
        let candidates = self.candidates.iter().map(|candidate| candidate.record);
        let claim = self.claim.as_ref().filter(|claim| claim.winner > 0);
        candidates
            .chain(claim.map(|claim| RecordId(claim.winner)))
            .collect()
    }
}
