//! After the last addition: the suppressions read once more, and compared with whom the run added.
//!
//! The ledger knows whom a run added until they are audited, so neither a crash nor a failed end lets anyone by: a run
//! that is resumed audits what it added before, and what a failed run left is audited by the next one, right after it has
//! read the suppressions for its own gate. A long run, or one that was parked, reads them in between: whoever is not among
//! them then, and is in the end, left of their own accord. An alarm is stored with the step that found it, so that it is
//! told however the run goes on.

use super::Run;
use super::decide::settle;
use super::error::RunError;
use super::witness::Settled;
use crate::domain::audit::{Between, Finding, find};
use crate::domain::changes::{Rejection, held_back};
use crate::domain::ids::RecordId;
use crate::domain::outcome::{Outcome, Reason};
use crate::store::StoreError;
use crate::store::ledger::rows::{AddedRow, AddressKey, AuditRow, ClaimRow, MemberRow, RunRow};
use crate::store::ledger::{Step, keys};

/// Additions looked at in one step.
const STEP_ROWS: usize = 500;
/// Records that the log names.
const RECORDS_TOLD_MAX: usize = 20;
/// What an ignored contact's detail says.
pub(super) const KEPT: &str =
    "accepted by Campaigns, but unsubscribed there as rosterd had left it";

/// Whose additions are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// This run's own.
    Own,
    /// Those of runs that ended before they could be.
    Earlier,
}

