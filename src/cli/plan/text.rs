//! A plan for people, laid out as the account of a run is.

use jiff::tz::TimeZone;

use super::Named;
use crate::cli::report::{Report, Style, counted, escape, took};
use crate::cli::tally::{cost, counts, fact, window};
use crate::daemon::answer::Planned;
use crate::domain::outcome::RunOutcome;
use crate::run::rehearsal::{Reading, Way};

/// The plan of a run.
pub(super) fn told(named: &Named, planned: &Planned, zone: &TimeZone, report: &Report) -> String {
    let finished = &planned.finished;
    let heading = format!(
        "what a run of {}, account {}, would do now",
        named.id, named.account
    );
    let mut text = report.paint(Style::Bold, &heading) + "\n\n";
    let warn = |name: &str, sentence: &str| fact(name, &report.paint(Style::Yellow, sentence));
    if let Some((_, remedy)) = &planned.inactive {
        text += &warn("inactive", &format!("no run starts: {remedy}"));
    }
    if planned.resumes {
        let sentence = format!(
            "run {}, which {}: this is what is left of it; a run of its own comes after it",
            finished.run,
            match planned.is_under_way {
                true => "is under way",
                false => "was interrupted",
            }
        );
        text += &warn("resumes", &sentence);
    }
    if let Some(error) = &planned.error {
        let sentence = format!(
            "nobody would be added or updated, and the run would fail: {}",
            escape(&error.to_string())
        );
        text += &fact("fails", &report.paint(Style::Red, &sentence));
    }
    if let Some(sentence) = held(planned) {
        text += &warn("held", &sentence);
    }
    text += &fact("window", &window(finished, zone));
    if let Some(reading) = &planned.reading {
        text += &fact("reading", &way(reading));
    }
    text += &fact("cost", &cost(finished));
    text += &fact("time", &time(planned.read_ms, planned.write_ms));
    text.push('\n');
    text + &counts(&finished.counts, report)
}

fn held(planned: &Planned) -> Option<String> {
    match planned.held {
        Some((removals, bound)) if removals > bound => Some(format!(
            "{} would wait for a person, more than the bound of {bound}; all else would be done",
            counted(removals, "removal")
        )),
        Some((removals, _)) => Some(format!(
            "{} would wait for a person, with those that are held already; all else would be done",
            counted(removals, "removal")
        )),
        None if planned.finished.outcome == RunOutcome::Held => Some(
            "removals of an earlier run wait for a person still; `--people` names them".to_owned(),
        ),
        None => None,
    }
}

fn way(reading: &Reading) -> String {
    let way = match reading.way {
        Way::Coql => "by COQL",
        Way::Bulk => "by a bulk job",
        Way::Records => "by Get Records",
    };
    format!(
        "{} {way}, for {}",
        counted(reading.rows, "record"),
        counted(reading.credits, "credit")
    )
}

fn time(read_ms: u64, write_ms: u64) -> String {
    if write_ms == 0 {
        return format!("about {}, as there is nothing to write", took(read_ms));
    }
    format!(
        "about {}: {} to read, {} to write",
        took(read_ms + write_ms),
        took(read_ms),
        took(write_ms)
    )
}
