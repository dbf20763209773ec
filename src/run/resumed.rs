//! What a run has to learn before it goes on that was interrupted: who has opted out in the CRM since it read that.

use jiff::Timestamp;

use super::Run;
use super::changes::OVERLAP;
use super::error::RunError;
use super::plan::Source;
use super::push::PAGE_ROWS;
use crate::store::StoreError;
use crate::store::ledger::rows::Phase;
use crate::zoho::crm::Columns;
use crate::zoho::crm::coql::Scope;

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
        Ok(())
    }

    async fn learn_opt_outs_of(&self, columns: &Columns, since: Timestamp) -> Result<(), RunError> {
        let fields = match columns.module == self.definition.module {
            true => &self.plan.opt_out_fields,
            false => &self.plan.consent_fields,
        };
        let mut after = None;
        loop {
            self.go_on()?;
            let scope = Scope::Changed { since, after };
            let page = self.crm.page(columns, &scope, PAGE_ROWS[1]).await?;
            self.store.ledger.step(|step| {
                let staging = self.staging(step, &columns.module)?;
                for record in &page.records {
                    staging.opt_outs(step, record, fields)?;
                }
                Ok::<_, StoreError>(())
            })?;
            after = match page.last {
                Some((id, Some(at))) if page.more => Some((at, id)),
                Some(_) | None => return Ok(()),
            };
        }
    }
}
