//! Removals that wait for a person, and what the person says.

use serde_json::{Value, json};

use super::{ALL_CONTACTS, plain_contacts};
use crate::rig::{NEWSLETTER, Rig, Setup, until};

/// Four people of an imported list are deleted, and no more than two may go without asking.
fn held() -> (Rig, Vec<(String, String)>, String) {
    let rig = Rig::with(&Setup {
        settings: "[safety]\nmax_removals = 2\nmin_removals = 0\n",
        ..Setup::default()
    });
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    let gone = plain_contacts(&rig)[..4].to_vec();
    rig.advance(60);
    for (id, _) in &gone {
        rig.delete("Contacts", id);
    }
    rig.advance(60);
    let ran = rig.run("sync newsletter --json");
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let run: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&run["outcome"], &run["deleted"]),
        (&json!("held"), &json!(0))
    );
    (rig, gone, run["run"].as_str().unwrap().to_owned())
}

fn state(rig: &Rig) -> String {
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    status["syncs"][0]["state"].as_str().unwrap().to_owned()
}

#[test]
fn held_removals_are_carried_out_when_a_person_approves_as_far_as_they_still_apply() {
    let (rig, gone, run) = held();
    assert_eq!(state(&rig), "held");
    assert!(
        rig.done("history")
            .contains(&format!("rosterd approve {run}"))
    );
    // One of the four comes back before the person has decided.
    let (_, back) = &gone[0];
    rig.create("Contacts", &json!({"Last_Name": "Back", "Email": back}));
    rig.advance(60);
    assert_eq!(
        rig.run("sync newsletter").code,
        Some(3),
        "the rest is still held"
    );
    let answer: Value = serde_json::from_str(&rig.done(&format!("approve {run} --json"))).unwrap();
    assert_eq!(answer["deleted"], 3);
    let unsubscribed = rig.members(NEWSLETTER, "unsubscribed");
    for (_, address) in &gone[1..] {
        assert!(unsubscribed.contains_key(address), "{address}");
    }
    assert!(rig.members(NEWSLETTER, "active").contains_key(back));
    let approved = rig.events("run.approved");
    assert_eq!(approved.len(), 1);
    assert_eq!(
        (&approved[0]["run"], &approved[0]["deleted"]),
        (&json!(run), &json!(3))
    );
    assert_eq!(state(&rig), "active");
    assert_eq!(rig.import("newsletter")["outcome"], "completed");
    let again = rig.run(&format!("approve {run}"));
    assert_eq!(again.code, Some(2), "{}", again.stderr);
}

