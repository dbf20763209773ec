//! The suppression gate: nobody who left or bounced is sent, and without knowing who did, nobody is.

use serde_json::{Value, json};

use super::{ALL_CONTACTS, plain_contacts};
use crate::rig::{NEWSLETTER, Rig, Setup};

/// Campaigns answers reads of the suppressions with a page for people.
fn page_for_people(status: u16) -> Value {
    json!({
        "service": "campaigns",
        "method": "getlistsubscribers",
        "what": {"status": {"status": status, "body": "<html>sorry</html>"}},
    })
}

#[test]
fn who_left_or_bounced_is_ignored_for_that_reason_and_never_sent() {
    let rig = Rig::new(60);
    rig.sync("newsletter", ALL_CONTACTS);
    let people = plain_contacts(&rig);
    for (_, address) in &people[..6] {
        rig.act(&json!({"subscribe": {"list": NEWSLETTER, "address": address}}));
    }
    for (_, address) in &people[..3] {
        rig.act(&json!({"unsubscribe": {"list": NEWSLETTER, "address": address}}));
    }
    for (_, address) in &people[3..6] {
        rig.act(&json!({ "bounce": address }));
    }
    // The worst a service could do: whoever is sent gets mail again.
    let policy = json!({"unsubscribed": "reinstate", "bounced": "reinstate"});
    rig.act(&json!({ "policy": policy }));
    let run = rig.import("newsletter");
    assert_eq!(run["ignored_by"]["do_not_mail"], 3);
    assert_eq!(run["ignored_by"]["bounced"], 3);
    let ignored = rig.ignored(&run);
    for (number, (id, address)) in people[..6].iter().enumerate() {
        let row = ignored
            .iter()
            .find(|row| row["record"] == id.as_str())
            .unwrap();
        assert_eq!(row["address"], address.as_str());
        let reason = if number < 3 { "do_not_mail" } else { "bounced" };
        assert_eq!(row["reason"], reason);
    }
    // Nor later, when their records change.
    for (id, _) in &people[..6] {
        rig.update("Contacts", id, &json!({"Last_Name": "Changed"}));
    }
    rig.advance(60);
    assert_eq!(rig.import("newsletter")["ignored"], 6);
    let sent = rig.calls().addresses("listsubscribe");
    for (_, address) in &people[..6] {
        assert!(!sent.contains(address), "{address}");
    }
    assert_eq!(rig.members(NEWSLETTER, "unsubscribed").len(), 3);
    assert_eq!(rig.members(NEWSLETTER, "bounced").len(), 3);
}

#[test]
fn an_unsubscribe_is_remembered_when_campaigns_forgets_it() {
    let rig = Rig::new(60);
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    let (id, address) = plain_contacts(&rig).swap_remove(0);
    rig.act(&json!({"unsubscribe": {"list": NEWSLETTER, "address": address}}));
    rig.advance(60);
    rig.import("newsletter");
    rig.act(&json!({ "delete_contact": address }));
    rig.update("Contacts", &id, &json!({"Last_Name": "Changed"}));
    rig.advance(60);
    rig.forget_calls();
    assert_eq!(rig.import("newsletter")["ignored_by"]["do_not_mail"], 1);
    rig.done("sync newsletter --full");
    assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
    assert!(!rig.members(NEWSLETTER, "active").contains_key(&address));
}

#[test]
fn without_the_suppressions_opt_outs_go_nobody_is_added_and_the_next_run_makes_up_for_it() {
    for status in [200, 500] {
        let rig = Rig::new(60);
        rig.sync("newsletter", ALL_CONTACTS);
        rig.advance(600);
        let first = rig.import("newsletter");
        let people = plain_contacts(&rig);
        let on_list = rig.members(NEWSLETTER, "active");
        let (edited, opted_out, deleted) = (&people[0], &people[1], &people[2]);
        rig.advance(600);
        rig.update("Contacts", &edited.0, &json!({"Last_Name": "Changed"}));
        rig.update("Contacts", &opted_out.0, &json!({"Email_Opt_Out": true}));
        rig.delete("Contacts", &deleted.0);
        let fresh = json!({"Last_Name": "Fresh", "Email": "fresh@example.com"});
        rig.create("Contacts", &fresh);
        rig.advance(60);

        rig.forget_calls();
        rig.fault(&page_for_people(status));
        let ran = rig.run("sync newsletter --json");
        assert_eq!(ran.code, Some(75), "{}", ran.stderr);
        let failed: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(failed["outcome"], "failed");
        assert_eq!(failed["error"]["kind"], "not_cleared");
        assert_eq!(failed["ignored_by"]["not_cleared"], 2);
        assert_eq!(failed["ignored_by"]["opted_out"], 1);
        assert_eq!(
            (&failed["total"], &failed["deleted"]),
            (&json!(3), &json!(1))
        );
        let calls = rig.calls();
        assert_eq!(calls.addresses("listsubscribe"), [""; 0]);
        assert_eq!(calls.addresses("listunsubscribe"), [opted_out.1.as_str()]);

        rig.drop_faults();
        rig.forget_calls();
        rig.advance(60);
        let run = rig.import("newsletter");
        let calls = rig.calls();
        let mut sent = [edited.1.as_str(), "fresh@example.com"];
        sent.sort_unstable();
        assert_eq!(calls.addresses("listsubscribe"), sent);
        assert_eq!(calls.addresses("listunsubscribe"), [deleted.1.as_str()]);
        assert_eq!((&run["new"], &run["updated"]), (&json!(1), &json!(1)));
        assert_eq!((&run["total"], &run["deleted"]), (&json!(3), &json!(1)));
        assert_eq!(run["ignored_by"]["opted_out"], 1);
        // Its window is that of both, as the failed run's cursor stayed.
        assert_eq!(run["from"], first["to"]);
        assert_eq!(rig.members(NEWSLETTER, "active").len(), on_list.len() - 1);
    }
}

