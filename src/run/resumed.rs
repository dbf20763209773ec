//! What a run has to learn before it goes on that was interrupted: who has opted out in the CRM since it read that, and
//! whose record has gone or has another address by now. Whoever waits for such a record's sake is not added any more.

use jiff::Timestamp;

use super::Run;
use super::changes::OVERLAP;
use super::decide::settle;
use super::error::RunError;
use super::plan::Source;
use super::push::PAGE_ROWS;
use super::witness::Settled;
use crate::domain::address::EmailAddress;
use crate::domain::changes::Departed;
use crate::domain::ids::RecordId;
use crate::domain::outcome::{Outcome, Reason};
use crate::domain::record::Record;
use crate::domain::value::Value;
use crate::store::StoreError;
use crate::store::ledger::rows::{IntentRow, Phase, Place, RunRow, StagedRow};
use crate::store::ledger::{Step, keys};
use crate::zoho::crm::Columns;
use crate::zoho::crm::coql::Scope;

/// What an ignored contact's detail says whose record changed while the run was interrupted, or waited.
const OPTED_OUT: &str = "the address has opted out in the CRM";
const READDRESSED: &str = "its record had another address before the run came to it";
const DELETED: &str = "its record was deleted before the run came to it";

impl Run<'_> {
    /// Reads the opt-outs that changed since the run began to read, if it was interrupted and may still add somebody: the
    /// process may have been dead for days. Everything else that changed meanwhile is the next run's affair.
    pub(super) async fn learn_opt_outs(&mut self) -> Result<(), RunError> {
        let adds = match self.row.phase {
            Phase::CarryOver
            | Phase::Members
            | Phase::Reading { .. }
            | Phase::Vanished { .. }
            | Phase::Deciding
            | Phase::Removing
            | Phase::Writing => true,
            Phase::Verifying | Phase::Closing => false,
        };
        let began = self.row.to.map(Timestamp::from_millisecond);
        let Some(Ok(began)) = began.filter(|_| self.resumed && adds) else {
            return Ok(());
        };
        let consenting = self.plan.sources.iter().filter_map(|source| match source {
            Source::Consent(columns) => Some(columns),
            _ => None,
        });
        let mut modules: Vec<Columns> = vec![self.plan.columns.clone()];
        modules.extend(
            consenting
                .filter(|it| it.module != self.definition.module)
                .cloned(),
        );
        for columns in &modules {
            self.learn_opt_outs_of(columns, began - OVERLAP).await?;
        }
        self.learn_deletions(began - OVERLAP).await
    }

    /// Takes back what is due for records that were deleted since.
    async fn learn_deletions(&mut self, since: Timestamp) -> Result<(), RunError> {
        let module = self.definition.module.clone();
        for page in 1.. {
            self.go_on()?;
            let deleted = self.crm.deleted(&module, Some(since), page).await?;
            let mut row = self.row_with_cost();
            self.store.ledger.step(|step| {
                for (record, _) in &deleted.records {
                    let why = (Reason::Other, DELETED);
                    self.take_back(step, &mut row, *record, why)?;
                }
                step.save_run(&row)
            })?;
            self.row = row;
            if !deleted.more {
                break;
            }
        }
        Ok(())
    }

    async fn learn_opt_outs_of(
        &mut self,
        columns: &Columns,
        since: Timestamp,
    ) -> Result<(), RunError> {
        let fields = match columns.module == self.definition.module {
            true => self.plan.opt_out_fields.clone(),
            false => self.plan.consent_fields.clone(),
        };
        let mut after = None;
        loop {
            self.go_on()?;
            let scope = Scope::Changed { since, after };
            let page = self.crm.page(columns, &scope, PAGE_ROWS[1]).await?;
            let mut row = self.row_with_cost();
            self.store.ledger.step(|step| {
                let staging = self.staging(step, &columns.module)?;
                for record in &page.records {
                    staging.opt_outs(step, record, &fields)?;
                    if columns.module == self.definition.module {
                        self.look_at_waiting(step, &mut row, record)?;
                    }
                }
                step.save_run(&row)
            })?;
            self.row = row;
            after = match page.last {
                Some((id, Some(at))) if page.more => Some((at, id)),
                Some(_) | None => return Ok(()),
            };
        }
    }

    /// Looks at a record of the sync's module that was changed since: who opted out does so under the address that waits as
    /// well, and who has another address now is not added under the old one.
    fn look_at_waiting(
        &self,
        step: &mut Step<'_>,
        row: &mut RunRow,
        record: &Record,
    ) -> Result<(), StoreError> {
        let key = keys::record(self.numbers.sync, record.id.0);
        let Some(Place::Under(address)) = step.records.get(&key)?.map(|known| known.place) else {
            return Ok(());
        };
        let says_no = |field| *record.get(field) == Value::Bool(true);
        if self.plan.opt_out_fields.iter().any(says_no) {
            self.take_back(step, row, record.id, (Reason::OptedOut, OPTED_OUT))?;
            let candidate = keys::under_address(self.numbers.sync, &address, record.id.0);
            step.candidates.remove(&candidate)?;
            return step.touch(self.numbers.sync, &address, Some(Departed::OptedOut));
        }
        let has_it = self.plan.address_fields.iter().any(|field| {
            let Value::Text(text) = record.get(field) else {
                return false;
            };
            EmailAddress::parse(text).is_ok_and(|it| self.store.ledger.key(&it) == address)
        });
        match has_it {
            true => Ok(()),
            false => self.take_back(step, row, record.id, (Reason::Other, READDRESSED)),
        }
    }

    /// Takes back what is due for a record that was decided on, or is about to be: that gets this outcome in its place.
    fn take_back(
        &self,
        step: &mut Step<'_>,
        row: &mut RunRow,
        record: RecordId,
        (reason, detail): (Reason, &str),
    ) -> Result<(), StoreError> {
        let sync = self.numbers.sync;
        let known = step.records.get(&keys::record(sync, record.0))?;
        let Some(Place::Under(address)) = known.map(|known| known.place) else {
            return Ok(());
        };
        let call = keys::address(sync, &address);
        let staged = keys::under_address(sync, &address, record.0);
        let spelled = if let Some(IntentRow::Send {
            record: due,
            address,
            ..
        }) = step.intents.get(&call)?
            && due == record.0
        {
            step.intents.remove(&call)?;
            address
        } else if let Some(StagedRow::Read { address, .. }) = step.staged.get(&staged)? {
            step.staged.remove(&staged)?;
            address
        } else {
            return Ok(());
        };
        let settled = Settled {
            record,
            address: spelled,
            outcome: Outcome::Ignored(reason),
            detail: detail.to_owned(),
            fields: &[],
            before: None,
        };
        settle(step, row, self.witness(), settled)
    }
}
