//! Calls that are not made: what a plan needs to know of the writing that it leaves out.
//!
//! Only the calls that change something are left out; a rehearsing client reads as any other does. Each is metered as the
//! request that it would be, put on the clock of a [`Forecast`], and answered as if Campaigns had taken the contact.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Campaigns, Method};
use crate::domain::pacing::Forecast;
use crate::zoho::meter::Price;

/// The calls that were left out; clones share them.
#[derive(Debug, Clone)]
pub(super) struct Rehearsal(Arc<Mutex<Forecast>>);

impl Rehearsal {
    fn forecast(&self) -> MutexGuard<'_, Forecast> {
        // A panic ends the process.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Campaigns {
    /// The same Campaigns, with the calls that change something left out and put on the clock of `forecast`.
    #[must_use]
    pub fn rehearsing(&self, forecast: Forecast) -> Self {
        let rehearsal = Rehearsal(Arc::new(Mutex::new(forecast)));
        Self {
            rehearsal: Some(rehearsal),
            ..self.clone()
        }
    }

    /// How long the calls that were left out would have taken; `None` for a client that makes them.
    #[must_use]
    pub fn rehearsed(&self) -> Option<Duration> {
        let rehearsal = self.rehearsal.as_ref()?;
        Some(rehearsal.forecast().elapsed())
    }

    /// Leaves one call out, if this is a rehearsal; says whether it did.
    pub(crate) fn rehearse(&self, method: Method) -> bool {
        let Some(rehearsal) = &self.rehearsal else {
            return false;
        };
        self.channel.meter.count(method.name(), Price::Campaigns);
        rehearsal.forecast().call(method.name());
        true
    }
}
