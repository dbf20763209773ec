//! New files take over: all of them or none, and what is otherwise than before is told.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::{Service, ServiceError, planner};
use crate::config::settings::{Account, Config, Log};
use crate::config::{Loaded, Problems};
use crate::domain::activation::{Activation, Inactivity};
use crate::domain::ids::{AccountName, SyncId};
use crate::journal::event::{ConfigReloaded, Event};

/// What a reload takes; given by the command, which knows where the files are, and logs.
pub struct Reload {
    /// Reads the files anew.
    pub read: Box<dyn Fn() -> Result<Loaded, Problems> + Send + Sync>,
    /// Goes by their `[log]` from now on, as they have taken over.
    pub log: Box<dyn Fn(&Log) + Send + Sync>,
}

/// Why the files did not take over: the old ones stay in force.
pub(crate) type NotReloaded = Problems;

/// What of the files is otherwise than before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Difference {
    /// Syncs that are new.
    pub(crate) added: Vec<SyncId>,
    /// Syncs whose files are gone.
    pub(crate) removed: Vec<SyncId>,
    /// Syncs whose definitions changed.
    pub(crate) changed: Vec<SyncId>,
    /// Accounts that are new, gone, or changed.
    pub(crate) accounts: Vec<AccountName>,
    /// Keys and tables of `rosterd.toml` that changed otherwise.
    pub(crate) settings: Vec<String>,
    /// Syncs that were inactive before, and are active.
    #[serde(default)]
    pub(crate) activated: Vec<SyncId>,
    /// Syncs that were active before, or are new, and are not; and why.
    #[serde(default)]
    pub(crate) deactivated: Vec<(SyncId, Inactivity)>,
}

impl Difference {
    /// What is otherwise in `after` than in `before`.
    pub(crate) fn between(before: &Config, after: &Config) -> Self {
        let (old, new) = (&before.syncs, &after.syncs);
        let only = |these: &Config, those: &Config| {
            let mut syncs: Vec<SyncId> = these.syncs.keys().cloned().collect();
            syncs.retain(|sync| !those.syncs.contains_key(sync));
            syncs
        };
        let is_changed =
            |sync: &&SyncId| new.get(*sync).is_some_and(|it| old.get(*sync) != Some(it));
        let kept = old.keys().filter(|sync| new.contains_key(*sync));
        let accounts = before.accounts.keys().chain(after.accounts.keys());
        let mut accounts: Vec<AccountName> = accounts
            .filter(|name| !same(before.accounts.get(*name), after.accounts.get(*name)))
            .cloned()
            .collect();
        accounts.sort();
        accounts.dedup();
        let settings = [
            ("timezone", before.timezone != after.timezone),
            ("log", before.log != after.log),
            ("history", before.history != after.history),
            ("limits", before.limits != after.limits),
            ("safety", before.safety != after.safety),
            ("retry", before.give_up_after != after.give_up_after),
            (
                "screening",
                (&before.group_emails, before.builtin_group_emails)
                    != (&after.group_emails, after.builtin_group_emails),
            ),
        ];
        let settings = settings.into_iter().filter(|(_, changed)| *changed);
        Self {
            added: only(after, before),
            removed: only(before, after),
            changed: kept.filter(is_changed).cloned().collect(),
            accounts,
            settings: settings.map(|(name, _)| name.to_owned()).collect(),
            ..Self::default()
        }
    }

    /// The same, with what it has done to the syncs of `config`.
    fn with_standings(mut self, config: &Config, before: &Activation, after: &Activation) -> Self {
        for sync in config.syncs.keys() {
            let is_new = self.added.contains(sync);
            match (before.why_not(sync), after.why_not(sync)) {
                (Some(_), None) if !is_new => self.activated.push(sync.clone()),
                (None, Some(why)) => self.deactivated.push((sync.clone(), why)),
                (None | Some(_), _) => {}
            }
        }
        self
    }
}

/// Whether an account is as it was.
fn same(before: Option<&Account>, after: Option<&Account>) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return false;
    };
    fn plain(it: &Account) -> impl PartialEq + '_ {
        (
            (&it.name, &it.data_center, &it.client_id),
            (it.crm_concurrency, it.campaigns_concurrency, it.topics),
            (&it.pace, &it.accounts_url, &it.crm_url, &it.campaigns_url),
            (
                it.client_secret.expose_secret(),
                it.refresh_token.expose_secret(),
                it.zsc_key.as_ref().map(ExposeSecret::expose_secret),
            ),
        )
    }
    plain(before) == plain(after)
}

/// Tells files from others, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprints {
    syncs: BTreeMap<SyncId, [u8; 16]>,
    settings: [u8; 16],
}

impl Fingerprints {
    /// Those of the files that `config` came from; secrets are left out, as not everybody can read them.
    pub(crate) fn of(config: &Config) -> Self {
        let syncs = config.syncs.iter();
        let accounts = config.accounts.values().map(|it| {
            let host = (&it.accounts_url, &it.crm_url, &it.campaigns_url);
            let most = (it.crm_concurrency, it.campaigns_concurrency, it.topics);
            (
                &it.name,
                &it.data_center,
                &it.client_id,
                most,
                &it.pace,
                host,
            )
        });
        let settings = (
            (&config.timezone, &config.log, &config.history),
            (&config.limits, &config.safety, config.give_up_after),
            (&config.group_emails, config.builtin_group_emails),
            accounts.collect::<Vec<_>>(),
        );
        Self {
            syncs: syncs.map(|(id, it)| (id.clone(), print(it))).collect(),
            settings: print(&settings),
        }
    }

