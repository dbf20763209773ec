//! `rosterd history`: past runs, one run in full, or whom it ignored. Reads files only, so it works beside a daemon.

mod account;
mod ignored;
pub(super) mod parked;
mod past;
mod rows;
pub(crate) mod since;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

pub(super) use self::past::Hold;
use self::past::{Past, short_length, sync_of};
use self::rows::Rows;
use super::Context;
use super::args::HistoryArgs;
use super::exit::{CliError, Exit};
use super::report::Report;
use crate::config::settings::Config;
use crate::daemon::signals::StopFlag;
use crate::domain::ids::{RunId, SyncId};
use crate::domain::unknown::Unknown;
use crate::journal::event::{RunError, RunFinished};
use crate::journal::{Event, Line};

/// What somebody has to name of a run whose removals are decided: all ids of a few years begin alike.
const HELD_RUN_CHARS_MIN: usize = 10;

/// How often `--follow` looks for new lines.
const FOLLOW_EVERY: Duration = Duration::from_millis(250);

/// Runs the command.
///
/// # Errors
/// When the files are not valid, the history cannot be read, or a sync or run does not exist.
pub(super) fn run(context: &Context, args: &HistoryArgs) -> Result<Exit, CliError> {
    let config = context.load_to_look()?.config;
    let report = &context.report;
    let past = Past::read(&config.history_dir, report)?;
    let sync = match &args.sync {
        Some(asked) => Some(past.check_sync(asked, config.syncs.keys())?),
        None => None,
    };
    if let Some(asked) = &args.run {
        let run = past.check_run(asked, sync.as_ref())?;
        return match args.ignored {
            true => ignored::print(&config.history_dir, run, report),
            false => account::print(&past, run, &config.timezone, report),
        };
    }
    let asked = Asked {
        sync,
        since: args
            .since
            .map(|since| since.resolve(context.clock.now(), &config.timezone)),
    };
    match report.json {
        true => print_json(past, &asked, args.follow, report),
        false => print_table(past, &asked, args.follow, &config, report),
    }
}

/// Prints one run in full.
///
/// # Errors
/// When the history cannot be read or printed.
pub(super) fn print_run(config: &Config, run: RunId, report: &Report) -> Result<Exit, CliError> {
    let past = Past::read(&config.history_dir, report)?;
    account::print(&past, run, &config.timezone, report)
}

/// The run of this id, or beginning of one, that left removals for a person, and its sync.
///
/// # Errors
/// [`CliError::Unknown`], which lists those that are open.
pub(super) fn held_run(
    config: &Config,
    asked: &str,
    report: &Report,
) -> Result<(RunId, SyncId), CliError> {
    let past = Past::read(&config.history_dir, report)?;
    let open: BTreeMap<RunId, SyncId> = open_holds(&past)
        .map(|hold| (hold.run, hold.sync))
        .collect();
    let beginning = asked.to_ascii_uppercase();
    if beginning.len() < HELD_RUN_CHARS_MIN {
        let message = format!(
            "`{asked}` is too little of a run's id: name {HELD_RUN_CHARS_MIN} characters of it at least, as `rosterd status` shows it"
        );
        return Err(CliError::because(Exit::Usage, message));
    }
    let mut settled = past.holds().into_iter().rev();
    let is_it =
        |hold: &Hold| hold.settled.is_some() && hold.run.to_string().starts_with(&beginning);
    if let Some(hold) = settled.find(is_it)
        && !open.contains_key(&hold.run)
    {
        let message = format!("run {} holds nothing any more: {}", hold.run, hold.told());
        return Err(CliError::because(Exit::Usage, message));
    }
    let mut fits = open
        .iter()
        .filter(|(run, _)| run.to_string().starts_with(&beginning));
    match (fits.next(), fits.next()) {
        (Some((run, sync)), None) if !beginning.is_empty() => Ok((*run, sync.clone())),
        _ => Err(CliError::Unknown(Unknown {
            what: "held run".into(),
            asked: asked.to_owned(),
            existing: open.keys().map(ToString::to_string).collect(),
        })),
    }
}

fn open_holds(past: &Past) -> impl Iterator<Item = Hold> {
    let holds = past.holds().into_iter();
    holds.filter(|hold| hold.settled.is_none())
}

/// What waits for a person, by sync.
///
/// # Errors
/// When the history cannot be read.
pub(super) fn waiting(
    config: &Config,
    report: &Report,
) -> Result<BTreeMap<SyncId, Hold>, CliError> {
    let past = Past::read(&config.history_dir, report)?;
    let holds = open_holds(&past);
    Ok(holds.map(|hold| (hold.sync.clone(), hold)).collect())
}

/// The last run of each sync that ended, with its line in the journal.
///
/// # Errors
/// When the history cannot be read.
pub(super) fn last_runs(
    config: &Config,
    report: &Report,
) -> Result<BTreeMap<SyncId, (RunFinished, String)>, CliError> {
    let past = Past::read(&config.history_dir, report)?;
    let mut last = BTreeMap::new();
    for line in past.lines {
        if let Some(Event::RunFinished(run)) = line.event {
            last.insert(run.sync.clone(), (*run, line.text));
        }
    }
    Ok(last)
}

