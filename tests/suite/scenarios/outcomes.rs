//! The fourteen outcomes of a record, one by one; beside them which of two neighbours it gets, and when it is tried again.

mod again;
mod precedence;

use serde_json::{Value, json};

use super::ALL_CONTACTS;
use crate::rig::{HOSPITALITY, NEWSLETTER, Rig};

/// All leads, converted ones among them, but those excluded.
const EXCLUDING: &str = r#"
name = "Leads"
module = "Leads"
list = { name = "Newsletter" }
select = { criteria = [{ field = "Last_Name", operator = "is_not_empty" }] }
schedule = { every = "hour" }

[advanced]
exclude_converted = true
"#;

/// A rig of nobody, whose sync has run once.
fn nobody() -> Rig {
    let rig = Rig::new(0);
    rig.sync("newsletter", ALL_CONTACTS);
    assert_eq!(rig.import("newsletter")["total"], 0);
    rig
}

fn contact(rig: &Rig, address: &str) -> String {
    rig.create("Contacts", &json!({"Last_Name": "A", "Email": address}))
}

fn place(address: &str) -> Value {
    json!({"list": NEWSLETTER, "address": address})
}

/// Runs the sync a minute later; its line in the journal, whose sums agree.
fn run(rig: &Rig, line: &str) -> Value {
    rig.advance(60);
    rig.forget_calls();
    let printed = rig.run(&format!("sync {line} --json")).stdout;
    let run: Value = serde_json::from_str(&printed).unwrap();
    let count = |key: &str| run[key].as_u64().unwrap();
    let reasons = run["ignored_by"].as_object().unwrap().values();
    let reasons: u64 = reasons.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(count("ignored"), reasons, "{run}");
    let sum = count("new") + count("re_added") + count("duplicate") + count("ignored");
    assert_eq!(count("total"), sum, "{run}");
    assert_eq!(rig.ignored(&run).len(), usize::try_from(reasons).unwrap());
    run
}

/// The one outcome of a run that took up one record.
fn only(run: &Value) -> String {
    assert_eq!(run["total"], 1, "{run}");
    let counted = ["new", "re_added", "duplicate"].map(|key| (key, &run[key]));
    let reasons = run["ignored_by"].as_object().unwrap();
    let reasons = reasons.iter().map(|(key, count)| (key.as_str(), count));
    let all = counted.into_iter().chain(reasons);
    let met: Vec<&str> = all
        .filter(|(_, it)| **it == 1)
        .map(|(key, _)| key)
        .collect();
    let [outcome] = met.as_slice() else {
        panic!("{met:?} in {run}");
    };
    (*outcome).to_owned()
}

/// The reason and the detail that a run wrote down for a record.
fn written(rig: &Rig, run: &Value, record: &str) -> (String, String) {
    let rows = rig.ignored(run);
    let row = rows.iter().find(|row| row["record"] == record).unwrap();
    let text = |key: &str| row[key].as_str().unwrap().to_owned();
    (text("reason"), text("detail"))
}

/// Runs the sync, which takes up one record and ignores it for a reason.
fn assert_ignored(rig: &Rig, record: &str, reason: &str, detail: &str) {
    let run = run(rig, "newsletter");
    assert_eq!(only(&run), reason);
    let want = (reason.to_owned(), detail.to_owned());
    assert_eq!(written(rig, &run, record), want);
}

fn sent(rig: &Rig) -> Vec<String> {
    rig.calls().addresses("listsubscribe")
}

const NONE: [&str; 0] = [];

#[test]
fn empty_email_is_a_record_without_an_address() {
    let rig = nobody();
    for fields in [
        json!({"Last_Name": "A"}),
        json!({"Last_Name": "A", "Email": null}),
    ] {
        let id = rig.create("Contacts", &fields);
        assert_ignored(&rig, &id, "empty_email", "no address");
        assert_eq!(sent(&rig), NONE);
    }
}

#[test]
fn invalid_pattern_is_an_address_that_mail_cannot_reach_by_rosterd_or_by_campaigns() {
    let rig = nobody();
    for (address, detail) in [
        ("jane@aol", "no dot in the domain"),
        ("jane doe@example.com", "a space inside"),
        (
            "mailto:jane@example.com",
            "a character before the `@` that an address cannot have",
        ),
    ] {
        let id = contact(&rig, address);
        assert_ignored(&rig, &id, "invalid_pattern", detail);
        assert_eq!(sent(&rig), NONE, "{address}");
    }
    // Whether a domain is misspelled is for Campaigns to say.
    let id = contact(&rig, "jane@gnail.com");
    let said = "2004 Contact email address is invalid.";
    assert_ignored(&rig, &id, "invalid_pattern", said);
    assert_eq!(sent(&rig), ["jane@gnail.com"]);
}