    /// What of `other` is otherwise; nothing where they are the same.
    pub(crate) fn difference(&self, other: &Self) -> Option<String> {
        let missing = |these: &Self, those: &Self| {
            let syncs = these.syncs.keys().cloned();
            syncs
                .filter(|sync| !those.syncs.contains_key(sync))
                .collect()
        };
        let both = self
            .syncs
            .iter()
            .filter(|(sync, _)| other.syncs.contains_key(*sync));
        let changed = both.filter(|(sync, print)| other.syncs.get(*sync) != Some(print));
        let settings = match self.settings == other.settings {
            true => Vec::new(),
            false => vec!["rosterd.toml".to_owned()],
        };
        let difference = Difference {
            added: missing(other, self),
            removed: missing(self, other),
            changed: changed.map(|(sync, _)| sync.clone()).collect(),
            settings,
            ..Difference::default()
        };
        (difference != Difference::default()).then(|| difference.to_string())
    }
}

fn print(part: &impl fmt::Debug) -> [u8; 16] {
    let mut print = [0; 16];
    let hash = blake3::hash(format!("{part:?}").as_bytes());
    print.copy_from_slice(&hash.as_bytes()[..16]);
    print
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn named<T: fmt::Display>(what: &str, names: &[T]) -> Option<String> {
            const SHOWN_MAX: usize = 10;
            let shown: Vec<String> = names.iter().take(SHOWN_MAX).map(T::to_string).collect();
            let more = match names.len() - shown.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            (!names.is_empty()).then(|| format!("{what} {}{more}", shown.join(", ")))
        }
        let inactive = self.deactivated.iter();
        let inactive: Vec<String> = inactive
            .map(|(sync, why)| format!("{sync} ({})", why.name()))
            .collect();
        let parts = [
            named("added:", &self.added),
            named("removed:", &self.removed),
            named("changed:", &self.changed),
            named("accounts changed:", &self.accounts),
            named("settings changed:", &self.settings),
            named("active now:", &self.activated),
            named("inactive now:", &inactive),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        match parts.is_empty() {
            true => f.write_str("nothing changed"),
            false => f.write_str(&parts.join("; ")),
        }
    }
}

/// Lets the files take over as they are now; any problem leaves everything as it was. What came of it is logged.
///
/// # Errors
/// [`ServiceError`]: the stores failed.
pub(super) fn take_over(
    service: &Service,
    reload: &Reload,
) -> Result<Result<Difference, NotReloaded>, ServiceError> {
    let taken = match (reload.read)().and_then(|loaded| check_places(service, loaded)) {
        Ok(loaded) => {
            let difference = replace(service, loaded)?;
            (reload.log)(&service.current().base.config.log);
            Ok(difference)
        }
        Err(problems) => Err(problems),
    };
    match &taken {
        Ok(difference) => tracing::info!(
            syncs = service.current().base.config.syncs.len(),
            "reloaded: {difference}"
        ),
        Err(problems) => {
            for problem in &problems.0 {
                tracing::error!(
                    file = problem.file,
                    line = problem.line,
                    column = problem.column,
                    help = problem.help,
                    "not reloaded: {}",
                    problem.message
                );
            }
        }
    }
    Ok(taken)
}

fn replace(service: &Service, loaded: Loaded) -> Result<Difference, ServiceError> {
    for warning in &loaded.warnings {
        tracing::warn!(
            file = warning.file,
            line = warning.line,
            "{}",
            warning.message
        );
    }
    let before = service.current().base.config.clone();
    let difference = Difference::between(&before, &loaded.config);
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let event = ConfigReloaded {
        accounts: count(loaded.config.accounts.len()),
        syncs: count(loaded.config.syncs.len()),
        added: difference.added.clone(),
        removed: difference.removed.clone(),
        changed: difference.changed.clone(),
        accounts_changed: difference.accounts.clone(),
        settings_changed: difference.settings.clone(),
    };
    let standings = service.current().base.standings.now();
    service.replace(loaded)?;
    let base = service.current().base;
    planner::note_schedules(&base)?;
    // Told last: who reads it may rely on the new files from then on.
    base.append(&Event::ConfigReloaded(event))?;
    let now = base.standings.now();
    Ok(difference.with_standings(&base.config, &standings, &now))
}

/// The new files, unless they name other places than those that are open.
fn check_places(service: &Service, loaded: Loaded) -> Result<Loaded, Problems> {
    let (before, after) = (&service.current().base.config, &loaded.config);
    let places = [
        ("state_dir", before.state_dir == after.state_dir),
        ("history_dir", before.history_dir == after.history_dir),
        ("control", before.control == after.control),
    ];
    let moved = places.into_iter().filter(|(_, is_same)| !is_same);
    let problems: Vec<_> = moved
        .map(|(key, _)| {
            let message = format!("`{key}` cannot change while the daemon runs");
            let help = Some("restart it, or put the old value back".to_owned());
            loaded.sources.problem_of_main(key, message, help)
        })
        .collect();
    match problems.is_empty() {
        true => Ok(loaded),
        false => Err(Problems(problems)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told_in_a_line() {
        let ids = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect();
        let difference = Difference {
            added: ids(&["guests"]),
            changed: ids(&["hotels", "newsletter"]),
            settings: vec!["limits".to_owned()],
            ..Difference::default()
        };
        assert_eq!(
            difference.to_string(),
            "added: guests; changed: hotels, newsletter; settings changed: limits"
        );
        assert_eq!(Difference::default().to_string(), "nothing changed");
        let many: Vec<String> = (0..12).map(|n| format!("s{n:02}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let told = Difference {
            removed: ids(&many),
            ..Difference::default()
        };
        assert!(told.to_string().ends_with("s09 and 2 more"), "{told}");
    }
}
