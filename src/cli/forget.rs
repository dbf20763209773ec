//! `rosterd forget`: erases a person, and keeps what it takes to never add them again.

use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::args::ForgetArgs;
use super::exit::{CliError, Exit};
use super::reach::Reach;
use super::report::{counted, minute};
use super::state::note_aside;
use super::{Context, runtime};
use crate::daemon::{self, signals};
use crate::domain::address::bare;
use crate::domain::written::Written;
use crate::run::forget::Forgotten;
use crate::store::restore::place;

/// Runs the command.
///
/// # Errors
/// The address is empty, the contact could not be taken off a list, or the state could not be changed. Nothing adds the
/// address even then, and the same command does the rest.
pub(super) fn run(context: &Context, args: &ForgetArgs) -> Result<Exit, CliError> {
    let text = bare(&args.address);
    let Some(whom) = Written::of(text) else {
        let message = "the address is empty: name one, such as ann@example.com";
        return Err(CliError::because(Exit::Usage, message));
    };
    let (reach, forgotten) = runtime()?.block_on(async {
        let stop = CancellationToken::new();
        signals::watch(&stop, None).map_err(CliError::signals)?;
        let reach = context.reach(&stop).await?;
        let forgotten = reach.forget(&whom, text).await?;
        Ok::<_, CliError>((reach, forgotten))
    })?;
    if let Reach::Own(own) = &reach {
        daemon::wipe(&own.loaded.config.state_dir, context.clock.now())?;
    }
    told(context, forgotten, &reach.config().timezone)?;
    note_aside(&context.report, &place::remains(&reach.config().state_dir));
    if let Reach::Daemon(..) = reach {
        context.report.note(
            "note: unused parts of the ledger's file are written over when the daemon starts next",
        );
    }
    Ok(Exit::Done)
}

fn told(context: &Context, forgotten: Forgotten, zone: &TimeZone) -> Result<(), CliError> {
    let report = &context.report;
    let Forgotten {
        unsubscribed,
        on_lists_of_others,
        files,
        known,
        before,
    } = forgotten;
    if report.json {
        report.print_json(&serde_json::json!({
            "unsubscribed": unsubscribed, "on_lists_of_others": on_lists_of_others, "files": files,
            "known": known || files > 0, "before": before.map(|at| at.to_string()),
        }))?;
        return Ok(());
    }
    report.print(&match before {
        Some(at) => format!(
            "erased already on {}; no sync adds the address",
            minute(at, zone)
        ),
        None if !known && files == 0 => {
            "nobody here knew this address: look at how it is spelled. It is kept off all the same: no sync adds it from now on"
                .to_owned()
        }
        None => format!(
            "erased: taken off {}, and taken out of the ledger and of {} of ignored contacts; no sync adds the address again",
            counted(unsubscribed, "list"),
            counted(files, "file"),
        ),
    })?;
    if on_lists_of_others > 0 {
        let lists = counted(on_lists_of_others, "list");
        report.note(&format!(
            "note: the contact stays on {lists} on which others put it: look in Campaigns"
        ));
    }
    report.note("note: records in the CRM, the contact in Campaigns, the system's log and backups are yours to look after");
    Ok(())
}
