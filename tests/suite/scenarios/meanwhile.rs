//! What people do while a run is under way, between its look at the list and its calls.

use serde_json::{Value, json};

use super::leaving::{imported, imported_with, later, standing};
use crate::rig::{NEWSLETTER, Ran, Rig, until};

const RULES: &str = "deleted = \"unsubscribe\"";

fn place(address: &str) -> Value {
    json!({"list": NEWSLETTER, "address": address})
}

/// Runs the sync, and lets something happen while it waits for the changes in the CRM.
fn while_it_reads(rig: &Rig, happens: impl FnOnce()) -> Ran {
    rig.forget_calls();
    rig.fault(&json!({"service": "crm", "method": "coql", "times": 1, "what": "wait"}));
    let running = rig.start("slow", "sync newsletter --json");
    until("it reads", || {
        rig.calls().methods("crm").contains_key("coql")
    });
    happens();
    rig.drop_faults();
    running.end()
}

fn parsed(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn who_leaves_in_person_while_a_slow_run_is_under_way_has_left_and_was_not_taken_off() {
    let (rig, people) = imported(RULES);
    let (id, address) = &people[0];
    rig.delete("Contacts", id);
    rig.delete("Contacts", &people[1].0);
    let ran = while_it_reads(&rig, || {
        rig.act(&json!({"unsubscribe": place(address)}));
        rig.pass(120);
    });
    assert_eq!(parsed(&ran)["deleted"], 1, "{}", ran.stderr);
    let taken_off = rig.calls().addresses("listunsubscribe");
    assert_eq!(taken_off, [people[1].1.as_str()]);
    for (id, _) in &people[..2] {
        rig.restore("Contacts", id);
    }
    let run = later(&rig);
    let counts = (&run["re_added"], &run["ignored_by"]["do_not_mail"]);
    assert_eq!(counts, (&json!(1), &json!(1)), "{run}");
    assert_eq!(standing(&rig, address), "unsubscribed");
}

#[test]
fn removals_wait_if_the_gate_closes_while_a_run_is_under_way() {
    let settings = "[retry]\ngive_up_after = \"1s\"\n";
    let (rig, people) = imported_with(settings, RULES);
    let [deleted, opted_out] = [&people[0], &people[1]];
    rig.delete("Contacts", &deleted.0);
    rig.update("Contacts", &opted_out.0, &json!({"Email_Opt_Out": true}));
    let ran = while_it_reads(&rig, || {
        rig.pass(2 * 3600);
        rig.drop_faults();
        let page = json!({"status": {"status": 500, "body": "<html>sorry</html>"}});
        rig.fault(&json!({"method": "getlistsubscribers", "what": page}));
        until("it ends", || rig.events("run.finished").len() == 2);
    });
    assert_eq!(ran.code, Some(75), "{}", ran.stderr);
    assert_eq!(parsed(&ran)["deleted"], 1);
    assert_eq!(standing(&rig, &deleted.1), "active");
    assert_eq!(standing(&rig, &opted_out.1), "unsubscribed");
    assert_eq!(later(&rig)["deleted"], 1);
    assert_eq!(standing(&rig, &deleted.1), "unsubscribed");
}

#[test]
fn who_may_have_left_before_an_opt_out_that_was_carried_out_blindly_is_not_put_back() {
    let settings = "[retry]\ngive_up_after = \"1s\"\n";
    let (rig, people) = imported_with(settings, "opted_in_again = \"add\"");
    let (id, address) = &people[0];
    rig.act(&json!({"unsubscribe": place(address)}));
    rig.update("Contacts", id, &json!({"Email_Opt_Out": true}));
    let page = json!({"status": {"status": 500, "body": "<html>sorry</html>"}});
    rig.fault(&json!({"method": "getlistsubscribers", "what": page}));
    rig.advance(600);
    assert_eq!(rig.run("sync newsletter").code, Some(75));
    rig.drop_faults();
    rig.update("Contacts", id, &json!({"Email_Opt_Out": false}));
    let run = later(&rig);
    assert_eq!(run["ignored_by"]["do_not_mail"], 1, "{run}");
    assert_eq!(standing(&rig, address), "unsubscribed");
}
