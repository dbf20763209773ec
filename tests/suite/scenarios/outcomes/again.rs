//! What is refused, and when it is tried again: lasting refusals with other fields, passing ones by the next run.

use serde_json::{Value, json};

use super::{NONE, contact, nobody, only, run, sent, written};
use crate::rig::{NEWSLETTER, Rig};

const ANN: &str = "ann@example.com";

/// Refuses contacts, as often as told, with a code and a text.
fn refuse(rig: &Rig, code: &str, text: &str, times: Value) {
    let body = json!({"status": "error", "Code": code, "message": text}).to_string();
    rig.fault(
        &json!({"service": "campaigns", "method": "listsubscribe", "times": times,
        "what": {"status": {"status": 200, "body": body}}}),
    );
}

#[test]
fn a_lasting_refusal_costs_no_call_until_the_fields_change() {
    for (code, text, reason) in [
        ("2004", "Invalid.", "invalid_pattern"),
        ("2005", "A group.", "group_email"),
        ("4711", "The contact is blocked.", "blocked"),
        ("1001", "Pattern.", "other"),
        ("1005", "Type.", "other"),
    ] {
        let rig = nobody();
        let id = contact(&rig, ANN);
        refuse(&rig, code, text, Value::Null);
        let detail = format!("{code} {text}");
        assert_eq!(only(&run(&rig, "newsletter")), reason, "{code}");
        assert_eq!(
            sent(&rig).len(),
            0,
            "a scripted answer has no effect to be told"
        );
        assert_eq!(rig.calls().methods("campaigns")["listsubscribe"], 1);
        rig.drop_faults();
        // A run that does not meet the record does not count it, and one in full does, without a call.
        assert_eq!(run(&rig, "newsletter")["total"], 0);
        let full = run(&rig, "newsletter --full");
        assert_eq!(only(&full), reason);
        assert_eq!(written(&rig, &full, &id), (reason.to_owned(), detail));
        // A field that is not mapped is none of the contact's.
        rig.update("Contacts", &id, &json!({"Phone": "123"}));
        assert_eq!(only(&run(&rig, "newsletter")), reason);
        assert_eq!(sent(&rig), NONE);
        rig.update("Contacts", &id, &json!({"Last_Name": "B"}));
        assert_eq!(only(&run(&rig, "newsletter")), "new");
        assert_eq!(sent(&rig), [ANN]);
    }
}

#[test]
fn a_passing_refusal_is_tried_again_by_the_next_run_without_a_change() {
    for code in ["2001", "4711"] {
        let rig = nobody();
        let id = contact(&rig, ANN);
        refuse(&rig, code, "Please retry.", json!(2));
        for _ in 0..2 {
            let refused = run(&rig, "newsletter");
            assert_eq!(
                (only(&refused).as_str(), &refused["outcome"]),
                ("other", &json!("completed"))
            );
            let want = ("other".to_owned(), format!("{code} Please retry."));
            assert_eq!(written(&rig, &refused, &id), want);
        }
        assert_eq!(only(&run(&rig, "newsletter")), "new");
        assert_eq!(sent(&rig), [ANN]);
        assert_eq!(run(&rig, "newsletter")["total"], 0);
    }
}

#[test]
fn who_was_accepted_and_did_not_arrive_is_tried_again_when_the_fields_change() {
    let rig = nobody();
    rig.act(&json!([{"policy": {"do_not_mail_shows": "nowhere"}}, {"do_not_mail": ANN}]));
    let id = contact(&rig, ANN);
    assert_eq!(only(&run(&rig, "newsletter")), "other");
    rig.act(&json!({ "lift": ANN }));
    assert_eq!(only(&run(&rig, "newsletter --full")), "other");
    assert_eq!(sent(&rig), NONE);
    rig.update("Contacts", &id, &json!({"Last_Name": "B"}));
    assert_eq!(only(&run(&rig, "newsletter")), "new");
    assert!(rig.members(NEWSLETTER, "active").contains_key(ANN));
}

#[test]
fn a_block_that_support_lifts_is_found_out_when_the_fields_change() {
    let rig = nobody();
    rig.act(&json!({ "block": ANN }));
    let id = contact(&rig, ANN);
    assert_eq!(only(&run(&rig, "newsletter")), "blocked");
    rig.act(&json!({ "lift": ANN }));
    rig.update("Contacts", &id, &json!({"Last_Name": "B"}));
    assert_eq!(only(&run(&rig, "newsletter")), "new");
}
