//! Intents carried out: each is stored before its call, and its outcome after it.
//!
//! An intent that is still there after a crash is called again: subscribing and unsubscribing are safe to repeat, and
//! what was decided and expected then is what is counted.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use futures_util::stream;

use super::Run;
use super::error::RunError;
use super::replies::Outcomes;
use crate::domain::address::EmailAddress;
use crate::domain::changes::Membership;
use crate::domain::definition::WayOff;
use crate::domain::ids::ListKey;
use crate::domain::suppression::{Cleared, Refusal, Standing, Suppression};
use crate::store::StoreError;
use crate::store::ledger::rows::{AddressKey, IntentRow, TriedRow};
use crate::store::ledger::{Step, keys};
use crate::zoho::campaigns::{BULK_CONTACTS_MAX, CampaignsError, Reply, Verdict};

/// Calls made by each of the concurrent callers between two writes of their outcomes: what a crash may make rosterd
/// call twice.
const CALLS_A_CALLER: usize = 2;
/// Intents looked through at once for those that take somebody off.
const STEP_ROWS: usize = 500;
/// Whole bulk calls between two writes, as a part of one costs as much.
const BULK_BATCH_CONTACTS: usize = 4 * BULK_CONTACTS_MAX;

/// An intent with what the ledger says about its address at this moment.
pub(super) struct Ready {
    pub(super) key: Vec<u8>,
    pub(super) address: AddressKey,
    /// Another list than the sync's own.
    pub(super) other_list: Option<u32>,
    pub(super) intent: IntentRow,
    standing: Standing,
    /// Whether an earlier call may have put it on the list, whose answer was never stored.
    pub(super) was_tried: bool,
}

/// Which intents are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Those that take somebody off: they go before all others, whose budget may be used up for hours.
    TakeOffs,
    /// All that there are.
    All,
}

/// What intents are looked up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To see what there is.
    Look,
    /// To be called now.
    Call,
}

/// What came of one intent.
pub(super) enum Done {
    /// Campaigns answered.
    Answered(Reply),
    /// The gate held it back.
    HeldBack(Refusal),
    /// The address in the ledger is not one any more; a defect, told as an outcome.
    NotAnAddress,
}

