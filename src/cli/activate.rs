//! `rosterd activate` and `rosterd deactivate`: which syncs may run, whatever their files say.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

use super::args::{ActivateArgs, DeactivateArgs};
use super::exit::{CliError, Exit};
use super::{Context, history, runtime};
use crate::daemon::control::Whom;
use crate::daemon::signals;
use crate::domain::activation::Inactivity;
use crate::run::standings::{Set, Wanted};

/// Runs `activate`.
///
/// # Errors
/// A sync or account does not exist, or the state cannot be changed.
pub(super) fn activate(context: &Context, args: &ActivateArgs) -> Result<Exit, CliError> {
    let whom = match &args.account {
        Some(account) => return set(context, Whom::Account(account.clone()), Wanted::Unheld),
        None => Whom::Syncs(args.syncs.clone()),
    };
    set(context, whom, Wanted::Active)
}

/// Runs `deactivate`.
///
/// # Errors
/// A sync does not exist, or the state cannot be changed.
pub(super) fn deactivate(context: &Context, args: &DeactivateArgs) -> Result<Exit, CliError> {
    set(context, Whom::Syncs(args.syncs.clone()), Wanted::Inactive)
}

fn set(context: &Context, whom: Whom, wanted: Wanted) -> Result<Exit, CliError> {
    let parked = match wanted {
        Wanted::Inactive => {
            let config = context.load_to_look()?.config;
            history::parked::latest(&config, &context.report)?
        }
        Wanted::Active | Wanted::Unheld => BTreeMap::new(),
    };
    let set = runtime()?.block_on(async {
        let stop = CancellationToken::new();
        signals::watch(&stop, None).map_err(CliError::signals)?;
        context.reach(&stop).await?.set(whom, wanted).await
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
            report.print(&told(set, wanted, parked.contains_key(&set.sync)))?;
        }
    }
    let is_as_wanted = |set: &Set| match wanted {
        Wanted::Active => is_active(set),
        Wanted::Unheld => set.no_room.is_none(),
        Wanted::Inactive => !is_active(set),
    };
    match set.iter().all(is_as_wanted) {
        true => Ok(Exit::Done),
        false => Ok(Exit::Refused),
    }
}

/// A finished sync is as active as one can be that has done what it was to do.
fn is_active(set: &Set) -> bool {
    matches!(set.after, None | Some(Inactivity::Finished))
}

fn told(set: &Set, wanted: Wanted, is_parked: bool) -> String {
    let sync = &set.sync;
    match (set.after, wanted) {
        (None, _) if set.before.is_none() => format!("{sync} is active already"),
        (None, _) => format!("{sync} is active"),
        (Some(Inactivity::Finished), _) => {
            format!("{sync} runs once, and has: `rosterd sync {sync}` runs it again")
        }
        (Some(why), Wanted::Active | Wanted::Unheld) => {
            let remedy = || why.remedy(sync, &set.account);
            let why = set.no_room.clone().unwrap_or_else(remedy);
            format!("{sync} stays inactive: {why}")
        }
        (Some(_), Wanted::Inactive) if is_parked => {
            format!("{sync} is inactive; its run, which is parked, goes on no more")
        }
        (Some(_), Wanted::Inactive) if set.is_running => {
            format!("{sync} is inactive; its run under way goes on to its end")
        }
        (Some(_), Wanted::Inactive) => format!("{sync} is inactive"),
    }
}
