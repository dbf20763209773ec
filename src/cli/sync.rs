//! `rosterd sync`: starts a run now and follows it to its end.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::args::SyncArgs;
use super::exit::{CliError, Exit};
use super::reach::Reach;
use super::report::{Report, counted, took};
use super::{Context, history, runtime};
use crate::daemon::answer::RunAnswer;
use crate::daemon::signals;
use crate::domain::outcome::RunOutcome;
use crate::journal::event::RunFinished;
use crate::run::Progress;

/// How often the line of progress is drawn anew.
const DRAW_EVERY: Duration = Duration::from_millis(120);

/// Runs the command.
///
/// # Errors
/// The sync does not exist, may not run now, or its run did not complete.
pub(super) fn run(context: &Context, args: &SyncArgs) -> Result<Exit, CliError> {
    let report = &context.report;
    let (config, ended) = runtime()?.block_on(async {
        let stop = CancellationToken::new();
        signals::watch(&stop, None).map_err(CliError::signals)?;
        let reach = context.reach(&stop).await?;
        let (progress, watched) = watch::channel(Progress::default());
        let ended = tokio::select! {
            // A run that has not begun does not go on.
            biased;
            ended = reach.run(&args.sync, args.full, &progress) => ended?,
            error = follow(report, watched) => return Err(error),
            error = goes_on(&reach, &args.sync, &stop) => return Err(error),
        };
        Ok::<_, CliError>((reach.config().clone(), ended))
    })?;
    let RunAnswer { finished, error } = ended;
    if let Some(finished) = &finished {
        history::print_run(&config, finished.run, report)?;
    }
    match error {
        Some(error) => Err(error.into()),
        None => Ok(finished.as_ref().map_or(Exit::Failed, exit_of)),
    }
}

/// Waits until the command is to stop, where that leaves the run to the daemon; one of its own is brought to an end.
async fn goes_on(reach: &Reach, sync: &str, stop: &CancellationToken) -> CliError {
    match reach {
        Reach::Daemon(..) => stop.cancelled().await,
        Reach::Own(_) => std::future::pending().await,
    }
    let message = format!(
        "no longer followed: the run of {sync} goes on in the daemon; `rosterd status {sync}` and `rosterd history {sync}` tell how it ends"
    );
    CliError::because(Exit::TryAgain, message)
}

fn exit_of(finished: &RunFinished) -> Exit {
    match finished.outcome {
        RunOutcome::Completed => Exit::Done,
        RunOutcome::Held => Exit::Refused,
        RunOutcome::Failed => Exit::Failed,
    }
}

/// Shows how far the run has come, on a terminal, until it is dropped.
pub(super) async fn follow<T>(report: &Report, mut progress: watch::Receiver<Progress>) -> T {
    if report.quiet || report.json || !std::io::stderr().is_terminal() {
        return tell_long_waits(report, progress).await;
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed} so far") {
        bar.set_style(style);
    }
    let _cleared = ClearOnDrop(bar.clone());
    bar.enable_steady_tick(DRAW_EVERY);
    let mut pace = Pace::default();
    loop {
        let seen = progress.borrow_and_update().clone();
        let left = pace.left(&seen, bar.elapsed());
        bar.set_message(message(&seen) + &left);
        if progress.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Says what is waited for in hours to whoever does not see a line of progress.
async fn tell_long_waits<T>(report: &Report, mut progress: watch::Receiver<Progress>) -> T {
    let mut told = None;
    loop {
        let seen = progress.borrow_and_update().clone();
        if seen.waits_long && told.as_ref() != Some(&seen.doing) {
            report.note(&format!("note: {}", seen.doing));
            told = Some(seen.doing);
        }
        if progress.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// How fast records get their outcomes, since all of them are read.
#[derive(Default)]
struct Pace(Option<(Duration, u64)>);

impl Pace {
    /// The time left, in words, once there is something to tell it by.
    fn left(&mut self, progress: &Progress, elapsed: Duration) -> String {
        let Some(waiting) = progress.waiting else {
            return String::new();
        };
        let (began, before) = *self.0.get_or_insert((elapsed, progress.settled));
        let done = progress.settled.saturating_sub(before);
        let spent = elapsed.saturating_sub(began).as_millis();
        match (spent * u128::from(waiting)).checked_div(u128::from(done)) {
            Some(left) => {
                let left = u64::try_from(left).unwrap_or(u64::MAX);
                format!(", about {} left", took(left))
            }
            None => String::new(),
        }
    }
}

fn message(progress: &Progress) -> String {
    let doing = if progress.doing.is_empty() {
        "asking the services"
    } else {
        &*progress.doing
    };
    if progress.records == 0 && progress.calls == 0 {
        return doing.to_owned();
    }
    format!(
        "{doing}: {} read, {} settled, {}",
        counted(progress.records, "record"),
        counted(progress.settled, "contact"),
        counted(progress.calls, "call")
    )
}

struct ClearOnDrop(ProgressBar);

impl Drop for ClearOnDrop {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_the_pace_so_far() {
        let mut pace = Pace::default();
        let at = |settled, waiting| Progress {
            settled,
            waiting,
            ..Progress::default()
        };
        let second = Duration::from_secs;
        assert_eq!(pace.left(&at(0, None), second(1)), "", "reading");
        assert_eq!(
            pace.left(&at(100, Some(900)), second(10)),
            "",
            "nothing done yet"
        );
        assert_eq!(
            pace.left(&at(200, Some(800)), second(20)),
            format!(", about {} left", took(80_000))
        );
        assert_eq!(
            pace.left(&at(1000, Some(0)), second(100)),
            format!(", about {} left", took(0))
        );
    }
}
