//! What a daemon is at when it is struck: a few steps each, with what was there before them, and how they end if nothing
//! happens.

use super::scenes::fill_the_journal;
use super::stricken::{Duty, Step, duty};
use super::*;

pub(super) static SCHEDULED: Duty = duty(
    "a scheduled run",
    || changed(""),
    &[Step::Pass(to_the_hour), Step::Until(has_run_by_itself)],
)
.of_runs(2);

pub(super) static ASKED: Duty = duty(
    "a run that is asked for",
    || changed(""),
    &[Step::Follow, Step::Until(|rig| finished(rig) == 2)],
)
.of_runs(3);

pub(super) static DEACTIVATED: Duty = duty(
    "a deactivation",
    || imported(""),
    &[Step::Ask("deactivate newsletter")],
);

pub(super) static ACTIVATED: Duty = duty(
    "an activation and its import",
    || {
        let rig = resting(PEOPLE, "");
        rig.done("deactivate newsletter");
        rig
    },
    &[
        Step::Ask("activate newsletter"),
        Step::Pass(to_the_hour),
        Step::Until(has_run_by_itself),
    ],
);

pub(super) static RELOADED: Duty = duty("a reload", with_leads, &[Step::Ask("reload")])
    .with_files(other_files)
    .which_varies("config.reloaded");

pub(super) static STARTED: Duty = duty(
    "a start that takes up a run, and new files",
    || {
        let rig = with_leads();
        change(&rig, 3, 2);
        let hang = json!({ "method": "listsubscribe", "times": 1, "what": "hang" });
        assert!(kill_at(&rig, &hang));
        rig
    },
    &[Step::Until(|rig| finished(rig) == 2)],
)
.with_files(other_files)
.that_starts()
.of_runs(2);

pub(super) static PARKED: Duty = duty(
    "a run that is parked",
    || {
        let rig = resting(12, "");
        let pace = "campaigns_concurrency = 1\npace = { listsubscribe = \"4/h\" }\n";
        rig.settings(SAFETY, pace);
        rig.sync("newsletter", &daily());
        rig
    },
    &[
        Step::Follow,
        Step::Until(|rig| parkings(rig) >= 1 || finished(rig) == 1),
        Step::Pass(|_| 3700),
        Step::Until(|rig| parkings(rig) >= 2 || finished(rig) == 1),
        Step::Pass(|_| 3700),
        Step::Until(|rig| finished(rig) == 1),
    ],
)
.resumed_after(|rig| rig.settings(SAFETY, "pace = \"off\"\n"))
.of_runs(2)
.which_varies("run.parked");

pub(super) static ROTATED: Duty = duty(
    "a rotation",
    || {
        let rig = changed("[history]\nrotate_mib = 1\n");
        fill_the_journal(&rig);
        rig
    },
    &[Step::Pass(to_the_hour), Step::Until(has_run_by_itself)],
)
.of_runs(2);

pub(super) static DEFERRED: Duty = duty(
    "a run over the limit",
    || imported("[limits]\nruns_per_day = 1\n"),
    &[
        Step::Pass(to_the_hour),
        Step::Until(|rig| !rig.events("run.deferred").is_empty()),
        Step::Pass(to_the_hour),
        Step::Until(|rig| rig.events("run.deferred").len() >= 2),
    ],
);

pub(super) static MISSED: Duty = duty(
    "times of the schedule that were slept through",
    || imported(""),
    &[Step::Pass(|_| 3 * 3600), Step::Until(has_run_by_itself)],
)
.of_runs(2);

/// Leads and contacts, of each so many.
const PEOPLE: usize = 24;

const SAFETY: &str =
    "[safety]\nmin_removals = 3\nmax_removals = 3\n[retry]\ngive_up_after = \"1s\"\n";

/// A rig whose clock shows half past, so that no hour is full of itself, with a sync that has not run yet.
fn resting(people: usize, settings: &str) -> Rig {
    let rig = Rig::new(people);
    rig.settings(&format!("{SAFETY}{settings}"), "pace = \"off\"\n");
    rig.pass(rig.until_past_the_hour(1800));
    rig.sync("newsletter", ALL_CONTACTS);
    rig
}

/// The same, and it has run.
fn imported(settings: &str) -> Rig {
    let rig = resting(PEOPLE, settings);
    rig.import("newsletter");
    rig
}

/// The same, and the next run finds changes.
fn changed(settings: &str) -> Rig {
    let rig = imported(settings);
    change(&rig, 3, 2);
    rig
}

fn with_leads() -> Rig {
    let rig = resting(PEOPLE, "");
    rig.sync("leads", &ALL_CONTACTS.replace("\"Contacts\"", "\"Leads\""));
    rig.import("newsletter");
    rig
}

/// One sync goes, and another one comes.
fn other_files(rig: &Rig) {
    fs::remove_file(rig.path("syncs.d/leads.toml")).unwrap();
    rig.sync("other", &daily());
}

fn daily() -> String {
    ALL_CONTACTS.replace("every = \"hour\"", "every = \"day\", at = \"00:00\"")
}

fn to_the_hour(rig: &Rig) -> i64 {
    rig.until_past_the_hour(2)
}

/// Runs that the journal's current file tells the end of; it may be rotated just now.
fn finished(rig: &Rig) -> usize {
    rig.events("run.finished").len()
}

fn has_run_by_itself(rig: &Rig) -> bool {
    let finished = rig.events("run.finished");
    finished.iter().any(|run| run["trigger"] != "operator")
}

fn parkings(rig: &Rig) -> usize {
    rig.events("run.parked").len()
}
