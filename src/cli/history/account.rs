//! The account of one run: what it covered, what it counted and why, and what it cost.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::past::Past;
use super::rows::{outcome, waiting};
use crate::cli::exit::{CliError, Exit};
use crate::cli::report::{Report, Style, before, counted, escape, grouped, time, took, zone_name};
use crate::domain::ids::RunId;
use crate::domain::outcome::{Counts, Reason};
use crate::journal::Line;
use crate::journal::event::{Event, RunFinished, RunHeld, RunStarted};

/// What the journal tells of one run.
#[derive(Default)]
struct Told<'p> {
    started: Option<(&'p Line, &'p RunStarted)>,
    finished: Option<(&'p Line, &'p RunFinished)>,
    held: Option<&'p RunHeld>,
    settled: Option<(Timestamp, String)>,
    resumed_at: Vec<Timestamp>,
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
            Event::RunApproved(run) => {
                let text = format!("approved: {} taken off", counted(run.deleted, "contact"));
                told.settled = Some((line.at, text));
            }
            Event::RunDiscarded(run) => {
                let text = format!("discarded: {} dropped", counted(run.removals, "removal"));
                told.settled = Some((line.at, text));
            }
            Event::RunResumed(_) => told.resumed_at.push(line.at),
            Event::RunDeferred(_)
            | Event::RunSkipped(_)
            | Event::SyncActivated(_)
            | Event::SyncDeactivated(_)
            | Event::ConfigReloaded(_) => {}
        }
    }
    told
}

/// What was held, and what became of it.
fn held(told: &Told<'_>, zone: &TimeZone, report: &Report) -> String {
    match (told.held, &told.settled) {
        (None, _) => String::new(),
        (Some(held), None) => fact("held", &report.paint(Style::Yellow, &waiting(held))),
        (Some(held), Some((at, text))) => {
            let removals = counted(held.removals, "removal");
            fact(
                "held",
                &format!("{removals}, {text} on {}", time(*at, zone)),
            )
        }
    }
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
    text + &resumed(told, zone)
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

fn resumed(told: &Told<'_>, zone: &TimeZone) -> String {
    let facts = told
        .resumed_at
        .iter()
        .map(|at| fact("resumed", &moment(*at, zone)));
    facts.collect()
}

fn fact(name: &str, text: &str) -> String {
    format!("  {name:<14}{text}\n")
}

fn moment(at: Timestamp, zone: &TimeZone) -> String {
    format!("{} ({})", time(at, zone), zone_name(zone))
}

fn window(run: &RunFinished, zone: &TimeZone) -> String {
    let what = if run.full { "everything" } else { "changes" };
    match (run.from, run.to) {
        (Some(from), Some(to)) => {
            format!("{what} from {} to {}", time(from, zone), time(to, zone))
        }
        (None, Some(to)) => format!("{what} up to {}", time(to, zone)),
        (Some(from), None) => format!("{what} from {} on", time(from, zone)),
        (None, None) => format!("{what}; it ended before it could read"),
    }
}

fn cost(run: &RunFinished) -> String {
    format!(
        "{} to the CRM ({}), {} to Campaigns",
        counted(run.crm.calls, "call"),
        counted(run.crm.credits, "credit"),
        counted(run.campaigns.calls, "call")
    )
}

fn counts(counts: &Counts, report: &Report) -> String {
    let mut text = count(0, "records", counts.total, "");
    text += &count(1, "new", counts.new, "added now");
    text += &count(1, "re-added", counts.re_added, "added again");
    let updated = format!(
        "on the list or in the account before; {} updated",
        grouped(counts.updated)
    );
    text += &count(1, "duplicate", counts.duplicate, &updated);
    let colon = if counts.ignored > 0 { ":" } else { "" };
    text += &count(1, "ignored", counts.ignored, &format!("not sent{colon}"));
    for reason in Reason::ALL {
        let number = counts.ignored_by.get(reason);
        if number > 0 {
            text += &count(2, reason.name(), number, meaning(reason));
        }
    }
    text += &report.paint(Style::Dim, "  beside them");
    text.push('\n');
    text += &count(1, "deleted", counts.deleted, "taken off the list");
    text + &count(
        1,
        "not selected",
        counts.not_selected,
        "read, but not asked for",
    )
}

/// One number: names are indented by their depth, numbers and meanings line up.
fn count(depth: usize, name: &str, number: u64, meaning: &str) -> String {
    let name = format!("{}{name}", "  ".repeat(depth + 1));
    let line = format!("{name:<22}{:>9}  {meaning}", grouped(number));
    format!("{}\n", line.trim_end())
}

/// A reason for people.
pub(in crate::cli) fn meaning(reason: Reason) -> &'static str {
    match reason {
        Reason::EmptyEmail => "no address",
        Reason::InvalidPattern => "not an address mail can reach",
        Reason::GroupEmail => "an address of a role, not of a person",
        Reason::OptedOut => "opted out in the CRM",
        Reason::Converted => "a converted lead",
        Reason::FileDuplicate => "another record has the same address",
        Reason::NotCleared => "the suppressions could not be read",
        Reason::DoNotMail => "unsubscribed, or do-not-mail in Campaigns",
        Reason::Bounced => "bounced in Campaigns",
        Reason::Blocked => "blocked by Campaigns",
        Reason::Other => "refused by Campaigns",
    }
}
