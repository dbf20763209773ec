//! Killed at any moment and started again: the list and the history are those of an undisturbed run.
//!
//! A moment is a place in the binary's work, never a time: the sandbox lets so many calls pass and then keeps one
//! waiting, and while the binary waits for it, it is killed.

mod chain;
mod daemon;
mod duties;
mod ends;
mod full;
mod full_daemon;
mod largest;
mod moments;
mod power;
mod scenes;
mod stores;
mod stricken;
mod together;
mod writes;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::process::Command;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::rig::{NEWSLETTER, Rig, Setup, counts, until};
// Everything that a contact's fields, an opt-out and a deletion can move.
use crate::scenarios::ALL_CONTACTS;

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

/// Changes in the CRM that an update run has to find: so many edits, two opt-outs, a new person, and deletions.
fn change(rig: &Rig, edits: usize, deletions: usize) {
    let on_list = rig.members(NEWSLETTER, "active");
    let on_list: Vec<String> = on_list.keys().map(|it| it.to_lowercase()).collect();
    let mut addresses = BTreeMap::<String, Vec<String>>::new();
    for record in rig.records("Contacts") {
        let address = record["Email"].as_str().unwrap_or_default().trim();
        let id = record["id"].as_str().unwrap().to_owned();
        addresses
            .entry(address.to_lowercase())
            .or_default()
            .push(id);
    }
    // One record an address, so that no other one takes the place of what goes.
    let alone = addresses
        .into_iter()
        .filter(|(address, ids)| ids.len() == 1 && on_list.contains(address));
    let ids: Vec<String> = alone.flat_map(|(_, ids)| ids).collect();
    let (edited, rest) = ids.split_at(edits);
    for (number, id) in edited.iter().enumerate() {
        let fields = json!({ "Last_Name": format!("Renamed {number}") });
        rig.update("Contacts", id, &fields);
    }
    for id in &rest[..2] {
        rig.update("Contacts", id, &json!({ "Email_Opt_Out": true }));
    }
    for id in &rest[2..2 + deletions] {
        rig.delete("Contacts", id);
    }
    let person = json!({ "Last_Name": "Late", "Email": "late@example.net" });
    rig.create("Contacts", &person);
    // What happens in the second in which a read begins is left to the next one.
    rig.advance(5);
}

/// Everything that must not depend on whether a run was disturbed.
#[derive(Debug, PartialEq)]
struct End {
    /// On the list under any standing, with fields, tags and standing.
    members: BTreeMap<String, Value>,
    /// The finished runs.
    finished: Vec<Value>,
    /// How often each event is told. How often a run was taken up again is the only one that a kill may change.
    told: BTreeMap<String, usize>,
    /// The ignored contacts of each run, sorted.
    ignored: Vec<Vec<String>>,
    status: Value,
}

fn end(rig: &Rig) -> End {
    let journal = whole_journal(rig);
    let runs: Vec<&Value> = journal
        .iter()
        .filter(|line| line["event"] == "run.finished")
        .collect();
    let mut told = BTreeMap::new();
    for line in journal.iter().filter(|line| line["event"] != "run.resumed") {
        let event = line["event"].as_str().unwrap().to_owned();
        *told.entry(event).or_default() += 1;
    }
    let ignored = |run: &&Value| {
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
        finished: runs.iter().map(|run| counts(run)).collect(),
        told,
        ignored: runs.iter().map(ignored).collect(),
        status: status(rig),
    }
}

/// The lines of the journal and of what was rotated, oldest first.
fn whole_journal(rig: &Rig) -> Vec<Value> {
    let mut rotated = BTreeMap::new();
    for entry in fs::read_dir(rig.path("history")).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(number) = name.strip_prefix("history.jsonl.") else {
            continue;
        };
        let Ok(number) = number.trim_end_matches(".gz").parse::<u32>() else {
            continue;
        };
        let mut text = String::new();
        let mut file = fs::File::open(&path).unwrap();
        match name.ends_with(".gz") {
            true => GzDecoder::new(file).read_to_string(&mut text).unwrap(),
            false => file.read_to_string(&mut text).unwrap(),
        };
        // Either form of a number is complete.
        rotated.insert(number, text);
    }
    let rotated = rotated.values().flat_map(|text| text.lines());
    let mut lines: Vec<Value> = rotated
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    lines.extend(rig.journal());
    lines
}

/// Compares part by part, so that a difference can be read.
fn assert_same(disturbed: &End, undisturbed: &End) {
    assert_eq!(disturbed.finished, undisturbed.finished);
    assert_eq!(disturbed.told, undisturbed.told);
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
    for sync in status["syncs"].as_array_mut().unwrap() {
        for name in ["next", "last"] {
            sync[name] = Value::Null;
        }
        if let Some(hold) = sync["hold"].as_object_mut() {
            hold.remove("run");
        }
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

/// A number that a variable sets, for more than every test run does.
fn variable(name: &str) -> Option<usize> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
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
