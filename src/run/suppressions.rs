//! The list's suppressions read into the ledger, and the gate that rests on them.

use std::time::Duration;

use jiff::SignedDuration;

use super::claims;
use super::error::RunError;
use super::listing::{Listing, Met, key_of};
use super::{Base, Run};
use crate::domain::changes::Membership;
use crate::domain::failure::Failure;
use crate::domain::ids::ListKey;
use crate::domain::suppression::Gate;
use crate::domain::walks;
use crate::store::StoreError;
use crate::store::ledger::rows::{AddressKey, MemberRow};
use crate::store::ledger::{Step, SyncNumbers, keys};
use crate::zoho::campaigns::{Campaigns, CampaignsError, Method, Status};

/// Members looked at in one step.
const STEP_ROWS: usize = 500;
/// How long after the suppressions were read contacts may be taken off that are not to go for an opt-out.
const REMOVALS_WITHIN: Duration = Duration::from_secs(60);
/// How long after an unsubscribe its contact may be missing among those who left. Whether there is such a delay at all is
/// UNCONFIRMED.
const SHOWN_WITHIN: SignedDuration = SignedDuration::from_hours(1);

impl Run<'_> {
    /// Reads who unsubscribed and who bounced, in full, and opens the gate; a service that cannot be reached leaves it
    /// closed.
    pub(super) async fn open_gate(&mut self) -> Result<(), RunError> {
        let read_at = self.clock.now();
        match self.read_suppressions().await {
            Ok(met) => {
                self.suppressed_rows = met;
                self.note_clean()?;
            }
            Err(RunError::Campaigns(error)) if closes_the_gate(&error) => {
                tracing::error!(
                    sync = %self.definition.id,
                    run = %self.id,
                    error = &error as &dyn std::error::Error,
                    "suppressions cannot be read: nobody will be added or updated"
                );
                self.gate = Gate::closed(self.plan.list.clone());
                self.suppressions_unread = Some(error);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        let max_age = self.config.safety.suppression_max_age;
        self.gate = Gate::open(self.plan.list.clone(), read_at, max_age);
        Ok(())
    }

    /// Reads the suppressions again when they have grown too old for the next calls.
    pub(super) async fn refresh_gate(&mut self) -> Result<(), RunError> {
        if self.gate.is_stale(self.clock.now()) {
            self.open_gate().await?;
        }
        self.rehearse_gate(self.config.safety.suppression_max_age)?;
        Ok(())
    }

    /// Reads the suppressions again before contacts are taken off, unless that was a moment ago: who has left in person
    /// meanwhile is not to count as taken off by rosterd. What is left of this doubt is as short as that moment.
    pub(super) async fn refresh_gate_before_removals(&mut self) -> Result<(), RunError> {
        if self.gate.is_older_than(REMOVALS_WITHIN, self.clock.now()) {
            self.open_gate().await?;
        }
        self.rehearse_gate(REMOVALS_WITHIN)?;
        Ok(())
    }

    /// In a rehearsal hours pass in thought alone: what reading the suppressions again would cost is added for each time
    /// that they would have grown too old.
    fn rehearse_gate(&mut self, max_age: Duration) -> Result<(), StoreError> {
        if let Some(rehearsed) = self.campaigns.rehearsed()
            && rehearsed.saturating_sub(self.gate_rehearsed) > max_age
        {
            self.gate_rehearsed = rehearsed;
            self.rehearse_suppressions()?;
        }
        Ok(())
    }

    /// What reading the suppressions once more would cost, with those among them whom the run has taken off by then.
    pub(super) fn rehearse_suppressions(&self) -> Result<(), StoreError> {
        let [left, bounced] = self.suppressed_rows;
        let page_rows = self.campaigns.page_rows();
        for rows in [left + self.taken_off()?, bounced] {
            for _ in 0..walks::calls(rows, page_rows) {
                self.campaigns.rehearse(Method::Subscribers);
            }
        }
        Ok(())
    }

    /// Reads who unsubscribed and who bounced, in full, into the ledger; answers how many they were.
    pub(super) async fn read_suppressions(&self) -> Result<[u64; 2], RunError> {
        let reader = SuppressionReader {
            base: self.base,
            campaigns: &self.campaigns,
            list: &self.plan.list,
            numbers: self.numbers,
            lists: &self.lists,
            topics: self.topics,
        };
        reader.read().await
    }
}

/// Reads the suppressions of a sync's list into the ledger.
pub(super) struct SuppressionReader<'a> {
    pub(super) base: &'a Base,
    pub(super) campaigns: &'a Campaigns,
    pub(super) list: &'a ListKey,
    pub(super) numbers: SyncNumbers,
    /// Numbers of the account's lists that rosterd has written to.
    pub(super) lists: &'a [u32],
    /// Whether an unsubscribe counts for the whole organisation.
    pub(super) topics: bool,
}

