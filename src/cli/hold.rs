//! `rosterd approve` and `rosterd discard`: what becomes of removals that a run held.

use tokio_util::sync::CancellationToken;

use super::args::HoldArgs;
use super::exit::{CliError, Exit};
use super::report::counted;
use super::{Context, history, runtime};
use crate::daemon::{HoldVerdict, signals};

/// Runs either command.
///
/// # Errors
/// The run does not exist or holds nothing, or a call failed; what is left stays held.
pub(super) fn run(
    context: &Context,
    args: &HoldArgs,
    verdict: HoldVerdict,
) -> Result<Exit, CliError> {
    let (run, sync, settled) = runtime()?.block_on(async {
        let stop = CancellationToken::new();
        signals::watch(&stop, None).map_err(CliError::signals)?;
        let reach = context.reach(&stop).await?;
        let (run, sync) = history::held_run(reach.config(), &args.run, &context.report)?;
        let settled = reach.settle_hold(&sync, run, verdict).await?;
        Ok::<_, CliError>((run, sync, settled))
    })?;
    let what = match verdict {
        HoldVerdict::Approve => {
            format!(
                "{} taken off the list of {sync}",
                counted(settled, "contact")
            )
        }
        HoldVerdict::Discard => {
            format!(
                "{} of {sync} dropped until their records change",
                counted(settled, "removal")
            )
        }
    };
    if context.report.json {
        let key = match verdict {
            HoldVerdict::Approve => "deleted",
            HoldVerdict::Discard => "removals",
        };
        context
            .report
            .print_json(&serde_json::json!({ "run": run, "sync": sync, key: settled }))?;
    } else {
        context.report.print(&what)?;
    }
    Ok(Exit::Done)
}
