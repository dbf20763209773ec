//! `remove`: unsubscribed, tagged, and forgotten but for that.

use serde_json::{Value, json};

use super::{imported, imported_with, later, standing, tags};
use crate::rig::{NEWSLETTER, Rig};

const TAG: &str = "Removed by CRM sync";

#[test]
fn who_is_removed_is_unsubscribed_and_tagged_and_counts_as_re_added_on_return() {
    let rules =
        "deleted = \"remove\"\nleft = \"remove\"\nopted_out = \"remove\"\nopted_in_again = \"add\"";
    let (rig, people) = imported(rules);
    let [deleted, left, opted_out] = [0, 1, 2].map(|index| people[index].clone());
    rig.delete("Contacts", &deleted.0);
    rig.update("Contacts", &left.0, &json!({"Last_Name": "Left"}));
    rig.update("Contacts", &opted_out.0, &json!({"Email_Opt_Out": true}));
    rig.forget_calls();
    let run = later(&rig);
    assert_eq!(run["deleted"], 3);
    for (_, address) in [&deleted, &left, &opted_out] {
        assert_eq!(standing(&rig, address), "unsubscribed", "{address}");
        assert_eq!(tags(&rig, address), json!([TAG]), "{address}");
    }
    let calls = rig.calls();
    let methods = calls.methods("campaigns");
    assert_eq!(methods["listunsubscribe"], 3);
    assert!(methods["tag/add"] >= 1, "the tag is made once it is needed");
    assert_eq!(calls.addresses("listsubscribe"), [""; 0]);

    rig.restore("Contacts", &deleted.0);
    rig.update("Contacts", &left.0, &json!({"Last_Name": "Back"}));
    rig.update("Contacts", &opted_out.0, &json!({"Email_Opt_Out": false}));
    let back = later(&rig);
    assert_eq!((&back["re_added"], &back["total"]), (&json!(3), &json!(3)));
    for (_, address) in [&deleted, &left, &opted_out] {
        assert_eq!(standing(&rig, address), "active", "{address}");
    }
}

#[test]
fn a_plan_names_who_goes_and_why_and_counts_the_tags_among_the_calls() {
    let (rig, people) = imported("deleted = \"remove\"\nleft = \"remove\"");
    rig.delete("Contacts", &people[0].0);
    later(&rig);
    rig.delete("Contacts", &people[1].0);
    rig.update("Contacts", &people[2].0, &json!({"Last_Name": "Left"}));
    let elsewhere = json!({"Email": "elsewhere@example.org"});
    rig.update("Contacts", &people[3].0, &elsewhere);
    rig.advance(600);
    let plan: Value = serde_json::from_str(&rig.done("plan newsletter --people --json")).unwrap();
    let told = plan["people"].as_array().unwrap().iter();
    let told: Vec<_> = told
        .map(|person| (&person["address"], &person["outcome"], &person["detail"]))
        .collect();
    let (deleted, left) = (json!(people[1].1), json!(people[2].1));
    let gone = "its record is gone";
    assert!(
        told.contains(&(&deleted, &json!("deleted"), &json!(gone))),
        "{told:?}"
    );
    let gone = "its record is not selected any more, or has no address that mail can reach";
    assert!(
        told.contains(&(&left, &json!("deleted"), &json!(gone))),
        "{told:?}"
    );
    let (moved, gone) = (json!(people[3].1), "its record has another address now");
    assert!(
        told.contains(&(&moved, &json!("deleted"), &json!(gone))),
        "{told:?}"
    );
    let run = rig.import("newsletter");
    assert_eq!(plan["counts"]["deleted"], run["deleted"]);
    assert_eq!(plan["calls"]["campaigns"], run["campaigns"]["calls"]);
}

#[test]
fn a_tag_that_cannot_be_set_fails_no_run_and_is_told_once() {
    let (rig, people) = imported("deleted = \"remove\"");
    for (id, _) in &people[..3] {
        rig.delete("Contacts", id);
    }
    for method in ["tag/associate", "tag/add"] {
        rig.fault(&json!({"service": "campaigns", "method": method,
            "what": {"status": {"status": 500, "body": "<html>sorry</html>"}}}));
    }
    rig.advance(600);
    let ran = rig.run("sync newsletter --json");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let run: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&run["deleted"], &run["outcome"]),
        (&json!(3), &json!("completed"))
    );
    assert_eq!(
        ran.stderr.matches("cannot be tagged").count(),
        1,
        "{}",
        ran.stderr
    );
    for (_, address) in &people[..3] {
        assert_eq!(standing(&rig, address), "unsubscribed");
        assert!(!ran.stderr.contains(address), "{}", ran.stderr);
    }
}

/// Three people leave, and no more than one may go without asking.
fn held(left: &str) -> (Rig, Vec<(String, String)>, String) {
    let bound = "[safety]\nmax_removals = 1\nmin_removals = 0\n";
    let (rig, people) = imported_with(
        bound,
        &format!("deleted = \"unsubscribe\"\nleft = \"{left}\""),
    );
    for (id, _) in &people[..3] {
        rig.update("Contacts", id, &json!({"Last_Name": "Left"}));
    }
    rig.update("Contacts", &people[3].0, &json!({"Email_Opt_Out": true}));
    rig.advance(600);
    let ran = rig.run("sync newsletter --json");
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let run: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&run["outcome"], &run["deleted"]),
        (&json!("held"), &json!(1)),
        "the opt-out is not held"
    );
    assert_eq!(standing(&rig, &people[3].1), "unsubscribed");
    for (_, address) in &people[..3] {
        assert_eq!(standing(&rig, address), "active");
    }
    let run = run["run"].as_str().unwrap().to_owned();
    (rig, people, run)
}

