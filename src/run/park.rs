//! A run that would have to wait for hours: it is parked, so that others have its turn, and goes on by itself.
//!
//! Parking ends nothing: the run stands in the ledger as if its process had died between two steps, and is resumed as
//! such a one is. So it learns who opted out meanwhile before it adds anybody, and reads the suppressions anew. It is
//! looked after at each time of its schedule as well: whoever opted out goes off the list while the additions wait.
//!
//! One that has to wait for its very first calls, which ask what its names stand for, has not begun: it is not counted
//! yet, and begins once it may.

use jiff::{SignedDuration, Timestamp};

use super::Run;
use super::error::RunError;
use super::remove::on_list;
use crate::domain::failure::Failure;
use crate::domain::pacing::PARKS_FROM;
use crate::journal::event::{ErrorKind, Event, ParkReason, RunParked};
use crate::store::StoreError;
use crate::store::state::{Changes, Checkpoint};
use crate::zoho::pacer::Pause;

/// Until when a run waits, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parked {
    /// Since when: a time of its schedule that comes before its turn is given up counts as well.
    pub(crate) since: Timestamp,
    /// Until when.
    pub(crate) until: Timestamp,
    /// For what, in words.
    pub(crate) why: String,
    /// Of what kind the error was that said so.
    pub(crate) kind: ErrorKind,
    /// Whether rosterd waits of its own accord.
    pub(crate) reason: ParkReason,
    /// Whether the run has begun; if not, it is not counted, and nobody was told of it.
    pub(crate) begun: bool,
}

impl Parked {
    /// A run that cannot begin yet, where this error says no more than that it has to wait for long; `None` for any other.
    pub(super) fn before_it_begins(error: &RunError, now: Timestamp) -> Option<Self> {
        let parked = Self::by(error, now)?;
        Some(Self {
            begun: false,
            ..parked
        })
    }

    fn by(error: &RunError, now: Timestamp) -> Option<Self> {
        Some(Self {
            since: now,
            until: error.waits_until(now)?,
            why: error.message(),
            kind: error.kind(),
            reason: reason(error),
            begun: true,
        })
    }
}

impl Run<'_> {
    /// Parks the run where this error says no more than that it has to wait for long; `None` for any other error, and in
    /// a rehearsal, which waits for nothing.
    pub(super) fn park(&mut self, error: &RunError) -> Result<Option<Parked>, RunError> {
        let Some(parked) = Parked::by(error, self.clock.now()) else {
            return Ok(None);
        };
        if self.campaigns.rehearsed().is_some() {
            return Ok(None);
        }
        let row = self.row_with_cost();
        self.store.ledger.step(|step| step.save_run(&row))?;
        self.row = row;
        self.note_on_list()?;
        let (run, sync) = (self.id, self.definition.id.clone());
        let (until, why) = (parked.until, &parked.why);
        tracing::warn!(%sync, %run, %until, "the run is parked until {until}: {why}");
        self.base.append(&Event::RunParked(RunParked {
            run,
            sync,
            account: self.definition.account.clone(),
            reason: parked.reason,
            until,
            waiting: self.waiting(),
            message: why.clone(),
        }))?;
        Ok(Some(parked))
    }
}

impl Run<'_> {
    /// Notes how many of the list are there by now: people look at that for the hours that the run waits.
    fn note_on_list(&self) -> Result<(), StoreError> {
        let on_list = on_list(&self.store.ledger, self.row.list, self.row.sync)?;
        let sync = &self.definition.id;
        let checkpoint = self.store.state.checkpoint(sync)?;
        let Some(checkpoint) = checkpoint.filter(|it| it.on_list != on_list) else {
            return Ok(());
        };
        let checkpoint = Checkpoint {
            on_list,
            ..checkpoint
        };
        self.store.state.commit(&Changes {
            checkpoints: vec![(sync.clone(), checkpoint)],
            ..Changes::default()
        })
    }
}

impl RunError {
    /// Until when a run has to wait that met this, where there is nothing wrong but that, and it is long.
    fn waits_until(&self, now: Timestamp) -> Option<Timestamp> {
        if let Some(Pause::Waits { until, .. }) = self.pause() {
            return Some(*until);
        }
        let failure = if let Self::Crm(error) = self {
            error.failure()
        } else if let Self::Campaigns(error) = self {
            error.failure()
        } else if let Self::Oauth(error) = self {
            error.failure()
        } else {
            return None;
        };
        let Failure::Throttled { wait: Some(wait) } = failure else {
            return None;
        };
        let span = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        let until = now.saturating_add(span).unwrap_or(Timestamp::MAX);
        Some(until).filter(|_| wait >= PARKS_FROM)
    }

    fn pause(&self) -> Option<&Pause> {
        if let Self::Crm(error) = self {
            error.pause()
        } else if let Self::Campaigns(error) = self {
            error.pause()
        } else {
            None
        }
    }
}

/// Whether rosterd waits of its own accord, or because a service told it to.
fn reason(error: &RunError) -> ParkReason {
    match error.pause() {
        Some(Pause::Waits { locked: false, .. }) => ParkReason::Budget,
        Some(_) | None => ParkReason::Refused,
    }
}
