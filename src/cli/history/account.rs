//! The account of one run: what it covered, what it counted and why, and what it cost.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::parked;
use super::past::Hold;
use super::past::Past;
use super::rows::outcome;
use crate::cli::exit::{CliError, Exit};
use crate::cli::report::{Report, Style, before, counted, escape, time, took, zone_name};
use crate::cli::tally::{cost, counts, fact, window};
use crate::domain::ids::RunId;
use crate::domain::outcome::RunOutcome;
use crate::journal::Line;
use crate::journal::event::{Event, RunFinished, RunHeld, RunParked, RunStarted};

/// What the journal tells of one run.
#[derive(Default)]
struct Told<'p> {
    started: Option<(&'p Line, &'p RunStarted)>,
    finished: Option<(&'p Line, &'p RunFinished)>,
    held: Option<&'p RunHeld>,
    /// What it is held under.
    hold: Option<Hold>,
    resumed_at: Vec<Timestamp>,
    /// Where it waits.
    parked: Option<&'p RunParked>,
}

/// Prints the account of one run.
pub(super) fn print(
    past: &Past,
    run: RunId,
    zone: &TimeZone,
    report: &Report,
) -> Result<Exit, CliError> {
    let told = gather(past, run);
    match told.finished {
        Some((line, _)) if report.json => report.print(&line.text)?,
        Some((line, finished)) => {
            report.print(&ended(&told, line.at, finished, zone, report))?;
        }
        None if report.json => report.note(&format!("run {run} has not ended")),
        None => report.print(&unfinished(&told, run, zone))?,
    }
    Ok(Exit::Done)
}

fn gather(past: &Past, run: RunId) -> Told<'_> {
    let mut told = Told::default();
    for (line, event) in past.events_of(run) {
        match event {
            Event::RunStarted(run) => told.started = Some((line, run)),
            Event::RunFinished(run) => told.finished = Some((line, run)),
            Event::RunHeld(run) => told.held = Some(run),
            Event::RunResumed(_) => {
                told.parked = None;
                told.resumed_at.push(line.at);
            }
            Event::RunParked(run) => told.parked = Some(run),
            Event::RunApproved(_)
            | Event::RunDiscarded(_)
            | Event::RunDeferred(_)
            | Event::RunSkipped(_)
            | Event::AddressReleased(_)
            | Event::AddressForgotten(_)
            | Event::SyncActivated(_)
            | Event::SyncDeactivated(_)
            | Event::AccountKeyChanged(_)
            | Event::AccountOrganisationChanged(_)
            | Event::ConfigReloaded(_)
            | Event::StateRestored(_) => {}
        }
    }
    let holds = past.holds().into_iter();
    told.hold = match (told.held, told.finished) {
        (Some(held), _) => holds.rev().find(|hold| hold.run == held.run),
        // It held nothing itself: what earlier runs held is still open.
        (None, Some((_, ended))) if ended.outcome == RunOutcome::Held => holds
            .rev()
            .find(|hold| hold.sync == ended.sync && hold.run < ended.run),
        (None, _) => None,
    };
    told
}

/// What was held, and what became of it.
fn held(told: &Told<'_>, zone: &TimeZone, report: &Report) -> String {
    let Some(hold) = &told.hold else {
        return String::new();
    };
    let text = match (&hold.settled, told.held) {
        (Some((at, text)), held) => {
            let removals = held.map_or(hold.removals, |held| held.removals);
            let removals = counted(removals, "removal");
            let text = format!("{removals}, {text} on {}", time(*at, zone));
            return fact("held", &text);
        }
        (None, Some(held)) if held.joined_by.is_none() => hold.told(),
        (None, Some(_)) => format!("with those of run {}: {}", hold.run, hold.told()),
        (None, None) => format!("by run {} still: {}", hold.run, hold.told()),
    };
    fact("held", &report.paint(Style::Yellow, &text))
}

fn unfinished(told: &Told<'_>, run: RunId, zone: &TimeZone) -> String {
    let mut text = format!("run {run} has not ended\n\n");
    if let Some((line, started)) = told.started {
        text = format!(
            "run {run} of {}, account {}, has not ended\n\n",
            started.sync, started.account
        );
        let began = moment(line.at, zone);
        text += &fact("began", &format!("{began}, {}", started.trigger.name()));
    }
    text + &resumed(told, zone) + &parked(told, zone)
}

fn ended(
    told: &Told<'_>,
    at: Timestamp,
    run: &RunFinished,
    zone: &TimeZone,
    report: &Report,
) -> String {
    let heading = format!("run {} of {}, account {}", run.run, run.sync, run.account);
    let began = moment(before(at, run.elapsed_ms), zone);
    let how = report.paint(outcome(run.outcome), run.outcome.name());
    let mut text = report.paint(Style::Bold, &heading) + "\n\n";
    text += &fact("began", &format!("{began}, {}", run.trigger.name()));
    text += &resumed(told, zone);
    text += &fact(
        "ended",
        &format!("{}, {how} after {}", moment(at, zone), took(run.elapsed_ms)),
    );
    if let Some(error) = &run.error {
        text += &fact("error", &report.paint(Style::Red, &escape(&error.message)));
    }
    text += &held(told, zone, report);
    text += &fact("window", &window(run, zone));
    text += &fact("cost", &cost(run));
    text.push('\n');
    text += &counts(&run.counts, report);
    if run.counts.ignored > 0 {
        text += &format!(
            "\n  who was ignored: rosterd history --run {} --ignored\n",
            run.run
        );
    }
    text
}

/// Resumptions that are told one by one; a run that is parked every hour has many.
const RESUMED_TOLD_MAX: usize = 5;

fn resumed(told: &Told<'_>, zone: &TimeZone) -> String {
    match told.resumed_at.as_slice() {
        [.., last] if told.resumed_at.len() > RESUMED_TOLD_MAX => {
            let times = told.resumed_at.len();
            let last = moment(*last, zone);
            fact("resumed", &format!("{times} times, the last time {last}"))
        }
        few => {
            let facts = few.iter().map(|at| fact("resumed", &moment(*at, zone)));
            facts.collect()
        }
    }
}

/// Until when it waits, and for what.
fn parked(told: &Told<'_>, zone: &TimeZone) -> String {
    let told = told.parked.map(|parked| {
        let until = moment(parked.until, zone);
        let waiting = parked::waiting(parked);
        let told = format!("until {until}{waiting}: {}", escape(&parked.message));
        fact("parked", &told)
    });
    told.unwrap_or_default()
}

fn moment(at: Timestamp, zone: &TimeZone) -> String {
    format!("{} ({})", time(at, zone), zone_name(zone))
}
