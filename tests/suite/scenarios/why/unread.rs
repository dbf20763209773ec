//! What is told where nobody knows the address, the CRM cannot be read, or the state is somebody else's.

use serde_json::json;

use super::super::leaving::imported;
use super::super::{ALL_CONTACTS, ALL_LEADS};
use super::{assert_answers, document, only, told};

#[test]
fn an_address_that_was_never_seen_has_no_syncs() {
    let (rig, _) = imported("");
    let asked = "never@example.com";
    assert_eq!(
        document(&rig, asked),
        json!({"address": asked, "asked": asked, "spellings": [], "suppressed": null, "opted_out": [], "syncs": [], "other_lists": [], "unread": [], "unasked": []})
    );
    let text = told(&rig, asked);
    assert_eq!(
        text,
        "never@example.com\nNo sync has seen this address, and no record that one of them reads has it.\n"
    );
    let named = told(&rig, &format!("{asked} newsletter"));
    assert!(
        named
            .contains("\nnewsletter\n  Not on the list: no record of Contacts has this address.\n"),
        "{named}"
    );
}

#[test]
fn an_opt_out_that_no_sync_has_a_record_for_is_told_all_the_same() {
    let (rig, _) = imported("");
    let lead = json!({"Last_Name": "L", "Company": "C", "Email": "ann@example.com", "Email_Opt_Out": true});
    let lead = rig.create("Leads", &lead);
    let document = document(&rig, "ann@example.com");
    assert_eq!(
        (&document["suppressed"]["by"], &document["syncs"]),
        (&json!("opted_out"), &json!([]))
    );
    let text = told(&rig, "ann@example.com");
    assert!(
        text.contains(&format!(
            "It would not be added: record {lead} of Leads has opted out"
        )),
        "{text}"
    );
}

#[test]
fn where_the_crm_cannot_be_reached_the_ledger_answers_and_says_so() {
    let (rig, people) = imported("");
    let (id, address) = &people[0];
    rig.fault(&json!({"service": "crm", "what": {"status": {"status": 500, "body": "{}"}}}));
    let because = format!("because record {id} of Contacts matched when last read.");
    assert_answers(&rig, address, &["On the list since ", &because]);
    let text = told(&rig, address);
    for part in [
        "The CRM of account main could not be read, so the present values of its records are not known",
        "Try again in a while.",
        "was selected when last read",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let document = document(&rig, address);
    let unread = &document["unread"][0];
    assert_eq!(
        (&unread["account"], &unread["kind"]),
        (&json!("main"), &json!("unreachable"))
    );
    let record = &document["syncs"][0]["records"][0];
    assert_eq!(
        (
            &record["selected"],
            &record["outcome"],
            &record["conditions"],
            &record["place"]
        ),
        (
            &json!(true),
            &json!("duplicate"),
            &json!([]),
            &json!("unread")
        )
    );
    let stranger = told(&rig, "never@example.com");
    assert!(
        stranger.contains("No sync has seen this address.\n"),
        "{stranger}"
    );
    // Nor can a definition that has not run be looked up.
    rig.sync("leads", ALL_LEADS);
    assert_eq!(only(&rig, address)["sync"], "newsletter");
}

#[test]
fn where_the_credentials_are_refused_the_ledger_answers_and_says_what_to_mend() {
    let (rig, people) = imported("");
    rig.put("secrets/refresh_token", "1000.wrong");
    let text = told(&rig, &people[0].1);
    assert!(text.contains("On the list since "), "{text}");
    assert!(
        text.contains("Mend the credentials, then ask again."),
        "{text}"
    );
    assert_eq!(
        document(&rig, &people[0].1)["unread"][0]["kind"],
        "credentials_refused"
    );
}

#[test]
fn a_definition_that_does_not_fit_the_services_is_told_beside_what_is_known() {
    let (rig, people) = imported("");
    let wrong = ALL_CONTACTS.replace(
        "select = { all = true }",
        "select.criteria = [{ field = \"Cty\", operator = \"is\", value = \"x\" }]",
    );
    rig.sync("wrong", &wrong);
    let document = document(&rig, &people[0].1);
    let of = |id: &str| {
        let syncs = document["syncs"].as_array().unwrap();
        syncs.iter().find(|sync| sync["sync"] == id).cloned()
    };
    assert_eq!(of("newsletter").unwrap()["on_list"], true);
    assert!(of("wrong").is_none(), "it has not looked up its list yet");
    let named = told(&rig, &format!("{} wrong", people[0].1));
    assert!(
        named.contains("unknown field `Cty` of module Contacts"),
        "{named}"
    );
}

#[test]
fn a_daemon_answers_as_the_command_does_alone() {
    let (rig, people) = imported("");
    let address = &people[0].1;
    let lines = [
        format!("why {address}"),
        format!("why {address} newsletter --json"),
        "why nobody@example.com".to_owned(),
    ];
    let alone = lines.each_ref().map(|line| rig.done(line));
    let daemon = rig.daemon();
    assert_eq!(lines.each_ref().map(|line| rig.done(line)), alone);
    assert_eq!(rig.run(&format!("why {address} newsleter")).code, Some(2));
    assert!(
        !daemon.stderr().contains(address.as_str()),
        "no address in what is logged"
    );
    daemon.signal("TERM");
    assert_eq!(daemon.end().code, Some(0));
}
