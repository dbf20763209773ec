//! The gate while the list moves: who left is known, however the pages of those who left shift while they are read.

use serde_json::{Value, json};

use super::{ALL_CONTACTS, plain_contacts};
use crate::rig::{NEWSLETTER, Rig, Setup};

/// So many strangers who left the list: three pages of them.
const STRANGERS: usize = 450;

fn place(address: &str) -> Value {
    json!({"list": NEWSLETTER, "address": address})
}

fn stranger(number: usize) -> String {
    format!("m-{number:03}@stranger.example")
}

/// Lets people join the list and leave it, in this order.
fn leave(rig: &Rig, addresses: &[String]) {
    let joined = addresses.iter().map(|it| json!({"subscribe": place(it)}));
    let left = addresses.iter().map(|it| json!({"unsubscribe": place(it)}));
    rig.act(&joined.chain(left).collect());
}

/// The worst a service could do: whoever is sent gets mail again.
fn reinstating(rig: &Rig, further: &Value) {
    let mut policy = json!({"unsubscribed": "reinstate", "bounced": "reinstate"});
    let further = further.as_object().unwrap().clone();
    policy.as_object_mut().unwrap().extend(further);
    rig.act(&json!({ "policy": policy }));
}

/// Lets people act right after the first call of this method but `after`.
fn meanwhile(rig: &Rig, method: &str, after: u32, what: &Value) {
    rig.fault(
        &json!({"service": "campaigns", "method": method, "after": after, "times": 1,
        "what": {"meanwhile": what}}),
    );
}

#[test]
fn who_left_long_ago_is_not_missed_when_another_comes_back_between_two_pages() {
    let rig = Rig::new(60);
    rig.sync("newsletter", ALL_CONTACTS);
    let (_, victim) = plain_contacts(&rig).swap_remove(0);
    let mut left: Vec<String> = (0..STRANGERS).map(stranger).collect();
    // The first of the second page, until somebody in front of it comes back.
    left.insert(200, victim.clone());
    leave(&rig, &left);
    reinstating(&rig, &json!({}));
    let back = json!({"subscribe": place(&left[3])});
    meanwhile(&rig, "getlistsubscribers", 0, &json!({"after": [back]}));
    let run = rig.import("newsletter");
    assert_eq!(run["ignored_by"]["do_not_mail"], 1, "{run}");
    let sent = rig.calls().addresses("listsubscribe");
    assert!(!sent.contains(&victim));
    assert!(
        rig.members(NEWSLETTER, "unsubscribed")
            .contains_key(&victim)
    );
}

#[test]
fn who_leaves_onto_a_page_that_was_read_already_is_not_missed() {
    for (calls_before, reading_order) in [(0, "address"), (1, "address"), (0, "standing")] {
        let rig = Rig::new(60);
        rig.sync("newsletter", ALL_CONTACTS);
        let first = json!({"Last_Name": "First", "Email": "aa.first@example.com"});
        rig.create("Contacts", &first);
        let victim = "aa.first@example.com";
        rig.act(&json!({"subscribe": place(victim)}));
        leave(&rig, &(0..STRANGERS).map(stranger).collect::<Vec<_>>());
        reinstating(&rig, &json!({ "reading_order": reading_order }));
        let gone = json!({"unsubscribe": place(victim)});
        let what = json!({"after": [gone]});
        meanwhile(&rig, "getlistsubscribers", calls_before, &what);
        let run = rig.import("newsletter");
        assert_eq!(run["ignored_by"]["do_not_mail"], 1, "{run}");
        let sent = rig.calls().addresses("listsubscribe");
        assert!(!sent.contains(&victim.to_owned()), "{reading_order}");
        assert!(rig.members(NEWSLETTER, "unsubscribed").contains_key(victim));
    }
}

#[test]
fn who_leaves_between_the_reading_of_those_who_left_and_of_the_members_is_not_taken_for_lost() {
    let rig = Rig::new(60);
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    let (_, victim) = plain_contacts(&rig).swap_remove(0);
    reinstating(&rig, &json!({}));
    // Those who left, those who bounced, and then the members.
    let gone = json!({"unsubscribe": place(&victim)});
    meanwhile(&rig, "getlistsubscribers", 2, &json!({"before": [gone]}));
    rig.advance(60);
    rig.forget_calls();
    let run: Value = serde_json::from_str(&rig.done("sync newsletter --full --json")).unwrap();
    assert_eq!((&run["full"], &run["re_added"]), (&json!(true), &json!(0)));
    assert_eq!(run["ignored_by"]["do_not_mail"], 1, "{run}");
    assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
    assert!(
        rig.members(NEWSLETTER, "unsubscribed")
            .contains_key(&victim)
    );
}

