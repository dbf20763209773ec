//! What others do with the list while nobody looks: whom they put there is theirs, and who leaves again has left.

use serde_json::{Value, json};

use super::leaving::{contacts, imported, later, standing};
use super::plain_contacts;
use crate::rig::{NEWSLETTER, Rig};

const RULES: &str = "deleted = \"unsubscribe\"\nleft = \"unsubscribe\"";
const WHO: &str = "somebody@example.com";

fn place(address: &str) -> Value {
    json!({"list": NEWSLETTER, "address": address})
}

/// A record for somebody whom others have put on the list since the last run, and for one whom nobody has.
fn records(rig: &Rig) -> [String; 2] {
    [WHO, "nobody-else@example.com"]
        .map(|address| rig.create("Contacts", &json!({"Last_Name": "N", "Email": address})))
}

#[test]
fn who_was_put_on_the_list_by_others_between_two_runs_is_a_duplicate_and_is_never_taken_off() {
    for answer in ["update", "already_there"] {
        let (rig, _) = imported(RULES);
        rig.act(&json!([{"policy": {"existing_active": answer}}, {"subscribe": place(WHO)}]));
        let ids = records(&rig);
        let run = later(&rig);
        let counts = ["new", "duplicate", "total"].map(|count| &run[count]);
        assert_eq!(counts, [&json!(1), &json!(1), &json!(2)], "{answer}: {run}");
        for id in &ids {
            rig.delete("Contacts", id);
        }
        assert_eq!(later(&rig)["deleted"], 1, "the one that rosterd added");
        assert_eq!(standing(&rig, WHO), "active", "{answer}");
    }
}

#[test]
fn a_list_that_nobody_else_touched_is_not_read_again() {
    let (rig, _) = imported(RULES);
    records(&rig);
    rig.forget_calls();
    assert_eq!(later(&rig)["new"], 2);
    // The two kinds of suppressions for the gate and for the audit; the count before and after.
    let calls = rig.calls();
    let calls = calls.methods("campaigns");
    assert_eq!(
        (calls["getlistsubscribers"], calls["listsubscriberscount"]),
        (4, 4 + 2)
    );
}

#[test]
fn where_it_cannot_be_told_who_was_there_before_none_of_those_added_is_taken_off() {
    let (rig, people) = imported(RULES);
    // The list's count is as it was: one came, one went.
    rig.act(&json!([{"subscribe": place(WHO)}, {"delete_contact": people[0].1}]));
    let ids = records(&rig);
    rig.advance(600);
    let ran = rig.run("sync newsletter --json");
    assert!(
        ran.stderr
            .contains("others may have put some of the contacts on the list"),
        "{}",
        ran.stderr
    );
    for id in &ids {
        rig.delete("Contacts", id);
    }
    assert_eq!(later(&rig)["deleted"], 0);
    assert_eq!(standing(&rig, WHO), "active");
}

#[test]
fn who_came_back_in_person_after_rosterd_took_them_off_is_not_rosterds_any_more() {
    let (rig, people) = imported(RULES);
    let (id, address) = &people[0];
    rig.delete("Contacts", id);
    assert_eq!(later(&rig)["deleted"], 1);
    rig.act(&json!({"subscribe": place(address)}));
    rig.restore("Contacts", id);
    let run = later(&rig);
    assert_eq!(
        (&run["re_added"], &run["duplicate"]),
        (&json!(0), &json!(1))
    );
    rig.delete("Contacts", id);
    assert_eq!(later(&rig)["deleted"], 0);
    assert_eq!(standing(&rig, address), "active");
    assert_eq!(plain_contacts(&rig).len() + 1, people.len());
}

/// Takes somebody off in the way that `away` makes their record go; then they sign up and leave again by themselves, and
/// `back` makes the record return. Answers the run that meets it.
fn taken_off_and_left_in_person(
    advanced: &str,
    away: &Value,
    back: &Value,
) -> (Rig, Value, String) {
    let (rig, people) = imported(advanced);
    let (id, address) = &people[0];
    rig.update("Contacts", id, away);
    assert_eq!(later(&rig)["deleted"], 1);
    rig.act(&json!({"subscribe": place(address)}));
    rig.pass(2 * 3600);
    rig.import("newsletter");
    rig.act(&json!({"unsubscribe": place(address)}));
    later(&rig);
    rig.update("Contacts", id, back);
    rig.forget_calls();
    let run = later(&rig);
    assert_eq!(rig.calls().addresses("listsubscribe"), [""; 0]);
    (rig, run, address.clone())
}

