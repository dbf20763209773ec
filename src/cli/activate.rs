//! `rosterd activate` and `rosterd deactivate`: which syncs may run, whatever their files say.

use tokio_util::sync::CancellationToken;

use super::args::{ActivateArgs, DeactivateArgs};
use super::exit::{CliError, Exit, Unknown};
use super::{Context, runtime, service};
use crate::config::settings::Config;
use crate::daemon::signals;
use crate::domain::activation::Inactivity;
use crate::domain::ids::SyncId;
use crate::run::standings::{Set, Wanted};

/// Runs `activate`.
///
/// # Errors
/// A sync or account does not exist, or the state cannot be changed.
pub(super) fn activate(context: &Context, args: &ActivateArgs) -> Result<Exit, CliError> {
    set(context, Wanted::Active, |config| match &args.account {
        Some(account) => of_account(config, account),
        None => named(config, &args.syncs),
    })
}

/// Runs `deactivate`.
///
/// # Errors
/// A sync does not exist, or the state cannot be changed.
pub(super) fn deactivate(context: &Context, args: &DeactivateArgs) -> Result<Exit, CliError> {
    set(context, Wanted::Inactive, |config| {
        named(config, &args.syncs)
    })
}

fn named(config: &Config, asked: &[String]) -> Result<Vec<SyncId>, CliError> {
    let named = asked.iter().map(|asked| service::sync_named(config, asked));
    named.collect()
}

fn of_account(config: &Config, asked: &str) -> Result<Vec<SyncId>, CliError> {
    let accounts = config.accounts.keys();
    if !accounts.clone().any(|account| account.as_str() == asked) {
        return Err(CliError::Unknown(Unknown {
            what: "account",
            asked: asked.to_owned(),
            existing: accounts.map(ToString::to_string).collect(),
        }));
    }
    let syncs = config.syncs.values();
    let of_account = syncs.filter(|it| it.account.as_str() == asked);
    Ok(of_account.map(|it| it.id.clone()).collect())
}

fn set(
    context: &Context,
    wanted: Wanted,
    syncs: impl FnOnce(&Config) -> Result<Vec<SyncId>, CliError>,
) -> Result<Exit, CliError> {
    let loaded = context.load()?;
    let config = loaded.config.clone();
    let syncs = syncs(&config)?;
    let set = runtime()?.block_on(async {
        let stop = CancellationToken::new();
        signals::watch(&stop, None).map_err(CliError::signals)?;
        let current = service::open(loaded, &context.clock, stop)?.current();
        Ok::<_, CliError>(current.set(&syncs, wanted)?)
    })?;
    let report = &context.report;
    if report.json {
        let row = |set: &Set| {
            serde_json::json!({
                "sync": set.sync, "active": is_active(set), "reason": set.after.map(Inactivity::name),
                "changed": set.before != set.after, "running": set.is_running,
            })
        };
        report
            .print_json(&serde_json::json!({ "syncs": set.iter().map(row).collect::<Vec<_>>() }))?;
    } else {
        for set in &set {
            report.print(&told(&config, set, wanted))?;
        }
    }
    let is_as_wanted = |set: &Set| is_active(set) == (wanted == Wanted::Active);
    match set.iter().all(is_as_wanted) {
        true => Ok(Exit::Done),
        false => Ok(Exit::Refused),
    }
}

/// A finished sync is as active as one can be that has done what it was to do.
fn is_active(set: &Set) -> bool {
    matches!(set.after, None | Some(Inactivity::Finished))
}

fn told(config: &Config, set: &Set, wanted: Wanted) -> String {
    let sync = &set.sync;
    let remedy = |why: Inactivity| {
        let account = config.syncs.get(sync).map(|it| &it.account);
        account.map_or_else(String::new, |account| why.remedy(sync, account))
    };
    match (set.after, wanted) {
        (None, _) if set.before.is_none() => format!("{sync} is active already"),
        (None, _) => format!("{sync} is active"),
        (Some(Inactivity::Finished), _) => {
            format!("{sync} runs once, and has: `rosterd sync {sync}` runs it again")
        }
        (Some(why), Wanted::Active) => format!("{sync} stays inactive: {}", remedy(why)),
        (Some(_), Wanted::Inactive) if set.is_running => {
            format!("{sync} is inactive; its run under way goes on to its end")
        }
        (Some(_), Wanted::Inactive) => format!("{sync} is inactive"),
    }
}
