//! `rosterd release`: lifts the block of an address whose opted-out record is gone for good.

use tokio_util::sync::CancellationToken;

use super::args::ReleaseArgs;
use super::exit::{CliError, Exit};
use super::report::counted;
use super::{Context, runtime};
use crate::daemon::signals;
use crate::domain::address::EmailAddress;

/// Runs the command.
///
/// # Errors
/// The address is none or not blocked so, an opted-out record is still there, or the CRM could not be asked.
pub(super) fn run(context: &Context, args: &ReleaseArgs) -> Result<Exit, CliError> {
    let usage = |message: String| CliError::because(Exit::Usage, message);
    let address = EmailAddress::parse(&args.address)
        .map_err(|problem| usage(format!("this is not an address: {problem}")))?;
    let reason = args.reason.trim();
    if reason.is_empty() {
        return Err(usage(
            "the reason is empty: say why the block is lifted".to_owned(),
        ));
    }
    if reason.contains('@') {
        let message =
            "the reason goes into the history, which names no people: leave addresses out of it";
        return Err(usage(message.to_owned()));
    }
    let released = runtime()?.block_on(async {
        let stop = CancellationToken::new();
        signals::watch(&stop, None).map_err(CliError::signals)?;
        context.reach(&stop).await?.release(&address, reason).await
    })?;
    let report = &context.report;
    if report.json {
        let accounts = released.iter().map(
            |(account, records)| serde_json::json!({ "account": account, "records": records }),
        );
        let accounts: Vec<_> = accounts.collect();
        report.print_json(&serde_json::json!({ "released": accounts }))?;
    } else {
        for (account, records) in released {
            report.print(&format!(
                "released in account {account} from the opt-out of {}; the next run of each sync that has the address decides it anew",
                counted(records, "record")
            ))?;
        }
    }
    Ok(Exit::Done)
}
