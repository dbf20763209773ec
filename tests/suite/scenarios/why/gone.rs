//! Contacts whose records have another address now, left the selection or were deleted.

use serde_json::json;

use super::super::leaving::{contacts, imported, later};
use super::{assert_answers, only, told};
use crate::rig::NEWSLETTER;

#[test]
fn a_record_with_another_address_now_is_told_of_under_both() {
    for (advanced, answer) in [
        (
            "left = \"keep\"",
            "has another address now: this sync keeps such contacts",
        ),
        (
            "left = \"unsubscribe\"",
            "and the next run takes it off, because record ",
        ),
    ] {
        let (rig, people) = imported(advanced);
        let (id, address) = &people[0];
        rig.update("Contacts", id, &json!({"Email": "elsewhere@example.org"}));
        let next = only(&rig, address)["next"].clone();
        assert_eq!(only(&rig, address)["records"][0]["place"], "readdressed");
        assert_answers(&rig, "elsewhere@example.org", &["Not on the list yet", id]);
        match advanced.contains("keep") {
            true => assert_eq!(next, json!(null)),
            false => {
                assert_eq!(next, "deleted");
                assert_answers(&rig, address, &[answer]);
            }
        }
        later(&rig);
        match advanced.contains("keep") {
            true => assert_answers(&rig, address, &["On the list since ", answer]),
            false => assert_answers(
                &rig,
                address,
                &[
                    "Not on the list: rosterd took it off on ",
                    "did not belong any more",
                ],
            ),
        }
    }
}

#[test]
fn who_stays_though_the_record_is_gone_is_told_by_which_rule() {
    let (rig, people) = imported("deleted = \"keep\"");
    rig.delete("Contacts", &people[0].0);
    let kept = "is not in the CRM any more: this sync keeps such contacts (`deleted = \"keep\"`).";
    assert_answers(&rig, &people[0].1, &["On the list since ", kept]);
    later(&rig);
    // The sync has nothing to do with it any more.
    let nothing = "rosterd put it there, for another sync, or for a record that is gone, or whose removal was discarded. No record of Contacts has this address.";
    assert_answers(&rig, &people[0].1, &["On the list since ", nothing]);
}

#[test]
fn who_is_deleted_or_left_is_told_as_taken_off_by_rosterd() {
    let (rig, people) = imported("deleted = \"unsubscribe\"\nleft = \"unsubscribe\"");
    rig.delete("Contacts", &people[0].0);
    rig.update("Contacts", &people[1].0, &json!({"Last_Name": "Left"}));
    let off = "and the next run takes it off, because ";
    assert_answers(&rig, &people[0].1, &[off, "its record is gone"]);
    assert_answers(
        &rig,
        &people[1].1,
        &[
            off,
            "(Last Name is not \"Left\" (or is empty)) is false, the record has \"Left\"",
        ],
    );
    later(&rig);
    let gone = "rosterd took it off on ";
    assert_answers(
        &rig,
        &people[0].1,
        &[
            gone,
            "because its record was gone; no record of Contacts has this address.",
        ],
    );
    assert_answers(&rig, &people[1].1, &[gone, "; record ", "does not match"]);
    let sync = only(&rig, &people[0].1);
    assert_eq!(
        (
            &sync["standing"],
            &sync["last_reply"]["asked"],
            &sync["last_reply"]["said"]
        ),
        (
            &json!("taken_off_gone"),
            &json!("unsubscribe"),
            &json!("accepted")
        )
    );
    // Of who was removed nothing is kept but that.
    rig.sync("newsletter", &contacts("left = \"remove\""));
    later(&rig);
    rig.update("Contacts", &people[2].0, &json!({"Last_Name": "Left"}));
    later(&rig);
    let sync = only(&rig, &people[2].1);
    assert_eq!(
        (&sync["standing"], &sync["last_reply"], &sync["last_sent"]),
        (&json!("taken_off_left"), &json!(null), &json!(null))
    );
    assert!(!rig.members(NEWSLETTER, "active").contains_key(&people[2].1));
}

#[test]
fn a_record_whose_address_was_emptied_has_none_and_not_another() {
    let (rig, people) = imported("");
    let (id, address) = &people[0];
    rig.update("Contacts", id, &json!({"Email": null}));
    assert_answers(&rig, address, &["has no address now: this sync keeps such"]);
    let text = told(&rig, address);
    let heading = text.lines().find(|line| line.starts_with("  Record "));
    let heading = heading.unwrap();
    assert!(heading.ends_with(", has no address now:"), "{heading}");
}

#[test]
fn who_stays_for_another_sync_is_told_by_its_name_before_and_after_the_run() {
    let (rig, people) = imported("left = \"unsubscribe\"\ndeleted = \"unsubscribe\"");
    let second = contacts("left = \"unsubscribe\"").replace("\"Left\"", "\"Gone\"");
    rig.sync("second", &second.replacen("Newsletter", "Second", 1));
    rig.import("second");
    let (id, address) = &people[0];
    rig.advance(600);
    rig.update("Contacts", id, &json!({"Last_Name": "Left"}));
    let one = format!("{address} newsletter");
    assert_answers(
        &rig,
        &one,
        &["does not match", ": sync second has it there."],
    );
    assert_eq!(only(&rig, &one)["claimed_by"], json!(["second"]));
    later(&rig);
    let kept = ": sync second has it there. Record ";
    assert_answers(&rig, &one, &["On the list since ", kept, "does not match"]);
}
