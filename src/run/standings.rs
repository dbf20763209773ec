//! Which syncs are active, kept in the store and told to the journal, and what changes that.
//!
//! There is one place where this is decided, [`settle`]: from the newest files, what is kept of each sync, and what the
//! caller shifts. What changes is stored together with the events that tell of it; the journal gets those next, and they
//! are kept until it has them, so that a crash between the two neither loses nor doubles one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Base;
use super::error::RunError;
use super::service_key::keys_changed;
use crate::config::settings::Config;
use crate::domain::activation::{AccountHold, Activation, Candidate, Holds, Inactivity};
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::{AccountName, SyncId};
use crate::journal::event::{AccountKeyChanged, Event, SyncActivated, SyncDeactivated};
use crate::journal::{Journal, JournalError};
use crate::store::mirror::Snapshot;
use crate::store::state::{Changes, Checkpoint, Credentials, Handled, Standing, Untold};
use crate::store::{Store, StoreError, format::FormatError};

/// Which syncs are active, for all runs of a process, whichever files they began with.
pub(crate) struct Standings {
    /// The newest files. Whoever changes a standing holds this meanwhile.
    newest: Mutex<Arc<Config>>,
    now: RwLock<Arc<Activation>>,
    /// An organisation that was asked for before this is asked for again (milliseconds since the epoch).
    asked_since: AtomicI64,
    /// How often each sync was deactivated while the process has been there.
    deactivations: Mutex<BTreeMap<SyncId, u64>>,
}

impl Standings {
    /// How syncs stand before anything is settled.
    pub(crate) fn new(config: Arc<Config>, now: Activation) -> Self {
        Self {
            newest: Mutex::new(config),
            now: RwLock::new(Arc::new(now)),
            asked_since: AtomicI64::new(i64::MIN),
            deactivations: Mutex::default(),
        }
    }

