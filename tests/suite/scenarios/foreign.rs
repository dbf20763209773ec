//! Contacts that others put on the list while nobody looked: they are duplicates, and nobody's but theirs.

use serde_json::{Value, json};

use super::leaving::{imported, later, standing};
use super::plain_contacts;
use crate::rig::{NEWSLETTER, Rig};

const RULES: &str = "deleted = \"unsubscribe\"\nleft = \"unsubscribe\"";
const WHO: &str = "somebody@example.com";

fn place(address: &str) -> Value {
    json!({"list": NEWSLETTER, "address": address})
}

/// A record for somebody whom others have put on the list since the last run, and for one whom nobody has.
fn records(rig: &Rig) -> [String; 2] {
    [WHO, "nobody-else@example.com"]
        .map(|address| rig.create("Contacts", &json!({"Last_Name": "N", "Email": address})))
}

#[test]
fn who_was_put_on_the_list_by_others_between_two_runs_is_a_duplicate_and_is_never_taken_off() {
    for answer in ["update", "already_there"] {
        let (rig, _) = imported(RULES);
        rig.act(&json!([{"policy": {"existing_active": answer}}, {"subscribe": place(WHO)}]));
        let ids = records(&rig);
        let run = later(&rig);
        let counts = ["new", "duplicate", "total"].map(|count| &run[count]);
        assert_eq!(counts, [&json!(1), &json!(1), &json!(2)], "{answer}: {run}");
        for id in &ids {
            rig.delete("Contacts", id);
        }
        assert_eq!(later(&rig)["deleted"], 1, "the one that rosterd added");
        assert_eq!(standing(&rig, WHO), "active", "{answer}");
    }
}

#[test]
fn a_list_that_nobody_else_touched_is_not_read_again() {
    let (rig, _) = imported(RULES);
    records(&rig);
    rig.forget_calls();
    assert_eq!(later(&rig)["new"], 2);
    // The two kinds of suppressions for the gate and for the audit; the count before and after.
    let calls = rig.calls();
    let calls = calls.methods("campaigns");
    assert_eq!(
        (calls["getlistsubscribers"], calls["listsubscriberscount"]),
        (4, 4 + 2)
    );
}

#[test]
fn where_it_cannot_be_told_who_was_there_before_none_of_those_added_is_taken_off() {
    let (rig, people) = imported(RULES);
    // The list's count is as it was: one came, one went.
    rig.act(&json!([{"subscribe": place(WHO)}, {"delete_contact": people[0].1}]));
    let ids = records(&rig);
    rig.advance(600);
    let ran = rig.run("sync newsletter --json");
    assert!(
        ran.stderr
            .contains("others may have put some of the contacts on the list"),
        "{}",
        ran.stderr
    );
    for id in &ids {
        rig.delete("Contacts", id);
    }
    assert_eq!(later(&rig)["deleted"], 0);
    assert_eq!(standing(&rig, WHO), "active");
}

#[test]
fn who_came_back_in_person_after_rosterd_took_them_off_is_not_rosterds_any_more() {
    let (rig, people) = imported(RULES);
    let (id, address) = &people[0];
    rig.delete("Contacts", id);
    assert_eq!(later(&rig)["deleted"], 1);
    rig.act(&json!({"subscribe": place(address)}));
    rig.restore("Contacts", id);
    let run = later(&rig);
    assert_eq!(
        (&run["re_added"], &run["duplicate"]),
        (&json!(0), &json!(1))
    );
    rig.delete("Contacts", id);
    assert_eq!(later(&rig)["deleted"], 0);
    assert_eq!(standing(&rig, address), "active");
    assert_eq!(plain_contacts(&rig).len() + 1, people.len());
}