#[test]
fn removals_of_who_left_are_held_beyond_the_bound_and_approved_by_the_rule_for_them() {
    let (rig, people, run) = held("remove");
    let said: Value = serde_json::from_str(&rig.done(&format!("approve {run} --json"))).unwrap();
    assert_eq!(said["deleted"], 3);
    for (_, address) in &people[..3] {
        assert_eq!(standing(&rig, address), "unsubscribed");
        assert_eq!(tags(&rig, address), json!([TAG]));
    }
    assert_eq!(later(&rig)["outcome"], "completed");
    rig.update("Contacts", &people[0].0, &json!({"Last_Name": "Back"}));
    assert_eq!(later(&rig)["re_added"], 1);
}

#[test]
fn a_held_removal_of_who_left_does_not_apply_any_more_once_the_definition_keeps_them() {
    let (rig, people, run) = held("unsubscribe");
    let keep = super::contacts("deleted = \"unsubscribe\"\nleft = \"keep\"");
    rig.sync("newsletter", &keep);
    let said: Value = serde_json::from_str(&rig.done(&format!("approve {run} --json"))).unwrap();
    assert_eq!(said["deleted"], 0);
    for (_, address) in &people[..3] {
        assert_eq!(standing(&rig, address), "active");
    }
}

#[test]
fn a_discarded_removal_of_who_left_is_made_when_the_record_is_deleted() {
    let (rig, people, run) = held("unsubscribe");
    rig.done(&format!("discard {run}"));
    assert_eq!(later(&rig)["deleted"], 0);
    rig.delete("Contacts", &people[1].0);
    assert_eq!(later(&rig)["deleted"], 1);
    assert_eq!(standing(&rig, &people[1].1), "unsubscribed");
    assert_eq!(standing(&rig, &people[0].1), "active");
    assert!(!rig.members(NEWSLETTER, "active").contains_key(&people[1].1));
}

#[test]
fn a_discarded_removal_of_who_left_is_decided_anew_when_the_record_changes_and_not_before() {
    let (rig, people, run) = held("unsubscribe");
    rig.done(&format!("discard {run}"));
    rig.advance(600);
    rig.done("sync newsletter --full");
    for (_, address) in &people[..3] {
        assert_eq!(standing(&rig, address), "active");
    }
    rig.advance(600);
    // Any field the sync looks at, though the record is as far from the selection as before.
    rig.update("Contacts", &people[0].0, &json!({"First_Name": "Else"}));
    assert_eq!(later(&rig)["deleted"], 1);
    assert_eq!(standing(&rig, &people[0].1), "unsubscribed");
    for (_, address) in &people[1..3] {
        assert_eq!(standing(&rig, address), "active");
    }
    // Where the definition keeps them, nobody goes.
    rig.sync("newsletter", &super::contacts("left = \"keep\""));
    rig.update("Contacts", &people[1].0, &json!({"First_Name": "Else"}));
    assert_eq!(later(&rig)["deleted"], 0);
    assert_eq!(standing(&rig, &people[1].1), "active");
}

#[test]
fn a_held_removal_of_who_left_goes_at_once_when_the_record_opts_out_under_another_address() {
    let (rig, people, run) = held("unsubscribe");
    let change = json!({"Email": "elsewhere@example.org", "Email_Opt_Out": true});
    rig.update("Contacts", &people[0].0, &change);
    rig.advance(600);
    let ran = rig.run("sync newsletter --json");
    assert_eq!(ran.code, Some(3), "the others still wait: {}", ran.stderr);
    assert_eq!(standing(&rig, &people[0].1), "unsubscribed");
    let said: Value = serde_json::from_str(&rig.done(&format!("approve {run} --json"))).unwrap();
    assert_eq!(said["deleted"], 2);
}

#[test]
fn what_remove_means_is_told_to_who_makes_lists_and_not_to_who_looks() {
    let (rig, people) = imported("left = \"remove\"");
    let warning = "Campaigns cannot take one contact off a list";
    let why = format!("why {}", people[0].1);
    for (line, warns) in [
        ("check", true),
        ("plan newsletter", true),
        ("sync newsletter", true),
        ("plan newsletter --quiet", false),
        ("history", false),
        ("status", false),
        (why.as_str(), false),
    ] {
        let ran = rig.run(line);
        assert_eq!(ran.code, Some(0), "{line}: {}", ran.stderr);
        let warned = ran.stderr.contains(warning);
        assert_eq!(warned, warns, "{line}: {}", ran.stderr);
    }
    // What cannot be read is told to them as well.
    rig.put("syncs.d/broken.toml", "name = \n");
    let told = rig.run("history").stderr;
    assert!(told.contains("not valid TOML"), "{told}");
    assert!(!told.contains(warning), "{told}");
}
