//! Calls counted, and faults scripted.
//!
//! Every request to one of the three services is counted under its service and method at the moment it arrives, whether or not it
//! is ever answered, and kept in a bounded log with what became of it. Scripted faults make a call fail in the ways networks and
//! services do. Requests to the control interface are neither counted nor faulted.

mod fault;
mod layer;
mod naming;
mod pour;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use fault::{Fault, What};
pub(crate) use layer::layer;

use super::campaigns::Wrote;

/// The log forgets its oldest entries beyond this; totals forget nothing.
const LOG_ENTRIES_MAX: usize = 200_000;

/// The services that the sandbox stands in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Service {
    /// Tokens, below `/oauth`.
    Accounts,
    /// Records, below `/crm`.
    Crm,
    /// Lists, below `/api`.
    Campaigns,
}

/// Calls of one method.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Total {
    pub(crate) calls: u64,
    pub(crate) credits: u64,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// Counted from 0 since the last reset.
    pub(crate) number: u64,
    pub(crate) at: Timestamp,
    pub(crate) service: Service,
    pub(crate) method: String,
    /// What the caller got; `None` if no whole answer went out (yet).
    pub(crate) status: Option<u16>,
    pub(crate) credits: u64,
    /// The list a Campaigns call was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) list: Option<String>,
    /// The addresses a Campaigns call was about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) addresses: Vec<String>,
    /// Whether a scripted fault fired.
    pub(crate) faulted: bool,
}

/// What a call turned out to be, once its handler has run.
#[derive(Debug, Default)]
struct Effect {
    credits: u64,
    wrote: Option<Wrote>,
}

/// All calls since the last reset, and the faults that wait for theirs.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    totals: BTreeMap<(Service, String), Total>,
    log: VecDeque<Entry>,
    arrived: u64,
    /// Resets so far; an answer to a call from before one is not written down after it.
    resets: u64,
    faults: Vec<Fault>,
    /// How often all of them were dropped.
    faults_dropped: u64,
}

/// A call in the log, to be completed when it is answered.
#[derive(Debug, Clone)]
struct Ticket {
    resets: u64,
    number: u64,
    service: Service,
    method: String,
}

impl Calls {
    /// How often a method was called.
    pub(crate) fn count(&self, service: Service, method: &str) -> u64 {
        self.totals
            .get(&(service, method.to_owned()))
            .map_or(0, |total| total.calls)
    }

    /// Calls and credits by service and method.
    pub(crate) fn totals(&self) -> &BTreeMap<(Service, String), Total> {
        &self.totals
    }

    /// The calls, oldest first.
    pub(crate) fn log(&self) -> &VecDeque<Entry> {
        &self.log
    }

    /// Forgets all calls; faults stay.
    pub(crate) fn reset(&mut self) {
        self.totals.clear();
        self.log.clear();
        self.arrived = 0;
        self.resets += 1;
    }

    /// Adds a fault; of several that fit a call the first one added fires.
    pub(crate) fn add_fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// The faults that can still fire.
    pub(crate) fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Drops all faults.
    pub(crate) fn clear_faults(&mut self) {
        self.faults.clear();
        self.faults_dropped += 1;
    }

    /// How often all faults were dropped.
    fn faults_dropped(&self) -> u64 {
        self.faults_dropped
    }

    /// Counts a call, and says what is to go wrong with it.
    fn arrive(
        &mut self,
        service: Service,
        method: String,
        at: Timestamp,
    ) -> (Ticket, Option<What>) {
        let what = fault::next(&mut self.faults, service, &method);
        let number = self.arrived;
        self.arrived += 1;
        self.totals
            .entry((service, method.clone()))
            .or_default()
            .calls += 1;
        if self.log.len() == LOG_ENTRIES_MAX {
            self.log.pop_front();
        }
        self.log.push_back(Entry {
            number,
            at,
            service,
            method: method.clone(),
            status: None,
            credits: 0,
            list: None,
            addresses: Vec::new(),
            faulted: what.is_some(),
        });
        let ticket = Ticket {
            resets: self.resets,
            number,
            service,
            method,
        };
        (ticket, what)
    }

    /// Writes down what a call did.
    fn note_effect(&mut self, ticket: &Ticket, effect: Effect) {
        if ticket.resets != self.resets {
            return;
        }
        let key = (ticket.service, ticket.method.clone());
        self.totals.entry(key).or_default().credits += effect.credits;
        if let Some(entry) = self.entry_mut(ticket) {
            entry.credits = effect.credits;
            if let Some(wrote) = effect.wrote {
                entry.list = wrote.list;
                entry.addresses = wrote.addresses;
            }
        }
    }

    /// Writes down what the caller got.
    fn note_status(&mut self, ticket: &Ticket, status: u16) {
        if ticket.resets != self.resets {
            return;
        }
        if let Some(entry) = self.entry_mut(ticket) {
            entry.status = Some(status);
        }
    }

    fn entry_mut(&mut self, ticket: &Ticket) -> Option<&mut Entry> {
        let first = self.log.front()?.number;
        let place = usize::try_from(ticket.number.checked_sub(first)?).ok()?;
        self.log.get_mut(place)
    }
}
