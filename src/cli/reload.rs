//! `rosterd reload`: the running daemon takes over the files as they are now.

use super::exit::{CliError, Exit};
use super::{Context, runtime};

/// Runs the command.
///
/// # Errors
/// No daemon runs, or the files are not valid; the old ones stay in force.
pub(super) fn run(context: &Context) -> Result<Exit, CliError> {
    let difference = runtime()?.block_on(async {
        let Some((remote, _)) = context.daemon().await? else {
            let message =
                "no daemon of these files runs: `rosterd daemon` reads them when it starts";
            return Err(CliError::because(Exit::Failed, message));
        };
        Ok(remote.reload().await?)
    })?;
    let report = &context.report;
    if report.json {
        report.print_json(&difference)?;
    } else {
        report.print(&format!("reloaded: {difference}"))?;
    }
    Ok(Exit::Done)
}
