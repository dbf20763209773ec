//! What is refused of one contact is an outcome of that contact: the run goes on, and everybody else is written.

use super::*;
use crate::rig::NEWSLETTER;

/// Each refusal of one contact, the outcome it is, and whether the next run tries again without a change.
const REFUSALS: [(u16, &str, &str, bool); 12] = [
    (200, "2001", "other", true),
    (200, "2004", "invalid_pattern", false),
    (200, "2005", "group_email", false),
    (200, "1001", "other", false),
    (200, "1005", "other", false),
    (200, "992", "other", true),
    (200, "993", "other", true),
    (200, "2007", "other", true),
    (200, "4711", "other", true),
    (400, "4712", "other", true),
    (406, "4713", "other", true),
    (413, "", "other", true),
];

fn body(code: &str) -> String {
    match code {
        "" => "<html>too large</html>".to_owned(),
        code => error(code),
    }
}

#[test]
fn each_refusal_of_a_contact_leaves_the_run_completed_and_the_others_written() {
    let rig = nobody(IMPATIENT, USUAL);
    fresh(&rig, 0..20);
    for (status, code, _, _) in REFUSALS {
        answer(&rig, "listsubscribe", json!(1), (status, &body(code)));
    }
    rig.advance(60);
    rig.forget_calls();
    let run = rig.import("newsletter");
    assert_eq!(run["outcome"], "completed");
    let refused = REFUSALS.len();
    assert_eq!(
        (&run["new"], &run["ignored"]),
        (&json!(20 - refused), &json!(refused))
    );
    assert_eq!(rig.members(NEWSLETTER, "active").len(), 20 - refused);
    assert_eq!(
        rig.calls().methods("campaigns")["listsubscribe"],
        20,
        "each once"
    );
    let ignored = rig.ignored(&run);
    for (status, code, reason, _) in REFUSALS {
        let says = match code {
            "" => format!("HTTP {status}"),
            code => format!("{code} No."),
        };
        let row = ignored.iter().find(|row| row["detail"] == says);
        let row = row.unwrap_or_else(|| panic!("no {says} in {ignored:?}"));
        assert_eq!(row["reason"], reason, "{says}");
    }

    // No record has changed: those that may pass are tried again, and the others not before a field changes.
    rig.advance(60);
    rig.forget_calls();
    let run = rig.import("newsletter");
    let passing = REFUSALS.iter().filter(|refusal| refusal.3).count();
    assert_eq!(
        (&run["new"], &run["total"]),
        (&json!(passing), &json!(passing))
    );
    assert_eq!(rig.calls().addresses("listsubscribe").len(), passing);
    let lasting = rig.import("newsletter --full");
    assert_eq!(
        (&lasting["new"], &lasting["ignored"]),
        (&json!(0), &json!(refused - passing))
    );
    for record in rig.records("Contacts") {
        rig.update(
            "Contacts",
            record["id"].as_str().unwrap(),
            &json!({"Last_Name": "G"}),
        );
    }
    rig.advance(60);
    assert_eq!(rig.import("newsletter")["new"], refused - passing);
    assert_eq!(rig.members(NEWSLETTER, "active").len(), 20);
}

#[test]
fn a_contact_that_is_there_already_is_a_duplicate_and_no_failure() {
    let rig = nobody(IMPATIENT, USUAL);
    fresh(&rig, 0..3);
    answer(&rig, "listsubscribe", json!(1), (200, &error("2003")));
    rig.advance(60);
    let run = rig.import("newsletter");
    assert_eq!((&run["new"], &run["duplicate"]), (&json!(2), &json!(1)));
}

#[test]
fn one_contact_that_a_bulk_call_is_refused_for_does_not_keep_the_other_nine_from_the_list() {
    for (status, code) in [(200, "2004"), (200, "2001"), (400, "4711")] {
        let rig = nobody(IMPATIENT, USUAL);
        let only_address = "\n[map]\n\"First Name\" = \"\"\n\"Last Name\" = \"\"\n";
        rig.sync("newsletter", &format!("{ALL_CONTACTS}{only_address}"));
        fresh(&rig, 0..10);
        let refused = error(code);
        answer(
            &rig,
            "addlistsubscribersinbulk",
            Value::Null,
            (status, &refused),
        );
        answer(&rig, "listsubscribe", json!(1), (status, &refused));
        rig.advance(60);
        rig.forget_calls();
        let run = rig.import("newsletter");
        assert_eq!(run["outcome"], "completed", "{code}: {run}");
        assert_eq!(
            (&run["new"], &run["ignored"]),
            (&json!(9), &json!(1)),
            "{code}"
        );
        let calls = rig.calls();
        let calls = calls.methods("campaigns");
        let made = (calls["addlistsubscribersinbulk"], calls["listsubscribe"]);
        assert_eq!(made, (1, 10), "{code}");
        assert_eq!(rig.members(NEWSLETTER, "active").len(), 9);
    }
}

#[test]
fn an_unsubscribe_that_is_refused_is_told_at_the_end_and_tried_again() {
    let rig = nobody(IMPATIENT, USUAL);
    let ids = fresh(&rig, 0..12);
    rig.advance(60);
    rig.done("sync newsletter");
    for id in &ids {
        rig.update("Contacts", id, &json!({"Email_Opt_Out": true}));
    }
    fresh(&rig, 12..15);
    let refusals = [
        (200, "2004"),
        (200, "1001"),
        (200, "1005"),
        (200, "4711"),
        (400, "992"),
    ];
    for (status, code) in refusals {
        answer(&rig, "listunsubscribe", json!(1), (status, &error(code)));
    }
    // Somebody whom Campaigns does not know is off the list.
    for code in ["993", "2103"] {
        answer(&rig, "listunsubscribe", json!(1), (200, &error(code)));
    }
    rig.advance(60);
    let ran = rig.run("sync newsletter --json");
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("5 contacts could not be unsubscribed"),
        "{}",
        ran.stderr
    );
    let run: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&run["outcome"], &run["error"]["kind"]),
        (&json!("failed"), &json!("refused"))
    );
    assert_eq!(run["new"], 3, "everybody else is written");
    let off = rig.members(NEWSLETTER, "unsubscribed").len();
    assert_eq!(off, 12 - refusals.len() - 2);

    rig.advance(60);
    rig.forget_calls();
    let run = rig.import("newsletter");
    // Whoever was said to be unknown stands on the list all the same, and so has to go.
    let again = refusals.len() + 2;
    assert_eq!(
        (&run["outcome"], &run["deleted"]),
        (&json!("completed"), &json!(again))
    );
    assert_eq!(rig.calls().addresses("listunsubscribe").len(), again);
}