#[test]
fn who_signed_up_again_and_left_in_person_is_not_put_back_because_rosterd_once_took_them_off() {
    let opted = |out: bool| json!({ "Email_Opt_Out": out });
    let named = |name: &str| json!({ "Last_Name": name });
    for (advanced, away, back) in [
        (RULES, named("Left"), named("Back")),
        ("opted_in_again = \"add\"", opted(true), opted(false)),
    ] {
        let (rig, run, address) = taken_off_and_left_in_person(advanced, &away, &back);
        assert_eq!(run["ignored_by"]["do_not_mail"], 1, "{advanced}: {run}");
        assert_eq!(standing(&rig, &address), "unsubscribed", "{advanced}");
    }
}

#[test]
fn who_signed_up_again_after_an_opt_out_is_not_added_elsewhere_while_the_definition_ignores_that() {
    let (rig, people) = imported("");
    let (id, address) = &people[0];
    rig.update("Contacts", id, &json!({"Email_Opt_Out": true}));
    assert_eq!(later(&rig)["deleted"], 1);
    // Campaigns forgets the contact, and with it the unsubscribe.
    rig.act(&json!({ "delete_contact": address }));
    rig.pass(2 * 3600);
    rig.import("newsletter");
    rig.update("Contacts", id, &json!({"Email_Opt_Out": false}));
    assert_eq!(later(&rig)["ignored_by"]["do_not_mail"], 1);
    rig.sync("newsletter", &contacts("opted_in_again = \"add\""));
    rig.update(
        "Contacts",
        id,
        &json!({"First_Name": "Once", "Last_Name": "More"}),
    );
    let run = later(&rig);
    assert_eq!(run["re_added"], 1, "{run}");
    assert_eq!(standing(&rig, address), "active");
}

#[test]
fn whom_others_put_on_the_list_goes_in_the_run_that_reads_their_opt_out() {
    for module in ["Contacts", "Leads"] {
        let (rig, _) = imported("");
        let opted_out = |address: &str| {
            let mut record = json!({"Last_Name": "Out", "Email": address, "Email_Opt_Out": true});
            if module == "Leads" {
                record["Company"] = json!("C");
            }
            rig.create(module, &record);
        };
        rig.act(&json!({"subscribe": place(WHO)}));
        opted_out(WHO);
        let run = later(&rig);
        let told = (&run["full"], &run["deleted"]);
        assert_eq!(told, (&json!(false), &json!(1)), "{module}");
        assert_eq!(standing(&rig, WHO), "unsubscribed", "{module}");
        // Where the list is as rosterd knows it, that costs a look at its count and nothing else.
        opted_out("out@example.com");
        rig.forget_calls();
        assert_eq!(later(&rig)["deleted"], 0);
        let calls = rig.calls();
        let calls = calls.methods("campaigns");
        assert_eq!(calls["getlistsubscribers"], 2, "{module}");
        // That nobody bounced is confirmed by a count, too.
        assert_eq!(calls["listsubscriberscount"], 1 + 1, "{module}");
    }
}

#[test]
fn an_update_that_got_no_answer_makes_nobody_rosterds_own_whom_others_put_on_the_list() {
    for full in ["", " --full"] {
        let (rig, _) = imported(RULES);
        rig.settings("[retry]\ngive_up_after = \"1s\"\n", "pace = \"off\"\n");
        rig.act(&json!({"subscribe": place(WHO)}));
        let [id, _] = records(&rig);
        rig.advance(60);
        rig.done("sync newsletter --full");
        // What is sent of them now is an update, and fails.
        rig.update("Contacts", &id, &json!({"Last_Name": "Other"}));
        rig.advance(60);
        rig.fault(&json!({"method": "listsubscribe", "what": "close"}));
        assert_eq!(rig.run("sync newsletter").code, Some(75));
        rig.drop_faults();
        rig.delete("Contacts", &id);
        rig.advance(60);
        rig.done(&format!("sync newsletter{full}"));
        assert_eq!(standing(&rig, WHO), "active", "{full}");
    }
}
