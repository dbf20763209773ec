//! `rosterd adopt`: contacts that others put on a sync's list become its own.

use tokio_util::sync::CancellationToken;

use super::args::AdoptArgs;
use super::exit::{CliError, Exit};
use super::report::{counted, grouped};
use super::{Context, runtime};
use crate::daemon::signals;

/// Runs the command.
///
/// # Errors
/// The sync does not exist, is inactive or has not run yet, or a call failed.
pub(super) fn run(context: &Context, args: &AdoptArgs) -> Result<Exit, CliError> {
    let adopted = runtime()?.block_on(async {
        let stop = CancellationToken::new();
        signals::watch(&stop, None).map_err(CliError::signals)?;
        context.reach(&stop).await?.adopt(&args.sync).await
    })?;
    let sync = &args.sync;
    let report = &context.report;
    if report.json {
        report.print_json(&serde_json::json!({
            "sync": sync,
            "adopted": adopted.adopted,
            "already": adopted.already,
            "others": adopted.others,
        }))?;
    } else {
        report.print(&format!(
            "{} on the list of {sync} adopted; {} before; {} on the list {}",
            counted(adopted.adopted, "contact"),
            match adopted.already {
                1 => "1 was its own".to_owned(),
                already => format!("{} were its own", grouped(already)),
            },
            counted(adopted.others, "other"),
            match adopted.others {
                1 => "stays as it is, as no record of the sync puts it there",
                _ => "stay as they are, as no record of the sync puts them there",
            },
        ))?;
    }
    Ok(Exit::Done)
}
