//! Killed at any moment and started again: the list and the history are those of an undisturbed run.
//!
//! A moment is a place in the binary's work, never a time: the sandbox lets so many calls pass and then keeps one
//! waiting, and while the binary waits for it, it is killed.

mod ends;
mod moments;
mod stores;
mod together;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::rig::{NEWSLETTER, Rig, Setup, counts, until};

/// Everything that a contact's fields, an opt-out and a deletion can move.
const ALL_CONTACTS: &str = r#"
name = "Newsletter"
module = "Contacts"
list = { name = "Newsletter" }
select = { all = true }
schedule = { every = "hour" }

[advanced]
deleted = "unsubscribe"
"#;

/// A rig with a sync of all its contacts.
fn rig(people: usize) -> Rig {
    let rig = Rig::with(&Setup {
        people,
        settings: "[safety]\nmin_removals = 3\nmax_removals = 3\n",
        ..Setup::default()
    });
    rig.sync("newsletter", ALL_CONTACTS);
    rig
}

/// Starts `sync newsletter`, lets so many calls to the services pass, and kills it at the next. Says whether it came
/// that far.
fn kill_at_call(rig: &Rig, calls: usize) -> bool {
    kill_at(rig, &json!({ "after": calls, "times": 1, "what": "hang" }))
}

/// The same at the call that a fault strikes.
pub(crate) fn kill_at(rig: &Rig, fault: &Value) -> bool {
    kill_in(rig, "sync newsletter", fault)
}

/// The same in another command.
pub(crate) fn kill_in(rig: &Rig, line: &str, fault: &Value) -> bool {
    rig.fault(fault);
    let mut running = rig.start("killed", line);
    let mut struck = false;
    until("the call comes, or the run ends", || {
        struck = rig.get("/faults")["faults"] == json!([]);
        struck || !running.is_running()
    });
    if struck {
        running.signal("KILL");
        assert_eq!(running.end().code, None, "it ended before it was killed");
    }
    rig.drop_faults();
    struck
}

/// Everything that must not depend on whether a run was disturbed.
#[derive(Debug, PartialEq)]
struct End {
    /// On the list under any standing, with fields, tags and standing.
    members: BTreeMap<String, Value>,
    /// The finished runs.
    finished: Vec<Value>,
    /// How many runs were started, and how many of those waited for a person in the end.
    started: usize,
    held: usize,
    /// The ignored contacts of each run, sorted.
    ignored: Vec<Vec<String>>,
    status: Value,
}

fn end(rig: &Rig) -> End {
    let runs = rig.events("run.finished");
    let ignored = |run: &Value| {
        let mut lines: Vec<String> = rig.ignored(run).iter().map(Value::to_string).collect();
        lines.sort();
        lines
    };
    let mut members = BTreeMap::new();
    for standing in ["active", "unsubscribed", "bounced", "suppressed"] {
        for (address, member) in rig.members(NEWSLETTER, standing) {
            let kept = json!([member["standing"], member["fields"], member["tags"]]);
            members.insert(address, kept);
        }
    }
    End {
        members,
        finished: runs.iter().map(counts).collect(),
        started: rig.events("run.started").len(),
        held: rig.events("run.held").len(),
        ignored: runs.iter().map(ignored).collect(),
        status: status(rig),
    }
}

/// Compares part by part, so that a difference can be read.
fn assert_same(disturbed: &End, undisturbed: &End) {
    assert_eq!(disturbed.finished, undisturbed.finished);
    assert_eq!(disturbed.ignored, undisturbed.ignored);
    assert_eq!(disturbed.status, undisturbed.status);
    for (address, member) in &undisturbed.members {
        assert_eq!(disturbed.members.get(address), Some(member), "{address}");
    }
    assert_eq!(disturbed, undisturbed);
}

/// What `status` says, times and ids apart.
fn status(rig: &Rig) -> Value {
    let printed = rig.done("status --json");
    let mut status: Value = serde_json::from_str(&printed).unwrap();
    let sync = &mut status["syncs"][0];
    for name in ["next", "last"] {
        sync[name] = Value::Null;
    }
    if let Some(hold) = sync["hold"].as_object_mut() {
        hold.remove("run");
    }
    for limit in status["accounts"][0]["limits"]
        .as_object_mut()
        .unwrap()
        .values_mut()
    {
        limit["resets"] = Value::Null;
    }
    status
}

/// The run that all lines about runs are about: a resumed run keeps its id.
fn only_run(rig: &Rig) -> String {
    let lines = rig.journal();
    let mut runs: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["run"].as_str())
        .collect();
    runs.dedup();
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs[0].to_owned()
}

/// A seeded sequence of numbers below a bound: different moments, the same in every test run.
struct Moments(u64);

impl Moments {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// The binary under a shell's limits.
fn limited(rig: &Rig, limits: &str, line: &str) -> Command {
    let plain = rig.command(line);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("{limits}; exec \"$0\" \"$@\"")]);
    command.arg(plain.get_program()).args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// The newest file of the state that begins so.
fn state_files(rig: &Rig, begins: &str) -> Vec<String> {
    let entries = fs::read_dir(rig.path("state")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(begins)).collect()
}
