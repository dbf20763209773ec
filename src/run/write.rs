//! Intents carried out: each is stored before its call, and its outcome after it.
//!
//! An intent that is still there after a crash is called again: subscribing and unsubscribing are safe to repeat, and
//! what was decided and expected then is what is counted.

use futures_util::StreamExt;
use futures_util::stream;

use super::Run;
use super::decide::settle;
use super::error::RunError;
use crate::domain::address::EmailAddress;
use crate::domain::changes::{Departed, Membership, Rejection, Removal, held_back};
use crate::domain::ids::RecordId;
use crate::domain::outcome::{Outcome, Reason};
use crate::domain::suppression::{Cleared, Refusal, Standing};
use crate::store::StoreError;
use crate::store::ledger::rows::{
    AddedRow, AddressKey, ClaimRow, IntentRow, MemberRow, RunRow, StagedRow,
};
use crate::store::ledger::{Step, keys};
use crate::zoho::campaigns::{CampaignsError, Reply, Verdict};

/// Intents carried out between two writes of their outcomes: what a crash may make rosterd call twice.
const BATCH_CONTACTS: usize = 32;
/// Addresses that one bulk call takes. Source: Campaigns, "Add contacts to an existing list".
const BULK_CONTACTS: usize = 10;

/// An intent with what the ledger says about its address at this moment.
struct Ready {
    address: AddressKey,
    intent: IntentRow,
    standing: Standing,
}

/// What came of one intent.
enum Done {
    /// Campaigns answered.
    Answered(Reply),
    /// The gate held it back.
    HeldBack(Refusal),
    /// The address in the ledger is not one any more; a defect, told as an outcome.
    NotAnAddress,
}

