//! `rosterd reload`: the running daemon takes over the files as they are now.

use super::exit::{CliError, Exit};
use super::{Context, runtime};
use crate::daemon::answer::AskError;

/// Runs the command.
///
/// # Errors
/// No daemon runs, or the files are not valid; the old ones stay in force.
pub(super) fn run(context: &Context) -> Result<Exit, CliError> {
    let report = &context.report;
    let reloaded = runtime()?.block_on(async {
        let Some((remote, _)) = context.daemon().await? else {
            let message =
                "no daemon of these files runs: `rosterd daemon` reads them when it starts";
            return Err(CliError::because(Exit::Failed, message));
        };
        Ok(remote.reload().await)
    })?;
    match reloaded {
        Ok(difference) if report.json => report.print_json(&difference)?,
        Ok(difference) => report.print(&format!("reloaded: {difference}"))?,
        Err(error) => {
            if let (AskError::Problems(problems), true) = (&error, report.json) {
                report.print_json(&serde_json::json!({ "problems": problems }))?;
            }
            report.note("not reloaded: the daemon goes on with the files that it had");
            return Err(error.into());
        }
    }
    Ok(Exit::Done)
}
