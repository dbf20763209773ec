//! Whether what was added arrived: Campaigns accepts contacts that it then does not put on the list.

use super::Run;
use super::ask::find_list;
use super::error::RunError;
use crate::domain::changes::{Membership, Rejection};
use crate::domain::outcome::Reason;
use crate::store::StoreError;
use crate::store::ledger::rows::{ArrivalsRow, ClaimRow, MemberRow, RunRow};
use crate::store::ledger::{Step, keys};
use crate::zoho::campaigns::{Method, Status};

/// Additions looked at in one step.
const STEP_ROWS: usize = 500;
/// What an ignored contact's detail says.
pub(crate) const NOT_ARRIVED: &str = "accepted by Campaigns, but not on the list afterwards";

impl Run<'_> {
    /// Notes the list's count before the first contact is sent. Where it is not what the ledger knows, others have put
    /// people there or taken them away: the list is read, so that nobody whom they put there is taken for rosterd's.
    pub(super) async fn note_members_before(&mut self) -> Result<(), RunError> {
        if self.row.arrivals.is_some() {
            return Ok(());
        }
        let before = self.compare_members().await?;
        self.set_members_before(before);
        // A run that is resumed is not to take for somebody else's what it has added itself.
        let row = self.row_with_cost();
        self.store.ledger.step(|step| step.save_run(&row))?;
        self.row = row;
        Ok(())
    }

    /// Looks at the list before the first contact is sent, as a sign-up form that was enabled since would mail everyone.
    pub(super) async fn check_list(&mut self) -> Result<(), RunError> {
        if self.list_checked {
            return Ok(());
        }
        let lists = self.campaigns.lists().await?;
        if let Err((message, help)) = find_list(&lists, self.definition) {
            let problem = self
                .sources
                .problem(&self.definition.id, "list", message, help);
            let sync = self.definition.id.clone();
            return Err(RunError::Definition {
                sync,
                problems: vec![problem],
            });
        }
        self.list_checked = true;
        Ok(())
    }

    /// The run's row is stored with the next step.
    pub(super) fn set_members_before(&mut self, before: u64) {
        self.row.arrivals = Some(ArrivalsRow {
            before,
            added: 0,
            removed: 0,
        });
    }

    /// Compares the list's count with what it should be, and where that disagrees reads the list back. In a rehearsal
    /// nothing has arrived that could be counted: it is left at the call.
    pub(super) async fn verify_arrivals(&mut self) -> Result<(), RunError> {
        let arrivals = self.row.arrivals.filter(|arrivals| arrivals.added > 0);
        let arrivals = arrivals.filter(|_| !self.campaigns.rehearse(Method::Count));
        if let Some(arrivals) = arrivals {
            let count = self
                .campaigns
                .count(&self.plan.list, Status::Active)
                .await?;
            // What the service counts may be any number.
            let expected = arrivals.before.saturating_add(arrivals.added);
            let expected = expected.saturating_sub(arrivals.removed);
            if count != expected {
                tracing::warn!(
                    sync = %self.definition.id,
                    run = %self.id,
                    expected,
                    count,
                    "the list's count is not what it should be: reading the list back"
                );
                let listed = self.read_members().await?;
                self.recount_missing()?;
                if !self.row.full {
                    self.doubt_arrivals(arrivals, listed)?;
                }
            }
        }
        // Without the suppressions nobody was audited, and the next run has to know whom.
        while self.suppressions_unread.is_none() && self.forget_additions()? {}
        Ok(())
    }

    /// Counts additions of this run anew that the list does not have.
    fn recount_missing(&mut self) -> Result<(), StoreError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let mut row = self.row_with_cost();
            after = self.store.ledger.step(|step| {
                let last = self.recount_some(step, &mut row, after.as_deref())?;
                step.save_run(&row)?;
                Ok::<_, StoreError>(last)
            })?;
            self.row = row;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Looks at the next additions; answers the key of the last of them.
    fn recount_some(
        &self,
        step: &mut Step<'_>,
        row: &mut RunRow,
        after: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let numbers = self.numbers;
        let prefix = keys::number(numbers.sync);
        let added = step.added.under(&prefix, after, STEP_ROWS)?;
        for (key, addition) in &added {
            let own = addition.run == row.number;
            let Some(address) = keys::address_of(key).filter(|_| own) else {
                continue;
            };
            let member_key = keys::address(numbers.list, &address);
            let member = step.members.get(&member_key)?;
            if member.as_ref().is_some_and(|member| {
                member.seen == row.number || member.state != Membership::Active
            }) {
                continue;
            }
            match (member, addition.before) {
                // It is as it was, so that what rosterd did is not taken for the person's own doing.
                (Some(member), Some(state)) => {
                    let row = MemberRow { state, ..member };
                    step.members.put(&member_key, &row)?;
                }
                (Some(_) | None, _) => step.members.remove(&member_key)?,
            }
            let claim_key = keys::claim(numbers.list, &address, numbers.sync);
            if let Some(claim) = step.claims.get(&claim_key)? {
                let (reason, detail) = (Reason::Other, NOT_ARRIVED.to_owned());
                let refused = Some(Rejection { reason, detail });
                step.claims
                    .put(&claim_key, &ClaimRow { refused, ..claim })?;
            }
            self.count_anew(step, row, addition, Reason::Other, NOT_ARRIVED)?;
            step.added.remove(key)?;
        }
        Ok(added.last().map(|(key, _)| key.clone()))
    }

    /// Where the list has fewer members than were there before and arrived since, some of those who arrived were there
    /// before. As nobody can say who, none of them counts as rosterd's own: in doubt, others have put them there. A run
    /// that has read the list at its beginning knows who was there.
    fn doubt_arrivals(&self, arrivals: ArrivalsRow, listed: u64) -> Result<(), StoreError> {
        let arrived = self.each_arrival(|_, _, _| Ok(()))?;
        let there = arrivals.before.saturating_add(arrived);
        if there.saturating_sub(arrivals.removed) <= listed {
            return Ok(());
        }
        self.each_arrival(|step, key, member| {
            step.members.put(
                key,
                &MemberRow {
                    ours: false,
                    ..member
                },
            )
        })?;
        tracing::warn!(
            sync = %self.definition.id,
            run = %self.id,
            contacts = arrived,
            "others may have put some of the contacts on the list that were added now: none of them will be taken off for \
             `deleted` or `left`, unless `rosterd adopt` takes them over"
        );
        Ok(())
    }

    /// Does something with each contact that this run has added and that is on the list; answers how many there are.
    fn each_arrival(
        &self,
        mut with: impl FnMut(&mut Step<'_>, &[u8], MemberRow) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let prefix = keys::number(self.numbers.sync);
        let (mut count, mut after) = (0, None::<Vec<u8>>);
        loop {
            let last = self.store.ledger.step(|step| {
                let added = step.added.under(&prefix, after.as_deref(), STEP_ROWS)?;
                for (key, addition) in &added {
                    let own = addition.run == self.row.number;
                    let Some(address) = keys::address_of(key).filter(|_| own) else {
                        continue;
                    };
                    let key = keys::address(self.numbers.list, &address);
                    let member = step.members.get(&key)?;
                    let active = member.filter(|member| member.state == Membership::Active);
                    if let Some(member) = active {
                        with(step, &key, member)?;
                        count += 1;
                    }
                }
                Ok::<_, StoreError>(added.last().map(|(key, _)| key.clone()))
            })?;
            match last {
                Some(key) => after = Some(key),
                None => return Ok(count),
            }
        }
    }

    fn forget_additions(&self) -> Result<bool, StoreError> {
        self.store.ledger.step(|step| {
            let added = step
                .added
                .under(&keys::number(self.numbers.sync), None, STEP_ROWS)?;
            for (key, _) in &added {
                step.added.remove(key)?;
            }
            Ok(!added.is_empty())
        })
    }
}