    /// How things stand now.
    pub(crate) fn now(&self) -> Arc<Activation> {
        let now = self.now.read();
        now.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on every organisation is asked for once more.
    pub(crate) fn ask_organisations_anew(&self, since: Timestamp) {
        let since = since.as_millisecond();
        self.asked_since.store(since, Ordering::SeqCst);
    }

    /// What was asked before this is asked again.
    pub(super) fn asked_since(&self) -> i64 {
        self.asked_since.load(Ordering::SeqCst)
    }

    fn replace(&self, activation: Activation) {
        let now = self.now.write();
        let mut now = now.unwrap_or_else(PoisonError::into_inner);
        let deactivated = activation.deactivated();
        let newly = deactivated.filter(|sync| !now.is_deactivated(sync));
        let mut deactivations = self.counts();
        for sync in newly {
            *deactivations.entry(sync.clone()).or_default() += 1;
        }
        *now = Arc::new(activation);
    }

    /// How often a sync was deactivated since the process began: who waits for hours may miss that it is active again.
    pub(crate) fn deactivations(&self, sync: &SyncId) -> u64 {
        self.counts().get(sync).copied().unwrap_or(0)
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<SyncId, u64>> {
        let counts = self.deactivations.lock();
        counts.unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest files.
    pub(crate) fn files(&self) -> Arc<Config> {
        self.newest().clone()
    }

    fn newest(&self) -> MutexGuard<'_, Arc<Config>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to change besides what follows from the files.
#[derive(Default)]
pub(super) struct Shift {
    /// What holds a sync from now on.
    pub(super) holds: BTreeMap<SyncId, Holds>,
    /// What is known of credentials.
    pub(super) credentials: Vec<(AccountName, Credentials)>,
    /// Checkpoints to put.
    pub(super) checkpoints: Vec<(SyncId, Checkpoint)>,
    /// What the journal is told first.
    pub(super) events: Vec<Event>,
}

impl Shift {
    /// A person takes the organisation for the right one.
    fn accepted(&mut self, account: &AccountName, kept: &Snapshot) {
        let known = kept.credentials.get(account).filter(|it| it.left.is_some());
        let is_there = self.credentials.iter().any(|(there, _)| there == account);
        if let Some(known) = known.filter(|_| !is_there) {
            let accepted = Credentials {
                left: None,
                ..known.clone()
            };
            self.credentials.push((account.clone(), accepted));
        }
    }
}

/// How the syncs of `config` stand, by what is kept of them. What was never seen counts as seen last.
pub(crate) fn activation(config: &Config, kept: &Snapshot) -> Activation {
    let candidate = |definition: &SyncDefinition| {
        let standing = kept.standings.get(&definition.id);
        let checkpoint = kept.checkpoints.get(&definition.id);
        let has_completed = checkpoint.is_some_and(|checkpoint| checkpoint.completed > 0);
        Candidate {
            sync: definition.id.clone(),
            account: definition.account.clone(),
            is_wanted: definition.active,
            held: standing.map(|standing| standing.held).unwrap_or_default(),
            is_finished: definition.schedule.is_once() && has_completed,
            was_active: standing.is_some_and(|standing| standing.inactive.is_none()),
            first_seen: standing.map_or(i64::MAX, |standing| standing.first_seen),
        }
    };
    let candidates = config.syncs.values().map(candidate).collect();
    Activation::of(candidates, config.limits.active_syncs)
}

/// Lets the files of `base` take over: from now on they are the newest. Service keys that changed hold their syncs.
///
/// # Errors
/// [`RunError::Store`] or [`RunError::Journal`].
pub(crate) fn take_over(base: &Base) -> Result<(), RunError> {
    let mut newest = base.standings.newest();
    *newest = base.config.clone();
    let shift = keys_changed(&newest, &base.store.state.snapshot()?);
    apply(base, &newest, shift)
}

/// Brings all standings up to date, with what the caller `shifts`, given the newest files and what is stored.
///
/// # Errors
/// [`RunError::Store`] or [`RunError::Journal`].
pub(super) fn settle(
    base: &Base,
    shift: impl FnOnce(&Config, &Snapshot) -> Shift,
) -> Result<(), RunError> {
    let newest = base.standings.newest();
    let shift = shift(&newest, &base.store.state.snapshot()?);
    apply(base, &newest, shift)
}

/// Holds every sync where the stores were begun anew though the history tells of runs: what was kept of people is lost.
///
/// # Errors
/// [`RunError::Store`] or [`RunError::Journal`].
pub(crate) fn hold_if_begun_anew(base: &Base) -> Result<(), RunError> {
    if !base.store.is_unchecked()? {
        return Ok(());
    }
    if base.journal().tells_of_runs()? {
        tracing::error!(
            "nothing is kept of the runs that the history tells of, so every sync is inactive: `rosterd state restore` a backup; without one, opt-outs of records that are gone from the CRM, and who was erased, are forgotten: look at `rosterd plan` of each sync before you activate it"
        );
        settle(base, |config, kept| {
            let mut shift = Shift::default();
            for account in config.accounts.keys() {
                hold_all((config, kept), account, AccountHold::StateLost, &mut shift);
            }
            shift
        })?;
    }
    Ok(base.store.note_checked()?)
}

/// Notes that syncs which run once have done so.
///
/// # Errors
/// [`RunError::Store`] or [`RunError::Journal`].
pub(crate) fn refresh(base: &Base) -> Result<(), RunError> {
    settle(base, |_, _| Shift::default())
}

/// What a person wants of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wanted {
    /// It is to be active.
    Active,
    /// What has held all syncs of its account is to hold it no longer, and what a person deactivated stays so; where
    /// nothing has held them, that is to be active too.
    Unheld,
    /// It is to be inactive.
    Inactive,
}

/// What came of a person's wish for a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Set {
    /// The sync.
    pub(crate) sync: SyncId,
    /// Its account.
    pub(crate) account: AccountName,
    /// How it stood before.
    pub(crate) before: Option<Inactivity>,
    /// How it stands now.
    pub(crate) after: Option<Inactivity>,
    /// The limit that leaves no room for it, in a sentence.
    pub(crate) no_room: Option<String>,
    /// Whether a run of it has begun and not ended.
    pub(crate) is_interrupted: bool,
    /// Whether that may go on to its end.
    pub(crate) is_running: bool,
}

/// Activates or deactivates syncs. One for which the limit leaves no room stays as it is, and so does what holds it; one
/// whose file says that it is inactive is held by nothing any more.
///
/// # Errors
/// [`RunError::Store`] or [`RunError::Journal`].
pub(crate) fn set(base: &Base, syncs: &[SyncId], wanted: Wanted) -> Result<Vec<Set>, RunError> {
    let mut before = Activation::default();
    let mut no_room = BTreeMap::new();
    settle(base, |config, kept| {
        before = activation(config, kept);
        let is_held = |sync: &SyncId| {
            let standing = kept.standings.get(sync);
            standing.is_some_and(|standing| standing.held.by_account.is_some())
        };
        let wanted = match wanted {
            // Nothing has happened to the account: then it is all that people have deactivated.
            Wanted::Unheld if !syncs.iter().any(is_held) => Wanted::Active,
            wanted => wanted,
        };
        let mut kept = kept.clone();
        let mut shift = Shift::default();
        for sync in syncs {
            let Some(definition) = config.syncs.get(sync) else {
                continue;
            };
            let standing = kept.standings.entry(sync.clone());
            let standing = standing.or_insert_with(|| seen(definition, None, i64::MAX));
            let held = match wanted {
                Wanted::Active => Holds::default(),
                Wanted::Unheld => Holds {
                    by_account: None,
                    ..standing.held
                },
                Wanted::Inactive => Holds {
                    by_person: true,
                    ..standing.held
                },
            };
            if wanted != Wanted::Inactive {
                let before = standing.held;
                standing.held = held;
                let would = activation(config, &kept);
                if let (Some(Inactivity::Limit), Err(refused)) =
                    (would.why_not(sync), would.has_room(&definition.account))
                {
                    if let Some(standing) = kept.standings.get_mut(sync) {
                        standing.held = before;
                    }
                    no_room.insert(sync.clone(), refused.to_string());
                    continue;
                }
                shift.accepted(&definition.account, &kept);
            }
            shift.holds.insert(sync.clone(), held);
        }
        shift
    })?;
    let now = base.standings.now();
    let running = |sync: &SyncId| {
        let checkpoint = base.store.state.checkpoint(sync)?;
        Ok::<_, StoreError>(checkpoint.is_some_and(|checkpoint| checkpoint.running.is_some()))
    };
    let known = base.store.state.snapshot()?.standings;
    let set = syncs
        .iter()
        .filter_map(|sync| Some((sync, known.get(sync)?)));
    let set = set.map(|(sync, standing)| {
        Ok(Set {
            sync: sync.clone(),
            account: standing.account.clone(),
            before: before.why_not(sync),
            after: match no_room.contains_key(sync) {
                true => Some(Inactivity::Limit),
                false => now.why_not(sync),
            },
            no_room: no_room.get(sync).cloned(),
            is_interrupted: running(sync)?,
            is_running: running(sync)? && !now.stops_interrupted(sync),
        })
    });
    set.collect()
}

/// A sync that is seen for the first time.
fn seen(definition: &SyncDefinition, checkpoint: Option<&Checkpoint>, now: i64) -> Standing {
    Standing {
        account: definition.account.clone(),
        first_seen: checkpoint.map_or(now, |checkpoint| checkpoint.first_seen),
        held: Holds::default(),
        // Whoever is active already keeps the place.
        inactive: Some(Inactivity::Limit),
    }
}

/// Stores what the shift and the files come to, with the events that tell of it, and then tells the journal.
fn apply(base: &Base, config: &Config, shift: Shift) -> Result<(), RunError> {
    let now = base.clock.now().as_millisecond();
    let before = base.store.state.snapshot()?;
    let after = shifted(config, &before, &shift, now);
    let activation = activation(config, &after);
    let mut events = shift.events;
    let mut changes = Changes {
        checkpoints: shift.checkpoints,
        credentials: shift.credentials,
        ..Changes::default()
    };
    for (sync, standing) in after.standings {
        let inactive = match config.syncs.contains_key(&sync) {
            true => activation.why_not(&sync),
            false => Some(Inactivity::Removed),
        };
        let after = Standing {
            inactive,
            ..standing
        };
        let known = before.standings.get(&sync);
        if known != Some(&after) {
            events.extend(told(&sync, known, &after));
            moved(
                &mut changes,
                &before,
                &sync,
                known.map(|it| it.inactive),
                inactive,
            );
            changes.standings.push((sync, after));
        }
    }
    changes.untold = untold("", &events, now)?;
    let changed = !changes.standings.is_empty() || !changes.credentials.is_empty();
    if changed || !changes.checkpoints.is_empty() || !changes.untold.is_empty() {
        base.store.state.commit(&changes)?;
    }
    base.standings.replace(activation);
    tell(base, changes.untold.into_iter().collect(), false)?;
    let now = base.standings.now();
    events.iter().for_each(|event| log(event, &now));
    Ok(())
}

/// Stores what `changes` together with the events that tell of it, and tells the journal then: a crash between the two
/// neither loses nor doubles one. `whose` they are: there is one of that name at a time.
///
/// # Errors
/// [`RunError::Store`] or [`RunError::Journal`]; in the latter case the next start tells them.
pub(crate) fn put_and_tell(
    base: &Base,
    changes: Changes,
    (whose, events): (&str, &[Event]),
) -> Result<(), RunError> {
    let now = base.clock.now().as_millisecond();
    let changes = Changes {
        untold: untold(whose, events, now)?,
        ..changes
    };
    base.store.state.commit(&changes)?;
    tell(base, changes.untold.into_iter().collect(), false)
}

/// The rows of events that the journal has to be told, in this order.
fn untold(whose: &str, events: &[Event], at: i64) -> Result<Vec<(String, Untold)>, JournalError> {
    let row = |(nth, event)| {
        let event = serde_json::to_string(event).map_err(JournalError::Render)?;
        Ok((format!("{whose}{nth:06}"), Untold { at, event }))
    };
    events.iter().enumerate().map(row).collect()
}

/// What is kept, with the shift, and with the syncs that are seen for the first time.
fn shifted(config: &Config, before: &Snapshot, shift: &Shift, now: i64) -> Snapshot {
    let mut after = before.clone();
    after.checkpoints.extend(shift.checkpoints.iter().cloned());
    // What was lost concerns the lists of all accounts, whichever file writes to them.
    let mut known = before.standings.values();
    let is_lost = known.any(|it| it.held.by_account == Some(AccountHold::StateLost));
    for (sync, definition) in &config.syncs {
        let standing = after.standings.entry(sync.clone());
        let checkpoint = before.checkpoints.get(sync);
        let standing = standing.or_insert_with(|| {
            let held = Holds {
                by_account: is_lost.then_some(AccountHold::StateLost),
                ..Holds::default()
            };
            Standing {
                held,
                ..seen(definition, checkpoint, now)
            }
        });
        standing.account = definition.account.clone();
    }
    for (sync, held) in &shift.holds {
        if let Some(standing) = after.standings.get_mut(sync) {
            standing.held = *held;
        }
    }
    after
}

/// What else changes with a sync that was as `known`, if it was, and is inactive from now on for this reason, or active.
fn moved(
    changes: &mut Changes,
    before: &Snapshot,
    sync: &SyncId,
    known: Option<Option<Inactivity>>,
    inactive: Option<Inactivity>,
) {
    match (known, inactive) {
        (Some(Some(Inactivity::Finished)), None) => {}
        // Meanwhile others may have taken off contacts that it has a record for, and changes show once.
        (Some(Some(_)), None) => changes.reconcile.push(sync.clone()),
        (Some(None), Some(_)) => {
            // No schedule has this digest: what falls due until it is active again is nobody's.
            let schedule = [0; 16];
            let handled = before.schedule.get(sync);
            let handled = handled.map(|it| (sync.clone(), Handled { schedule, ..*it }));
            changes.handled.extend(handled);
        }
        (_, _) => {}
    }
}

/// What the journal is told of a sync that stands otherwise than it was `known` to. One that is seen for the first time
/// and is as its file says is no news.
fn told(sync: &SyncId, known: Option<&Standing>, standing: &Standing) -> Option<Event> {
    let (sync, account) = (sync.clone(), standing.account.clone());
    let deactivated = |reason| {
        let (sync, account) = (sync.clone(), account.clone());
        Some(Event::SyncDeactivated(SyncDeactivated {
            sync,
            account,
            reason,
        }))
    };
    match (known.map(|known| known.inactive), standing.inactive) {
        (Some(before), after) if before == after => None,
        (Some(_), None) => Some(Event::SyncActivated(SyncActivated { sync, account })),
        (Some(_), Some(reason)) => deactivated(reason),
        (None, Some(Inactivity::Limit)) => deactivated(Inactivity::Limit),
        (None, _) => None,
    }
}

fn log(event: &Event, now: &Activation) {
    match event {
        Event::SyncActivated(SyncActivated { sync, account }) => {
            tracing::info!(%sync, %account, "sync {sync} is active");
        }
        Event::SyncDeactivated(SyncDeactivated {
            sync,
            account,
            reason,
        }) => {
            let why = match (reason, now.has_room(account)) {
                (Inactivity::Limit, Err(refused)) => refused.to_string(),
                _ => reason.remedy(sync, account),
            };
            let name = reason.name();
            match reason.is_meant() {
                true => {
                    tracing::info!(%sync, %account, reason = name, "sync {sync} is inactive: {why}")
                }
                false => {
                    tracing::warn!(%sync, %account, reason = name, "sync {sync} is inactive: {why}")
                }
            }
        }
        Event::AccountKeyChanged(AccountKeyChanged { account, gone }) => {
            tracing::warn!(%account, gone, "the service key of account {account} changed: its syncs are inactive until they are activated");
        }
        _ => {}
    }
}

/// Tells the journal what it does not have; `perhaps` it was told before the process died.
fn tell(base: &Base, untold: BTreeMap<String, Untold>, perhaps: bool) -> Result<(), RunError> {
    if untold.is_empty() {
        return Ok(());
    }
    tell_journal(&mut base.journal(), &untold, perhaps)?;
    base.store.state.commit(&Changes {
        told: untold.into_keys().collect(),
        ..Changes::default()
    })?;
    Ok(())
}

fn tell_journal(
    journal: &mut Journal,
    untold: &BTreeMap<String, Untold>,
    perhaps: bool,
) -> Result<(), RunError> {
    for (key, Untold { at, event }) in untold {
        let damaged = || StoreError::value("untold", key.as_bytes(), FormatError::Payload);
        let event: Event = serde_json::from_str(event).map_err(|_| damaged())?;
        let at = Timestamp::from_millisecond(*at).map_err(|_| damaged())?;
        if !(perhaps && journal.contains_event(at, &event)?) {
            journal.append(at, &event)?;
        }
    }
    Ok(journal.sync()?)
}

/// Tells the journal what is stored and was not told, where there is nothing but the stores and the journal.
///
/// # Errors
/// [`RunError::Store`] or [`RunError::Journal`]; the next start tells it then.
pub(crate) fn tell_untold(store: &Store, journal: &mut Journal) -> Result<(), RunError> {
    let untold = store.state.snapshot()?.untold;
    tell_journal(journal, &untold, true)?;
    store.state.commit(&Changes {
        told: untold.into_keys().collect(),
        ..Changes::default()
    })?;
    Ok(())
}

/// Tells the journal what an earlier process stored and may not have told.
///
/// # Errors
/// [`RunError::Store`] or [`RunError::Journal`].
pub(super) fn tell_what_is_left(base: &Base) -> Result<(), RunError> {
    tell(base, base.store.state.snapshot()?.untold, true)
}

/// Holds all syncs of an account, besides what a person holds.
pub(super) fn hold_all(
    (config, kept): (&Config, &Snapshot),
    account: &AccountName,
    why: AccountHold,
    shift: &mut Shift,
) {
    let in_files = config.syncs.values().filter(|it| it.account == *account);
    let in_files = in_files.map(|it| &it.id);
    // A definition that is away at the moment comes back to what happened meanwhile.
    let is_away = |(sync, it): &(&SyncId, &Standing)| {
        it.account == *account && !config.syncs.contains_key(*sync)
    };
    let away = kept.standings.iter().filter(is_away);
    let held = in_files.chain(away.map(|(sync, _)| sync)).map(|sync| {
        let standing = kept.standings.get(sync);
        let held = Holds {
            by_account: Some(why),
            ..standing.map(|standing| standing.held).unwrap_or_default()
        };
        (sync.clone(), held)
    });
    shift.holds.extend(held);
}

#[cfg(test)]
mod tests;
