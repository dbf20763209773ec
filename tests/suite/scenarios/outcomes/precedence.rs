//! A record that qualifies for two neighbouring outcomes gets the first: each pair, down the list.

use serde_json::json;

use super::{EXCLUDING, contact, nobody, only, place, run, sent, written};
use crate::rig::{HOSPITALITY, NEWSLETTER, Rig};
use crate::scenarios::ALL_CONTACTS;

const ANN: &str = "ann@example.com";

fn close_the_gate(rig: &Rig) {
    let page = json!({"status": {"status": 500, "body": "<html>sorry</html>"}});
    rig.fault(&json!({"service": "campaigns", "method": "getlistsubscribers", "what": page}));
}

/// The one outcome of the next run.
fn next(rig: &Rig) -> String {
    only(&run(rig, "newsletter"))
}

fn refuse(rig: &Rig, code: &str) {
    let body = json!({"status": "error", "code": code, "message": "No."}).to_string();
    rig.fault(
        &json!({"service": "campaigns", "method": "listsubscribe", "times": 1,
        "what": {"status": {"status": 200, "body": body}}}),
    );
}

#[test]
fn blanks_alone_are_empty_before_they_are_no_address() {
    let rig = nobody();
    for blanks in [" ", "\t ", "\u{a0}\u{3000}"] {
        contact(&rig, blanks);
        assert_eq!(next(&rig), "empty_email", "{blanks:?}");
    }
}

#[test]
fn a_role_that_mail_cannot_reach_is_invalid_before_it_is_a_group() {
    let rig = nobody();
    for address in ["info@localhost", "info@example..com", "support@[192.0.2.1]"] {
        contact(&rig, address);
        assert_eq!(next(&rig), "invalid_pattern", "{address}");
    }
}

#[test]
fn a_role_that_opted_out_is_a_group_before_it_is_opted_out() {
    let rig = nobody();
    let info = json!({"Last_Name": "A", "Email": "info@example.com", "Email_Opt_Out": true});
    rig.create("Contacts", &info);
    assert_eq!(next(&rig), "group_email");
}

#[test]
fn a_converted_lead_that_opted_out_is_opted_out_before_it_is_converted() {
    let rig = Rig::new(0);
    rig.sync("newsletter", EXCLUDING);
    let lead = json!({"Last_Name": "A", "Company": "A", "Email": ANN, "Email_Opt_Out": true});
    rig.convert(&rig.create("Leads", &lead));
    assert_eq!(next(&rig), "opted_out");
}

#[test]
fn a_converted_lead_with_a_twin_is_converted_before_it_is_a_duplicate() {
    let rig = Rig::new(0);
    rig.sync("newsletter", EXCLUDING);
    let lead = json!({"Last_Name": "A", "Company": "A", "Email": ANN});
    let converted = rig.create("Leads", &lead);
    rig.convert(&converted);
    rig.advance(60);
    rig.create("Leads", &lead);
    let run = run(&rig, "newsletter");
    assert_eq!((&run["total"], &run["new"]), (&json!(2), &json!(1)));
    assert_eq!(written(&rig, &run, &converted).0, "converted");
}

#[test]
fn a_twin_that_loses_is_a_duplicate_before_it_is_not_cleared() {
    let rig = nobody();
    let loser = contact(&rig, ANN);
    rig.advance(60);
    let winner = contact(&rig, ANN);
    close_the_gate(&rig);
    let run = run(&rig, "newsletter");
    assert_eq!(run["total"], 2, "{run}");
    assert_eq!(written(&rig, &run, &loser).0, "file_duplicate");
    assert_eq!(written(&rig, &run, &winner).0, "not_cleared");
}

