//! How things stand, by what a daemon says is kept, or the mirror of the state: beside a daemon as well as without one.

use std::collections::BTreeMap;
use std::fs::TryLockError;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use crate::config::settings::Config;
use crate::domain::activation::{Activation, Inactivity};
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::{AccountName, SyncId};
use crate::domain::limits::{Limit, Periods};
use crate::domain::outcome::RunOutcome;
use crate::regular;
use crate::run::standings::activation;
use crate::run::usage_of;
use crate::store::mirror::{self, Snapshot};
use crate::store::state::Running;
use crate::store::{DAEMON_MARK, StoreError};

/// How everything stands.
pub struct Status {
    /// Who holds the state.
    pub holder: Holder,
    /// The accounts and their limits.
    pub accounts: Vec<AccountStatus>,
    /// The syncs, by id.
    pub syncs: Vec<SyncStatus>,
}

/// Who holds the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// Nobody.
    Nobody,
    /// A daemon.
    Daemon,
    /// A command, such as `sync`.
    Command,
}

/// An account and what it has used of its limits.
#[derive(Debug, Serialize)]
pub struct AccountStatus {
    /// Its name.
    pub account: AccountName,
    /// How many of its syncs are active.
    pub active_syncs: u64,
    /// Each limit by name.
    pub limits: BTreeMap<&'static str, LimitStatus>,
}

/// What is used of one limit.
#[derive(Debug, Serialize)]
pub struct LimitStatus {
    /// How much.
    pub used: u64,
    /// Of how much; "unlimited" is null.
    pub limit: Option<u64>,
    /// When it frees; null where that is not a matter of time.
    pub resets: Option<String>,
}

/// How a sync stands.
#[derive(Debug, Serialize)]
pub struct SyncStatus {
    /// Its id.
    pub sync: SyncId,
    /// Its name for people.
    pub name: String,
    /// Its state.
    pub state: SyncState,
    /// Why no run of it may start.
    #[serde(skip)]
    pub barred: Option<Inactivity>,
    /// Why it is inactive; `interrupted` where a run waits to go on and nothing runs.
    pub reason: Option<&'static str>,
    /// When it runs next.
    pub next: Option<Timestamp>,
    /// When its last run ended.
    #[serde(skip)]
    pub last_at: Option<Timestamp>,
    /// Contacts that it has on the list.
    #[serde(skip)]
    pub on_list: u64,
}

/// The state of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncState {
    /// It runs by its schedule.
    Active,
    /// It does not.
    Inactive,
    /// A run is under way, or interrupted and about to go on.
    Running,
    /// Removals wait for a person.
    Held,
    /// It was to run once, and has.
    Finished,
}

impl SyncState {
    /// The name in JSON and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Running => "running",
            Self::Held => "held",
            Self::Finished => "finished",
        }
    }
}

/// How everything stands at `now`, by what is kept and who holds it.
pub(crate) fn status(
    config: &Config,
    (holder, snapshot): &(Holder, Snapshot),
    now: Timestamp,
) -> Status {
    let activation = activation(config, snapshot);
    let definitions = config.syncs.values();
    let syncs = definitions
        .map(|definition| sync_status(definition, (snapshot, &activation), *holder, now))
        .collect();
    let accounts = config.accounts.keys();
    let accounts = accounts
        .map(|account| account_status(config, account, (snapshot, &activation), now))
        .collect();
    Status {
        holder: *holder,
        accounts,
        syncs,
    }
}

/// Who holds the state, and what it is by its mirror.
///
/// # Errors
/// [`StoreError`]: the mirror cannot be read.
pub(crate) fn mirrored(config: &Config) -> Result<(Holder, Snapshot), StoreError> {
    let holder = holder(&config.state_dir);
    let snapshot = mirror::read(&config.state_dir.join("state.json"))?;
    Ok((holder, snapshot.unwrap_or_default()))
}

fn sync_status(
    definition: &SyncDefinition,
    (snapshot, activation): (&Snapshot, &Activation),
    holder: Holder,
    now: Timestamp,
) -> SyncStatus {
    let checkpoint = snapshot
        .checkpoints
        .get(&definition.id)
        .cloned()
        .unwrap_or_default();
    let last = checkpoint.last.as_ref();
    let inactive = activation.why_not(&definition.id);
    let barred = inactive.filter(|why| *why != Inactivity::Finished);
    let is_running = checkpoint.running.is_some()
        && holder != Holder::Nobody
        && !activation.stops_interrupted(&definition.id);
    let state = match last.map(|last| last.outcome) {
        _ if is_running => SyncState::Running,
        _ if barred.is_some() => SyncState::Inactive,
        Some(RunOutcome::Held) => SyncState::Held,
        _ if inactive.is_some() => SyncState::Finished,
        Some(RunOutcome::Completed | RunOutcome::Failed) | None => SyncState::Active,
    };
    let next = inactive
        .is_none()
        .then(|| definition.schedule.next_after(now))
        .flatten();
    SyncStatus {
        sync: definition.id.clone(),
        name: definition.name.clone(),
        state,
        barred,
        reason: match &checkpoint.running {
            _ if barred.is_some() => barred.map(Inactivity::name),
            // One that was under way when a backup was put back ends with the next start.
            Some(run) if run.definition == Running::RESTORED => None,
            Some(_) if holder == Holder::Nobody => Some("interrupted"),
            Some(_) | None => None,
        },
        next,
        last_at: last.and_then(|last| Timestamp::from_millisecond(last.at).ok()),
        on_list: checkpoint.on_list,
    }
}

fn account_status(
    config: &Config,
    account: &AccountName,
    (snapshot, activation): (&Snapshot, &Activation),
    now: Timestamp,
) -> AccountStatus {
    let active = activation.active(account);
    let zone = &config.timezone;
    let periods = Periods::of(now, zone);
    let mut usage = usage_of(account, now, zone, |key| {
        snapshot.counters.get(key).map_or(0, |counter| counter.0)
    });
    usage.active_syncs = active;
    let limits = Limit::ALL.iter().map(|limit| {
        let resets = match limit {
            Limit::ActiveSyncs => None,
            Limit::RunsPerDay | Limit::ResyncsPerDay => Some(periods.day_ends_at),
            Limit::InitiationsPerMonth | Limit::ResyncsPerMonth => Some(periods.month_ends_at),
        };
        let status = LimitStatus {
            used: usage.get(*limit),
            limit: config.limits.get(*limit),
            resets: resets.map(|at| at.to_string()),
        };
        (limit.name(), status)
    });
    AccountStatus {
        account: account.clone(),
        active_syncs: active,
        limits: limits.collect(),
    }
}

/// Who holds the state: a lock that is held cannot even be shared.
pub(super) fn holder(folder: &Path) -> Holder {
    let path = folder.join("lock");
    match regular::open(&path) {
        Ok(lock) if matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)) => {
            match std::fs::read_to_string(&path) {
                Ok(mark) if mark == DAEMON_MARK => Holder::Daemon,
                Ok(_) | Err(_) => Holder::Command,
            }
        }
        Ok(_) | Err(_) => Holder::Nobody,
    }
}
