//! A plan and the run that follows it are of one mind, and a plan leaves no trace.

mod agreement;
mod refused;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{ALL_CONTACTS, plain_contacts};
use crate::rig::{Ran, Rig, Setup, ran};

/// What the sandbox calls the methods that change something.
const WRITING: [&str; 3] = [
    "listsubscribe",
    "addlistsubscribersinbulk",
    "listunsubscribe",
];

/// A plan with its people.
fn plan(rig: &Rig, line: &str) -> Value {
    let ran = untouched(rig, &format!("plan {line} --people --json"));
    assert_eq!(ran.code, Some(0), "{line}: {}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// Runs the binary, which has to leave everything as it is: files, lists, and the folder for temporary files.
fn untouched(rig: &Rig, line: &str) -> Ran {
    let temporary = rig.path("temporary");
    fs::create_dir_all(&temporary).unwrap();
    let before = files(rig);
    rig.forget_calls();
    let mut command = rig.command(line);
    command.env("TMPDIR", &temporary);
    let ran = ran(command);
    assert_eq!(files(rig), before, "{line}");
    let called = rig.calls();
    let called = called.methods("campaigns");
    for method in WRITING {
        assert!(!called.contains_key(method), "{line}: {called:?}");
    }
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "{line}");
    ran
}

/// Every file of state and history, and what is in it; but not how often a token was asked for, as what a plan asks for
/// counts with all the others.
fn files(rig: &Rig) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for folder in ["state", "history"] {
        gather(&rig.path(folder), &mut found);
    }
    let token = rig.path("state/tokens/main.json");
    if let Some(bytes) = found.get_mut(&token.display().to_string()) {
        let mut kept: Value = serde_json::from_slice(bytes).unwrap();
        kept.as_object_mut().unwrap().remove("budget").unwrap();
        *bytes = kept.to_string().into_bytes();
    }
    found
}

fn gather(folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    found.insert(folder.display().to_string(), Vec::new());
    for entry in entries {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => gather(&path, found),
            false => {
                found.insert(path.display().to_string(), fs::read(&path).unwrap());
            }
        }
    }
}

fn people(plan: &Value) -> &Vec<Value> {
    plan["people"].as_array().unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// How many people of a plan have an outcome.
fn with_outcome(plan: &Value, outcome: &str) -> u64 {
    let with = people(plan)
        .iter()
        .filter(|person| person["outcome"] == outcome);
    u64::try_from(with.count()).unwrap()
}

/// The people of a plan add up to its counts, and no record is there twice.
fn assert_sums(plan: &Value) {
    let counts = &plan["counts"];
    for outcome in ["new", "re_added", "duplicate", "deleted"] {
        assert_eq!(with_outcome(plan, outcome), number(&counts[outcome]));
    }
    for (reason, count) in counts["ignored_by"].as_object().unwrap() {
        assert_eq!(with_outcome(plan, reason), number(count), "{reason}");
    }
    let mut records: Vec<&str> = people(plan)
        .iter()
        .filter(|person| person["outcome"] != "deleted" && person["outcome"] != "held")
        .map(|person| person["record"].as_str().unwrap())
        .collect();
    assert_eq!(u64::try_from(records.len()).unwrap(), counts["total"]);
    records.sort_unstable();
    records.dedup();
    assert_eq!(u64::try_from(records.len()).unwrap(), counts["total"]);
}

/// A run came to what was planned: the counts, the calls, whom it called for and whom it ignored.
fn assert_agree(rig: &Rig, plan: &Value, run: &Value) {
    assert_sums(plan);
    assert_eq!(plan["full"], run["full"]);
    assert_eq!(plan["outcome"], run["outcome"]);
    for (name, count) in plan["counts"].as_object().unwrap() {
        assert_eq!(*count, run[name], "{name}");
    }
    let calls = rig.calls();
    let (crm, credits) = calls.of("crm");
    let campaigns = calls.of("campaigns").0;
    assert_eq!(
        plan["calls"],
        json!({"crm": crm, "credits": credits, "campaigns": campaigns})
    );
    assert_eq!(run["crm"], json!({"calls": crm, "credits": credits}));

    let addresses = |fits: &dyn Fn(&Value) -> bool| {
        let fitting = people(plan).iter().filter(|person| fits(person));
        let mut addresses: Vec<&str> = fitting
            .map(|person| person["address"].as_str().unwrap())
            .collect();
        addresses.sort_unstable();
        addresses.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let is_sent = |person: &Value| {
        let outcome = person["outcome"].as_str().unwrap();
        let is_changed = person["changed"] != json!([]);
        matches!(outcome, "new" | "re_added") || (outcome == "duplicate" && is_changed)
    };
    let mut called = calls.addresses("listsubscribe");
    called.extend(calls.addresses("addlistsubscribersinbulk"));
    called.sort();
    assert_eq!(called, addresses(&is_sent));
    assert_eq!(
        calls.addresses("listunsubscribe"),
        addresses(&|person| person["outcome"] == "deleted")
    );

    let row = |row: &Value, outcome: &str| {
        let detail = row["detail"].as_str().unwrap_or_default();
        json!([row["record"], row["address"], row[outcome], detail]).to_string()
    };
    let reasons = plan["counts"]["ignored_by"].as_object().unwrap();
    let mut planned: Vec<String> = people(plan)
        .iter()
        .filter(|person| reasons.contains_key(person["outcome"].as_str().unwrap()))
        .map(|person| row(person, "outcome"))
        .collect();
    let ignored = rig.ignored(run);
    let mut ignored: Vec<String> = ignored.iter().map(|line| row(line, "reason")).collect();
    planned.sort();
    ignored.sort();
    assert_eq!(planned, ignored);
}