#[test]
fn group_email_is_an_address_of_a_role_by_rosterd_or_by_campaigns() {
    let rig = nobody();
    let id = contact(&rig, "INFO+crm@example.com");
    assert_ignored(&rig, &id, "group_email", "a role address");
    assert_eq!(sent(&rig), NONE);
    rig.settings(
        "[screening]\nbuiltin_group_emails = false\n",
        "pace = \"off\"\n",
    );
    let id = contact(&rig, "support@example.com");
    rig.advance(60);
    rig.import("newsletter");
    rig.update("Contacts", &id, &json!({"Last_Name": "B"}));
    let said = "2005 Contact email address is a group address.";
    assert_ignored(&rig, &id, "group_email", said);
    assert_eq!(sent(&rig), ["support@example.com"]);
}

#[test]
fn opted_out_is_an_address_that_any_record_of_the_crm_has_opted_out() {
    let rig = nobody();
    let id = contact(&rig, "ann@example.com");
    let lead = json!({"Last_Name": "A", "Company": "A", "Email": "Ann@Example.com", "Email_Opt_Out": true});
    rig.create("Leads", &lead);
    assert_ignored(
        &rig,
        &id,
        "opted_out",
        "the address has opted out in the CRM",
    );
    assert_eq!(sent(&rig), NONE);
}

#[test]
fn converted_is_a_converted_lead_where_the_sync_excludes_them() {
    let rig = Rig::new(0);
    rig.sync("newsletter", EXCLUDING);
    let lead = json!({"Last_Name": "A", "Company": "A", "Email": "ann@example.com"});
    let id = rig.create("Leads", &lead);
    rig.convert(&id);
    assert_ignored(&rig, &id, "converted", "a converted lead");
    assert_eq!(sent(&rig), NONE);
}

#[test]
fn file_duplicate_is_a_record_whose_address_another_one_wins() {
    let rig = nobody();
    let loser = contact(&rig, "ann@example.com");
    rig.advance(60);
    let winner = contact(&rig, "ANN@example.com");
    let run = run(&rig, "newsletter");
    assert_eq!((&run["total"], &run["new"]), (&json!(2), &json!(1)));
    let detail = format!("record {winner} has the same address and wins");
    assert_eq!(
        written(&rig, &run, &loser),
        ("file_duplicate".to_owned(), detail)
    );
    assert_eq!(sent(&rig), ["ANN@example.com"]);
}

#[test]
fn not_cleared_is_who_would_have_been_added_while_the_gate_was_closed() {
    let rig = nobody();
    let id = contact(&rig, "ann@example.com");
    let page = json!({"status": {"status": 500, "body": "<html>sorry</html>"}});
    rig.fault(&json!({"service": "campaigns", "method": "getlistsubscribers", "what": page}));
    let said = "the list's suppressions could not be read";
    assert_ignored(&rig, &id, "not_cleared", said);
    assert_eq!(sent(&rig), NONE);
    rig.drop_faults();
    assert_eq!(only(&run(&rig, "newsletter")), "new");
}

#[test]
fn do_not_mail_is_who_unsubscribed_complained_or_was_put_on_do_not_mail_in_campaigns() {
    let rig = nobody();
    for (address, action) in [
        (
            "left@example.com",
            json!({"unsubscribe": place("left@example.com")}),
        ),
        ("dnm@example.com", json!({"do_not_mail": "dnm@example.com"})),
        (
            "complained@example.org",
            json!({"complaint": "complained@example.org"}),
        ),
    ] {
        rig.act(&json!([{"subscribe": place(address)}, action]));
        let id = contact(&rig, address);
        let said = "unsubscribed or do-not-mail in Campaigns";
        assert_ignored(&rig, &id, "do_not_mail", said);
        assert_eq!(sent(&rig), NONE);
    }
}

#[test]
fn bounced_is_who_hard_bounced_in_campaigns() {
    let rig = nobody();
    let address = "bounced@example.com";
    rig.act(&json!([{"subscribe": place(address)}, {"bounce": address}]));
    let id = contact(&rig, address);
    assert_ignored(&rig, &id, "bounced", "hard-bounced in Campaigns");
    assert_eq!(sent(&rig), NONE);
}

