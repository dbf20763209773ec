//! `rosterd sync`: starts a run now and follows it to its end.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::args::SyncArgs;
use super::exit::{CliError, Exit};
use super::report::{Report, grouped};
use super::{Context, history, runtime, service};
use crate::daemon::signals;
use crate::domain::outcome::RunOutcome;
use crate::journal::event::RunFinished;
use crate::run::{Ended, Progress, Wish};

/// How often the line of progress is drawn anew.
const DRAW_EVERY: Duration = Duration::from_millis(120);

/// Runs the command.
///
/// # Errors
/// The sync does not exist, may not run now, or its run did not complete.
pub(super) fn run(context: &Context, args: &SyncArgs) -> Result<Exit, CliError> {
    let loaded = context.load()?;
    let sync = service::sync_named(&loaded.config, &args.sync)?;
    let config = loaded.config.clone();
    let report = &context.report;
    let result = runtime()?.block_on(async {
        let stop = CancellationToken::new();
        signals::watch(&stop, None).map_err(CliError::signals)?;
        let current = service::open(loaded, stop)?.current();
        let (progress, watched) = watch::channel(Progress::default());
        let wish = Wish::Person { full: args.full };
        let followed = follow(report, watched);
        let result = tokio::select! {
            result = current.run(&sync, wish, &progress) => result,
            () = followed => None,
        };
        Ok::<_, CliError>(result)
    })?;
    let Some(Ended { finished, error }) = result else {
        return Err(CliError::because(Exit::Failed, "the run did not begin"));
    };
    if let Some(finished) = &finished {
        history::print_run(&config, finished.run, report)?;
    }
    match error {
        Some(error) => Err(error.into()),
        None => Ok(finished.as_ref().map_or(Exit::Failed, exit_of)),
    }
}

fn exit_of(finished: &RunFinished) -> Exit {
    match finished.outcome {
        RunOutcome::Completed => Exit::Done,
        RunOutcome::Held => Exit::Refused,
        RunOutcome::Failed => Exit::Failed,
    }
}

/// Shows how far the run has come, on a terminal, until it is dropped.
pub(super) async fn follow(report: &Report, mut progress: watch::Receiver<Progress>) {
    if report.quiet || report.json || !std::io::stderr().is_terminal() {
        return std::future::pending().await;
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed} so far") {
        bar.set_style(style);
    }
    let _cleared = ClearOnDrop(bar.clone());
    bar.enable_steady_tick(DRAW_EVERY);
    loop {
        bar.set_message(message(&progress.borrow_and_update().clone()));
        if progress.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

fn message(progress: &Progress) -> String {
    let doing = if progress.doing.is_empty() {
        "asking the services"
    } else {
        progress.doing
    };
    format!(
        "{doing}: {} records read, {} contacts settled, {} calls",
        grouped(progress.records),
        grouped(progress.settled),
        grouped(progress.calls)
    )
}

struct ClearOnDrop(ProgressBar);

impl Drop for ClearOnDrop {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
