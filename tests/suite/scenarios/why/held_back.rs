//! What holds an address back: opt-outs, what people did in Campaigns, and what Campaigns refuses.

use serde_json::{Value, json};

use super::super::leaving::{imported, later};
use super::{assert_answers, document, only, told};
use crate::rig::{NEWSLETTER, Rig};

fn opted_out_lead(rig: &Rig, address: &str) -> String {
    let lead = json!({"Last_Name": "L", "Company": "C", "Email": address, "Email_Opt_Out": true});
    rig.create("Leads", &lead)
}

/// By what an address is held back, and since when.
fn suppressed(rig: &Rig, address: &str) -> (String, Value) {
    let suppressed = document(rig, address)["suppressed"].clone();
    (
        suppressed["by"].as_str().unwrap().to_owned(),
        suppressed["since"].clone(),
    )
}

#[test]
fn an_opt_out_on_another_modules_record_is_told_with_that_record_and_since_when() {
    let (rig, people) = imported("");
    let address = &people[0].1;
    let lead = opted_out_lead(&rig, &address.to_uppercase());
    let off = format!(
        "and the next run takes it off, because record {lead} of Leads has opted out in the CRM."
    );
    assert_answers(&rig, address, &["On the list since ", &off]);
    assert_eq!(
        suppressed(&rig, address),
        ("opted_out".to_owned(), json!(null))
    );
    assert_eq!(later(&rig)["deleted"], 1);
    let by = format!(
        "Not on the list: record {lead} of Leads has opted out in the CRM (rosterd has known since "
    );
    assert_answers(&rig, address, &[&by, "Only that record frees the address"]);
    let (by, since) = suppressed(&rig, address);
    assert!(by == "opted_out" && since.is_string(), "{since}");
    let record = &only(&rig, address)["records"][0];
    assert_eq!(
        (&record["selected"], &record["outcome"]),
        (&json!(true), &json!("opted_out"))
    );
    assert_eq!(document(&rig, address)["opted_out"][0]["now"], "opted_out");

    rig.update("Leads", &lead, &json!({"Email": "elsewhere@example.org"}));
    let lifts = "`rosterd release ADDRESS --reason TEXT` lifts that.";
    assert_answers(&rig, address, &["has another address now", lifts]);
    rig.delete("Leads", &lead);
    assert_answers(&rig, address, &["is not there any more", lifts]);
    assert_eq!(document(&rig, address)["opted_out"][0]["now"], "gone");
}

#[test]
fn who_opted_in_again_is_told_what_the_sync_makes_of_it() {
    let (rig, people) = imported("");
    let address = &people[0].1;
    let lead = opted_out_lead(&rig, address);
    later(&rig);
    rig.update("Leads", &lead, &json!({"Email_Opt_Out": false}));
    for _ in 0..2 {
        let ignore = "because it had opted out in the CRM, and this sync does not add who opts in again (`opted_in_again = \"ignore\"`).";
        assert_answers(
            &rig,
            address,
            &["Not on the list: rosterd took it off on ", ignore],
        );
        assert_eq!(suppressed(&rig, address).0, "taken_off_opted_out");
        later(&rig);
    }
}

#[test]
fn who_unsubscribed_in_person_is_told_as_never_undone_and_since_when_that_is_known() {
    let (rig, people) = imported("");
    let address = &people[0].1;
    rig.act(&json!({"unsubscribe": {"list": NEWSLETTER, "address": address}}));
    assert_answers(&rig, address, &["On the list since "]);
    later(&rig);
    let person = "Not on the list: the person unsubscribed from this list in Campaigns, or was put on do-not-mail there (rosterd has known since ";
    assert_answers(&rig, address, &[person, "rosterd never undoes that."]);
    let (by, since) = suppressed(&rig, address);
    assert_eq!(by, "campaigns_unsubscribed");
    let since = since.as_str().unwrap();
    assert!(since.ends_with('Z') && since.len() == 24, "{since}");
    let sync = only(&rig, address);
    assert_eq!(
        (&sync["on_list"], &sync["records"][0]["outcome"]),
        (&json!(false), &json!("do_not_mail"))
    );
}

#[test]
fn who_was_erased_is_told_as_that_with_nothing_of_what_was_sent() {
    let (rig, people) = imported("");
    let address = &people[0].1;
    rig.done(&format!("forget {address}"));
    later(&rig);
    rig.forget_calls();
    let told = rig.done(&format!("why {address}"));
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!((lines.len(), lines[0]), (2, address.as_str()), "{told}");
    assert!(lines[1].starts_with("Erased on "), "{told}");
    assert!(lines[1].ends_with("; no sync adds the address."), "{told}");
    assert_eq!(suppressed(&rig, address).0, "erased");
    assert_eq!(rig.calls().log, [json!(null); 0], "nobody is asked");
    let document = document(&rig, address);
    for key in ["syncs", "opted_out", "spellings", "other_lists", "unread"] {
        assert_eq!(document[key], json!([]), "{key}");
    }
}

#[test]
fn who_bounced_is_told_as_that() {
    let (rig, people) = imported("");
    rig.act(&json!({ "bounce": people[0].1 }));
    later(&rig);
    assert_answers(
        &rig,
        &people[0].1,
        &[
            "Not on the list: mail to it hard-bounced in Campaigns (rosterd has known since ",
            "). rosterd never undoes that.",
        ],
    );
    assert_eq!(suppressed(&rig, &people[0].1).0, "campaigns_bounced");
}