impl Run<'_> {
    /// Carries out intents that are stored, until none of them is left.
    pub(super) async fn carry_out_intents(&mut self, which: Which) -> Result<(), RunError> {
        let mut after = None;
        loop {
            let batch = self.ready_intents(which, after.as_deref(), Purpose::Look)?;
            let Some(last) = batch.last() else {
                return Ok(());
            };
            let last = last.key.clone();
            self.go_on()?;
            self.refresh_gate().await?;
            if batch
                .iter()
                .any(|ready| matches!(ready.intent, IntentRow::Send { .. }))
            {
                self.check_list().await?;
                self.note_members_before().await?;
            }
            // As the ledger knows them now: the gate may have been opened anew.
            let batch = self.ready_intents(which, after.as_deref(), Purpose::Call)?;
            let (done, failure, not_made) = self.call_all(batch).await;
            self.store_outcomes(done, &not_made)?;
            if let Some(error) = failure {
                return Err(error.into());
            }
            after = Some(last);
        }
    }

    /// The next intents after a key. Before they are called, the ledger learns of each contact that a call may put on
    /// the list: whatever happens to the process and the definition then, it can be taken off again.
    fn ready_intents(
        &self,
        which: Which,
        after: Option<&[u8]>,
        purpose: Purpose,
    ) -> Result<Vec<Ready>, StoreError> {
        self.store.ledger.step(|step| {
            let rows = self.next_intents(step, which, after, self.batch())?;
            let mut batch = Vec::with_capacity(rows.len());
            for (key, intent) in rows {
                let Some(address) = keys::address_of(&key) else {
                    continue;
                };
                let standing = self.standing(step, &address)?;
                let on_list = keys::address(self.numbers.list, &address);
                let was_tried = step.tried.get(&on_list)?.is_some();
                // Who is on the list is updated: whatever becomes of the call, they are whose they were.
                let member = step.members.get(&on_list)?;
                let is_there = member.is_some_and(|it| it.state == Membership::Active);
                if let (Purpose::Call, IntentRow::Send { address, .. }) = (purpose, &intent)
                    && !standing.is_barred()
                    && !is_there
                {
                    let address = address.clone();
                    step.tried.put(&on_list, &TriedRow { address })?;
                }
                batch.push(Ready {
                    was_tried,
                    other_list: keys::other_list_of(&key),
                    key,
                    address,
                    intent,
                    standing,
                });
            }
            Ok(batch)
        })
    }

    /// Notes whom a run that is resumed may have taken off before: the batch that was under way when the process died.
    pub(super) fn note_asked_again(&mut self) -> Result<(), StoreError> {
        if self.resumed {
            let batch = self
                .store
                .ledger
                .step(|step| self.next_intents(step, Which::TakeOffs, None, self.batch()))?;
            self.asks_again = batch.into_iter().map(|(key, _)| key).collect();
        }
        Ok(())
    }

    /// How many intents are called between two writes of their outcomes.
    fn batch(&self) -> usize {
        match self.plan.mapping.only_address() {
            true => BULK_BATCH_CONTACTS,
            false => CALLS_A_CALLER * self.concurrency,
        }
    }

    /// Up to `most` intents after a key, in the order of their keys.
    fn next_intents(
        &self,
        step: &Step<'_>,
        which: Which,
        after: Option<&[u8]>,
        most: usize,
    ) -> Result<Vec<(Vec<u8>, IntentRow)>, StoreError> {
        let sync = keys::number(self.numbers.sync);
        if which == Which::All {
            return step.intents.under(&sync, None, most);
        }
        let (mut found, mut after) = (Vec::new(), after.map(<[u8]>::to_vec));
        loop {
            let rows = step.intents.under(&sync, after.as_deref(), STEP_ROWS)?;
            let Some((last, _)) = rows.last() else {
                return Ok(found);
            };
            after = Some(last.clone());
            for (key, intent) in rows {
                if found.len() == most {
                    return Ok(found);
                }
                if let IntentRow::TakeOff { .. } = intent {
                    found.push((key, intent));
                }
            }
        }
    }

    fn standing(&self, step: &Step<'_>, address: &AddressKey) -> Result<Standing, StoreError> {
        let member = step
            .members
            .get(&keys::address(self.numbers.list, address))?;
        let again = self.plan.rules.opted_in_again;
        let erased = step.is_erased(address)?.then_some(Suppression::Erased);
        Ok(Standing {
            opted_out: step
                .opt_outs
                .any(&keys::address(self.numbers.account, address))?,
            suppressed: erased.or(member.and_then(|member| member.state.suppression(again))),
        })
    }

    /// Calls for a batch, several at once. What was answered is returned even if a call failed; beside it, the addresses
    /// for which no call was made, because it has to wait for its time.
    async fn call_all(
        &self,
        batch: Vec<Ready>,
    ) -> (Vec<(Ready, Done)>, Option<CampaignsError>, Vec<AddressKey>) {
        let concurrency = self.concurrency;
        let parts: Vec<Vec<Ready>> = if self.plan.mapping.only_address() {
            in_bulks(batch)
        } else {
            batch.into_iter().map(|ready| vec![ready]).collect()
        };
        let waits = AtomicBool::new(false);
        let mut calls = stream::iter(parts)
            .map(|part| async {
                let fresh = part.iter().filter(|ready| !ready.was_tried);
                let fresh: Vec<AddressKey> = fresh.map(|ready| ready.address).collect();
                match waits.load(Ordering::Relaxed) {
                    true => (fresh, None),
                    false => (fresh, Some(self.call(part).await)),
                }
            })
            .buffer_unordered(concurrency);
        let (mut done, mut failure, mut not_made) = (Vec::new(), None, Vec::new());
        while let Some((fresh, answered)) = calls.next().await {
            match answered {
                Some(Ok(answered)) => done.extend(answered),
                // Those under way are answered; no others begin.
                Some(Err(error)) if error.was_not_made() => {
                    waits.store(true, Ordering::Relaxed);
                    failure = failure.or(Some(error));
                    not_made.extend(fresh);
                }
                Some(Err(error)) => {
                    failure = Some(error);
                    break;
                }
                None => not_made.extend(fresh),
            }
        }
        drop(calls);
        (done, failure, not_made)
    }

    async fn call(&self, part: Vec<Ready>) -> Result<Vec<(Ready, Done)>, CampaignsError> {
        let (mut done, mut cleared, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
        for ready in part {
            match &ready.intent {
                IntentRow::Send {
                    address, fields, ..
                } => match self.clear(address, fields, &ready.standing) {
                    Ok(contact) => {
                        cleared.push(contact);
                        waiting.push(ready);
                    }
                    Err(held) => done.push((ready, held)),
                },
                IntentRow::TakeOff { address, removal } => match EmailAddress::parse(address) {
                    Ok(address) => {
                        let list = self.list_of(&ready);
                        let reply = self.campaigns.unsubscribe(list, &address).await?;
                        let way_off = self.plan.rules.way_off(*removal);
                        if way_off == Some(WayOff::Remove) && is_off(&reply) {
                            self.tag(&address).await;
                        }
                        done.push((ready, Done::Answered(reply)));
                    }
                    Err(_) => done.push((ready, Done::NotAnAddress)),
                },
            }
        }
        let replies = match cleared.as_slice() {
            [] => Vec::new(),
            [contact] if !self.plan.mapping.only_address() => {
                vec![self.campaigns.subscribe(contact).await?]
            }
            several => self.campaigns.subscribe_bulk(several).await?,
        };
        let answered = replies.into_iter().map(Done::Answered);
        done.extend(waiting.into_iter().zip(answered));
        Ok(done)
    }

    /// The list that a contact is taken off.
    fn list_of(&self, ready: &Ready) -> &ListKey {
        let other = ready
            .other_list
            .and_then(|number| self.orphans.iter().find(|(orphan, _)| *orphan == number));
        other.map_or(&self.plan.list, |(_, list)| list)
    }

    fn clear(
        &self,
        address: &str,
        fields: &[(String, String)],
        standing: &Standing,
    ) -> Result<Cleared, Done> {
        let address = EmailAddress::parse(address).map_err(|_| Done::NotAnAddress)?;
        let now = self.clock.now();
        self.gate
            .clear(&address, fields.to_vec(), standing, now)
            .map_err(Done::HeldBack)
    }

    fn store_outcomes(
        &mut self,
        done: Vec<(Ready, Done)>,
        not_made: &[AddressKey],
    ) -> Result<(), StoreError> {
        let mut row = self.row_with_cost();
        let now = self.clock.now().as_millisecond();
        let outcomes = Outcomes { run: self, now };
        let list = self.numbers.list;
        self.row = self.store.ledger.step(|step| {
            for (ready, done) in &done {
                if let Some(detail) = outcomes.store(step, &mut row, ready, done)? {
                    let refused = row.not_taken_off.map_or(0, |(refused, _)| refused);
                    row.not_taken_off = Some((refused + 1, detail));
                }
                step.intents.remove(&ready.key)?;
            }
            for address in not_made {
                step.tried.remove(&keys::address(list, address))?;
            }
            step.save_run(&row)?;
            Ok::<_, StoreError>(row)
        })?;
        self.report();
        Ok(())
    }
}

/// Whether a contact that was unsubscribed with this answer is off the list.
pub(super) fn is_off(reply: &Reply) -> bool {
    match reply {
        Reply::Accepted | Reply::AlreadyThere => true,
        Reply::Refused { verdict, .. } => *verdict == Verdict::NotAContact,
    }
}

/// Parts of one bulk call each for what is sent; what is taken off goes one by one.
fn in_bulks(batch: Vec<Ready>) -> Vec<Vec<Ready>> {
    let (sends, others): (Vec<_>, Vec<_>) = batch
        .into_iter()
        .partition(|ready| matches!(ready.intent, IntentRow::Send { .. }));
    let mut parts: Vec<Vec<Ready>> = others.into_iter().map(|ready| vec![ready]).collect();
    let mut sends = sends.into_iter().peekable();
    while sends.peek().is_some() {
        parts.push(sends.by_ref().take(BULK_CONTACTS_MAX).collect());
    }
    parts
}
