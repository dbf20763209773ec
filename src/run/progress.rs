//! How far a run has come, for people who watch it.

use std::borrow::Cow;
use std::sync::{MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::Run;
use crate::store::ledger::rows::Phase;
use crate::zoho::crm::Method;

/// How far a run has come, for people who watch it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What it does, in a few words.
    pub doing: Cow<'static, str>,
    /// Records taken up or passed as not selected.
    pub records: u64,
    /// Records with an outcome, and contacts taken off.
    pub settled: u64,
    /// Records taken up that have no outcome yet, once all are read.
    pub waiting: Option<u64>,
    /// Calls made to both services.
    pub calls: u64,
    /// Whether it waits for hours, so that whoever asked should know even if nobody watches.
    #[serde(default)]
    pub(crate) waits_long: bool,
    /// Whether it waits of its own accord, and before what.
    #[serde(skip)]
    pub(crate) waits: Waits,
    /// By which way records of the module are read, once they are.
    #[serde(skip)]
    pub(crate) way: Option<Way>,
}

impl Progress {
    /// That of a run whose turn has not come.
    #[must_use]
    pub fn waiting() -> Self {
        Self {
            doing: "waiting for the runs before it".into(),
            ..Self::default()
        }
    }

    /// That of a run that waits until an instant, which is told in words.
    pub(crate) fn parked(until: &str, why: &str) -> Self {
        Self {
            doing: format!("parked until {until}: {why}").into(),
            waits: Waits::ToGoOn,
            ..Self::default()
        }
    }

    /// That of a run that cannot begin before.
    pub(crate) fn deferred(until: &str, why: &str) -> Self {
        Self {
            doing: format!("cannot begin before {until}: {why}").into(),
            waits: Waits::ToBegin,
            ..Self::default()
        }
    }

    /// That of a run whose turn comes after one of its sync that has come so far.
    pub(crate) fn behind(&self) -> Self {
        if self.waits != Waits::ToGoOn {
            return Self::waiting();
        }
        Self {
            doing: format!("waiting for the run before it, which is {}", self.doing).into(),
            waits_long: true,
            ..Self::default()
        }
    }
}

/// Whether a run waits for hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Waits {
    /// It does not.
    #[default]
    No,
    /// It has not begun, and cannot yet.
    ToBegin,
    /// It is parked.
    ToGoOn,
}

/// The ways to read records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    /// Queries in COQL.
    Coql,
    /// A job of Bulk Read.
    Bulk,
    /// Get Records.
    Records,
}

impl Way {
    /// The name in JSON and logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Coql => "coql",
            Self::Bulk => "bulk",
            Self::Records => "records",
        }
    }

    /// The methods that it calls.
    pub(super) fn methods(self) -> &'static [Method] {
        match self {
            Self::Coql => &[Method::Coql],
            Self::Bulk => &[Method::BulkCreate, Method::BulkStatus, Method::BulkRows],
            Self::Records => &[Method::Records],
        }
    }
}

impl Run<'_> {
    /// Notes by which way the module is read. A read that begins with queries may go on otherwise.
    pub(super) fn goes_by(&self, taken: Way) {
        let mut way = self.way();
        if way.is_none() || taken != Way::Coql {
            *way = Some(taken);
        }
    }

    /// Records taken up that have no outcome yet, once all are read.
    pub(super) fn waiting(&self) -> Option<u64> {
        let counts = &self.row.counts;
        let is_read = self.row.phase == Phase::Writing;
        is_read.then(|| counts.total.saturating_sub(counts.settled()))
    }

    fn way(&self) -> MutexGuard<'_, Option<Way>> {
        self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those who watch how far it is.
    pub(super) fn report(&self) {
        let row = self.row_with_cost();
        let rehearses = self.campaigns.rehearsed().is_some();
        let doing = match row.phase {
            Phase::Deciding | Phase::Removing | Phase::Writing if rehearses => {
                "planning what to write"
            }
            Phase::CarryOver | Phase::Members => "reading the list",
            Phase::Reading { .. } | Phase::Vanished { .. } => "reading records",
            Phase::Deciding => "deciding who belongs on the list",
            Phase::Writing => "writing contacts",
            Phase::Removing => "removing contacts",
            Phase::Verifying | Phase::Closing => "checking the list",
        };
        self.progress.send_replace(Progress {
            doing: doing.into(),
            records: row.counts.total + row.counts.not_selected,
            settled: row.counts.settled() + row.counts.deleted,
            waiting: self.waiting(),
            calls: row.cost.crm_calls + row.cost.campaigns_calls,
            way: *self.way(),
            ..Progress::default()
        });
    }
}
