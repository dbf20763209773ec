//! Contacts that `keep` leaves on the list, and what becomes of them when their records are deleted after all.

use serde_json::json;

use super::{imported, later, standing};
use crate::rig::Rig;

const KEEP: &str = "left = \"keep\"\ndeleted = \"unsubscribe\"";

fn on_list(rig: &Rig) -> u64 {
    let status: serde_json::Value = serde_json::from_str(&rig.done("status --json")).unwrap();
    status["syncs"][0]["on_list"].as_u64().unwrap()
}

#[test]
fn a_contact_that_was_kept_goes_when_its_record_is_deleted() {
    let (rig, people) = imported(KEEP);
    let before = on_list(&rig);
    let (left, moved) = (&people[0], &people[1]);
    rig.update("Contacts", &left.0, &json!({"Last_Name": "Left"}));
    rig.update("Contacts", &moved.0, &json!({"Email": "moved@example.org"}));
    assert_eq!(later(&rig)["deleted"], 0);
    assert_eq!(
        on_list(&rig),
        before + 1,
        "who was kept is still the sync's own"
    );
    // Not even a read in full, which does not meet who left, makes anything of it.
    rig.done("sync newsletter --full");
    rig.update("Contacts", &left.0, &json!({"Description": "still left"}));
    assert_eq!(later(&rig)["deleted"], 0);
    assert_eq!(standing(&rig, &left.1), "active");

    rig.delete("Contacts", &left.0);
    rig.delete("Contacts", &moved.0);
    assert_eq!(
        later(&rig)["deleted"],
        3,
        "the address of before went with the new one"
    );
    for address in [left.1.as_str(), moved.1.as_str(), "moved@example.org"] {
        assert_eq!(standing(&rig, address), "unsubscribed", "{address}");
    }
    assert_eq!(on_list(&rig), before - 2);
}

#[test]
fn a_contact_that_was_kept_stays_when_another_record_has_taken_it_over() {
    let (rig, people) = imported(KEEP);
    let (left, address) = &people[0];
    rig.update("Contacts", left, &json!({"Last_Name": "Left"}));
    later(&rig);
    let other = rig.create("Contacts", &json!({"Last_Name": "Other", "Email": address}));
    later(&rig);
    rig.delete("Contacts", left);
    assert_eq!(later(&rig)["deleted"], 0);
    rig.update("Contacts", &other, &json!({"Last_Name": "Left"}));
    assert_eq!(later(&rig)["deleted"], 0);
    assert_eq!(standing(&rig, address), "active");
    rig.delete("Contacts", &other);
    assert_eq!(later(&rig)["deleted"], 1);
    assert_eq!(standing(&rig, address), "unsubscribed");
}

#[test]
fn a_contact_that_was_kept_stays_when_the_deleted_are_kept_and_goes_when_it_opts_out() {
    let (rig, people) = imported("left = \"keep\"\ndeleted = \"keep\"");
    for (id, _) in &people[..2] {
        rig.update("Contacts", id, &json!({"Last_Name": "Left"}));
    }
    later(&rig);
    rig.delete("Contacts", &people[0].0);
    rig.update("Contacts", &people[1].0, &json!({"Email_Opt_Out": true}));
    assert_eq!(later(&rig)["deleted"], 1);
    assert_eq!(standing(&rig, &people[0].1), "active");
    assert_eq!(standing(&rig, &people[1].1), "unsubscribed");
}

#[test]
fn whoever_opts_out_goes_under_every_address_that_was_kept_of_the_record() {
    let (rig, people) = imported("left = \"keep\"");
    let [moved, at_once, left] = [0, 1, 2].map(|index| people[index].clone());
    rig.update("Contacts", &moved.0, &json!({"Email": "moved@example.org"}));
    rig.update(
        "Contacts",
        &left.0,
        &json!({"Last_Name": "Left", "Email": "left@example.org"}),
    );
    assert_eq!(later(&rig)["deleted"], 0);
    for (id, _) in [&moved, &left] {
        rig.update("Contacts", id, &json!({"Email_Opt_Out": true}));
    }
    // Another address and the opt-out in one edit.
    let both = json!({"Email": "at-once@example.org", "Email_Opt_Out": true});
    rig.update("Contacts", &at_once.0, &both);
    assert_eq!(later(&rig)["deleted"], 4);
    for address in [&moved.1, &at_once.1, &left.1, "moved@example.org"] {
        assert_eq!(standing(&rig, address), "unsubscribed", "{address}");
    }
}

#[test]
fn who_opts_out_goes_under_the_earlier_address_too_when_that_has_to_be_tried_again() {
    for trouble in [
        json!({"status": {"status": 503}}),
        // A refusal that is no reason to give up.
        json!({"status": {"status": 200, "content_type": "application/json",
            "body": "{\"code\":\"4711\",\"status\":\"error\",\"message\":\"odd\"}"}}),
    ] {
        let (rig, people) = imported(KEEP);
        rig.settings("[retry]\ngive_up_after = \"1s\"\n", "pace = \"off\"\n");
        let (id, before) = &people[0];
        rig.update("Contacts", id, &json!({"Email": "moved@example.org"}));
        later(&rig);
        assert_eq!(standing(&rig, before), "active");
        rig.update("Contacts", id, &json!({"Email_Opt_Out": true}));
        rig.fault(&json!({"method": "listunsubscribe", "what": trouble}));
        rig.advance(60);
        rig.run("sync newsletter");
        rig.drop_faults();
        assert_eq!(standing(&rig, before), "active", "it was refused");
        assert_eq!(later(&rig)["deleted"], 2);
        for address in [before.as_str(), "moved@example.org"] {
            assert_eq!(standing(&rig, address), "unsubscribed", "{address}");
        }
    }
}
