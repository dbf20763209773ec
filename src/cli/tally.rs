//! What a run counted and cost, laid out for people: the same for one that was and for one that is planned.

use jiff::tz::TimeZone;

use super::report::{Report, Style, counted, grouped, time};
use crate::domain::outcome::{Counts, Reason};
use crate::journal::event::RunFinished;

/// One fact of a run: its name, and a line of text.
pub(super) fn fact(name: &str, text: &str) -> String {
    format!("  {name:<14}{text}\n")
}

/// What a run read, and of which time.
pub(super) fn window(run: &RunFinished, zone: &TimeZone) -> String {
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

/// What a run cost.
pub(super) fn cost(run: &RunFinished) -> String {
    format!(
        "{} to the CRM ({}), {} to Campaigns",
        counted(run.crm.calls, "call"),
        counted(run.crm.credits, "credit"),
        counted(run.campaigns.calls, "call")
    )
}

/// All that a run counted, in lines.
pub(super) fn counts(counts: &Counts, report: &Report) -> String {
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
pub(super) fn meaning(reason: Reason) -> &'static str {
    match reason {
        Reason::EmptyEmail => "no address",
        Reason::InvalidPattern => "not an address mail can reach",
        Reason::GroupEmail => "an address of a role, not of a person",
        Reason::OptedOut => "opted out in the CRM",
        Reason::Converted => "a converted lead",
        Reason::FileDuplicate => "another record has the same address",
        Reason::NotCleared => "nobody could be added; the run's error says why",
        Reason::DoNotMail => "unsubscribed, or do-not-mail in Campaigns",
        Reason::Bounced => "bounced in Campaigns",
        Reason::Blocked => "blocked by Campaigns",
        Reason::Other => "refused by Campaigns",
    }
}
