//! Syncs that share a list, a person, or the account; and the bulk call for a sync that sends addresses only.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::plain_contacts;
use crate::rig::{HOSPITALITY, NEWSLETTER, Rig};

/// A sync of one module onto one list that takes off who was deleted.
fn sync(module: &str, list: &str, further: &str) -> String {
    format!(
        "name = \"{module}\"\nmodule = \"{module}\"\nlist = \"{list}\"\nselect = {{ all = true }}\n\
         schedule = {{ every = \"hour\" }}\n{further}[advanced]\ndeleted = \"unsubscribe\"\n"
    )
}

/// A person who is a contact and a lead: the ids of both.
fn twofold(rig: &Rig) -> (String, String) {
    let contact = json!({"First_Name": "Con", "Last_Name": "Tact", "Email": "both@example.com"});
    let lead = json!({"First_Name": "Lea", "Last_Name": "D", "Company": "Both", "Email": "Both@Example.com"});
    let ids = (rig.create("Contacts", &contact), rig.create("Leads", &lead));
    rig.advance(600);
    ids
}

fn names(rig: &Rig, list: &str) -> Option<(Value, Value)> {
    let contact = rig.members(list, "active").remove("both@example.com")?;
    let fields = &contact["fields"];
    Some((fields["First Name"].clone(), fields["Last Name"].clone()))
}

/// Runs a sync later, and answers its line with the addresses it sent and took off.
fn run(rig: &Rig, id: &str) -> (Value, Vec<String>, Vec<String>) {
    rig.advance(60);
    rig.forget_calls();
    let run = rig.import(id);
    let calls = rig.calls();
    let lower = |method: &str| {
        let addresses = calls.addresses(method).into_iter();
        addresses.map(|address| address.to_lowercase()).collect()
    };
    (run, lower("listsubscribe"), lower("listunsubscribe"))
}

const NONE: [&str; 0] = [];

#[test]
fn two_syncs_on_one_list_share_a_person_who_leaves_with_the_last_of_them() {
    let rig = Rig::new(20);
    rig.sync("contacts", &sync("Contacts", NEWSLETTER, ""));
    rig.sync("leads", &sync("Leads", NEWSLETTER, ""));
    let (contact, lead) = twofold(&rig);
    rig.import("contacts");
    assert_eq!(names(&rig, NEWSLETTER), Some((json!("Con"), json!("Tact"))));
    let leads = rig.import("leads");
    assert!(leads["duplicate"].as_u64().unwrap() >= 1, "{leads}");
    assert_eq!(names(&rig, NEWSLETTER), Some((json!("Lea"), json!("D"))));

    // Each speaks only when its own rendering changes.
    rig.update("Contacts", &contact, &json!({"Description": "no news"}));
    rig.update("Leads", &lead, &json!({"Last_Name": "Different"}));
    assert_eq!(run(&rig, "contacts").1, NONE);
    assert_eq!(run(&rig, "leads").1, ["both@example.com"]);
    assert_eq!(run(&rig, "contacts").1, NONE);
    assert_eq!(
        names(&rig, NEWSLETTER),
        Some((json!("Lea"), json!("Different")))
    );

    rig.delete("Contacts", &contact);
    let (kept, _, taken_off) = run(&rig, "contacts");
    assert_eq!((taken_off, &kept["deleted"]), (vec![], &json!(0)));
    assert!(names(&rig, NEWSLETTER).is_some());
    rig.delete("Leads", &lead);
    let (gone, _, taken_off) = run(&rig, "leads");
    assert_eq!(taken_off, ["both@example.com"]);
    assert_eq!(gone["deleted"], 1);
    assert_eq!(names(&rig, NEWSLETTER), None);
}

#[test]
fn a_person_in_two_syncs_is_one_contact_on_two_lists_and_an_opt_out_takes_both_off() {
    let rig = Rig::new(20);
    rig.sync("contacts", &sync("Contacts", NEWSLETTER, ""));
    rig.sync("leads", &sync("Leads", HOSPITALITY, ""));
    let (_, lead) = twofold(&rig);
    rig.import("contacts");
    let new_before = rig.members(HOSPITALITY, "active").len();
    let leads = rig.import("leads");
    assert_eq!(new_before, 0);
    assert!(
        leads["duplicate"].as_u64().unwrap() >= 1,
        "in the account already: {leads}"
    );
    assert!(names(&rig, HOSPITALITY).is_some());

    rig.update("Leads", &lead, &json!({"Email_Opt_Out": true}));
    for (id, list) in [("contacts", NEWSLETTER), ("leads", HOSPITALITY)] {
        let (run, sent, taken_off) = run(&rig, id);
        assert_eq!(
            (sent, taken_off),
            (vec![], vec!["both@example.com".to_owned()]),
            "{id}"
        );
        assert_eq!(run["deleted"], 1, "{id}");
        assert_eq!(names(&rig, list), None, "{id}");
    }
    // Deleting the record that opted out does not free the address.
    rig.delete("Leads", &lead);
    assert_eq!(run(&rig, "leads").1, NONE);
    rig.done("sync contacts --full");
    assert_eq!(names(&rig, NEWSLETTER), None);
}

#[test]
fn a_sync_of_addresses_alone_adds_them_ten_at_a_time() {
    let rig = Rig::new(200);
    let only_address = "[map]\n\"First Name\" = \"\"\n\"Last Name\" = \"\"\n";
    rig.sync("contacts", &sync("Contacts", NEWSLETTER, only_address));
    let left = plain_contacts(&rig).swap_remove(0).1;
    for what in ["subscribe", "unsubscribe"] {
        rig.act(&json!({what: {"list": NEWSLETTER, "address": left}}));
    }
    rig.forget_calls();
    let first = rig.import("contacts");
    let calls = rig.calls();
    assert_eq!(calls.addresses("listsubscribe"), NONE);
    let sent = calls.addresses("addlistsubscribersinbulk");
    let on_list = rig.members(NEWSLETTER, "active");
    let lower: BTreeSet<String> = sent.iter().map(|it| it.to_lowercase()).collect();
    assert_eq!(lower, on_list.keys().map(|it| it.to_lowercase()).collect());
    assert_eq!(lower.len(), sent.len(), "nobody twice");
    assert_eq!(
        (&first["new"], on_list.contains_key(&left)),
        (&json!(sent.len()), false)
    );
    let bulks = calls
        .log
        .iter()
        .filter(|call| call["method"] == "addlistsubscribersinbulk");
    let mut sizes: Vec<usize> = bulks
        .map(|call| call["addresses"].as_array().unwrap().len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes.len(), sent.len().div_ceil(10));
    assert!(sizes[1..].iter().all(|size| *size == 10), "{sizes:?}");

    // A change of a name is no change of a contact.
    let (id, address) = plain_contacts(&rig).swap_remove(3);
    rig.update("Contacts", &id, &json!({"Last_Name": "Other"}));
    let (idle, _, _) = run(&rig, "contacts");
    assert_eq!(rig.calls().addresses("addlistsubscribersinbulk"), NONE);
    assert_eq!(
        (&idle["duplicate"], &idle["updated"]),
        (&json!(1), &json!(0))
    );
    rig.delete("Contacts", &id);
    assert_eq!(run(&rig, "contacts").2, [address]);
}
