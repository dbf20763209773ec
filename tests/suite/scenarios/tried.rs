//! Contacts whose adding was carried out though nobody stored the answer: they are rosterd's, and can be taken off.

use serde_json::{Value, json};

use super::leaving::{contacts, imported_with, later, standing};
use crate::crash::kill_at;
use crate::rig::{HOSPITALITY, NEWSLETTER, Rig};

const RULES: &str = "deleted = \"unsubscribe\"";
const IMPATIENT: &str = "[retry]\ngive_up_after = \"1s\"\n";

fn fresh(number: usize) -> String {
    format!("fresh-{number}@example.com")
}

/// Six new records, of which a run that does not end has put some on the list: the records' ids, and who is there.
fn cut(killed: bool) -> (Rig, Vec<String>, Vec<String>) {
    let (rig, _) = imported_with(IMPATIENT, RULES);
    let record = |number| {
        let record = json!({"Last_Name": "F", "Email": fresh(number)});
        rig.create("Contacts", &record)
    };
    let ids: Vec<String> = (0..6).map(record).collect();
    rig.advance(600);
    if killed {
        let hang = json!({"method": "listsubscribe", "after": 4, "times": 1, "what": "hang"});
        assert!(kill_at(&rig, &hang));
    } else {
        let lost = json!({"after_effect": {}});
        rig.fault(&json!({"method": "listsubscribe", "what": lost}));
        assert_eq!(rig.run("sync newsletter").code, Some(75));
        rig.drop_faults();
    }
    let active = rig.members(NEWSLETTER, "active");
    let there: Vec<String> = (0..6)
        .map(fresh)
        .filter(|address| active.contains_key(address))
        .collect();
    assert!(!there.is_empty());
    (rig, ids, there)
}

/// Another list than the one on which they are.
fn elsewhere() -> String {
    let list = format!("list = \"{HOSPITALITY}\"");
    contacts(RULES).replace("list = { name = \"Newsletter\" }", &list)
}

#[test]
fn whoever_opts_out_goes_from_the_list_of_a_run_that_never_ended_however_the_files_change() {
    for killed in [true, false] {
        for change in ["list", "removed", "inactive"] {
            let (rig, ids, there) = cut(killed);
            let other = match change {
                "list" => "newsletter",
                _ => "other",
            };
            match change {
                "list" => {}
                "removed" => std::fs::remove_file(rig.path("syncs.d/newsletter.toml")).unwrap(),
                _ => rig.sync(
                    "newsletter",
                    &format!("active = false\n{}", contacts(RULES)),
                ),
            }
            rig.sync(other, &elsewhere());
            rig.advance(600);
            rig.import(other);
            for id in &ids {
                rig.update("Contacts", id, &json!({"Email_Opt_Out": true}));
            }
            rig.advance(600);
            rig.import(other);
            for address in &there {
                let what = format!("{address}, {change}, killed: {killed}");
                assert_eq!(standing(&rig, address), "unsubscribed", "{what}");
            }
        }
    }
}

#[test]
fn whoever_is_erased_goes_from_the_list_of_a_run_that_never_ended() {
    for killed in [true, false] {
        let (rig, _, there) = cut(killed);
        for address in &there {
            let said = rig.done(&format!("forget {address} --json"));
            let said: Value = serde_json::from_str(&said).unwrap();
            assert_eq!(said["unsubscribed"], 1, "{address}");
            assert_eq!(standing(&rig, address), "unsubscribed");
        }
        rig.done("sync newsletter");
        for address in &there {
            assert_eq!(standing(&rig, address), "unsubscribed");
        }
    }
}

#[test]
fn whom_a_run_added_that_never_ended_is_rosterds_own_and_counted_once_as_new() {
    for killed in [true, false] {
        let (rig, ids, _) = cut(killed);
        rig.advance(600);
        rig.done("sync newsletter");
        let runs = rig.events("run.finished");
        let new: u64 = runs[1..]
            .iter()
            .map(|run| run["new"].as_u64().unwrap())
            .sum();
        assert_eq!(new, 6, "killed: {killed}");
        for id in &ids {
            rig.delete("Contacts", id);
        }
        assert_eq!(later(&rig)["deleted"], 6, "killed: {killed}");
    }
}

#[test]
fn a_run_that_goes_on_adds_nobody_who_opted_out_while_it_was_dead() {
    for module in ["Contacts", "Leads"] {
        let (rig, ids, there) = cut(true);
        for (number, id) in ids.iter().enumerate() {
            match module {
                "Contacts" => rig.update("Contacts", id, &json!({"Email_Opt_Out": true})),
                _ => {
                    let lead = json!({"Last_Name": "L", "Company": "C", "Email": fresh(number), "Email_Opt_Out": true});
                    rig.create("Leads", &lead);
                }
            }
        }
        rig.pass(86_400);
        rig.forget_calls();
        rig.done("sync newsletter");
        assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0], "{module}");
        let resumed = &rig.events("run.finished")[1];
        assert_eq!(resumed["new"], 0, "{module}: {resumed}");
        assert_eq!(resumed["ignored_by"]["opted_out"], 6, "{module}: {resumed}");
        assert_eq!(resumed["deleted"], there.len(), "{module}: {resumed}");
        for address in &there {
            assert_eq!(standing(&rig, address), "unsubscribed", "{module}");
        }
    }
}
