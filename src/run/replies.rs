//! What came of an intent, into the ledger: the record's outcome, the claim, the state of the address on the list.

use super::Run;
use super::claims::{TakenOff, fed_by, take_off};
use super::decide::settle;
use super::replied;
use super::witness::{Leaves, Settled, why_off};
use super::write::{Done, Ready, is_off};
use crate::domain::address::without;
use crate::domain::changes::{Membership, Rejection, Removal, held_back};
use crate::domain::definition::WayOff;
use crate::domain::ids::RecordId;
use crate::domain::outcome::{Outcome, Reason};
use crate::domain::suppression::Refusal;
use crate::store::StoreError;
use crate::store::ledger::rows::{
    AddedRow, AddressKey, Asked, ClaimRow, IntentRow, MemberRow, RunRow,
};
use crate::store::ledger::{Step, keys};
use crate::zoho::campaigns::{Reply, Verdict};

/// Outcomes into the ledger.
pub(super) struct Outcomes<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) now: i64,
}

impl Outcomes<'_> {
    /// Stores what came of one intent; returns the detail of a refusal to unsubscribe.
    pub(super) fn store(
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
                self.sent(step, row, ready, &sent, done)?;
                Ok(None)
            }
            IntentRow::TakeOff { address, removal } => match done {
                Done::Answered(reply @ Reply::Refused { code, text, .. }) if !is_off(reply) => {
                    let mut numbers = self.run.numbers;
                    numbers.list = ready.other_list.unwrap_or(numbers.list);
                    let said = (Asked::Unsubscribe, reply);
                    replied::note(step, numbers, &ready.address, said, self.now)?;
                    let sync = numbers.sync;
                    step.defer(sync, &ready.address, Some(removal.departed()))?;
                    // The journal names nobody, and Campaigns may.
                    Ok(Some(without(&format!("{code} {text}"), address)))
                }
                Done::NotAnAddress => Ok(Some("the address is not one".to_owned())),
                Done::Answered(_) | Done::HeldBack(_) => {
                    // Of a call that is made again, the first one may have taken it off before it was lost.
                    let is_lost = matches!(done, Done::Answered(Reply::Refused { .. }));
                    let count = u64::from(!is_lost || self.run.asks_again.contains(&ready.key));
                    self.taken_off(step, row, ready, (address, *removal), count)?;
                    Ok(None)
                }
            },
        }
    }

    fn sent(
        &self,
        step: &mut Step<'_>,
        row: &mut RunRow,
        ready: &Ready,
        sent: &Sent<'_>,
        done: &Done,
    ) -> Result<(), StoreError> {
        let address = &ready.address;
        // As it was before the answer becomes what is known.
        let before = match self.run.witness() {
            Some(_) => step.claims.get(&self.claim_key(address))?,
            None => None,
        };
        let (outcome, detail) = match done {
            Done::Answered(reply) => self.answered(step, row, ready, sent, reply)?,
            Done::HeldBack(refusal) => self.held_back(step, address, *refusal)?,
            Done::NotAnAddress => (
                Outcome::Ignored(Reason::InvalidPattern),
                "not an address".to_owned(),
            ),
        };
        let settled = Settled {
            record: RecordId(sent.record),
            address: sent.address.to_owned(),
            outcome,
            detail,
            fields: sent.fields,
            before: before.as_ref().and_then(|claim| claim.sent.as_deref()),
        };
        settle(step, row, self.run.witness(), settled)
    }

    fn claim_key(&self, address: &AddressKey) -> Vec<u8> {
        keys::claim(self.run.numbers.list, address, self.run.numbers.sync)
    }

    fn answered(
        &self,
        step: &mut Step<'_>,
        row: &mut RunRow,
        ready: &Ready,
        sent: &Sent<'_>,
        reply: &Reply,
    ) -> Result<(Outcome, String), StoreError> {
        let address = &ready.address;
        // Now its answer is known.
        let key = keys::address(self.run.numbers.list, address);
        step.tried.remove(&key)?;
        let said = (Asked::Subscribe, reply);
        replied::note(step, self.run.numbers, address, said, self.now)?;
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
                    Verdict::Blocked => Reason::Blocked,
                    Verdict::NotAContact | Verdict::Other => Reason::Other,
                    Verdict::Passing => {
                        step.defer(self.run.numbers.sync, address, None)?;
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
        let says_so = *reply == Reply::AlreadyThere;
        // The list may have been looked at since the contact was decided.
        let member = step.members.get(&key)?;
        let was_met = member.is_some_and(|member| member.state == Membership::Active);
        // Whom an earlier call put there is rosterd's, and was not counted.
        let was_there = (says_so || was_met) && !ready.was_tried;
        let outcome = match sent.expected {
            Outcome::New | Outcome::ReAdded if was_there => Outcome::Duplicate { updated: true },
            expected => expected,
        };
        self.arrived(step, row, address, sent, (outcome, was_there))?;
        Ok((outcome, String::new()))
    }

    fn claim(
        &self,
        step: &mut Step<'_>,
        address: &AddressKey,
        sent: &Sent<'_>,
        refused: Option<Rejection>,
    ) -> Result<(), StoreError> {
        let fields = Some(sent.fields.to_vec());
        step.claims.put(
            &self.claim_key(address),
            &ClaimRow {
                winner: sent.record,
                sent: fields,
                refused,
            },
        )
    }

    /// The contact is on the list now, as far as Campaigns says; others have put it there if it was there already.
    fn arrived(
        &self,
        step: &mut Step<'_>,
        row: &mut RunRow,
        address: &AddressKey,
        sent: &Sent<'_>,
        (outcome, was_there): (Outcome, bool),
    ) -> Result<(), StoreError> {
        let numbers = self.run.numbers;
        let key = keys::address(numbers.list, address);
        let before = step.members.get(&key)?;
        let before = before.map(|member| member.state);
        if before == Some(Membership::Active) {
            return Ok(());
        }
        let member = MemberRow {
            address: sent.address.to_owned(),
            state: Membership::Active,
            ours: !was_there,
            since: self.now,
            seen: 0,
        };
        step.members.put(&key, &member)?;
        if was_there {
            return Ok(());
        }
        if let Some(arrivals) = &mut row.arrivals {
            arrivals.added += 1;
        }
        let added = AddedRow {
            record: sent.record,
            address: sent.address.to_owned(),
            outcome,
            run: row.number,
            list: numbers.list,
            before,
            met_clean: false,
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
                step.defer(self.run.numbers.sync, address, None)?;
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

    /// A contact is off the list; `count` is 0 where Campaigns had lost it before.
    fn taken_off(
        &self,
        step: &mut Step<'_>,
        row: &mut RunRow,
        ready: &Ready,
        (spelled, removal): (&str, Removal),
        count: u64,
    ) -> Result<(), StoreError> {
        let mut numbers = self.run.numbers;
        if let Some(other) = ready.other_list {
            numbers.list = other;
        } else if let Some(arrivals) = &mut row.arrivals {
            arrivals.removed += count;
        }
        if let Some(witness) = self.run.witness() {
            let record = fed_by(step, numbers, &ready.address)?;
            let why = why_off(step, numbers.sync, (record, &ready.address), removal)?;
            witness.leaves(record, spelled, (Leaves::Deleted, why))?;
        }
        let way_off = self.run.plan.rules.way_off(removal);
        let gone = TakenOff {
            address: spelled,
            removal,
            // What was decided is done, whatever the definition says meanwhile.
            way_off: way_off.unwrap_or(WayOff::Unsubscribe),
            in_doubt: self.run.suppressions_unread.is_some(),
        };
        take_off(step, numbers, &ready.address, &gone, self.now)?;
        row.counts.deleted += count;
        Ok(())
    }
}

/// A contact that was sent.
struct Sent<'a> {
    record: u64,
    address: &'a str,
    fields: &'a [(String, String)],
    expected: Outcome,
}
