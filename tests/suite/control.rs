//! The control socket: what commands ask of a running daemon, who is told what, and what the socket endures.

mod commands;
mod following;
mod raw;
mod socket;
mod stops;

use serde_json::{Value, json};

use crate::rig::{Rig, Running, Setup, until};

/// A schedule that is not due while a test runs.
pub(crate) const SELDOM: &str = "{ every = \"cron\", cron = \"0 0 0 1 1 *\" }";

/// A definition of contacts onto the newsletter's list that only a person starts.
pub(crate) fn newsletter() -> String {
    format!(
        "name = \"Newsletter\"\nmodule = \"Contacts\"\nlist = {{ name = \"Newsletter\" }}\n\
         select = {{ all = true }}\nschedule = {SELDOM}\n[advanced]\ndeleted = \"unsubscribe\"\n"
    )
}

/// Leads, likewise.
pub(crate) fn leads() -> String {
    let text = newsletter().replace("Contacts", "Leads");
    text.replace("Newsletter", "Hospitality")
}

/// A rig with both, nothing imported yet.
pub(crate) fn rig() -> Rig {
    let rig = Rig::with(&Setup {
        people: 30,
        settings: "[safety]\nmax_removals = 2\nmin_removals = 0\n[retry]\ngive_up_after = \"1s\"\n",
        ..Setup::default()
    });
    rig.sync("newsletter", &newsletter());
    rig.sync("leads", &leads());
    rig
}

/// Scripts a call that does nothing until faults are dropped.
pub(crate) fn hold_up(rig: &Rig, method: &str, after: usize) {
    rig.fault(&json!({"method": method, "after": after, "times": 1, "what": "wait"}));
}

/// Waits until that call has come.
pub(crate) fn until_held_up(rig: &Rig) {
    until("the call comes", || {
        rig.get("/faults")["faults"] == json!([])
    });
}

/// Starts a run of the newsletter that is held up in the middle of its calls, and answers who follows it, and its id.
pub(crate) fn run_held_up(rig: &Rig, name: &str) -> (Running, Value) {
    hold_up(rig, "listsubscribe", 5);
    let asking = rig.start(name, "sync newsletter --json");
    until_held_up(rig);
    let started = rig.events("run.started");
    (asking, started.last().unwrap()["run"].clone())
}

/// Waits until so many runs have finished.
pub(crate) fn until_finished(rig: &Rig, runs: usize) {
    until("the runs have finished", || {
        rig.events("run.finished").len() >= runs
    });
}
