//! Addresses spelled differently, and texts that are none.

use serde_json::json;

use super::super::leaving::{imported, later};
use super::{HOTELS, document, only, told};
use crate::rig::{Rig, ran};

#[test]
fn any_spelling_finds_the_address_and_the_one_on_record_is_told() {
    let (rig, _) = imported("");
    let id = rig.create(
        "Contacts",
        &json!({"Last_Name": "Z", "Email": "Zoe.Lee@bücher.example"}),
    );
    later(&rig);
    for asked in [
        "ZOE.LEE@BÜCHER.example",
        "zoe.lee@xn--bcher-kva.example",
        " Zoe.Lee@bücher.example ",
        "Zoe Lee <zoe.lee@bücher.example>",
    ] {
        let mut command = rig.command("why --json");
        command.arg(asked);
        let ran = ran(command);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(document["address"], "zoe.lee@xn--bcher-kva.example");
        assert_eq!(
            document["syncs"][0]["records"][0]["id"],
            json!(id),
            "{asked}"
        );
        assert_eq!(document["syncs"][0]["on_list"], true);
    }
    let text = told(&rig, "zoe.lee@xn--bcher-kva.example");
    let on_record = "zoe.lee@xn--bcher-kva.example (on record as ";
    assert!(
        text.starts_with(on_record) && text.contains("Zoe.Lee@bücher.example"),
        "{text}"
    );
}

#[test]
fn a_crm_that_compares_with_case_hides_neither_known_nor_usual_spellings() {
    let rig = Rig::new(0);
    rig.post("/crm/settings", &json!({"case_sensitive": true}));
    rig.sync("hotels", HOTELS);
    let lead = |address: &str| json!({"Last_Name": "L", "Company": "C", "Email": address, "Industry": "Retail"});
    for address in [
        "Ann.Lee@Example.com",
        "BEN.LEE@EXAMPLE.COM",
        " chloe.lee@example.com ",
        "Dan.Lee@example.com",
    ] {
        rig.create("Leads", &lead(address));
    }
    for asked in [
        "ann.lee@example.com",
        "Ben.Lee@example.com",
        "CHLOE.LEE@example.com",
        "DAN.lee@example.com",
    ] {
        assert_eq!(
            only(&rig, asked)["records"][0]["selected"],
            false,
            "{asked}"
        );
    }
    // A spelling nobody would think of is known once a run has selected it.
    let known = json!({"Last_Name": "L", "Company": "C", "Email": "eVe.lEE@example.com", "Industry": "Hospitality", "No_of_Employees": 9000});
    rig.create("Leads", &known);
    assert_eq!(document(&rig, "eve.lee@example.com")["syncs"], json!([]));
    rig.import("hotels");
    assert_eq!(
        only(&rig, "eve.lee@example.com")["records"][0]["selected"],
        true
    );
}

#[test]
fn an_address_that_no_query_can_name_is_told_as_far_as_it_is_known() {
    let rig = Rig::new(0);
    rig.sync("hotels", HOTELS);
    let hotel = json!({"Last_Name": "L", "Company": "C", "Email": "50%off@example.com", "Industry": "Hospitality", "No_of_Employees": 9000});
    rig.create("Leads", &hotel);
    let text = told(&rig, "50%off@example.com");
    let unasked = "The CRM of account main cannot be asked for all records of Leads that may have it: no query can search for a text with one of its characters";
    assert!(
        text.contains("\nNo sync has seen this address.\n") && text.contains(unasked),
        "{text}"
    );
    let document = document(&rig, "50%off@example.com");
    let modules = document["unasked"].as_array().unwrap().iter();
    let modules: Vec<_> = modules.map(|it| &it["module"]).collect();
    assert_eq!(modules, [&json!("Contacts"), &json!("Leads")]);
    assert_eq!(document["unread"], json!([]));
    rig.import("hotels");
    assert_eq!(only(&rig, "50%OFF@example.com")["on_list"], true);
}

#[test]
fn addresses_that_contain_another_one_are_not_taken_for_it() {
    let (rig, people) = imported("");
    let address = &people[0].1;
    for longer in [format!("jo{address}"), format!("{address}.example")] {
        rig.create("Contacts", &json!({"Last_Name": "L", "Email": longer}));
    }
    assert_eq!(only(&rig, address)["records"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_no_address_gets_the_reason_and_the_records_that_have_it() {
    let (rig, _) = imported("");
    let [bad, role] = ["jane@aol", "info@orto.example"]
        .map(|address| rig.create("Contacts", &json!({"Last_Name": "J", "Email": address})));
    later(&rig);
    for (asked, by, detail, record, why) in [
        (
            "Jane@AOL",
            "invalid_pattern",
            "no dot in the domain",
            &bad,
            "it is not an address that mail can reach (no dot in the domain)",
        ),
        (
            "INFO@orto.example",
            "group_email",
            "a role address",
            &role,
            "it is the address of a role, not of a person",
        ),
    ] {
        let document = document(&rig, asked);
        let suppressed = &document["suppressed"];
        assert_eq!(
            (
                &suppressed["by"],
                &suppressed["since"],
                &suppressed["detail"]
            ),
            (&json!(by), &json!(null), &json!(detail))
        );
        let sync = &document["syncs"][0];
        let answer = sync["answer"].as_str().unwrap();
        let want = format!(
            "Not on the list: {why}, so nothing is ever sent to it; record {record} of Contacts has it."
        );
        assert_eq!(answer, want);
        assert_eq!(sync["records"][0]["outcome"], by);
        assert_eq!(sync["last_ignored"]["record"], json!(record));
    }
    // The record is gone, and the history still tells.
    rig.delete("Contacts", &bad);
    let sync = only(&rig, "jane@aol");
    assert_eq!(
        (&sync["records"], &sync["last_ignored"]["reason"]),
        (&json!([]), &json!("invalid_pattern"))
    );
    assert_eq!(document(&rig, "jim@aol")["syncs"], json!([]));
    assert!(told(&rig, "jim@aol").contains("it would be ignored: it is not an address"));
    let mut empty = rig.command("why");
    empty.arg(" ");
    assert_eq!(ran(empty).code, Some(2));
}

#[test]
fn text_of_the_services_cannot_command_a_terminal() {
    let rig = Rig::new(0);
    rig.sync("hotels", &HOTELS.replace("Industry", "City"));
    let lead = json!({"Last_Name": "L", "Company": "C", "Email": "ann@example.com", "City": "Graz\u{1b}[2J"});
    rig.create("Leads", &lead);
    let text = told(&rig, "ann@example.com");
    assert!(
        text.contains("has \"Graz\\u{1b}[2J\"") && !text.contains('\u{1b}'),
        "{text}"
    );
}
