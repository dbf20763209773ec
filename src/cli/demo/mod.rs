//! `rosterd demo`: sandbox and daemon in one process and a temporary folder, two imports, and a story about them.
//!
//! Nothing in it is a shortcut: files are loaded as those of any installation, calls go over HTTP, and every number is
//! read back from the journal or from the sandbox's lists. The environment is not asked, so that it works anywhere.

mod changes;
mod files;
mod people;
mod story;
mod text;

use std::io;
use std::path::Path;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::exit::{CliError, Exit};
use super::report::Report;
use super::{Context, runtime, service, sync};
use crate::clock::Clock;
use crate::config::load;
use crate::daemon::{Current, signals};
use crate::domain::ids::{RunId, SyncId};
use crate::domain::outcome::RunOutcome;
use crate::run::{Ended, Progress, RunError, Wish};
use crate::sandbox::{Options, Sandbox, World, lock};
use files::{DEFINITIONS, Definition};
use people::{Known, NAMED, Person};
use story::{Import, Story};

/// Contacts, and as many leads: enough for every defect of real data, few enough for a second or two.
const PEOPLE: usize = 600;

/// Runs the command.
///
/// # Errors
/// A run does not complete, the folder cannot be used, or a signal stops it.
pub(super) fn run(context: &Context) -> Result<Exit, CliError> {
    let report = &context.report;
    let runtime = runtime()?;
    let stop = CancellationToken::new();
    {
        // From here on a signal ends in this function, which leaves nothing behind.
        let _within = runtime.enter();
        signals::watch(&stop, None).map_err(CliError::signals)?;
    }
    let folder = tempfile::Builder::new().prefix("rosterd-demo-").tempdir();
    let folder = folder.map_err(failed_to("make a temporary folder; TMPDIR names where"))?;
    let played = runtime.block_on(play(folder.path(), stop, report));
    // Ends whatever might still write into the folder.
    drop(runtime);
    let removed = folder.close();
    let story = played?;
    removed.map_err(failed_to("remove the temporary folder"))?;
    if report.json {
        report.print_json(&story)?;
    } else {
        report.print(&text::tell(&story, report))?;
    }
    Ok(Exit::Done)
}

/// Plays it all in `folder`.
async fn play(folder: &Path, stop: CancellationToken, report: &Report) -> Result<Story, CliError> {
    let options = Options {
        people: PEOPLE,
        ..Options::default()
    };
    let sandbox = Sandbox::start(&options).await;
    let sandbox = sandbox.map_err(failed_to("listen on 127.0.0.1"))?;
    let path = files::write(folder, sandbox.url()).map_err(failed_to("write the demo's files"))?;
    let loaded = load(&path, std::iter::empty())?;
    let history = loaded.config.history_dir.clone();
    // The stand-ins' clock goes ahead of this one, which only a clock for rehearsals puts up with.
    let clock = Clock::moved_by(folder.join("clock-offset"));
    let current = service::open(loaded, &clock, stop)?.current();
    let world = sandbox.world();

    let records = ["Contacts", "Leads", "Event_Guests"];
    let records = records.map(|module| (module, lock(&world).crm.count(module)));
    let runs = import(&current, report).await?;
    let first = Import::look(&history, &runs, &lock(&world))?;
    let before = look(&lock(&world));
    let changes = changes::make(&mut lock(&world))?;
    let runs = import(&current, report).await?;
    let second = Import::look(&history, &runs, &lock(&world))?;
    let after = look(&lock(&world));
    sandbox
        .stop()
        .await
        .map_err(failed_to("stop the sandbox"))?;

    let known = before.into_iter().zip(after);
    let people = NAMED.iter().zip(known);
    Ok(Story {
        records: records.into_iter().collect(),
        definitions: DEFINITIONS.iter().map(|one| (one.id, one.text)).collect(),
        imports: [first, second],
        changes,
        people: people
            .map(|(named, (before, after))| Person::new(named, before, after))
            .collect(),
    })
}

fn look(world: &World) -> [Known; 3] {
    NAMED.map(|named| people::look(world, named.address))
}

/// Runs every sync once, as `rosterd sync` does.
async fn import(current: &Current, report: &Report) -> Result<Vec<RunId>, CliError> {
    let mut runs = Vec::new();
    for definition in &DEFINITIONS {
        runs.push(import_one(current, definition, report).await?);
    }
    Ok(runs)
}

async fn import_one(
    current: &Current,
    definition: &Definition,
    report: &Report,
) -> Result<RunId, CliError> {
    let sync: SyncId = current.base.config.sync_named(definition.id)?;
    let (progress, watched) = watch::channel(Progress::default());
    let wish = Wish::Person { full: false };
    let ticket = current.ticket(&sync).ok_or_else(|| not_completed(&sync))?;
    let ran = tokio::select! {
        ran = current.run(&ticket, wish, &progress) => ran,
        () = sync::follow(report, watched) => None,
    };
    let Some(Ended {
        finished, error, ..
    }) = ran
    else {
        return Err(not_completed(&sync));
    };
    match error {
        Some(RunError::Stopped) => {
            let message = "stopped before the end; nothing is kept";
            Err(CliError::because(Exit::TryAgain, message))
        }
        Some(error) => Err(error.into()),
        None => finished
            .filter(|run| run.outcome == RunOutcome::Completed)
            .map(|run| run.run)
            .ok_or_else(|| not_completed(&sync)),
    }
}

fn not_completed(sync: &SyncId) -> CliError {
    let message = format!("the run of {sync} did not complete; please report this");
    CliError::because(Exit::Failed, message)
}

fn failed_to(doing: &str) -> impl FnOnce(io::Error) -> CliError {
    let doing = doing.to_owned();
    |source| CliError::System { doing, source }
}
