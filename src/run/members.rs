//! The list's active members, read into the ledger: contacts that Campaigns lost, and people that others put there.

use std::sync::atomic::Ordering;

use super::Run;
use super::error::RunError;
use super::listing::{Listing, key_of};
use crate::domain::changes::Membership;
use crate::store::StoreError;
use crate::store::ledger::keys;
use crate::store::ledger::rows::MemberRow;
use crate::zoho::campaigns::Status;

/// Members looked at in one step.
const STEP_ROWS: usize = 500;

impl Run<'_> {
    /// Reads the list's active members, and marks those that are not among them any more.
    pub(super) async fn look_at_members(&mut self) -> Result<(), RunError> {
        self.read_members().await?;
        if self.mark_lost()? {
            // Who is not on the list any more may have left it since the gate was opened.
            self.open_gate().await?;
        }
        Ok(())
    }

    /// Asks for the list's count, and reads the list where that is not what the ledger knows; answers the count.
    pub(super) async fn compare_members(&mut self) -> Result<u64, RunError> {
        let count = self
            .campaigns
            .count(&self.plan.list, Status::Active)
            .await?;
        let mut known = self.known_members()?;
        if self.campaigns.rehearsed().is_some() {
            // Nobody has really gone.
            known += self.taken_off()?;
        }
        if count != known {
            self.look_at_members().await?;
        }
        Ok(count)
    }

    /// Looks whether somebody who has opted out is on the list because others put them there. A read in full knows.
    pub(super) async fn look_for_opted_out(&mut self) -> Result<(), RunError> {
        let is_unknown = self.unknown_opt_outs.swap(false, Ordering::Relaxed);
        if is_unknown && !self.row.full && self.suppressions_unread.is_none() {
            self.compare_members().await?;
        }
        Ok(())
    }

    /// Reads the list's active members; answers how many they are. Of a list that does not come to rest, everybody counts
    /// who was met in any of several walks.
    pub(super) async fn read_members(&mut self) -> Result<u64, RunError> {
        let listing = Listing {
            base: self.base,
            campaigns: &self.campaigns,
            list: &self.plan.list,
        };
        let met = listing
            .read(Status::Active, |page| self.note_members(page))
            .await?;
        if !met.at_rest {
            tracing::warn!(
                sync = %self.definition.id,
                run = %self.id,
                "the list changes all the time while it is read"
            );
        }
        let count = met.count();
        if self.row.arrivals.is_none() {
            self.set_members_before(count);
        }
        Ok(count)
    }

    fn note_members(&self, addresses: &[String]) -> Result<(), StoreError> {
        let now = self.clock.now().as_millisecond();
        self.store.ledger.step(|step| {
            for text in addresses {
                let Some(address) = key_of(&self.store.ledger, text) else {
                    continue;
                };
                let key = keys::address(self.numbers.list, &address);
                let before = step.members.get(&key)?;
                let was_active = before
                    .as_ref()
                    .is_some_and(|member| member.state == Membership::Active);
                let since = match &before {
                    Some(member) if was_active => member.since,
                    Some(_) | None => now,
                };
                let opted_out = step
                    .opt_outs
                    .any(&keys::address(self.numbers.account, &address))?;
                let spelled = match opted_out {
                    // It is about to be taken off, also if the person was erased.
                    true => text.clone(),
                    false => step.spelled(&address, text)?,
                };
                let row = MemberRow {
                    address: spelled,
                    state: Membership::Active,
                    ours: step.tried.get(&key)?.is_some()
                        || (was_active && before.is_some_and(|member| member.ours)),
                    since,
                    seen: self.row.number,
                };
                step.members.put(&key, &row)?;
                if opted_out {
                    step.touch(self.numbers.sync, &address, None)?;
                }
            }
            Ok(())
        })
    }

    /// How many active members of the list the ledger knows.
    pub(super) fn known_members(&self) -> Result<u64, StoreError> {
        self.count_members(|member| member.state == Membership::Active)
    }

    /// How many contacts of the list the run has taken off.
    pub(super) fn taken_off(&self) -> Result<u64, StoreError> {
        self.count_members(|member| member.state.is_taken_off() && member.since >= self.row.started)
    }

    fn count_members(&self, counts: impl Fn(&MemberRow) -> bool) -> Result<u64, StoreError> {
        let prefix = keys::number(self.numbers.list);
        let (mut count, mut after) = (0, None::<Vec<u8>>);
        loop {
            let rows = self
                .store
                .ledger
                .step(|step| step.members.under(&prefix, after.as_deref(), STEP_ROWS))?;
            let Some((last, _)) = rows.last() else {
                return Ok(count);
            };
            after = Some(last.clone());
            let counted = rows.iter().filter(|(_, member)| counts(member));
            count += u64::try_from(counted.count()).unwrap_or(u64::MAX);
        }
    }
}