#[test]
fn a_member_who_moves_to_a_page_that_was_read_already_is_not_taken_for_lost() {
    let rig = Rig::new(60);
    rig.sync("newsletter", ALL_CONTACTS);
    let policy = json!({"page_rows_max": 25, "page_too_long": "cut", "reading_order": "address"});
    rig.act(&json!({ "policy": policy }));
    rig.import("newsletter");
    let members = rig.members(NEWSLETTER, "active");
    // Behind those who left and those who bounced comes the first page of the members; then the first on it leaves.
    let first = members.keys().next().unwrap();
    let gone = json!({"unsubscribe": place(first)});
    meanwhile(&rig, "getlistsubscribers", 2, &json!({"after": [gone]}));
    rig.advance(60);
    rig.forget_calls();
    let run: Value = serde_json::from_str(&rig.done("sync newsletter --full --json")).unwrap();
    let counts = ["re_added", "new", "duplicate"].map(|count| &run[count]);
    let want = [json!(0), json!(0), json!(members.len())];
    assert_eq!(counts, [&want[0], &want[1], &want[2]], "{run}");
    assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
}

#[test]
fn pages_that_are_shorter_than_asked_for_are_read_to_the_end() {
    for too_long in ["refuse", "cut"] {
        let rig = Rig::new(60);
        rig.sync("newsletter", ALL_CONTACTS);
        let people = plain_contacts(&rig);
        let victims: Vec<String> = people[..4].iter().map(|(_, it)| it.clone()).collect();
        let mut left: Vec<String> = (0..60).map(stranger).collect();
        left.extend(victims.iter().cloned());
        leave(&rig, &left);
        reinstating(
            &rig,
            &json!({"page_rows_max": 25, "page_too_long": too_long}),
        );
        let run = rig.import("newsletter");
        assert_eq!(run["ignored_by"]["do_not_mail"], 4, "{too_long}: {run}");
        let sent = rig.calls().addresses("listsubscribe");
        assert!(!victims.iter().any(|victim| sent.contains(victim)));
    }
}

#[test]
fn a_list_at_rest_is_read_once() {
    let rig = Rig::new(20);
    rig.sync("newsletter", ALL_CONTACTS);
    leave(&rig, &(0..STRANGERS).map(stranger).collect::<Vec<_>>());
    rig.import("newsletter");
    rig.advance(60);
    rig.forget_calls();
    rig.import("newsletter");
    let calls = rig.calls();
    // Three pages and their count; nobody bounced, which the count confirms.
    let want = [("getlistsubscribers", 4), ("listsubscriberscount", 2)];
    assert_eq!(calls.methods("campaigns"), want.into());
}

#[test]
fn suppressions_that_grew_too_old_and_cannot_be_read_again_stop_adding_and_nothing_else() {
    let rig = Rig::with(&Setup {
        settings: "[retry]\ngive_up_after = \"1s\"\n[safety]\nsuppression_max_age = \"1s\"\n",
        ..Setup::default()
    });
    rig.sync("newsletter", ALL_CONTACTS);
    rig.import("newsletter");
    let people = plain_contacts(&rig);
    for (id, _) in &people[..3] {
        rig.update("Contacts", id, &json!({"Email_Opt_Out": true}));
    }
    let fresh: Vec<Value> = (0..20)
        .map(|number| json!({"Last_Name": "F", "Email": format!("fresh-{number}@example.com")}))
        .collect();
    rig.post("/crm/records/Contacts", &json!(fresh));
    rig.advance(60);
    rig.forget_calls();
    let slow = json!({"delay": {"millis": 1200}});
    rig.fault(
        &json!({"service": "campaigns", "method": "listsubscribe", "times": 1, "what": slow}),
    );
    let page = json!({"status": {"status": 500, "body": "<html>sorry</html>"}});
    rig.fault(
        &json!({"service": "campaigns", "method": "getlistsubscribers", "after": 2, "what": page}),
    );
    let ran = rig.run("sync newsletter --json");
    assert_eq!(ran.code, Some(75), "{}", ran.stderr);
    assert!(ran.stderr.contains("nobody"), "{}", ran.stderr);
    let failed: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(failed["error"]["kind"], "not_cleared");
    assert_eq!(
        (&failed["total"], &failed["deleted"]),
        (&json!(23), &json!(3))
    );
    let (new, held_back) = (&failed["new"], &failed["ignored_by"]["not_cleared"]);
    assert_eq!(new.as_u64().unwrap() + held_back.as_u64().unwrap(), 20);
    assert!(*new != 0 && *held_back != 0, "{failed}");
    let calls = rig.calls();
    assert_eq!(calls.addresses("listsubscribe").len(), *new);
    assert_eq!(calls.addresses("listunsubscribe").len(), 3);
    rig.drop_faults();
    rig.advance(60);
    let run = rig.import("newsletter");
    assert_eq!(run["new"], *held_back);
}
