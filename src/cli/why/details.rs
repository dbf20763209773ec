//! What stands behind the answer: the records with their conditions, who wins, what was sent and what was said.

use super::Telling;
use super::answer::next_run;
use super::values::shown;
use crate::cli::report::minute;
use crate::domain::outcome::{Outcome, Reason};
use crate::run::why::{Found, LastIgnored, Next, RecordStory, SyncStory, Whereabouts, instant};
use crate::store::ledger::rows::{Asked, ReplyRow, Said};

/// The lines beneath a sync's answer.
pub(super) fn details(telling: &Telling<'_>, sync: &SyncStory) -> Vec<String> {
    let mut lines: Vec<String> = sync
        .found
        .iter()
        .map(|it| as_of(telling, sync, it))
        .collect();
    for record in &sync.records {
        lines.push(heading(telling, sync, record));
        for condition in &record.conditions {
            let truth = if condition.holds { "true" } else { "false" };
            let has = shown(&condition.value, telling.zone);
            let (number, words) = (condition.number, &condition.words);
            lines.push(format!("  {number}  {words}: {truth}, it has {has}"));
        }
    }
    if let Some(sent) = &sync.sent {
        lines.push(format!("Last sent: {}.", fields(sent)));
    }
    for label in &sync.cut {
        lines.push(format!(
            "The value of `{label}` is longer than the field in Campaigns, and is cut to fit."
        ));
    }
    if sync.on_list() && matches!(sync.next, Next::Sends(_)) {
        lines.push(differs(sync));
    }
    lines.extend(sync.reply.as_ref().map(|reply| said(telling, reply)));
    if !sync.on_list() {
        lines.extend(sync.ignored.as_ref().map(|it| ignored(telling, it)));
    }
    if sync.left_over {
        lines.push("It waits to be decided by the next run.".to_owned());
    }
    if let Some(problem) = &sync.problem {
        lines.push(format!("Its records were not asked for: {problem}"));
    }
    lines
}

fn heading(telling: &Telling<'_>, sync: &SyncStory, record: &RecordStory) -> String {
    let mut words = format!("Record {} of {}", record.id, sync.definition.module);
    if let Some(at) = record.modified_at {
        words += &format!(", changed on {}", minute(at, telling.zone));
    }
    words += match (record.place, record.selected) {
        (Whereabouts::Gone, _) if sync.may_be_converted => {
            ", is not in the CRM any more, or is a converted lead"
        }
        (Whereabouts::Gone, _) => ", is not in the CRM any more",
        (Whereabouts::Unread, Some(true)) => ", was selected when last read",
        (Whereabouts::Unread, _) => ", was not read",
        (Whereabouts::Readdressed, _) if record.emptied => ", has no address now",
        (Whereabouts::Readdressed, _) => ", has another address now",
        (Whereabouts::Here, Some(true)) => ", is selected",
        (Whereabouts::Here, Some(false) | None) => ", is not selected",
    };
    words += &match &record.outcome {
        _ if record.wins || record.emptied => String::new(),
        Some((Outcome::Ignored(Reason::FileDuplicate), _)) => {
            let winner = sync.winner().map(|it| (it.id, it.modified_at));
            match winner {
                Some((id, at)) if at == record.modified_at => format!(
                    "; record {id} has the same address and wins, as it was changed at the same time and has the lower id"
                ),
                Some((id, _)) => {
                    format!("; record {id} has the same address and wins, as it was changed later")
                }
                None => String::new(),
            }
        }
        Some((Outcome::Ignored(_), detail)) if !detail.is_empty() => format!("; {detail}"),
        Some(_) | None => String::new(),
    };
    let rivals = sync.records.iter().filter(|it| it.selected == Some(true));
    if record.wins && rivals.count() > 1 {
        words += "; it wins";
    }
    match record.conditions.is_empty() {
        true => words + ".",
        false => words + ":",
    }
}

/// Of when it is how the address stands: Campaigns is not asked again.
fn as_of(telling: &Telling<'_>, sync: &SyncStory, found: &Found) -> String {
    let at = |at| minute(at, telling.zone);
    let ended_at = at(found.ended_at);
    let found_by = match found.failed {
        false => format!("As the run that ended on {ended_at} found it"),
        true => {
            format!(
                "As the last runs found it; the one that failed on {ended_at} may have read less"
            )
        }
    };
    match found.read_in_full_at.filter(|_| sync.member.is_none()) {
        Some(read_at) => format!(
            "{found_by}; whom others put on the list after {} it need not know.",
            at(read_at)
        ),
        None => format!("{found_by}."),
    }
}

/// That what a record says now is not what was sent, whichever of the two is another one.
fn differs(sync: &SyncStory) -> String {
    let record = sync.winner().map(|record| record.id);
    let record = record.map_or_else(String::new, |id| format!(" of record {id}"));
    let run = next_run(sync);
    match sync.sent {
        Some(_) => {
            format!("That is not what the fields{record} are now; {run} sends what differs.")
        }
        None => format!("This sync has sent nothing yet; {run} sends the fields{record}."),
    }
}

fn fields(sent: &[(String, String)]) -> String {
    if sent.is_empty() {
        return "the address alone".to_owned();
    }
    let fields = sent
        .iter()
        .map(|(label, value)| format!("{label} \"{value}\""));
    fields.collect::<Vec<_>>().join(", ")
}

fn said(telling: &Telling<'_>, reply: &ReplyRow) -> String {
    let at = minute(instant(reply.at), telling.zone);
    let asked = match reply.asked {
        Asked::Subscribe => "to add or update it",
        Asked::Unsubscribe => "to take it off",
    };
    let said = match &reply.said {
        Said::Accepted => "accepted".to_owned(),
        Said::AlreadyThere => "it was there already".to_owned(),
        Said::Refused { code, text } => format!("refused, {code} {}", text.trim_end_matches('.')),
    };
    format!("Campaigns was last asked {asked} on {at}: {said}.")
}

fn ignored(telling: &Telling<'_>, ignored: &LastIgnored) -> String {
    let LastIgnored {
        run,
        at,
        record,
        reason,
        detail,
    } = ignored;
    let at = minute(*at, telling.zone);
    let detail = match detail.as_str() {
        "" => String::new(),
        detail => format!(" ({})", detail.trim_end_matches('.')),
    };
    format!(
        "A run last ignored it on {at}: record {record}, {}{detail}; `rosterd history --run {run} --ignored`.",
        reason.name()
    )
}