#[test]
fn what_campaigns_refuses_is_told_with_its_code_and_text() {
    let (rig, _) = imported("");
    rig.act(&json!({"block": "blocked@example.com"}));
    for address in ["jane@gnail.com", "blocked@example.com"] {
        rig.create("Contacts", &json!({"Last_Name": "R", "Email": address}));
    }
    later(&rig);
    let refused = "Campaigns refused it on ";
    let again = "It is tried again when a mapped field of its record changes.";
    let said = "2004 Contact email address is invalid";
    assert_answers(
        &rig,
        "jane@gnail.com",
        &["Not on the list: ", refused, said, again],
    );
    assert_eq!(suppressed(&rig, "jane@gnail.com").0, "campaigns_refused");
    let sync = only(&rig, "jane@gnail.com");
    assert_eq!(sync["records"][0]["outcome"], "invalid_pattern");
    let reply = &sync["last_reply"];
    assert_eq!(
        (&reply["said"], &reply["code"], &reply["text"]),
        (
            &json!("refused"),
            &json!("2004"),
            &json!("Contact email address is invalid.")
        )
    );
    let ignored = &sync["last_ignored"];
    assert_eq!(ignored["reason"], "invalid_pattern");
    let text = told(&rig, "jane@gnail.com");
    let pointer = format!(
        "`rosterd history --run {} --ignored`.",
        ignored["run"].as_str().unwrap()
    );
    assert!(
        text.contains("A run last ignored it on ") && text.contains(&pointer),
        "{text}"
    );
    assert_answers(&rig, "blocked@example.com", &[refused]);
    assert_eq!(
        suppressed(&rig, "blocked@example.com").0,
        "campaigns_blocked"
    );
}

#[test]
fn a_refusal_that_may_pass_promises_another_try() {
    let (rig, _) = imported("");
    rig.create(
        "Contacts",
        &json!({"Last_Name": "R", "Email": "again@example.com"}),
    );
    let body = json!({"status": "error", "Code": "2001", "message": "Please retry."});
    let what = json!({"status": {"status": 200, "body": body.to_string()}});
    rig.fault(&json!({"service": "campaigns", "method": "listsubscribe", "what": what}));
    later(&rig);
    let sync = only(&rig, "again@example.com");
    assert_eq!(
        (&sync["last_reply"]["code"], &sync["next"]),
        (&json!("2001"), &json!("new"))
    );
    let text = told(&rig, "again@example.com");
    assert!(text.contains("and the next run adds it."), "{text}");
    assert!(text.contains("refused, 2001 Please retry."), "{text}");
}

#[test]
fn whom_a_lead_freed_by_opting_in_again_is_added_by_the_next_run_whatever_it_reads() {
    let (rig, _) = imported("");
    let address = "freed@example.com";
    rig.create("Contacts", &json!({"Last_Name": "Freed", "Email": address}));
    let lead = opted_out_lead(&rig, address);
    for _ in 0..2 {
        assert_eq!(later(&rig)["new"], 0);
    }
    rig.update("Leads", &lead, &json!({"Email_Opt_Out": false}));
    let sync = only(&rig, address);
    let told = (&sync["next"], &sync["next_reads_everything"]);
    assert_eq!(told, (&json!("new"), &json!(false)));
    let run = later(&rig);
    assert_eq!((&run["full"], &run["new"]), (&json!(false), &json!(1)));
}

#[test]
fn who_is_released_is_told_as_that_and_waits_for_the_next_run() {
    let (rig, people) = imported("");
    let address = &people[0].1;
    let lead = opted_out_lead(&rig, address);
    assert_eq!(later(&rig)["deleted"], 1);
    rig.delete("Leads", &lead);
    later(&rig);
    rig.done(&format!("release {address} --reason merged"));
    let lifted = "for an opt-out in the CRM, which a person has lifted since";
    let parts = ["Not on the list yet (rosterd took it off on ", lifted];
    assert_answers(&rig, address, &parts);
    assert_eq!(only(&rig, address)["standing"], "taken_off_released");
    let text = told(&rig, address);
    assert!(
        text.contains("\n  It waits to be decided by the next run.\n"),
        "{text}"
    );
    assert!(
        !text.contains("interrupted") && !text.contains("was gone"),
        "{text}"
    );
    assert_eq!(later(&rig)["re_added"], 1);
}

#[test]
fn whom_campaigns_accepts_and_keeps_unsubscribed_is_told_as_that() {
    let (rig, people) = imported("deleted = \"unsubscribe\"");
    rig.act(&json!({"policy": {"unsubscribed": "silent"}}));
    let (id, address) = &people[0];
    rig.delete("Contacts", id);
    later(&rig);
    rig.restore("Contacts", id);
    later(&rig);
    let accepted = "Not on the list: Campaigns accepted it on ";
    let kept = ", and kept it unsubscribed, as rosterd had left it. It is tried again when a mapped field of its record changes.";
    let consent = "which only the person's consent allows.";
    assert_answers(&rig, address, &[accepted, kept, consent]);
    assert_eq!(suppressed(&rig, address).0, "campaigns_kept_unsubscribed");
}