impl Run<'_> {
    /// Reads the suppressions again if the run added anyone, and alarms where one of them is among them. A closed gate
    /// leaves this to the next run.
    pub(super) async fn audit(&mut self) -> Result<(), RunError> {
        if self.suppressions_unread.is_some() || !self.has_added()? {
            return Ok(());
        }
        if self.campaigns.rehearsed().is_some() {
            self.rehearse_suppressions()?;
            return Ok(());
        }
        self.read_suppressions().await?;
        self.compare(Whose::Own)?;
        Ok(())
    }

    /// The same at the end of a run that fails, where Campaigns is not the reason. What cannot be audited now is left to
    /// the next run.
    pub(super) async fn audit_before_failing(&mut self, error: &RunError) {
        let is_of_campaigns = matches!(
            error,
            RunError::Campaigns(_) | RunError::Oauth(_) | RunError::Suppressions(_)
        );
        if is_of_campaigns {
            return;
        }
        if let Err(error) = self.audit().await {
            tracing::warn!(
                sync = %self.definition.id,
                run = %self.id,
                error = &error as &dyn std::error::Error,
                "what the failed run added is left to the audit of the next run"
            );
        }
    }

    /// Looks at what earlier, failed runs added, now that the suppressions have been read.
    pub(super) fn audit_earlier(&mut self) -> Result<(), StoreError> {
        let unread = self.suppressions_unread.is_some();
        if unread || self.campaigns.rehearsed().is_some() || !self.has_added()? {
            return Ok(());
        }
        self.compare(Whose::Earlier)
    }

    /// Notes which of its additions the run does not meet among the suppressed, now that those have been read again.
    pub(super) fn note_clean(&self) -> Result<(), StoreError> {
        let prefix = keys::number(self.numbers.sync);
        let mut after: Option<Vec<u8>> = None;
        loop {
            after = self.store.ledger.step(|step| {
                let added = step.added.under(&prefix, after.as_deref(), STEP_ROWS)?;
                let last = added.last().map(|(key, _)| key.clone());
                for (key, addition) in added {
                    let is_own = addition.run == self.row.number && !addition.met_clean;
                    let Some(address) = keys::address_of(&key).filter(|_| is_own) else {
                        continue;
                    };
                    let member = step.members.get(&keys::address(addition.list, &address))?;
                    let state = member.map(|member| member.state);
                    if find(addition.before, Between::Unseen, state) == Finding::Clean {
                        let met_clean = true;
                        let row = AddedRow {
                            met_clean,
                            ..addition
                        };
                        step.added.put(&key, &row)?;
                    }
                }
                Ok::<_, StoreError>(last)
            })?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn has_added(&self) -> Result<bool, StoreError> {
        let prefix = keys::number(self.numbers.sync);
        self.store.ledger.step(|step| step.added.any(&prefix))
    }

    /// The alarms of the run so far.
    pub(super) fn alarms(&self) -> Result<u64, StoreError> {
        let key = keys::run(self.row.run);
        let row = self.store.ledger.step(|step| step.audits.get(&key))?;
        Ok(row.map_or(0, |row| row.alarms))
    }

    fn compare(&mut self, whose: Whose) -> Result<(), StoreError> {
        let mut after: Option<Vec<u8>> = None;
        let mut alarms: Vec<u64> = Vec::new();
        loop {
            let mut row = self.row_with_cost();
            let (last, found) = self.store.ledger.step(|step| {
                let found = self.compare_some(step, &mut row, whose, after.as_deref())?;
                step.save_run(&row)?;
                Ok::<_, StoreError>(found)
            })?;
            self.row = row;
            alarms.extend(found);
            match last {
                Some(key) => after = Some(key),
                None => break,
            }
        }
        if !alarms.is_empty() {
            let told: Vec<String> = alarms
                .iter()
                .take(RECORDS_TOLD_MAX)
                .map(|record| RecordId(*record).to_string())
                .collect();
            tracing::error!(
                sync = %self.definition.id,
                run = %self.id,
                alarms = alarms.len(),
                records = told.join(" "),
                "contacts that were added are unsubscribed or bounced in Campaigns"
            );
        }
        Ok(())
    }

    /// Compares the next additions; answers the key of the last of them, and the records of those that are alarms.
    fn compare_some(
        &self,
        step: &mut Step<'_>,
        row: &mut RunRow,
        whose: Whose,
        after: Option<&[u8]>,
    ) -> Result<(Option<Vec<u8>>, Vec<u64>), StoreError> {
        let prefix = keys::number(self.numbers.sync);
        let added = step.added.under(&prefix, after, STEP_ROWS)?;
        let mut alarms = Vec::new();
        for (key, addition) in &added {
            let whose_is_it = match addition.run == row.number {
                true => Whose::Own,
                false => Whose::Earlier,
            };
            let Some(address) = keys::address_of(key).filter(|_| whose_is_it == whose) else {
                continue;
            };
            let member = step.members.get(&keys::address(addition.list, &address))?;
            let between = match addition.met_clean {
                true => Between::Clean,
                false => Between::Unseen,
            };
            let state = member.as_ref().map(|member| member.state);
            let finding = find(addition.before, between, state);
            if whose == Whose::Earlier || finding != Finding::Clean {
                step.added.remove(key)?;
            }
            match finding {
                Finding::Clean => {}
                Finding::Kept => {
                    self.keep_off(step, addition, &address, member)?;
                    self.count_anew(step, row, addition, Reason::Other, KEPT)?;
                }
                Finding::Alarm(suppression) => {
                    let (reason, detail) = held_back(suppression);
                    let detail = format!("{detail} after it was added in this run");
                    self.count_anew(step, row, addition, reason, &detail)?;
                    alarms.push(addition.record);
                }
            }
        }
        if !alarms.is_empty() {
            let key = keys::run(row.run);
            let before = step.audits.get(&key)?.map_or(0, |audit| audit.alarms);
            let alarms = before + u64::try_from(alarms.len()).unwrap_or(u64::MAX);
            step.audits.put(&key, &AuditRow { alarms })?;
        }
        Ok((added.last().map(|(key, _)| key.clone()), alarms))
    }

    /// Notes that an address stands as rosterd had left it, and that Campaigns does not take it back as it is.
    fn keep_off(
        &self,
        step: &mut Step<'_>,
        addition: &AddedRow,
        address: &AddressKey,
        member: Option<MemberRow>,
    ) -> Result<(), StoreError> {
        if let (Some(member), Some(state)) = (member, addition.before) {
            let key = keys::address(addition.list, address);
            step.members.put(&key, &MemberRow { state, ..member })?;
        }
        let key = keys::claim(addition.list, address, self.numbers.sync);
        if let Some(claim) = step.claims.get(&key)? {
            let (reason, detail) = (Reason::Other, KEPT.to_owned());
            let refused = Some(Rejection { reason, detail });
            step.claims.put(&key, &ClaimRow { refused, ..claim })?;
        }
        Ok(())
    }

    /// Counts a record as ignored that this run had counted as added; what an earlier run counted stands in its history.
    pub(super) fn count_anew(
        &self,
        step: &mut Step<'_>,
        row: &mut RunRow,
        addition: &AddedRow,
        reason: Reason,
        detail: &str,
    ) -> Result<(), StoreError> {
        if addition.run != row.number {
            return Ok(());
        }
        row.counts.take_back(addition.outcome);
        if let Some(arrivals) = &mut row.arrivals {
            arrivals.added = arrivals.added.saturating_sub(1);
        }
        let settled = Settled {
            record: RecordId(addition.record),
            address: addition.address.clone(),
            outcome: Outcome::Ignored(reason),
            detail: detail.to_owned(),
            fields: &[],
            before: None,
        };
        settle(step, row, self.witness(), settled)
    }
}