/// An occurrence that could not start a run.
pub(super) struct Failed {
    /// When that was.
    pub(super) at: Timestamp,
    /// When the same run is tried again by itself.
    pub(super) again: Option<Timestamp>,
    /// Why not.
    pub(super) error: RunError,
}

/// The syncs whose last occurrence could not start a run.
///
/// # Errors
/// When the history cannot be read.
pub(super) fn not_started(
    config: &Config,
    report: &Report,
) -> Result<BTreeMap<SyncId, Failed>, CliError> {
    let past = Past::read(&config.history_dir, report)?;
    let mut failed = BTreeMap::new();
    for line in past.lines {
        let (sync, error, again) = match line.event {
            Some(Event::RunSkipped(run)) => (run.sync, run.error, None),
            Some(Event::RunDeferred(run)) => (run.sync, run.error, run.next),
            Some(Event::RunStarted(run)) => {
                failed.remove(&run.sync);
                continue;
            }
            // What was to be tried again is nobody's any more.
            Some(Event::SyncDeactivated(inactive)) => {
                failed.remove(&inactive.sync);
                continue;
            }
            Some(_) | None => continue,
        };
        if let Some(error) = error {
            let at = line.at;
            failed.insert(sync, Failed { at, again, error });
        }
    }
    Ok(failed)
}

/// All runs that ended, the newest last.
///
/// # Errors
/// When the history cannot be read.
pub(super) fn finished_runs(
    config: &Config,
    report: &Report,
) -> Result<Vec<RunFinished>, CliError> {
    let past = Past::read(&config.history_dir, report)?;
    let ended = past.lines.into_iter().filter_map(|line| match line.event {
        Some(Event::RunFinished(run)) => Some(*run),
        Some(_) | None => None,
    });
    Ok(ended.collect())
}

/// Which runs are asked for.
struct Asked {
    sync: Option<SyncId>,
    since: Option<Timestamp>,
}

impl Asked {
    fn covers(&self, at: Timestamp, event: &Event) -> bool {
        let of_sync = self.sync.is_none() || sync_of(event) == self.sync.as_ref();
        of_sync && self.since.is_none_or(|since| at >= since)
    }

    fn event<'l>(&self, line: &'l Line) -> Option<&'l Event> {
        let event = line.event.as_ref()?;
        self.covers(line.at, event).then_some(event)
    }
}

fn print_json(
    mut past: Past,
    asked: &Asked,
    follow: bool,
    report: &Report,
) -> Result<Exit, CliError> {
    let print = |lines: &[Line]| -> Result<(), CliError> {
        for line in lines {
            if let Some(Event::RunFinished(_)) = asked.event(line) {
                report.print(&line.text)?;
            }
        }
        Ok(())
    };
    print(&past.lines)?;
    if follow {
        follow_on(&mut past, report, print)?;
    }
    Ok(Exit::Done)
}

fn print_table(
    mut past: Past,
    asked: &Asked,
    follow: bool,
    config: &Config,
    report: &Report,
) -> Result<Exit, CliError> {
    let mut rows = Rows::new(
        config.timezone.clone(),
        short_length(&past.runs()),
        past.holds(),
    );
    for line in &past.lines {
        if let Some(event) = asked.event(line) {
            rows.event(line.at, event);
        }
    }
    // Those that are followed show up when they end.
    let parked = past.parked();
    for (line, run) in past.unfinished() {
        if !follow
            && line
                .event
                .as_ref()
                .is_some_and(|event| asked.covers(line.at, event))
        {
            let parked = parked.get(&run.sync).filter(|it| it.run == run.run);
            rows.unfinished(line.at, run, parked.copied());
        }
    }
    if rows.table.is_empty() && !follow {
        report.note(if past.runs().is_empty() {
            "no run yet: `rosterd sync SYNC` starts one, `rosterd daemon` keeps to the schedules"
        } else {
            "no such run: there are others, which `rosterd history` shows"
        });
        return Ok(Exit::Done);
    }
    report.print(&rows.table.render(report))?;
    if follow {
        follow_on(&mut past, report, |lines| {
            rows.table.clear();
            for line in lines {
                if let Some(event) = asked.event(line) {
                    rows.event(line.at, event);
                }
            }
            if !rows.table.is_empty() {
                report.print(&rows.table.render_rows(report))?;
            }
            Ok(())
        })?;
    }
    Ok(Exit::Done)
}

/// Hands on what is appended, until a signal asks to stop.
fn follow_on(
    past: &mut Past,
    report: &Report,
    mut print: impl FnMut(&[Line]) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let stop = StopFlag::register().map_err(CliError::signals)?;
    past.lines = Vec::new();
    while !stop.is_set() {
        let lines = past.more(report);
        if lines.is_empty() {
            std::thread::sleep(FOLLOW_EVERY);
        }
        print(&lines)?;
    }
    Ok(())
}