#[test]
fn discarded_removals_leave_the_people_on_the_list() {
    let (rig, gone, run) = held();
    let said = rig.done(&format!("discard {}", &run[..20]));
    assert_eq!(
        said.trim(),
        "4 removals of newsletter dropped until their records change"
    );
    let active = rig.members(NEWSLETTER, "active");
    assert!(gone.iter().all(|(_, address)| active.contains_key(address)));
    assert_eq!(rig.events("run.discarded")[0]["removals"], 4);
    assert_eq!(rig.import("newsletter")["deleted"], 0);
    assert_eq!(state(&rig), "active");
    let unknown = rig.run("approve 01NOSUCHRUN");
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown.stderr.contains("there is no held run"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn the_detail_of_a_sync_names_what_it_reads_and_what_its_last_run_counted() {
    let (rig, _, run) = held();
    let detail = rig.done("status newsletter");
    for part in ["module Contacts", "list Newsletter", "0 records", &run] {
        assert!(detail.contains(part), "{part}: {detail}");
    }
}

#[test]
fn who_leaves_or_bounces_while_the_removal_is_held_counts_as_gone_in_person_and_is_not_added_again()
{
    let (rig, gone, run) = held();
    rig.act(&json!({"policy": {"unsubscribed": "reinstate", "bounced": "reinstate"}}));
    let (left, bounced) = (&gone[0].1, &gone[1].1);
    rig.act(&json!({"unsubscribe": {"list": NEWSLETTER, "address": left}}));
    rig.act(&json!({ "bounce": bounced }));
    let answer: Value = serde_json::from_str(&rig.done(&format!("approve {run} --json"))).unwrap();
    assert_eq!(answer["deleted"], 2, "the other two");
    for address in [left, bounced] {
        rig.create("Contacts", &json!({"Last_Name": "Back", "Email": address}));
    }
    rig.advance(60);
    let back = rig.import("newsletter");
    assert_eq!(back["re_added"], 0, "{back}");
    let reasons = &back["ignored_by"];
    assert_eq!(
        (&reasons["do_not_mail"], &reasons["bounced"]),
        (&json!(1), &json!(1))
    );
    let active = rig.members(NEWSLETTER, "active");
    assert!(!active.contains_key(left) && !active.contains_key(bounced));
}

#[test]
fn removals_that_join_a_hold_are_told_under_its_run_wherever_it_is_shown() {
    let (rig, gone, run) = held();
    let another = plain_contacts(&rig)[0].clone();
    assert!(!gone.contains(&another));
    rig.delete("Contacts", &another.0);
    rig.advance(60);
    let ran = rig.run("sync newsletter");
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let said = format!(
        "with those of run {run}: 5 removals wait for a person, more than the bound of 2: \
         `rosterd approve {run}`"
    );
    assert!(ran.stdout.contains(&said), "{}", ran.stdout);
    let told = rig.events("run.held");
    let joined = rig.events("run.finished")[2]["run"].clone();
    assert_eq!(
        (&told[1]["run"], &told[1]["joined_by"]),
        (&json!(run), &joined)
    );
    assert_eq!(
        (&told[0]["joined_by"], &told[1]["removals"]),
        (&Value::Null, &json!(5))
    );
    // A run without removals of its own says why it ends as held, too.
    rig.advance(60);
    let ran = rig.run("sync newsletter");
    let said = format!("by run {run} still: 5 removals wait for a person");
    assert!(ran.stdout.contains(&said), "{}", ran.stdout);
    for line in ["status", "status newsletter", "history"] {
        let shown = rig.done(line);
        let shown = shown.matches(&format!("rosterd approve {run}")).count();
        assert_eq!(shown, if line == "history" { 3 } else { 1 }, "{line}");
    }
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    assert_eq!(
        status["syncs"][0]["hold"],
        json!({"run": run, "removals": 5})
    );
    let said = rig.done(&format!("approve {run}"));
    assert!(said.starts_with("5 contacts taken off"), "{said}");
    // Nothing offers what has been decided.
    let joined = joined.as_str().unwrap();
    for line in ["status", "history", &format!("history --run {joined}")] {
        let shown = rig.done(line);
        assert!(!shown.contains("rosterd approve"), "{line}: {shown}");
    }
    let status: Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    assert_eq!(status["syncs"][0]["hold"], Value::Null);
    assert!(
        rig.done("history")
            .contains("approved: 5 contacts taken off")
    );
}

#[test]
fn an_approval_that_was_interrupted_tells_of_all_that_it_took_off_in_the_end() {
    for killed in [true, false] {
        for verdict in ["approve", "discard"] {
            let (rig, _, run) = held();
            rig.forget_calls();
            let down = json!({"status": {"status": 404, "body": "{\"code\":\"2002\"}"}});
            let what = if killed { json!("hang") } else { down };
            rig.fault(&json!({"method": "listunsubscribe", "after": 2, "what": what}));
            if killed {
                let running = rig.start("killed", &format!("approve {run}"));
                until("the third call hangs", || {
                    rig.calls().methods("campaigns").get("listunsubscribe") == Some(&3)
                });
                running.signal("KILL");
                running.end();
            } else {
                assert_ne!(rig.run(&format!("approve {run}")).code, Some(0));
            }
            assert_eq!(rig.events("run.approved").len(), 0);
            rig.drop_faults();
            rig.done(&format!("{verdict} {run}"));
            let deleted = if verdict == "approve" { 4 } else { 2 };
            assert_eq!(
                rig.events("run.approved")[0]["deleted"],
                deleted,
                "{verdict}"
            );
            if verdict == "discard" {
                assert_eq!(rig.events("run.discarded")[0]["removals"], 2);
            }
        }
    }
}

#[test]
fn removals_that_a_run_held_before_it_failed_can_be_decided_on() {
    let rig = Rig::with(&Setup {
        settings: "[safety]\nmax_removals = 2\nmin_removals = 0\n[retry]\ngive_up_after = \"1s\"\n",
        ..Setup::default()
    });
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    // So often a run that adds somebody asks how many there are; the last time when all else is done.
    let come = |name: &str| {
        let record = json!({"Last_Name": name, "Email": format!("{name}@example.com")});
        rig.create("Contacts", &record);
        rig.advance(60);
    };
    come("first");
    rig.forget_calls();
    rig.import("newsletter");
    let asked = rig.calls().methods("campaigns")["listsubscriberscount"];
    let gone = plain_contacts(&rig)[..4].to_vec();
    for (id, _) in &gone {
        rig.delete("Contacts", id);
    }
    // Somebody comes as well, so that the run asks afterwards whether they arrived; and gets no answer.
    come("second");
    let last = asked - 1;
    rig.fault(&json!({"method": "listsubscriberscount", "after": last, "what": {"status": {"status": 503}}}));
    assert_eq!(rig.run("sync newsletter").code, Some(75));
    rig.drop_faults();
    let failed = rig.events("run.finished").pop().unwrap();
    assert_eq!(failed["outcome"], "failed");
    let held = rig.events("run.held");
    assert_eq!(held.len(), 1);
    assert_eq!(
        (&held[0]["run"], &held[0]["removals"]),
        (&failed["run"], &json!(4))
    );
    rig.advance(60);
    assert_eq!(rig.run("sync newsletter").code, Some(3));
    let run = held[0]["run"].as_str().unwrap();
    let answer: Value = serde_json::from_str(&rig.done(&format!("approve {run} --json"))).unwrap();
    assert_eq!(answer["deleted"], 4);
    assert_eq!(state(&rig), "active");
}