impl SuppressionReader<'_> {
    /// Reads who unsubscribed and who bounced, in full, into the ledger; answers how many they were.
    pub(super) async fn read(&self) -> Result<[u64; 2], RunError> {
        let left = self.read_suppressed(Status::Unsubscribed).await?;
        let bounced = self.read_suppressed(Status::Bounced).await?;
        let mut after = None;
        while self.note_not_shown(&[&left, &bounced], &mut after)? {}
        Ok([left.count(), bounced.count()])
    }

    /// Notes the next members that rosterd took off and that were not met among the suppressed. They came back by
    /// themselves, or Campaigns lost them; who is met among those who left from now on has left in person.
    fn note_not_shown(
        &self,
        met: &[&Met],
        after: &mut Option<Vec<u8>>,
    ) -> Result<bool, StoreError> {
        let prefix = keys::number(self.numbers.list);
        let shown_since = self.base.clock.now() - SHOWN_WITHIN;
        let shown_since = shown_since.as_millisecond();
        self.base.store.ledger.step(|step| {
            let rows = step.members.under(&prefix, after.as_deref(), STEP_ROWS)?;
            *after = rows.last().map(|(key, _)| key.clone());
            for (key, member) in rows {
                let state = member.state.not_shown();
                if state == member.state || member.since > shown_since {
                    continue;
                }
                let Some(address) = keys::address_of(&key) else {
                    continue;
                };
                if !met.iter().any(|met| met.has(&address)) {
                    step.members.put(&key, &MemberRow { state, ..member })?;
                }
            }
            Ok(after.is_some())
        })
    }

    /// Reads everybody under a status. What the ledger notes is the union of all walks: who was met in any of them is
    /// suppressed.
    async fn read_suppressed(&self, status: Status) -> Result<Met, RunError> {
        let listing = Listing {
            base: self.base,
            campaigns: self.campaigns,
            list: self.list,
        };
        let met = listing
            .read(status, |page| self.note_suppressed(page, status))
            .await?;
        if met.at_rest {
            return Ok(met);
        }
        let list = self.list.clone();
        Err(CampaignsError::Restless { list }.into())
    }

    fn note_suppressed(&self, addresses: &[String], status: Status) -> Result<(), StoreError> {
        let now = self.base.clock.now().as_millisecond();
        self.base.store.ledger.step(|step| {
            for text in addresses {
                let Some(address) = key_of(&self.base.store.ledger, text) else {
                    continue;
                };
                let key = keys::address(self.numbers.list, &address);
                let before = step.members.get(&key)?;
                let known = before.as_ref().map(|member| (member.state, member.since));
                let own = match status {
                    Status::Unsubscribed => self.own_unsubscribe(step, &address, known)?,
                    Status::Active | Status::Bounced => None,
                };
                let state =
                    own.unwrap_or_else(|| suppressed(known.map(|(state, _)| state), status));
                if before.as_ref().is_some_and(|member| member.state == state) {
                    continue;
                }
                let ours = before.is_some_and(|member| member.ours);
                let row = MemberRow {
                    address: step.spelled(&address, text)?,
                    state,
                    ours,
                    since: now,
                    seen: 0,
                };
                step.members.put(&key, &row)?;
                let fed = keys::address(self.numbers.sync, &address);
                if own.is_some() && step.candidates.any(&fed)? {
                    // It went for another list's sake, and a record of this sync wants it here.
                    step.touch(self.numbers.sync, &address, None)?;
                }
            }
            Ok(())
        })
    }

    /// Where an unsubscribe counts for the whole organisation: the one that rosterd made for another list, if it is the
    /// reason for which the address is unsubscribed from this one too. It is not where the address came onto this list
    /// afterwards, or where it was the person's own doing before.
    fn own_unsubscribe(
        &self,
        step: &Step<'_>,
        address: &AddressKey,
        known: Option<(Membership, i64)>,
    ) -> Result<Option<Membership>, StoreError> {
        let since = match known {
            _ if !self.topics => return Ok(None),
            Some((Membership::Active | Membership::Lost | Membership::OptedOutLost, since)) => {
                since
            }
            Some(_) => return Ok(None),
            None => i64::MIN,
        };
        let elsewhere = claims::elsewhere(step, self.numbers, self.lists, address)?;
        let stands = |wanted| elsewhere.iter().any(|(state, _)| *state == wanted);
        if stands(Membership::Unsubscribed) {
            return Ok(None);
        }
        let own = elsewhere.into_iter();
        let own = own.filter(|(state, at)| state.is_taken_off() && *at >= since);
        Ok(own.max_by_key(|(_, at)| *at).map(|(state, _)| state))
    }
}

/// The state of an address that Campaigns shows as suppressed: what rosterd took off itself stays known as its own, and
/// who left as one who left, also when mail bounces afterwards. An unsubscribe outlasts a bounce, which support can lift.
fn suppressed(before: Option<Membership>, status: Status) -> Membership {
    match (before, status) {
        (
            Some(
                left @ (Membership::Unsubscribed
                | Membership::TakenOffOptedOut
                | Membership::OptedOutLost),
            ),
            Status::Bounced,
        ) => left,
        (_, Status::Bounced) => Membership::Bounced,
        (Some(own), _) if own.is_taken_off() => own,
        (_, Status::Unsubscribed | Status::Active) => Membership::Unsubscribed,
    }
}

/// Whether the run goes on without adding anyone; what a person has to mend ends it instead.
fn closes_the_gate(error: &CampaignsError) -> bool {
    matches!(
        error.failure(),
        Failure::Unreachable | Failure::Busy | Failure::Throttled { .. }
    )
}
