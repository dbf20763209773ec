//! `rosterd plan`: what a run would do now, person by person on request, and what it would cost. Changes nothing.

mod people;
mod text;

use std::fs::File;
use std::io::{BufWriter, Write};

use jiff::tz::TimeZone;
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::people::People;
use super::args::PlanArgs;
use super::exit::{CliError, Exit};
use super::reach::Reach;
use super::{Context, runtime, sync};
use crate::daemon::answer::{AskError, Planned};
use crate::daemon::rehearsal::{Folder, Rehearsal, Scope};
use crate::daemon::signals::{self, StopFlag};
use crate::domain::ids::{AccountName, RunId, SyncId};
use crate::domain::outcome::{Counts, RunOutcome};
use crate::journal::event::RunError as JournalledError;
use crate::run::Progress;

/// Runs the command.
///
/// # Errors
/// The sync does not exist, or the run cannot be planned.
pub(super) fn run(context: &Context, args: &PlanArgs) -> Result<Exit, CliError> {
    // Before the folder, so that a signal cannot come between.
    let asked_to_stop = StopFlag::register().map_err(CliError::signals)?;
    let folder = Folder::create()?;
    let report = &context.report;
    // It ends with this block, and with it whatever may still write to the folder.
    let planned = runtime()?.block_on(async {
        let stop = CancellationToken::new();
        signals::watch(&stop, None).map_err(CliError::signals)?;
        let (progress, watched) = watch::channel(Progress::default());
        tokio::select! {
            planned = plan(context, args, &folder, &progress, &stop) => planned,
            error = sync::follow(report, watched) => Err(error),
            // There is nothing to bring to an end.
            () = stop.cancelled() => Err(stopped()),
        }
    });
    let (definition, zone, planned) = match planned {
        Err(_) if asked_to_stop.is_set() => return Err(stopped()),
        planned => planned?,
    };
    let document = Document::of(&definition.id, &planned);
    let people = People::new(folder.people(), &asked_to_stop);
    match (report.json, args.people) {
        (true, false) => report.print_json(&document)?,
        (true, true) => people.print_json(&document)?,
        (false, false) => report.print(&text::told(&definition, &planned, &zone, report))?,
        (false, true) => {
            report.print(&text::told(&definition, &planned, &zone, report))?;
            people.print_table(report)?;
        }
    }
    match planned.error {
        Some(AskError::Failed { kind, message }) => {
            let message = format!("a run would fail now: {message}");
            Err(CliError::because(Exit::of_run(kind), message))
        }
        Some(error) => Err(error.into()),
        None => Ok(Exit::Done),
    }
}

/// Has the run planned: by the daemon, or with the state in one's own hands. Its people are in `folder` then.
async fn plan(
    context: &Context,
    args: &PlanArgs,
    folder: &Folder,
    progress: &watch::Sender<Progress>,
    stop: &CancellationToken,
) -> Result<(Named, TimeZone, Planned), CliError> {
    let own = match context.reach(stop).await? {
        Reach::Daemon(remote, config) => {
            let mut people = match args.people {
                true => Some(BufWriter::new(File::create_new(folder.people())?)),
                false => None,
            };
            let asked = (args.sync.as_str(), args.full, args.people);
            let met = |person| match &mut people {
                Some(people) => {
                    serde_json::to_writer(&mut *people, &person)?;
                    people.write_all(b"\n")
                }
                None => Ok(()),
            };
            let planned = remote.plan(asked, progress, met).await?;
            if let Some(people) = &mut people {
                people.flush()?;
            }
            let named = Named {
                id: planned.finished.sync.clone(),
                account: planned.finished.account.clone(),
            };
            return Ok((named, config.timezone, planned));
        }
        Reach::Own(own) => own,
    };
    let config = &own.loaded.config;
    let id = config.sync_named(&args.sync)?;
    let zone = config.timezone.clone();
    let Some(definition) = config.syncs.get(&id).cloned() else {
        return Err(stopped());
    };
    let named = Named {
        id,
        account: definition.account.clone(),
    };
    let scope = Scope {
        full: args.full,
        people: args.people,
    };
    let times = (context.clock.clone(), stop.clone());
    let rehearsal = Rehearsal::open(own.loaded, definition, scope, folder, times)?;
    let rehearsed = rehearsal.run(progress).await?;
    Ok((named, zone, rehearsal.planned(rehearsed)))
}

/// What is planned a run of.
struct Named {
    id: SyncId,
    account: AccountName,
}

fn stopped() -> CliError {
    let message = "stopped before the end; nothing was changed, and nothing is kept";
    CliError::because(Exit::TryAgain, message)
}

/// What `plan --json` prints, `people` apart.
#[derive(Serialize)]
struct Document<'a> {
    sync: &'a SyncId,
    full: bool,
    counts: Counts,
    calls: Calls,
    /// How long it would take.
    seconds: u64,
    /// How the run would end.
    outcome: RunOutcome,
    /// Why it would fail.
    error: Option<JournalledError>,
    /// Removals that would wait for a person.
    held: Option<Held>,
    /// The interrupted run of which this is the rest.
    resumes: Option<RunId>,
    /// Whether the sync is active, so that a run could start at all.
    active: bool,
    /// Why it is not.
    reason: Option<String>,
    reading: Option<ReadingDocument>,
}

#[derive(Serialize)]
struct Calls {
    crm: u64,
    credits: u64,
    campaigns: u64,
}

#[derive(Serialize)]
struct Held {
    removals: u64,
    bound: u64,
}

#[derive(Serialize)]
struct ReadingDocument {
    way: &'static str,
    rows: u64,
    credits: u64,
}

impl<'a> Document<'a> {
    fn of(sync: &'a SyncId, planned: &Planned) -> Self {
        let finished = &planned.finished;
        let held = planned.held;
        Self {
            sync,
            full: finished.full,
            counts: finished.counts,
            calls: Calls {
                crm: finished.crm.calls,
                credits: finished.crm.credits,
                campaigns: finished.campaigns.calls,
            },
            // A part of a second takes one.
            seconds: (planned.read_ms + planned.write_ms).div_ceil(1000),
            outcome: finished.outcome,
            error: finished.error.clone(),
            held: held.map(|(removals, bound)| Held { removals, bound }),
            resumes: planned.resumes.then_some(finished.run),
            active: planned.inactive.is_none(),
            reason: planned.inactive.as_ref().map(|(why, _)| why.clone()),
            reading: planned.reading.map(|reading| ReadingDocument {
                way: reading.way.name(),
                rows: reading.rows,
                credits: reading.credits,
            }),
        }
    }
}
