//! What the random walk found, each as small as it gets.

use serde_json::json;

use super::leaving::{contacts, imported, later, standing};
use crate::rig::{HOSPITALITY, Rig};

/// A rig whose newsletter has run, and a second sync of the same contacts onto another list that has run as well.
fn two_lists() -> (Rig, Vec<(String, String)>) {
    let (rig, people) = imported("left = \"unsubscribe\"");
    let guests = contacts("left = \"unsubscribe\"");
    let list = "list = { name = \"Newsletter\" }";
    rig.sync(
        "guests",
        &guests.replace(list, &format!("list = \"{HOSPITALITY}\"")),
    );
    rig.import("guests");
    rig.advance(600);
    (rig, people)
}

#[test]
fn an_opt_out_that_one_sync_has_read_acts_on_the_lists_of_all_even_if_its_record_changes_before_they_look()
 {
    for away in [Some(json!({"Email": "elsewhere@example.org"})), None] {
        let (rig, people) = two_lists();
        let (_, address) = &people[0];
        let lead =
            json!({"Last_Name": "L", "Company": "C", "Email": address, "Email_Opt_Out": true});
        let lead = rig.create("Leads", &lead);
        assert_eq!(later(&rig)["deleted"], 1);
        match &away {
            Some(fields) => rig.update("Leads", &lead, fields),
            None => rig.delete("Leads", &lead),
        }
        rig.advance(600);
        assert_eq!(rig.import("guests")["deleted"], 1, "{away:?}");
        let unsubscribed = rig.members(HOSPITALITY, "unsubscribed");
        assert!(unsubscribed.contains_key(address), "{away:?}");
        assert_eq!(standing(&rig, address), "unsubscribed");
    }
}

#[test]
fn a_contact_that_campaigns_had_lost_before_is_not_counted_as_taken_off() {
    let (rig, people) = imported("left = \"unsubscribe\"");
    rig.act(&json!({ "delete_contact": people[0].1 }));
    for (id, _) in &people[..2] {
        rig.update("Contacts", id, &json!({"Email": null}));
    }
    assert_eq!(later(&rig)["deleted"], 1);
}
