//! What is coming, played through from the files and what is kept of the runs so far.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, ToSpan};

use super::planner;
use super::status::Holder;
use crate::config::settings::Config;
use crate::domain::agenda::{Agenda, Subject, agenda};
use crate::domain::definition::SyncDefinition;
use crate::run::standings::activation;
use crate::run::{definition_digest, usage_of};
use crate::store::mirror::Snapshot;

/// What is coming.
pub struct Outlook {
    /// Who holds the state.
    pub holder: Holder,
    /// Up to when it reaches.
    pub until: Timestamp,
    /// What is coming until then.
    pub agenda: Agenda,
}

/// Plays through so many days from `now`, by what is kept and who holds it.
pub(crate) fn outlook(
    config: &Config,
    (holder, snapshot): &(Holder, Snapshot),
    now: Timestamp,
    days: u16,
) -> Outlook {
    let zone = &config.timezone;
    let until = now
        .to_zoned(zone.clone())
        .checked_add(i64::from(days).days());
    // Only at the end of all representable time.
    let until = until.map_or(Timestamp::MAX, |until| until.timestamp());
    let activation = activation(config, snapshot);
    let active = config.syncs.values();
    let active = active.filter(|sync| activation.why_not(&sync.id).is_none());
    let subjects: Vec<Subject> = active
        .map(|sync| subject(config, sync, snapshot, now))
        .collect();
    let count = |key: &str| snapshot.counters.get(key).map_or(0, |counter| counter.0);
    let usage: BTreeMap<_, _> = config
        .accounts
        .keys()
        .map(|account| (account.clone(), usage_of(account, now, zone, count)))
        .collect();
    let agenda = agenda(&subjects, &config.limits, &usage, (now, until), zone);
    Outlook {
        holder: *holder,
        until,
        agenda,
    }
}

fn subject(
    config: &Config,
    definition: &SyncDefinition,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Subject {
    let instant = |millis: i64| Timestamp::from_millisecond(millis).ok();
    let handled = snapshot.schedule.get(&definition.id);
    // A schedule that was edited, and no daemon has seen yet, is as it is from now on.
    let same = handled.filter(|handled| handled.schedule == planner::digest(definition));
    let since = same.and_then(|handled| instant(handled.since));
    let checkpoint = snapshot.checkpoints.get(&definition.id);
    let checkpoint = checkpoint.cloned().unwrap_or_default();
    let running = checkpoint.running.as_ref();
    let last_full = checkpoint.last_full.and_then(instant);
    let full_at = match running {
        Some(running) if running.full => instant(running.started),
        Some(_) => last_full,
        None => {
            last_full.filter(|_| checkpoint.definition == definition_digest(config, definition))
        }
    };
    // Whether a field is a formula only the CRM knows.
    let reconcile_every = SignedDuration::try_from(definition.reconcile_every(false));
    Subject {
        sync: definition.id.clone(),
        account: definition.account.clone(),
        schedule: definition.schedule.clone(),
        handled: handled.and_then(|handled| handled.last).and_then(instant),
        since: since.unwrap_or(now),
        // One that is under way, or waits to go on, was counted when it began.
        is_first: checkpoint.completed == 0 && running.is_none(),
        full_at,
        reconcile_every: reconcile_every.unwrap_or(SignedDuration::MAX),
    }
}