impl Run<'_> {
    /// Carries out all intents that are stored.
    pub(super) async fn carry_out_intents(&mut self) -> Result<(), RunError> {
        loop {
            let batch = self.ready_intents()?;
            if batch.is_empty() {
                return Ok(());
            }
            self.go_on()?;
            self.refresh_gate().await?;
            if batch
                .iter()
                .any(|ready| matches!(ready.intent, IntentRow::Send { .. }))
            {
                self.note_members_before().await?;
            }
            let (done, failure) = self.call_all(batch).await;
            self.store_outcomes(done)?;
            if let Some(error) = failure {
                return Err(error.into());
            }
        }
    }

    fn ready_intents(&self) -> Result<Vec<Ready>, StoreError> {
        let numbers = self.numbers;
        self.store.ledger.look(|step| {
            let rows = step
                .intents
                .under(&keys::number(numbers.sync), None, BATCH_CONTACTS)?;
            let mut batch = Vec::with_capacity(rows.len());
            for (key, intent) in rows {
                let Some(address) = keys::address_of(&key) else {
                    continue;
                };
                let standing = self.standing(step, &address)?;
                batch.push(Ready {
                    address,
                    intent,
                    standing,
                });
            }
            Ok(batch)
        })
    }

    fn standing(&self, step: &Step<'_>, address: &AddressKey) -> Result<Standing, StoreError> {
        let member = step
            .members
            .get(&keys::address(self.numbers.list, address))?;
        Ok(Standing {
            opted_out: step
                .opt_outs
                .any(&keys::address(self.numbers.account, address))?,
            suppressed: member.and_then(|member| member.state.suppression()),
        })
    }

    /// Calls for a batch, several at once. What was answered is returned even if a call failed.
    async fn call_all(&self, batch: Vec<Ready>) -> (Vec<(Ready, Done)>, Option<CampaignsError>) {
        let concurrency = self.concurrency;
        let parts: Vec<Vec<Ready>> = if self.plan.mapping.only_address() {
            in_bulks(batch)
        } else {
            batch.into_iter().map(|ready| vec![ready]).collect()
        };
        let mut calls = stream::iter(parts)
            .map(|part| self.call(part))
            .buffer_unordered(concurrency);
        let (mut done, mut failure) = (Vec::new(), None);
        while let Some(answered) = calls.next().await {
            match answered {
                Ok(answered) => done.extend(answered),
                Err(error) => failure = failure.or(Some(error)),
            }
            if failure.is_some() {
                break;
            }
        }
        (done, failure)
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
                IntentRow::TakeOff { address, .. } => match EmailAddress::parse(address) {
                    Ok(address) => {
                        let reply = self
                            .campaigns
                            .unsubscribe(&self.plan.list, &address)
                            .await?;
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

    fn store_outcomes(&mut self, done: Vec<(Ready, Done)>) -> Result<(), StoreError> {
        let mut row = self.row_with_cost();
        let now = self.clock.now().as_millisecond();
        let outcomes = Outcomes { run: self, now };
        let refused = self.store.ledger.step(|step| {
            let mut refused = Vec::new();
            for (ready, done) in &done {
                let key = keys::address(outcomes.run.numbers.sync, &ready.address);
                refused.extend(outcomes.store(step, &mut row, ready, done)?);
                step.intents.remove(&key)?;
            }
            step.save_run(&row)?;
            outcomes.run.save_pace(step)?;
            Ok::<_, StoreError>(refused)
        })?;
        self.row = row;
        for detail in refused {
            self.not_taken_off.0 += 1;
            self.not_taken_off.1 = detail;
        }
        self.report();
        Ok(())
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
        parts.push(sends.by_ref().take(BULK_CONTACTS).collect());
    }
    parts
}

/// Outcomes into the ledger.
struct Outcomes<'a> {
    run: &'a Run<'a>,
    now: i64,
}

impl Outcomes<'_> {
    /// Stores what came of one intent; returns the detail of a refusal to unsubscribe.
    fn store(
        &self,
        step: &mut Step<'_>,
        row: &mut RunRow,
        ready: &Ready,
        done: &Done,
    ) -> Result<Option<String>, StoreError> {
        match &ready.intent {
            IntentRow::Send {
                record,
                address,
                fields,
                expected,
            } => {
                let sent = Sent {
                    record: *record,
                    address,
                    fields,
                    expected: *expected,
                };
                self.sent(step, row, &ready.address, &sent, done)?;
                Ok(None)
            }
            IntentRow::TakeOff { address, removal } => match done {
                Done::Answered(Reply::Refused {
                    verdict,
                    code,
                    text,
                }) if *verdict != Verdict::NotAContact => {
                    let departed = match removal {
                        Removal::Gone => Some(Departed::Deleted),
                        Removal::OptedOut => None,
                    };
                    self.defer(step, &ready.address, departed)?;
                    Ok(Some(format!("{code} {text}")))
                }
                Done::NotAnAddress => Ok(Some("the address is not one".to_owned())),
                Done::Answered(_) | Done::HeldBack(_) => {
                    self.taken_off(step, row, &ready.address, address, *removal)?;
                    Ok(None)
                }
            },
        }
    }

    fn sent(
        &self,
        step: &mut Step<'_>,
        row: &mut RunRow,
        address: &AddressKey,
        sent: &Sent<'_>,
        done: &Done,
    ) -> Result<(), StoreError> {
        let (outcome, detail) = match done {
            Done::Answered(reply) => self.answered(step, row, address, sent, reply)?,
            Done::HeldBack(refusal) => self.held_back(step, address, *refusal)?,
            Done::NotAnAddress => (
                Outcome::Ignored(Reason::InvalidPattern),
                "not an address".to_owned(),
            ),
        };
        let record = RecordId(sent.record);
        settle(step, row, record, sent.address.to_owned(), outcome, detail)
    }

    fn answered(
        &self,
        step: &mut Step<'_>,
        row: &mut RunRow,
        address: &AddressKey,
        sent: &Sent<'_>,
        reply: &Reply,
    ) -> Result<(Outcome, String), StoreError> {
        let rejection = match reply {
            Reply::Accepted | Reply::AlreadyThere => None,
            Reply::Refused {
                verdict,
                code,
                text,
            } => {
                let detail = format!("{code} {text}").trim().to_owned();
                let reason = match verdict {
                    Verdict::InvalidAddress => Reason::InvalidPattern,
                    Verdict::RoleAddress => Reason::GroupEmail,
                    Verdict::NotAContact | Verdict::Other => Reason::Other,
                    Verdict::Passing => {
                        self.defer(step, address, None)?;
                        return Ok((Outcome::Ignored(Reason::Other), detail));
                    }
                };
                Some(Rejection { reason, detail })
            }
        };
        self.claim(step, address, sent, rejection.clone())?;
        if let Some(Rejection { reason, detail }) = rejection {
            return Ok((Outcome::Ignored(reason), detail));
        }
        let was_there = *reply == Reply::AlreadyThere && !self.run.resumed;
        let outcome = match sent.expected {
            Outcome::New if was_there => Outcome::Duplicate { updated: true },
            expected => expected,
        };
        self.arrived(step, row, address, sent, outcome)?;
        Ok((outcome, String::new()))
    }

    fn claim(
        &self,
        step: &mut Step<'_>,
        address: &AddressKey,
        sent: &Sent<'_>,
        refused: Option<Rejection>,
    ) -> Result<(), StoreError> {
        let key = keys::claim(self.run.numbers.list, address, self.run.numbers.sync);
        let fields = Some(sent.fields.to_vec());
        step.claims.put(
            &key,
            &ClaimRow {
                winner: sent.record,
                sent: fields,
                refused,
            },
        )
    }

    /// The contact is on the list now, as far as Campaigns says.
    fn arrived(
        &self,
        step: &mut Step<'_>,
        row: &mut RunRow,
        address: &AddressKey,
        sent: &Sent<'_>,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        let numbers = self.run.numbers;
        let key = keys::address(numbers.list, address);
        let before = step.members.get(&key)?;
        let was_active = before
            .as_ref()
            .is_some_and(|member| member.state == Membership::Active);
        if was_active {
            return Ok(());
        }
        let found_there = sent.expected == Outcome::New && outcome != Outcome::New;
        let member = MemberRow {
            address: sent.address.to_owned(),
            state: Membership::Active,
            ours: !found_there,
            since: self.now,
            seen: 0,
        };
        step.members.put(&key, &member)?;
        if found_there {
            return Ok(());
        }
        if let Some(arrivals) = &mut row.arrivals {
            arrivals.added += 1;
        }
        let added = AddedRow {
            record: sent.record,
            address: sent.address.to_owned(),
            outcome,
        };
        step.added
            .put(&keys::address(numbers.sync, address), &added)
    }

    fn held_back(
        &self,
        step: &mut Step<'_>,
        address: &AddressKey,
        refusal: Refusal,
    ) -> Result<(Outcome, String), StoreError> {
        Ok(match refusal {
            Refusal::NotCleared => {
                self.defer(step, address, None)?;
                let detail = "the list's suppressions could not be read again".to_owned();
                (Outcome::Ignored(Reason::NotCleared), detail)
            }
            Refusal::OptedOut => {
                let detail = "the address has opted out in the CRM".to_owned();
                (Outcome::Ignored(Reason::OptedOut), detail)
            }
            Refusal::Suppressed(suppression) => {
                let (reason, detail) = held_back(suppression);
                (Outcome::Ignored(reason), detail.to_owned())
            }
        })
    }

    fn taken_off(
        &self,
        step: &mut Step<'_>,
        row: &mut RunRow,
        address: &AddressKey,
        spelled: &str,
        removal: Removal,
    ) -> Result<(), StoreError> {
        let numbers = self.run.numbers;
        let key = keys::address(numbers.list, address);
        let before = step.members.get(&key)?;
        let state = match removal {
            Removal::Gone => Membership::TakenOffGone,
            Removal::OptedOut => Membership::TakenOffOptedOut,
        };
        let ours = before.is_some_and(|member| member.ours);
        let member = MemberRow {
            address: spelled.to_owned(),
            state,
            ours,
            since: self.now,
            seen: 0,
        };
        step.members.put(&key, &member)?;
        step.claims
            .remove(&keys::claim(numbers.list, address, numbers.sync))?;
        row.counts.deleted += 1;
        if let Some(arrivals) = &mut row.arrivals {
            arrivals.removed += 1;
        }
        Ok(())
    }

    /// Leaves an address to the next run.
    fn defer(
        &self,
        step: &mut Step<'_>,
        address: &AddressKey,
        departed: Option<Departed>,
    ) -> Result<(), StoreError> {
        let key = keys::under_address(self.run.numbers.sync, address, 0);
        step.deferred.put(&key, &StagedRow::Touched(departed))
    }
}

/// A contact that was sent.
struct Sent<'a> {
    record: u64,
    address: &'a str,
    fields: &'a [(String, String)],
    expected: Outcome,
}