#[test]
fn who_left_while_the_gate_is_closed_is_not_cleared_before_being_do_not_mail() {
    let rig = nobody();
    rig.act(&json!([{"subscribe": place(ANN)}, {"unsubscribe": place(ANN)}]));
    let id = contact(&rig, ANN);
    close_the_gate(&rig);
    assert_eq!(next(&rig), "not_cleared");
    rig.drop_faults();
    assert_eq!(next(&rig), "do_not_mail");
    // Known to have left, nobody would have been added, and the gate does not matter.
    rig.update("Contacts", &id, &json!({"Last_Name": "B"}));
    close_the_gate(&rig);
    assert_eq!(next(&rig), "do_not_mail");
}

#[test]
fn who_left_and_bounced_is_do_not_mail_before_being_bounced() {
    let rig = nobody();
    let elsewhere = ALL_CONTACTS.replace("\"Newsletter\" }", "\"Hospitality\" }");
    rig.sync("elsewhere", &elsewhere);
    let id = contact(&rig, ANN);
    rig.advance(60);
    rig.import("newsletter");
    rig.import("elsewhere");
    rig.act(&json!([{"unsubscribe": place(ANN)}, {"bounce": ANN}]));
    rig.update("Contacts", &id, &json!({"Last_Name": "B"}));
    assert_eq!(only(&run(&rig, "elsewhere")), "bounced");
    assert!(rig.members(HOSPITALITY, "bounced").contains_key(ANN));
    assert!(rig.members(NEWSLETTER, "unsubscribed").contains_key(ANN));
    assert_eq!(next(&rig), "do_not_mail");
}

#[test]
fn who_bounced_and_is_blocked_is_bounced_before_being_blocked() {
    let rig = nobody();
    rig.act(&json!([{"subscribe": place(ANN)}, {"bounce": ANN}, {"block": ANN}]));
    contact(&rig, ANN);
    assert_eq!(next(&rig), "bounced");
    assert_eq!(sent(&rig), [""; 0], "nobody is asked");
}

#[test]
fn a_refusal_for_a_block_is_blocked_before_it_is_any_other() {
    let rig = nobody();
    // By its code it is a value of the wrong type, by its words a block.
    rig.act(&json!([{"policy": {"blocked": {"refuse": 1005}}}, {"block": ANN}]));
    let id = contact(&rig, ANN);
    let run = run(&rig, "newsletter");
    assert_eq!(only(&run), "blocked");
    assert_eq!(
        written(&rig, &run, &id).1,
        "1005 This email address is blocked."
    );
}

#[test]
fn who_comes_back_and_is_refused_is_other_before_being_re_added() {
    let rig = nobody();
    let id = contact(&rig, ANN);
    assert_eq!(next(&rig), "new");
    rig.delete("Contacts", &id);
    assert_eq!(run(&rig, "newsletter")["deleted"], 1);
    rig.restore("Contacts", &id);
    refuse(&rig, "1005");
    assert_eq!(next(&rig), "other");
}

#[test]
fn who_was_deleted_from_one_list_and_is_on_another_is_re_added_before_being_a_duplicate() {
    let rig = nobody();
    let elsewhere = ALL_CONTACTS.replace("\"Newsletter\" }", "\"Hospitality\" }");
    contact(&rig, ANN);
    rig.advance(60);
    rig.import("newsletter");
    rig.act(&json!({ "delete_contact": ANN }));
    rig.sync("elsewhere", &elsewhere);
    rig.advance(60);
    rig.import("elsewhere");
    assert!(rig.members(HOSPITALITY, "active").contains_key(ANN));
    assert_eq!(only(&run(&rig, "newsletter --full")), "re_added");
}

#[test]
fn who_is_in_the_account_is_a_duplicate_before_being_new() {
    let rig = nobody();
    let elsewhere = ALL_CONTACTS.replace("\"Newsletter\" }", "\"Hospitality\" }");
    rig.sync("elsewhere", &elsewhere);
    contact(&rig, ANN);
    rig.advance(60);
    rig.import("elsewhere");
    // It is added to this list now, and was a contact before.
    assert_eq!(next(&rig), "duplicate");
    assert_eq!(sent(&rig), [ANN]);
}