#[test]
fn blocked_is_who_campaigns_refuses_as_blocked() {
    let rig = nobody();
    let address = "blocked@example.com";
    rig.act(&json!({ "block": address }));
    let id = contact(&rig, address);
    let said = "2007 This email address is blocked.";
    assert_ignored(&rig, &id, "blocked", said);
    assert_eq!(sent(&rig), [address]);
}

#[test]
fn other_is_who_campaigns_refuses_otherwise_or_accepts_and_does_not_put_on_the_list() {
    let rig = nobody();
    let refusal =
        r#"{"status":"error","Code":"1005","message":"Wrong type for jane@example.com."}"#;
    rig.fault(
        &json!({"service": "campaigns", "method": "listsubscribe", "times": 1,
        "what": {"status": {"status": 200, "body": refusal}}}),
    );
    let id = contact(&rig, "jane@example.com");
    assert_ignored(&rig, &id, "other", "1005 Wrong type for …");

    let address = "silent@example.com";
    rig.act(&json!([{"policy": {"do_not_mail_shows": "nowhere"}}, {"do_not_mail": address}]));
    let id = contact(&rig, address);
    let said = "accepted by Campaigns, but not on the list afterwards";
    assert_ignored(&rig, &id, "other", said);
    assert_eq!(sent(&rig), [address]);
}

#[test]
fn re_added_is_who_was_deleted_in_campaigns_or_taken_off_for_a_record_that_had_gone() {
    let rig = nobody();
    let id = contact(&rig, "ann@example.com");
    assert_eq!(only(&run(&rig, "newsletter")), "new");
    rig.act(&json!({"delete_contact": "ann@example.com"}));
    assert_eq!(only(&run(&rig, "newsletter --full")), "re_added");
    rig.act(&json!({"policy": {"unsubscribed": "reinstate"}}));
    rig.delete("Contacts", &id);
    assert_eq!(run(&rig, "newsletter")["deleted"], 1);
    rig.restore("Contacts", &id);
    assert_eq!(only(&run(&rig, "newsletter")), "re_added");
    assert!(
        rig.members(NEWSLETTER, "active")
            .contains_key("ann@example.com")
    );
}

#[test]
fn duplicate_is_who_the_ledger_the_list_or_the_answer_knows_already() {
    let rig = nobody();
    // The ledger: sent if the fields changed, and left alone if they did not.
    let id = contact(&rig, "ann@example.com");
    assert_eq!(only(&run(&rig, "newsletter")), "new");
    rig.update("Contacts", &id, &json!({"Last_Name": "B"}));
    let again = run(&rig, "newsletter");
    assert_eq!(
        (only(&again).as_str(), &again["updated"]),
        ("duplicate", &json!(1))
    );
    rig.update("Contacts", &id, &json!({"Phone": "123"}));
    let again = run(&rig, "newsletter");
    assert_eq!(
        (only(&again).as_str(), &again["updated"]),
        ("duplicate", &json!(0))
    );
    assert_eq!(sent(&rig), NONE);

    // The list, as it is when a run in full begins.
    let rig = nobody();
    rig.act(&json!({"subscribe": place("ben@example.com")}));
    contact(&rig, "ben@example.com");
    assert_eq!(only(&run(&rig, "newsletter --full")), "duplicate");

    // The service's answer.
    rig.act(&json!([{"policy": {"existing_active": "already_there"}}, {"subscribe": place("cyd@example.com")}]));
    contact(&rig, "cyd@example.com");
    assert_eq!(only(&run(&rig, "newsletter")), "duplicate");

    // The account: one address is one contact, whatever the list.
    let rig = nobody();
    let elsewhere = ALL_CONTACTS.replace("\"Newsletter\" }", "\"Hospitality\" }");
    rig.sync("elsewhere", &elsewhere);
    contact(&rig, "dan@example.com");
    rig.advance(60);
    rig.import("elsewhere");
    assert_eq!(only(&run(&rig, "newsletter")), "duplicate");
    for list in [NEWSLETTER, HOSPITALITY] {
        assert!(rig.members(list, "active").contains_key("dan@example.com"));
    }
}

#[test]
fn new_is_who_was_added_now() {
    let rig = nobody();
    contact(&rig, "Ann@Example.com");
    assert_eq!(only(&run(&rig, "newsletter")), "new");
    assert_eq!(sent(&rig), ["Ann@Example.com"]);
    assert!(
        rig.members(NEWSLETTER, "active")
            .contains_key("Ann@Example.com")
    );
}
