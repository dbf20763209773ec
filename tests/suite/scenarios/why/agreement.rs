//! What `why` tells of the next run, and what that run does: the same, for everybody.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::leaving::contacts;
use super::super::{ALL_LEADS, plain_contacts};
use super::document;
use crate::rig::{Rig, until};

/// What `why` makes of each record of a sync, and of each contact: outcomes by record, and calls by address.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    outcomes: BTreeMap<String, String>,
    additions: BTreeSet<String>,
    removals: BTreeSet<String>,
}

fn told(rig: &Rig, sync: &str, addresses: &BTreeSet<String>) -> Told {
    let mut told = Told::default();
    for address in addresses {
        let mut command = rig.command("why --json");
        command.args([address.as_str(), sync]);
        let document: Value = serde_json::from_str(&crate::rig::ran(command).stdout).unwrap();
        for sync in document["syncs"].as_array().unwrap() {
            assert_eq!(sync["next_reads_everything"], false, "{address}");
            let due = match sync["next"].as_str() {
                Some("deleted") => &mut told.removals,
                Some("new" | "re_added") => &mut told.additions,
                Some(_) | None => &mut BTreeSet::new(),
            };
            due.insert(address.clone());
            for record in sync["records"].as_array().unwrap() {
                if record["place"] == "here" {
                    let outcome = record["outcome"].as_str().unwrap().to_owned();
                    let id = record["id"].as_str().unwrap().to_owned();
                    told.outcomes.insert(id, outcome);
                }
            }
        }
    }
    told
}

/// Every address of the CRM that is more than blanks, in lower case.
fn addresses(rig: &Rig, modules: &[&str]) -> BTreeSet<String> {
    let records = modules.iter().flat_map(|module| rig.records(module));
    let texts = records.filter_map(|it| Some(it["Email"].as_str()?.trim().to_lowercase()));
    texts.filter(|text| !text.is_empty()).collect()
}

fn assert_agrees(rig: &Rig, line: &str, told: &Told) {
    let run: Value = serde_json::from_str(&rig.done(&format!("sync {line} --json"))).unwrap();
    let ignored = rig.ignored(&run);
    let mut reasons: BTreeMap<&str, &str> = BTreeMap::new();
    for row in &ignored {
        reasons.insert(
            row["record"].as_str().unwrap(),
            row["reason"].as_str().unwrap(),
        );
    }
    let count = |outcome: &str| {
        let all = told.outcomes.values().filter(|it| *it == outcome).count();
        json!(all)
    };
    for (record, outcome) in &told.outcomes {
        let is_ignored =
            !["new", "re_added", "duplicate", "not_selected"].contains(&outcome.as_str());
        let reason = reasons.get(record.as_str()).copied();
        assert_eq!(
            reason,
            is_ignored.then_some(outcome.as_str()),
            "{line}: {record}"
        );
    }
    for outcome in ["new", "re_added", "duplicate"] {
        assert_eq!(run[outcome], count(outcome), "{line}: {outcome}");
    }
    assert_eq!(run["deleted"], json!(told.removals.len()), "{line}");
}

#[test]
fn what_is_told_of_everybody_is_what_the_next_run_does() {
    let rig = Rig::new(24);
    let rules = "deleted = \"unsubscribe\"\nleft = \"unsubscribe\"";
    rig.sync("newsletter", &contacts(rules));
    // Its token is kept for all that is asked afterwards.
    rig.sync("leads", ALL_LEADS);
    rig.import("leads");
    let everybody = addresses(&rig, &["Contacts", "Leads"]);
    let before = told(&rig, "newsletter", &everybody);
    assert!(before.outcomes.len() > 15, "{before:?}");
    assert_agrees(&rig, "newsletter", &before);
    rig.advance(600);
    let people = plain_contacts(&rig);
    rig.update("Contacts", &people[0].0, &json!({"Last_Name": "Left"}));
    rig.update(
        "Contacts",
        &people[1].0,
        &json!({"Email": "moved@example.org"}),
    );
    rig.update("Contacts", &people[2].0, &json!({"Email_Opt_Out": true}));
    rig.delete("Contacts", &people[3].0);
    rig.create(
        "Contacts",
        &json!({"Last_Name": "Twin", "Email": people[4].1}),
    );
    rig.create(
        "Contacts",
        &json!({"Last_Name": "New", "Email": "new@example.org"}),
    );
    let lead =
        json!({"Last_Name": "L", "Company": "C", "Email": people[5].1, "Email_Opt_Out": true});
    rig.create("Leads", &lead);
    let mut everybody = everybody;
    everybody.extend(addresses(&rig, &["Contacts", "Leads"]));
    let after = told(&rig, "newsletter", &everybody);
    assert_eq!(after.removals.len(), 5, "{after:?}");
    rig.advance(60);
    let run = rig.import("newsletter");
    let count = |told: &BTreeSet<String>| json!(told.len());
    assert_eq!(
        (&run["new"], &run["deleted"]),
        (&count(&after.additions), &count(&after.removals))
    );
    let settled = told(&rig, "newsletter", &everybody);
    assert!(
        settled.additions.is_empty() && settled.removals.is_empty(),
        "{settled:?}"
    );
    assert_agrees(&rig, "newsletter --full", &settled);
}

#[test]
fn an_interrupted_run_is_left_as_it_is_and_goes_on_afterwards() {
    let rig = Rig::new(60);
    rig.sync("newsletter", &contacts(""));
    rig.fault(&json!({"service": "campaigns", "method": "listsubscribe", "what": {"delay": {"millis": 60_000}}}));
    let running = rig.start("cut", "sync newsletter");
    until("the run has begun to send", || {
        rig.events("run.started").len() == 1
            && rig
                .calls()
                .methods("campaigns")
                .contains_key("listsubscribe")
    });
    running.signal("KILL");
    running.end();
    rig.drop_faults();
    let address = &plain_contacts(&rig)[0].1;
    let before = rig.journal().len();
    let sync = &document(&rig, address)["syncs"][0];
    assert_eq!(
        (&sync["on_list"], &sync["next"]),
        (&json!(false), &json!("new"))
    );
    assert!(super::told(&rig, address).contains("It waits to be decided by the next run."));
    assert_eq!(rig.journal().len(), before);
    let run = rig.import("newsletter");
    assert_eq!(run["outcome"], "completed");
    assert_eq!(rig.events("run.resumed").len(), 1);
    assert_eq!(document(&rig, address)["syncs"][0]["on_list"], true);
}
