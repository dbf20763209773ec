//! `rosterd plan`: what a run would do now, person by person on request, and what it would cost. Changes nothing.

mod people;
mod text;

use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::people::People;
use super::args::PlanArgs;
use super::exit::{CliError, Exit};
use super::{Context, runtime, service, sync};
use crate::config::Loaded;
use crate::daemon::rehearsal::{Folder, Rehearsal, Scope};
use crate::daemon::signals::{self, StopFlag};
use crate::domain::activation::Inactivity;
use crate::domain::definition::SyncDefinition;
use crate::domain::ids::{RunId, SyncId};
use crate::domain::outcome::{Counts, RunOutcome};
use crate::journal::event::RunError as JournalledError;
use crate::run::Progress;
use crate::run::rehearsal::Rehearsed;

/// Runs the command.
///
/// # Errors
/// The sync does not exist, another process holds the state, or the run cannot be planned.
pub(super) fn run(context: &Context, args: &PlanArgs) -> Result<Exit, CliError> {
    let loaded = context.load_with_warnings()?;
    let id = service::sync_named(&loaded.config, &args.sync)?;
    let definition = loaded.config.syncs.get(&id).cloned();
    let definition = definition.ok_or_else(|| CliError::because(Exit::Usage, "no such sync"))?;
    let zone = loaded.config.timezone.clone();
    // Before the folder, so that a signal cannot come between.
    let asked_to_stop = StopFlag::register().map_err(CliError::signals)?;
    let folder = Folder::create()?;
    let scope = Scope {
        full: args.full,
        people: args.people,
    };
    let report = &context.report;
    let planned = rehearse(context, loaded, &definition, scope, &folder);
    let (planned, inactive) = match planned {
        Err(_) if asked_to_stop.is_set() => return Err(stopped()),
        planned => planned?,
    };
    let inactive = inactive.filter(|why| *why != Inactivity::Finished);
    let people = People::new(folder.people(), &asked_to_stop);
    let document = Document::of(&definition, &planned, inactive);
    let text = text::told((&definition, inactive), &planned, &zone, report);
    match (report.json, args.people) {
        (true, false) => report.print_json(&document)?,
        (true, true) => people.print_json(&document)?,
        (false, false) => report.print(&text)?,
        (false, true) => {
            report.print(&text)?;
            people.print_table(report)?;
        }
    }
    match planned.error {
        Some(error) => {
            let message = format!("a run would fail now: {}", error.message());
            Err(CliError::because(Exit::of_run(error.kind()), message))
        }
        None => Ok(Exit::Done),
    }
}

fn rehearse(
    context: &Context,
    loaded: Loaded,
    definition: &SyncDefinition,
    scope: Scope,
    folder: &Folder,
) -> Result<(Rehearsed, Option<Inactivity>), CliError> {
    // It ends with this function, and with it whatever may still write to the folder.
    runtime()?.block_on(async {
        let stop = CancellationToken::new();
        signals::watch(&stop, None).map_err(CliError::signals)?;
        let (progress, watched) = watch::channel(Progress::default());
        let times = (context.clock.clone(), stop.clone());
        let rehearsal = Rehearsal::open(loaded, definition.clone(), scope, folder, times)?;
        tokio::select! {
            rehearsed = rehearsal.run(&progress) => Ok((rehearsed?, rehearsal.inactive())),
            () = sync::follow(&context.report, watched) => Err(stopped()),
            // There is nothing to bring to an end.
            () = stop.cancelled() => Err(stopped()),
        }
    })
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
    reason: Option<&'static str>,
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
    fn of(
        definition: &'a SyncDefinition,
        planned: &Rehearsed,
        inactive: Option<Inactivity>,
    ) -> Self {
        let finished = &planned.finished;
        let took = planned.read_for + planned.writes_for;
        let held = planned.held;
        Self {
            sync: &definition.id,
            full: finished.full,
            counts: finished.counts,
            calls: Calls {
                crm: finished.crm.calls,
                credits: finished.crm.credits,
                campaigns: finished.campaigns.calls,
            },
            // A part of a second takes one.
            seconds: took.as_secs() + u64::from(took.subsec_nanos() > 0),
            outcome: finished.outcome,
            error: finished.error.clone(),
            held: held.map(|(removals, bound)| Held { removals, bound }),
            resumes: planned.resumes.then_some(finished.run),
            active: inactive.is_none(),
            reason: inactive.map(Inactivity::name),
            reading: planned.reading.map(|reading| ReadingDocument {
                way: reading.way.name(),
                rows: reading.rows,
                credits: reading.credits,
            }),
        }
    }
}
