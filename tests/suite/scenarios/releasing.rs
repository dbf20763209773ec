//! `rosterd release`: an address that a record blocks which is gone for good.

use serde_json::{Value, json};

use super::leaving::{imported, later, standing};
use crate::rig::{NEWSLETTER, Rig};

const ADDRESS: &str = "blocked@example.com";

/// A lead that opted out, and a contact with the same address whom that blocks: the ids of both.
fn blocked() -> (Rig, String, String) {
    let (rig, _) = imported("");
    let lead = json!({"Last_Name": "L", "Company": "C", "Email": ADDRESS, "Email_Opt_Out": true});
    let lead = rig.create("Leads", &lead);
    let contact = rig.create("Contacts", &json!({"Last_Name": "C", "Email": ADDRESS}));
    assert_eq!(later(&rig)["ignored_by"]["opted_out"], 1);
    (rig, lead, contact)
}

fn release(rig: &Rig) -> Value {
    let line = format!("release {ADDRESS} --reason merged --json");
    serde_json::from_str(&rig.done(&line)).unwrap()
}

#[test]
fn an_address_is_released_once_the_record_that_blocked_it_is_gone_and_not_before() {
    let (rig, lead, _) = blocked();
    let command = format!("release {ADDRESS} --reason merged");
    let refused = rig.run(&command);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    let why = format!("record {lead} of Leads still has this address");
    assert!(refused.stderr.contains(&why), "{}", refused.stderr);
    assert_eq!(rig.events("address.released").len(), 0);

    rig.delete("Leads", &lead);
    assert_eq!(later(&rig)["total"], 0, "deleting it frees nobody");
    // Nothing is lifted as long as the CRM cannot be asked.
    rig.fault(&json!({"service": "crm", "what": {"status": {"status": 500, "body": "{}"}}}));
    assert_eq!(rig.run(&command).code, Some(75));
    rig.drop_faults();
    assert_eq!(rig.events("address.released").len(), 0);

    assert_eq!(
        release(&rig),
        json!({"released": [{"account": "main", "records": 1}]})
    );
    let told = rig.events("address.released");
    assert_eq!(told.len(), 1);
    assert_eq!(
        (&told[0]["account"], &told[0]["reason"]),
        (&json!("main"), &json!("merged"))
    );
    assert!(!told[0].to_string().contains('@'), "{}", told[0]);
    let run = later(&rig);
    assert_eq!((&run["new"], &run["total"]), (&json!(1), &json!(1)));
    assert_eq!(standing(&rig, ADDRESS), "active");

    let again = rig.run(&command);
    assert_eq!(again.code, Some(3), "{}", again.stderr);
    assert!(
        again.stderr.contains("no record that opted out blocks"),
        "{}",
        again.stderr
    );
    assert!(rig.done("history").contains("newsletter"));
}

#[test]
fn a_record_that_was_converted_or_has_another_address_blocks_nobody_who_is_released() {
    for is_converted in [true, false] {
        let (rig, lead, _) = blocked();
        if is_converted {
            let contact = rig.convert(&lead);
            rig.delete("Contacts", &contact);
        } else {
            rig.update("Leads", &lead, &json!({"Email": "other@example.org"}));
        }
        assert_eq!(later(&rig)["new"], 0);
        assert_eq!(standing(&rig, ADDRESS), "", "it stays blocked");
        release(&rig);
        assert_eq!(later(&rig)["new"], 1, "converted: {is_converted}");
        assert_eq!(standing(&rig, ADDRESS), "active");
    }
}

#[test]
fn who_was_taken_off_for_the_opt_out_comes_back_and_who_left_in_person_does_not() {
    let (rig, people) = imported("");
    let [ours, personal] = [0, 1].map(|index| people[index].clone());
    rig.act(&json!({"unsubscribe": {"list": NEWSLETTER, "address": personal.1}}));
    let opt_out = |address: &str| {
        let lead =
            json!({"Last_Name": "L", "Company": "C", "Email": address, "Email_Opt_Out": true});
        rig.create("Leads", &lead)
    };
    let leads = [opt_out(&ours.1), opt_out(&personal.1)];
    assert_eq!(later(&rig)["deleted"], 1);
    for lead in &leads {
        rig.delete("Leads", lead);
    }
    later(&rig);
    for (_, address) in [&ours, &personal] {
        rig.done(&format!("release {address} --reason merged"));
    }
    let run = later(&rig);
    assert_eq!((&run["re_added"], &run["total"]), (&json!(1), &json!(1)));
    rig.update("Contacts", &personal.0, &json!({"Last_Name": "Edited"}));
    assert_eq!(later(&rig)["ignored_by"]["do_not_mail"], 1);
    assert_eq!(standing(&rig, &ours.1), "active");
    assert_eq!(standing(&rig, &personal.1), "unsubscribed");
}

#[test]
fn what_is_no_address_and_a_reason_that_names_one_are_refused() {
    let rig = Rig::new(20);
    for (line, why) in [
        ("release jane@aol --reason x", "not an address"),
        (
            "release a@example.com --reason by-b@example.com",
            "leave addresses out",
        ),
    ] {
        let refused = rig.run(line);
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
    assert_eq!(
        rig.run("release a@example.com").code,
        Some(2),
        "a reason is required"
    );
}

#[test]
fn nobody_is_released_while_the_crm_does_not_show_whether_the_record_still_has_the_address() {
    for change in [
        json!({"hide_field": "Email"}),
        json!({"api_supported": false}),
    ] {
        let (rig, ..) = blocked();
        rig.patch("/crm/modules/Leads", &change);
        let refused = rig.run(&format!("release {ADDRESS} --reason merged"));
        assert_eq!(refused.code, Some(78), "{change}: {}", refused.stderr);
        assert_eq!(rig.events("address.released").len(), 0, "{change}");
    }
}
