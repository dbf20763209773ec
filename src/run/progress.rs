//! How far a run has come, for people who watch it.

use super::Run;
use crate::store::ledger::rows::Phase;

/// How far a run has come, for people who watch it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// What it does, in a few words.
    pub doing: &'static str,
    /// Records taken up or passed as not selected.
    pub records: u64,
    /// Records with an outcome, and contacts taken off.
    pub settled: u64,
    /// Records taken up that have no outcome yet, once all are read.
    pub waiting: Option<u64>,
    /// Calls made to both services.
    pub calls: u64,
}

impl Run<'_> {
    /// Tells those who watch how far it is.
    pub(super) fn report(&self) {
        let row = self.row_with_cost();
        let rehearses = self.campaigns.rehearsed().is_some();
        let doing = match row.phase {
            Phase::Deciding | Phase::Removing if rehearses => "planning what to write",
            Phase::CarryOver | Phase::Members => "reading the list",
            Phase::Reading { .. } | Phase::Vanished { .. } => "reading records",
            Phase::Deciding => "writing contacts",
            Phase::Removing => "removing contacts",
            Phase::Verifying | Phase::Closing => "checking the list",
        };
        self.progress.send_replace(Progress {
            doing,
            records: row.counts.total + row.counts.not_selected,
            settled: row.counts.settled() + row.counts.deleted,
            waiting: (row.phase == Phase::Deciding)
                .then(|| row.counts.total.saturating_sub(row.counts.settled())),
            calls: row.cost.crm_calls + row.cost.campaigns_calls,
        });
    }
}