#[test]
fn a_first_run_without_the_suppressions_adds_nobody_and_a_second_one_everybody() {
    let rig = Rig::new(60);
    rig.sync("newsletter", ALL_CONTACTS);
    rig.fault(&page_for_people(500));
    let ran = rig.run("sync newsletter --json");
    assert_eq!(ran.code, Some(75), "{}", ran.stderr);
    let failed: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(failed["ignored_by"]["not_cleared"].as_u64().unwrap() > 30);
    assert_eq!(failed["new"], 0);
    assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
    rig.drop_faults();
    let run = rig.import("newsletter");
    assert_eq!(
        (&run["full"], &run["total"]),
        (&json!(true), &failed["total"])
    );
    assert_eq!(run["new"], failed["ignored_by"]["not_cleared"]);
    assert_eq!(run["new"], rig.members(NEWSLETTER, "active").len());
}

#[test]
fn an_opt_out_that_a_read_meets_blocks_at_once_even_if_it_belongs_to_the_next_window() {
    let rig = Rig::new(20);
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    rig.advance(600);
    let person = json!({"Last_Name": "Xu", "Email": "xu.one@example.com"});
    rig.create("Contacts", &person);
    let edited = json!({"Last_Name": "Yu", "Email": "yu.one@example.com"});
    let edited = rig.create("Contacts", &edited);
    rig.advance(600);
    // From here on the clock stands: what is changed now is changed in the second in which the run begins.
    rig.post("/clock", &json!({"freeze": true}));
    let lead = json!({"Last_Name": "Xu", "Company": "X", "Email": "xu.one@example.com",
        "Email_Opt_Out": true});
    rig.create("Leads", &lead);
    rig.update("Contacts", &edited, &json!({"Email_Opt_Out": true}));
    let run = rig.import("newsletter");
    assert_eq!(
        (&run["new"], &run["ignored_by"]["opted_out"]),
        (&json!(0), &json!(1))
    );
    let sent = rig.calls().addresses("listsubscribe");
    assert!(!sent.contains(&"xu.one@example.com".to_owned()));
    assert!(!sent.contains(&"yu.one@example.com".to_owned()));
    rig.post("/clock", &json!({"freeze": false}));
    rig.advance(60);
    let run = rig.import("newsletter");
    assert_eq!(
        (&run["total"], &run["ignored_by"]["opted_out"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn who_left_while_a_run_was_slow_is_not_sent_once_the_suppressions_are_read_again() {
    let rig = Rig::with(&Setup {
        settings: "[safety]\nsuppression_max_age = \"1s\"\n",
        ..Setup::default()
    });
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    let fresh = |number| format!("fresh-{number}@example.com");
    let records: Vec<Value> = (0..20)
        .map(|number| json!({"Last_Name": "F", "Email": fresh(number)}))
        .collect();
    rig.post("/crm/records/Contacts", &json!(records));
    rig.advance(60);
    rig.forget_calls();
    // While the first calls are made, everybody signs up and leaves; and one of those calls takes its time.
    let left = (0..20).flat_map(|number| {
        let place = json!({"list": NEWSLETTER, "address": fresh(number)});
        [json!({"subscribe": place}), json!({"unsubscribe": place})]
    });
    let left = json!({"meanwhile": {"after": left.collect::<Vec<_>>()}});
    for what in [json!({"delay": {"millis": 1200}}), left] {
        rig.fault(&json!({"method": "listsubscribe", "times": 1, "what": what}));
    }
    // Those whom the first calls added are gone again, which is the audit's affair.
    let run: Value = serde_json::from_str(&rig.run("sync newsletter --json").stdout).unwrap();
    assert_eq!(run["ignored_by"]["do_not_mail"], 20, "{run}");
    let calls = rig.calls().addresses("listsubscribe").len();
    assert!(calls <= 8, "two calls of each of four callers, not {calls}");
}
